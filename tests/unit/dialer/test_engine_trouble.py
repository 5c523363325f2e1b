"""Lost words, unclear replies, take-overs: nobody is called twice, nobody is left alone."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dialer.call import CallState
from dialer.commands import (
    CloseAttempt,
    ContactState,
    Drained,
    HangUp,
    Join,
    NoteOddity,
    NotePacing,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    TakeSnapshot,
)
from dialer.events import (
    AgentChanged,
    CallAnswered,
    CallEnded,
    CallHeld,
    CommandFailed,
    DrainRequested,
    OpenAttempt,
    OpenPark,
    SnapshotTaken,
    Tick,
)
from dialer.live.status import EnginePhase
from dialer.model import AgentId, AttemptId, CallRef, Mode, Number
from dialer.outcomes import Outcome
from dialer.switching import AgentView, CallPhase, CallView, SwitchSnapshot
from tests.support.dialing import (
    START,
    agent,
    at,
    capabilities,
    contact,
    seconds,
    settings,
    started,
)
from tests.support.fake_switch import Fate, Lies
from tests.support.floor import Floor

OLD = AttemptId("spring-1-7")
OLD_CALL = CallRef(call_id="c7", leg="l7")


def open_attempt(state: CallState, **changes: object) -> OpenAttempt:
    """An attempt of the engine before, ten seconds old."""
    values: dict[str, object] = {
        "attempt_id": OLD,
        "contact": contact(7),
        "number": Number(number="+39020000007"),
        "trunk_id": "gw1",
        "state": state.value,
        "placed_at": at(-10),
        "accepted": state is not CallState.placing,
    }
    return OpenAttempt(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def view(phase: CallPhase, correlator: str = OLD, **changes: object) -> CallView:
    values: dict[str, object] = {
        "correlator": correlator,
        "call": CallRef(call_id=OLD_CALL.call_id),
        "phase": phase,
    }
    return CallView(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def looked(floor: Floor, *calls: CallView) -> Floor:
    """The engine is told what is going on, asked for now."""
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(calls=calls), asked_at=floor.now))
    return floor


def gone(floor: Floor) -> Floor:
    """Two looks find nothing: one may have overtaken the news."""
    looked(floor)
    floor.run(1.1)
    return looked(floor)


def after_crash(attempt: OpenAttempt, **changes: object) -> Floor:
    """A second epoch that knows of an attempt, and of the switch only what it is given."""
    floor = Floor(started(epoch=2, attempts=(attempt,), **changes))
    floor.snapshots_lost = True
    return floor.start()


# -- unclear requests to dial ----------------------------------------------------------------------


@pytest.mark.parametrize("acted", [True, False])
def test_unclear_request_to_dial_is_looked_up_and_never_repeated(acted: bool) -> None:
    floor = Floor(contacts=[contact(1)]).start().run(0.9)
    attempt = floor.of(PlaceCall)[0].attempt_id
    floor._queue.clear()
    call = floor.switch.calls[attempt].ref
    floor.switch.calls.clear()
    floor.snapshots_lost = True
    floor.give(CommandFailed(correlator=attempt, action="place_call", unclear=True))
    floor.run(2.5)
    assert floor.outcomes == []
    if acted:
        looked(floor, view(CallPhase.calling, attempt, call=call))
    else:
        gone(floor)
    assert floor.outcomes == ([] if acted else [Outcome.unknown])
    assert len(floor.of(PlaceCall)) == 1
    if not acted:
        assert floor.of(CloseAttempt)[0].contact_state is ContactState.finished


def test_snapshot_asked_too_early_says_nothing_of_a_call_about_to_be_listed() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(0.9)
    floor._queue.clear()
    floor.snapshots_lost = True
    looked(floor)
    assert floor.outcomes == []


def test_person_on_a_call_that_was_given_up_hears_the_message() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(0.9)
    attempt = floor.of(PlaceCall)[0].attempt_id
    floor.give(CommandFailed(correlator=attempt, action="place_call", unclear=True))
    floor._queue.clear()
    floor.snapshots_lost = True
    floor.run(3)
    floor.run(3)
    gone(floor)
    assert floor.outcomes == [Outcome.unknown]
    floor.give(CallAnswered(correlator=attempt, call=OLD_CALL, at=floor.now))
    floor.give(CallHeld(correlator=attempt, call=OLD_CALL, at=floor.now))
    assert [message.correlator for message in floor.of(PlayMessage)] == [attempt]
    floor.run(31)
    assert floor.of(HangUp)[-1].correlator == attempt
    assert floor.outcomes == [Outcome.unknown]


def test_call_that_rings_too_long_is_hung_up_as_unanswered() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.switch.fate = Fate(ring=500.0)
    floor.start().run(40)
    assert [hang_up.reason for hang_up in floor.of(HangUp)] == ["ring_timeout"]
    assert floor.outcomes == [Outcome.no_answer]
    ring = floor.moments(HangUp)[0] - floor.moments(PlaceCall)[0]
    assert ring == pytest.approx(25.0, abs=0.3)


def test_call_that_will_not_end_is_closed_in_the_end() -> None:
    floor = Floor(started(capabilities=capabilities(lists_calls=False)), contacts=[contact(1)])
    floor.switch.fate = Fate(ring=500.0)
    floor.start().run(2)
    floor._queue.clear()
    floor.switch.execute = lambda command, now: None  # type: ignore[method-assign]  # deaf
    floor.run(60)
    assert floor.outcomes == [Outcome.no_answer]
    assert "call_would_not_end" in [oddity.code for oddity in floor.of(NoteOddity)]


def test_lost_end_of_a_talk_is_healed_by_the_next_snapshot() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(10)
    floor.switch.lies = Lies(lose=1.0)
    floor.switch.end("spring-1-1", floor.now)
    floor.run(8)
    assert floor.outcomes == [Outcome.answered]
    assert floor.of(CloseAttempt)[0].reason == "gone_from_switch"


# -- the link --------------------------------------------------------------------------------------


def test_three_failures_in_a_row_stop_the_placing_until_the_switch_answers() -> None:
    floor = Floor(
        started(settings=settings(mode=Mode.agentless)), contacts=[contact(n) for n in range(60)]
    )
    floor.start().run(0.1)
    floor.switch.down = True
    floor.run(10)
    assert floor.engine.status(floor.now).phase is EnginePhase.link_down
    placed = len(floor.of(PlaceCall))
    looks = floor.moments(TakeSnapshot)
    floor.run(60)
    assert len(floor.of(PlaceCall)) == placed
    assert max(floor.moments(TakeSnapshot)) - max(looks) > 30
    assert "the switch can't be reached" in [note.reason for note in floor.of(NotePacing)]
    floor.switch.down = False
    floor.run(40)
    assert len(floor.of(PlaceCall)) > placed


def test_pacing_is_noted_only_when_something_is_placed_or_the_reason_changes() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.switch.agent_answers["user1"] = None
    floor.start().run(30)
    notes = floor.of(NotePacing)
    assert len(notes) < 5
    assert all(note.place == 0 for note in notes)


# -- take-over -------------------------------------------------------------------------------------


def test_nothing_is_placed_or_parked_before_the_switch_was_looked_at() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.snapshots_lost = True
    floor.start().run(30)
    assert floor.of(PlaceCall) == []
    assert floor.of(ParkAgent) == []
    assert floor.engine.status(floor.now).phase is EnginePhase.settling
    assert len(floor.of(TakeSnapshot)) > 4
    floor.snapshots_lost = False
    floor.run(10)
    assert len(floor.of(PlaceCall)) == 1


def test_request_to_dial_that_never_left_is_unknown_after_a_take_over() -> None:
    floor = looked(after_crash(open_attempt(CallState.placing)))
    assert floor.outcomes == [Outcome.unknown]
    assert floor.of(CloseAttempt)[0].reason == "unclear_and_not_found"


def test_call_in_progress_is_adopted_after_a_take_over() -> None:
    floor = looked(after_crash(open_attempt(CallState.dialing)), view(CallPhase.calling))
    assert floor.outcomes == []
    floor.give(CallHeld(correlator=OLD, call=OLD_CALL, at=floor.now))
    assert dict(floor.engine.status(floor.now).calls) == {CallState.held: 1}


def test_person_found_waiting_gets_the_agent_whose_park_is_found() -> None:
    park = OpenPark(
        agent_id=AgentId("agent1"),
        correlator="spring-1-p3",
        call=CallRef(call_id="c3", leg="l3"),
    )
    floor = after_crash(
        open_attempt(CallState.held, call=OLD_CALL, answered_at=at(-3)), parks=(park,)
    )
    parked = view(CallPhase.held, "spring-1-p3", call=CallRef(call_id="c3"), address="user1")
    looked(floor, view(CallPhase.held), parked)
    (join,) = floor.of(Join)
    assert (join.customer, join.agent) == (OLD_CALL, CallRef(call_id="c3", leg="l3"))
    assert floor.of(ParkAgent) == []


def test_person_found_waiting_hears_the_message_within_five_seconds() -> None:
    patient = settings(patience=seconds(30))
    waiting = open_attempt(CallState.held, call=OLD_CALL, answered_at=at(-3))
    floor = after_crash(waiting, agents=(), settings=patient)
    looked(floor, view(CallPhase.held))
    floor.run(6)
    assert floor.moments(PlayMessage) == [pytest.approx(5.0, abs=0.05)]


def test_talk_found_goes_on_with_its_agent() -> None:
    floor = after_crash(
        open_attempt(
            CallState.talking, call=OLD_CALL, answered_at=at(-5), agent_id=AgentId("agent1")
        )
    )
    looked(floor, view(CallPhase.joined, address="user1"))
    assert floor.of(ParkAgent) == []
    floor.run(3)
    gone(floor)
    assert floor.outcomes == [Outcome.answered]
    assert floor.of(CloseAttempt)[0].agent_id == "agent1"


def test_call_missing_from_a_snapshot_that_overtook_its_end_keeps_its_outcome() -> None:
    floor = after_crash(open_attempt(CallState.ringing, call=OLD_CALL))
    looked(floor, view(CallPhase.calling))
    floor.run(3)
    looked(floor)
    assert floor.outcomes == []
    floor.give(CallEnded(correlator=OLD, call=OLD_CALL, at=floor.now, outcome=Outcome.no_answer))
    assert floor.outcomes == [Outcome.no_answer]


def test_join_found_done_is_a_talk() -> None:
    floor = after_crash(
        open_attempt(
            CallState.joining, call=OLD_CALL, answered_at=at(-5), agent_id=AgentId("agent1")
        )
    )
    looked(floor, view(CallPhase.joined, address="user1"))
    assert dict(floor.engine.status(floor.now).calls) == {CallState.talking: 1}


def test_stray_call_of_this_campaign_is_ended_and_others_are_left_alone() -> None:
    floor = Floor(started(epoch=3, agents=()))
    floor.snapshots_lost = True
    floor.start()
    looked(
        floor,
        view(CallPhase.calling, "spring-1-4"),
        view(CallPhase.held, "spring-2-5"),
        view(CallPhase.held, "spring-2-p5"),
        view(CallPhase.joined, "spring-2-6"),
        view(CallPhase.held, "summer-1-1"),
        view(CallPhase.held, "spring.1-1-1"),
    )
    assert [hang_up.correlator for hang_up in floor.of(HangUp)] == ["spring-1-4", "spring-2-p5"]
    assert [message.correlator for message in floor.of(PlayMessage)] == ["spring-2-5"]


def test_snapshot_says_which_agents_can_be_called() -> None:
    floor = Floor(contacts=[contact(1)])
    floor.snapshots_lost = True
    floor.start()
    for reachable in (False, True):
        device = AgentView(address="user1", reachable=reachable, busy=False)
        floor.give(SnapshotTaken(snapshot=SwitchSnapshot(agents=(device,)), asked_at=floor.now))
        floor.run(1)
        assert bool(floor.of(ParkAgent)) is reachable


def test_park_of_an_agent_who_left_meanwhile_is_ended() -> None:
    park = OpenPark(agent_id=AgentId("gone"), correlator="spring-1-p3", call=OLD_CALL)
    floor = Floor(started(epoch=2, parks=(park,)))
    floor.start()
    assert [hang_up.correlator for hang_up in floor.of(HangUp)] == ["spring-1-p3"]


@given(seed=st.integers(0, 10**6), parks=st.booleans(), plays=st.booleans())
@hypothesis_settings(max_examples=20)
def test_nobody_is_called_twice_or_left_alone_however_often_the_engine_dies(
    seed: int, parks: bool, plays: bool
) -> None:
    chance = Random(seed)
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(chance.randint(1, 4))),
            capabilities=capabilities(parks_agents=parks, plays_message=plays),
            settings=settings(mode=Mode.power, wrap_up=seconds(3)),
        ),
        contacts=[contact(number) for number in range(40)],
        seed=seed,
    )
    for number in range(40):
        floor.switch.fates[f"+3902{number:07d}"] = Fate(
            ring=chance.choice([1.0, 4.0, 8.0]), answers=chance.random() < 0.7
        )
    floor.start()
    for _ in range(6):
        floor.run(chance.random() * 15)
        if floor.drained:
            break
        floor.die(Tick())
        floor.take_over(after=chance.choice([0.0, 0.5, 2.0, 6.0]))
        taken_over = floor.now
        floor.run(5.2)
        for call in floor.switch.calls.values():
            if call.answered_at and call.phase is CallPhase.held and not call.park_of:
                assert floor.now - max(call.answered_at, taken_over) <= timedelta(seconds=5)
    if not floor.drained:
        floor.give(DrainRequested(reason="stopped"))
        floor.run(120)
    assert floor.drained
    assert len(floor.switch.placed) == len(set(floor.switch.placed))
    assert not floor.record.attempts
    assert not floor.switch.calls


def test_agent_changed_reaches_an_engine_that_waits_for_its_first_look() -> None:
    floor = Floor(started(agents=()), contacts=[contact(1)])
    floor.snapshots_lost = True
    floor.start()
    floor.give(AgentChanged(agent=agent(5)))
    floor.run(1)
    assert floor.of(ParkAgent) == []
    looked(floor).run(10)
    assert [park.agent_id for park in floor.of(ParkAgent)] == ["agent5"]
    assert floor.of(Drained) == []
    assert floor.now > START
