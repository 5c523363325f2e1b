"""How a person who answered meets an agent, or doesn't."""

from datetime import datetime
from itertools import pairwise

import pytest

from dialer.agent import AgentState
from dialer.commands import (
    CloseAttempt,
    Command,
    Divert,
    HangUp,
    Join,
    NoteOddity,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    SaveAgent,
    SaveDisposition,
)
from dialer.engine import Engine
from dialer.events import (
    AgentChanged,
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CommandAccepted,
    CommandFailed,
    Disposed,
    MachineDetected,
    Tick,
)
from dialer.model import (
    AgentId,
    AgentStatus,
    AttemptId,
    CallRef,
    Distribution,
    Mode,
    PacingSettings,
)
from dialer.outcomes import Outcome
from dialer.pacing.base import Decision
from dialer.pacing.base import Floor as Seen
from dialer.pacing.progressive import ProgressivePacer
from dialer.switching import CallPhase, Way
from tests.support.dialing import agent, at, capabilities, contact, seconds, settings, started
from tests.support.fake_switch import Fate
from tests.support.floor import Floor

CUSTOMER = CallRef(call_id="c9", leg="l9")
FIRST = AttemptId("spring-1-1")


class Eager(ProgressivePacer):
    """Wants everybody called at once."""

    def calls_to_place(self, floor: Seen, now: datetime) -> Decision:
        """Ten more, always."""
        return Decision(place=10, reason="eager")


def waiting_floor(**can: bool) -> Floor:
    """Two people answer after 4 s; there is only one agent."""
    floor = Floor(
        started(settings=settings(wrap_up=seconds(3)), capabilities=capabilities(**can)),
        contacts=[contact(1), contact(2)],
        engine=Engine(pacer_factory=lambda wanted, tally: Eager(wanted)),
    ).start()
    return floor.run(1)


def run_until(floor: Floor, kind: type[Command]) -> None:
    """Let time pass until a command of a kind is given."""
    seen = len(floor.of(kind))
    while len(floor.of(kind)) == seen:
        floor.run(0.01)


def test_agent_is_parked_before_anybody_is_called() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(10)
    assert floor.moments(ParkAgent)[0] < floor.moments(PlaceCall)[0]


def test_second_person_hears_the_message_when_patience_ends() -> None:
    floor = waiting_floor().run(15)
    (message,) = floor.of(PlayMessage)
    (join,) = floor.of(Join)
    assert {message.correlator, join.correlator} == {"spring-1-1", "spring-1-2"}
    assert floor.moments(PlayMessage)[0] - floor.moments(Join)[0] == pytest.approx(2.0, abs=0.1)
    assert Outcome.abandoned in floor.outcomes


def test_second_person_is_hung_up_where_no_message_can_be_played() -> None:
    floor = waiting_floor(plays_message=False).run(15)
    assert [hang_up.reason for hang_up in floor.of(HangUp)][:1] == ["no_agent"]
    assert floor.outcomes == [Outcome.abandoned]


def test_waiting_person_gets_the_agent_who_comes_free_in_time() -> None:
    floor = waiting_floor()
    floor.switch.fate = Fate(talk=0.5)
    run_until(floor, Join)
    agent_id = AgentId("agent1")
    floor.run(0.3)
    floor.give(Disposed(agent_id=agent_id, attempt_id=FIRST, code="sale"))
    floor.run(6)
    assert [join.correlator for join in floor.of(Join)] == ["spring-1-1", "spring-1-2"]
    assert floor.of(PlayMessage) == []


def test_message_that_fails_leads_to_the_end_of_the_call() -> None:
    floor = waiting_floor()
    run_until(floor, PlayMessage)
    (message,) = floor.of(PlayMessage)
    floor.give(CommandFailed(correlator=message.correlator, action="play_message", refused=True))
    assert [hang_up.correlator for hang_up in floor.of(HangUp)] == [message.correlator]


def test_message_that_takes_too_long_is_cut() -> None:
    agentless = settings(mode=Mode.agentless)
    floor = Floor(started(agents=(), settings=agentless), contacts=[contact(1)]).start()
    run_until(floor, PlayMessage)
    floor._queue.clear()  # the end of the message never comes
    floor.run(31)
    assert floor.of(HangUp)[0].reason == "message_limit"
    assert floor.outcomes == [Outcome.answered]


def test_refused_join_is_tried_with_the_next_agent() -> None:
    floor = Floor(started(agents=(agent(1), agent(2))), contacts=[contact(1)]).start().run(2)
    park = floor.of(ParkAgent)[0].correlator
    floor.switch.calls[park].ref = CallRef(call_id="moved")
    floor.run(40)
    assert [join.agent_id for join in floor.of(Join)] == ["agent1", "agent2"]
    assert floor.outcomes == [Outcome.answered]


def test_join_without_a_reply_is_looked_at_before_anything_else_is_done() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(1)
    while floor.switch.calls[FIRST].phase is not CallPhase.held:
        floor.run(0.01)
    floor.switch.lies.lose = 1.0  # it joins, and tells nobody
    floor.run(8)
    assert len(floor.of(Join)) == 1
    assert floor.of(PlayMessage) == []
    assert floor.of(HangUp) == []
    assert dict(floor.engine.status(floor.now).calls) == {"talking": 1}


@pytest.mark.parametrize("park_first", [True, False])
def test_end_of_the_parked_call_is_no_loss_of_the_agent_while_he_is_joined(
    park_first: bool,
) -> None:
    floor = Floor(contacts=[contact(1)]).start()
    run_until(floor, Join)
    floor._queue.clear()
    (join,) = floor.of(Join)
    park = floor.of(ParkAgent)[0].correlator
    ended = CallEnded(correlator=park, call=join.agent, at=floor.now)
    joined = CallJoined(correlator=FIRST, call=join.customer, at=floor.now, address="user1")
    for event in (ended, joined) if park_first else (joined, ended):
        floor.give(event)
    (row,) = floor.engine.status(floor.now).agents
    assert (row.state, row.attempt_id) == (AgentState.talking, FIRST)


def test_agent_stays_parked_after_a_talk_where_the_switch_keeps_him() -> None:
    keeps = capabilities(keeps_parked=True)
    floor = Floor(
        started(capabilities=keeps, settings=settings(wrap_up=seconds(0))),
        contacts=[contact(1), contact(2)],
    ).start()
    run_until(floor, Join)
    floor._queue.clear()
    ref = floor.of(Join)[0].customer
    floor.give(CallJoined(correlator=FIRST, call=ref, at=floor.now, address="user1"))
    floor.give(CallEnded(correlator=FIRST, call=ref, at=floor.now))
    assert floor.engine.status(floor.now).agents[0].state is AgentState.parked
    assert len(floor.of(ParkAgent)) == 1


def test_customer_whose_agent_hangs_up_is_not_left_alone_where_agents_stay_parked() -> None:
    floor = Floor(started(capabilities=capabilities(keeps_parked=True)), contacts=[contact(1)])
    run_until(floor.start(), Join)
    floor._queue.clear()
    (join,) = floor.of(Join)
    floor.give(CallJoined(correlator=FIRST, call=join.customer, at=floor.now, address="user1"))
    park = floor.of(ParkAgent)[0].correlator
    floor.give(CallEnded(correlator=park, call=join.agent, at=floor.now))
    assert [(h.correlator, h.reason) for h in floor.of(HangUp)] == [(FIRST, "agent_left")]


def test_person_taken_for_a_machine_while_being_joined_counts_as_a_person() -> None:
    floor = Floor(contacts=[contact(1)]).start()
    run_until(floor, Join)
    floor.give(MachineDetected(correlator=FIRST, at=floor.now))
    floor.run(40)
    assert floor.outcomes == [Outcome.answered]
    assert floor.engine.status(floor.now).answered == 1


def test_agent_whose_park_ended_while_reserved_is_called_again_and_not_offered() -> None:
    floor = Floor(contacts=[contact(1)]).start()
    run_until(floor, Join)
    floor._queue.clear()
    (join,) = floor.of(Join)
    park = floor.of(ParkAgent)[0].correlator
    floor.give(CallEnded(correlator=park, call=join.agent, at=floor.now))
    assert floor.engine.status(floor.now).agents[0].state is AgentState.reserved
    floor.give(CommandFailed(correlator=FIRST, action="join", refused=True))
    assert floor.engine.status(floor.now).agents[0].state is AgentState.idle


def test_agent_of_a_join_that_stayed_unclear_is_not_offered_until_he_is_seen() -> None:
    floor = waiting_floor()
    run_until(floor, Join)
    floor._queue.clear()
    floor.snapshots_lost = True
    floor.switch.execute = lambda command, now: None  # type: ignore[method-assign]  # silent
    floor.run(5.5)
    assert floor.engine.status(floor.now).agents[0].state is AgentState.parked
    assert floor.engine.floor(floor.now).free == 0


def test_held_before_answered_and_everything_twice_changes_nothing() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(3)
    call = floor.switch.calls[FIRST].ref
    floor._queue.clear()
    for event in (
        CallHeld(correlator=FIRST, call=call, at=floor.now),
        CallAnswered(correlator=FIRST, call=call, at=floor.now),
        CallHeld(correlator=FIRST, call=call, at=floor.now),
        CallJoined(correlator=FIRST, call=call, at=floor.now, address="user1"),
        CallJoined(correlator=FIRST, call=call, at=floor.now, address="user1"),
        CallEnded(correlator=FIRST, call=call, at=floor.now),
        CallEnded(correlator=FIRST, call=call, at=floor.now),
        CallAnswered(correlator=FIRST, call=call, at=floor.now),
    ):
        floor.give(event)
    assert len(floor.of(Join)) == 1
    assert floor.outcomes == [Outcome.answered]
    assert {o.code for o in floor.of(NoteOddity)} == {"late_event"}
    assert floor.of(HangUp) == []


def test_late_failure_by_request_id_counts_even_before_its_acceptance() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(1)
    floor._queue.clear()
    floor.give(CommandFailed(request_id="r7", refused=True, outcome=Outcome.invalid))
    assert floor.outcomes == []
    floor.give(CommandAccepted(correlator=FIRST, action="place_call", request_id="r7"))
    assert floor.outcomes == [Outcome.invalid]


@pytest.mark.parametrize("fax", [True, False])
def test_machine_is_hung_up_and_never_joined(fax: bool) -> None:
    floor = Floor(contacts=[contact(1)]).start().run(3)
    floor.give(MachineDetected(correlator=FIRST, at=floor.now, fax=fax))
    floor.run(5)
    assert floor.of(Join) == []
    assert floor.outcomes == [Outcome.fax if fax else Outcome.machine]
    assert floor.engine.status(floor.now).answered == 0


def test_machine_found_after_the_answer_is_hung_up_and_is_no_person() -> None:
    floor = waiting_floor()
    run_until(floor, Join)
    floor.run(0.2)
    (waiting,) = {"spring-1-1", "spring-1-2"} - {join.correlator for join in floor.of(Join)}
    floor.give(MachineDetected(correlator=waiting, at=floor.now))
    floor.run(3)
    assert [close.outcome for close in floor.of(CloseAttempt)] == [Outcome.machine]
    assert floor.engine.status(floor.now).answered == 1
    assert floor.engine.status(floor.now).abandoned == 0


def test_disposition_during_the_talk_saves_the_wrap_up() -> None:
    floor = Floor(contacts=[contact(1), contact(2)]).start().run(6)
    floor.give(Disposed(agent_id=AgentId("agent1"), attempt_id=FIRST, code="sale"))
    floor.run(19)
    states = [save.state for save in floor.of(SaveAgent)]
    after = states[states.index(AgentState.wrap_up) :]
    assert after[:3] == [AgentState.wrap_up, AgentState.idle, AgentState.ringing]
    moments = floor.moments(SaveAgent)
    wrap = states.index(AgentState.wrap_up)
    assert moments[wrap] == moments[wrap + 1]


def test_disposition_that_comes_late_is_still_recorded() -> None:
    floor = Floor(contacts=[contact(1), contact(2)]).start().run(35)
    floor.give(Disposed(agent_id=AgentId("agent1"), attempt_id=FIRST, code="refused"))
    assert [said.code for said in floor.of(SaveDisposition)] == ["refused"]


def test_agent_who_leaves_finishes_talk_and_wrap_up_and_is_not_parked_again() -> None:
    floor = Floor(contacts=[contact(1), contact(2)]).start().run(6)
    parks = len(floor.of(ParkAgent))
    floor.give(AgentChanged(agent=agent(1, status=AgentStatus.not_ready)))
    floor.run(60)
    assert floor.outcomes == [Outcome.answered]
    assert len(floor.of(ParkAgent)) == parks
    assert floor.engine.status(floor.now).agents[0].state is AgentState.idle


def test_agent_who_leaves_while_parked_is_released() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.switch.fate = Fate(ring=20.0)
    floor.start().run(2)
    floor.give(AgentChanged(agent=agent(1, status=AgentStatus.logged_off)))
    (hang_up,) = floor.of(HangUp)
    assert hang_up.correlator == floor.of(ParkAgent)[0].correlator
    floor.run(1)
    assert floor.engine.status(floor.now).agents[0].state is AgentState.idle


def test_dead_agent_phone_is_tried_less_and_less_and_noted() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.switch.agent_answers["user1"] = None
    floor.start().run(300)
    gaps = [round(later - before) for before, later in pairwise(floor.moments(ParkAgent))]
    assert gaps[:3] == [20, 30, 75]
    assert [o.code for o in floor.of(NoteOddity)] == ["agent_phone_dead"]
    assert floor.of(PlaceCall) == []


def test_idle_agent_is_rung_for_the_customer_where_agents_are_not_parked() -> None:
    floor = Floor(started(capabilities=capabilities(parks_agents=False)), contacts=[contact(1)])
    floor.start().run(40)
    (divert,) = floor.of(Divert)
    assert (divert.agent_id, divert.number) == ("agent1", "101")
    assert floor.of(ParkAgent) == []
    assert floor.outcomes == [Outcome.answered]


def test_next_agent_is_rung_when_the_first_does_not_pick_up() -> None:
    floor = Floor(
        started(
            agents=(agent(1), agent(2)),
            settings=settings(patience=seconds(30)),
            capabilities=capabilities(parks_agents=False),
        ),
        contacts=[contact(1)],
    )
    floor.switch.agent_answers["user1"] = None
    floor.start().run(60)
    assert [divert.agent_id for divert in floor.of(Divert)] == ["agent1", "agent2"]
    assert floor.outcomes == [Outcome.answered]


@pytest.mark.parametrize(
    ("distribution", "served"),
    [
        (Distribution.sequential, ["agent1", "agent1", "agent1"]),
        (Distribution.cyclic, ["agent1", "agent2", "agent3"]),
        (Distribution.most_idle, ["agent1", "agent2", "agent3"]),
    ],
)
def test_customers_are_distributed_as_the_campaign_says(
    distribution: Distribution, served: list[str]
) -> None:
    one_at_a_time = PacingSettings(concurrency=1)
    floor = Floor(
        started(
            agents=(agent(1), agent(2), agent(3)),
            settings=settings(distribution=distribution, pacing=one_at_a_time, wrap_up=seconds(0)),
        ),
        contacts=[contact(number) for number in range(3)],
    )
    floor.start().run(90)
    assert [join.agent_id for join in floor.of(Join)] == served


def test_person_with_an_owner_gets_him_when_he_is_free() -> None:
    owned = contact(1, owner=AgentId("agent2"))
    floor = Floor(started(agents=(agent(1), agent(2))), contacts=[owned]).start().run(10)
    assert [join.agent_id for join in floor.of(Join)] == ["agent2"]


def test_agentless_campaign_plays_its_message_at_once_and_counts_it_as_answered() -> None:
    floor = Floor(started(agents=(), settings=settings(mode=Mode.agentless)), contacts=[contact(1)])
    floor.start().run(20)
    assert floor.moments(PlayMessage)[0] - floor.moments(PlaceCall)[0] < 4.2
    assert floor.outcomes == [Outcome.answered]
    assert floor.drained == "exhausted"


def test_call_starts_at_a_reserved_agent_on_an_agent_first_switch() -> None:
    floor = Floor(
        started(capabilities=capabilities(way=Way.agent_first, parks_agents=False)),
        contacts=[contact(1), contact(2)],
    ).start()
    floor.run(3)
    (place,) = floor.of(PlaceCall)
    assert (place.agent_id, place.agent_address, place.agent_number) == ("agent1", "user1", "101")
    floor.run(2)
    assert floor.engine.status(floor.now).agents[0].state is AgentState.talking
    floor._queue.clear()
    ref = floor.switch.calls[place.attempt_id].ref
    floor.give(CallEnded(correlator=place.attempt_id, call=ref, at=floor.now))
    assert floor.outcomes == [Outcome.answered]
    assert floor.of(PlayMessage) == []


def test_tick_that_says_nothing_may_come_at_any_rate() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(2)
    assert [floor.engine.handle(Tick(), floor.now) for _ in range(5)] == [[]] * 5
    assert floor.now == at(2)
