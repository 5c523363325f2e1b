"""Events that come in the wrong order, or not at all, and telephones that nobody picks up."""

from datetime import datetime

from dialer.agent import AgentState
from dialer.commands import (
    CloseAttempt,
    Command,
    Divert,
    HangUp,
    Join,
    OpenAttemptRecord,
    PlayMessage,
    SaveAgent,
)
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandFailed,
    EndedBy,
    OpenPark,
    SnapshotTaken,
)
from dialer.model import AgentId, CallRef
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView, SwitchSnapshot
from tests.support.dialing import agent, capabilities, contact, started
from tests.support.fake_switch import FakeSwitch
from tests.support.floor import Floor

CUSTOMER = CallRef(call_id="c9", leg="l9")
PARKED = CallRef(call_id="c5", leg="l5")
FIRST = "spring-1-1"


class SilentSwitch(FakeSwitch):
    """Takes every command and says nothing: the test speaks for it."""

    def execute(self, command: Command, now: datetime) -> None:
        """Do nothing."""


def silent_floor(*, agents: int = 1, **can: bool) -> Floor:
    """A floor whose switch says nothing by itself."""
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(1, agents + 1)),
            capabilities=capabilities(**can),
        ),
        contacts=[contact(1)],
    )
    floor.switch = SilentSwitch(floor.schedule)
    floor.snapshots_lost = True
    floor.start()
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(), asked_at=floor.now))
    floor.run(0.05)
    return floor


def joining_floor() -> Floor:
    """The agent is parked, the customer held, and the join asked for."""
    floor = silent_floor()
    floor.give(CallHeld(correlator="spring-1-p1", call=PARKED, at=floor.now))
    floor.run(0.3)
    assert [found.attempt_id for found in floor.of(OpenAttemptRecord)] == [FIRST]
    floor.give(CallAnswered(correlator=FIRST, call=CUSTOMER, at=floor.now))
    floor.give(CallHeld(correlator=FIRST, call=CUSTOMER, at=floor.now))
    assert len(floor.of(Join)) == 1
    return floor


def ended(floor: Floor, *, by: EndedBy = EndedBy.customer) -> CallEnded:
    return CallEnded(correlator=FIRST, call=CUSTOMER, at=floor.now, outcome=Outcome.answered, by=by)


def joined(floor: Floor) -> CallJoined:
    return CallJoined(correlator=FIRST, call=CUSTOMER, at=floor.now, address="user1")


def test_talk_counts_as_answered_when_its_end_overtakes_its_beginning() -> None:
    floor = joining_floor()
    floor.give(ended(floor))
    assert floor.outcomes == []
    floor.run(0.5)
    floor.give(joined(floor))
    (closed,) = floor.of(CloseAttempt)
    assert (closed.outcome, closed.agent_id) == (Outcome.answered, AgentId("agent1"))
    assert floor.of(SaveAgent)[-1].state is AgentState.wrap_up


def test_person_who_hung_up_while_being_joined_is_abandoned_after_a_second() -> None:
    floor = joining_floor()
    floor.give(ended(floor))
    floor.run(1.3)
    assert floor.outcomes == [Outcome.abandoned]
    assert floor.of(SaveAgent)[-1].state is AgentState.parked


def test_person_who_hung_up_is_abandoned_at_once_when_the_join_fails() -> None:
    floor = joining_floor()
    floor.give(ended(floor))
    floor.give(CommandFailed(correlator=FIRST, action="join", refused=True))
    assert floor.outcomes == [Outcome.abandoned]


def test_talk_whose_join_was_never_told_counts_as_answered_when_the_agent_ended_it() -> None:
    floor = joining_floor()
    floor.give(ended(floor, by=EndedBy.agent))
    assert floor.outcomes == [Outcome.answered]


def test_end_that_comes_twice_while_being_joined_is_counted_as_late() -> None:
    floor = joining_floor()
    floor.give(ended(floor))
    floor.give(ended(floor))
    floor.run(2)
    assert floor.outcomes == [Outcome.abandoned]
    assert floor.engine.status(floor.now).oddities == 1


def test_person_whose_answer_was_never_told_is_abandoned_and_not_unknown() -> None:
    floor = silent_floor()
    floor.give(CallHeld(correlator="spring-1-p1", call=PARKED, at=floor.now))
    floor.run(0.3)
    floor.give(ended(floor))
    assert floor.outcomes == [Outcome.abandoned]


def test_call_that_we_ended_while_it_rang_was_not_answered() -> None:
    floor = silent_floor()
    floor.give(CallHeld(correlator="spring-1-p1", call=PARKED, at=floor.now))
    floor.run(0.3)
    floor.give(CallRinging(correlator=FIRST, call=CUSTOMER, at=floor.now))
    floor.run(26)
    assert [found.reason for found in floor.of(HangUp)][:1] == ["ring_timeout"]
    floor.give(ended(floor, by=EndedBy.switch))
    assert floor.outcomes == [Outcome.no_answer]


def test_leg_of_a_parked_agent_is_kept_when_a_later_event_leaves_it_out() -> None:
    floor = silent_floor()
    floor.give(CallStarted(correlator="spring-1-p1", call=PARKED, at=floor.now))
    bare = CallRef(call_id=PARKED.call_id)
    floor.give(CallAnswered(correlator="spring-1-p1", call=bare, at=floor.now))
    floor.give(CallHeld(correlator="spring-1-p1", call=bare, at=floor.now))
    assert floor.of(SaveAgent)[-1].call == PARKED


def test_stored_leg_of_an_agent_is_used_after_a_take_over() -> None:
    park = OpenPark(agent_id=AgentId("agent1"), correlator="spring-1-p1", call=PARKED)
    floor = Floor(started(epoch=2, parks=(park,)), contacts=[contact(1)]).start()
    bare = CallRef(call_id=PARKED.call_id)
    floor.give(CallHeld(correlator="spring-1-p1", call=bare, at=floor.now))
    assert floor.of(SaveAgent)[-1].call == PARKED


def test_agent_whose_leg_nobody_knows_is_called_again_rather_than_offered() -> None:
    floor = silent_floor()
    bare = CallRef(call_id=PARKED.call_id)
    floor.give(CallHeld(correlator="spring-1-p1", call=bare, at=floor.now))
    assert [found.reason for found in floor.of(HangUp)] == ["leg_unknown"]


def test_customer_rung_through_to_dead_telephones_hears_the_message_soon() -> None:
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(1, 4)),
            capabilities=capabilities(parks_agents=False),
        ),
        contacts=[contact(1)],
    )
    floor.switch.agent_answers = {f"user{number}": None for number in range(1, 4)}
    floor.start().run(25)
    (answered,) = [step.at for step in floor.steps if isinstance(step.event, CallAnswered)]
    (told,) = [
        step.at for step in floor.steps for command in step.commands
        if isinstance(command, PlayMessage)
    ]  # fmt: skip
    assert len(floor.of(Divert)) == 1
    assert (told - answered).total_seconds() <= 5.2
    assert floor.outcomes == [Outcome.abandoned]


def test_person_found_waiting_may_have_waited_since_the_line_last_rang() -> None:
    floor = silent_floor()
    floor.give(CallHeld(correlator="spring-1-p1", call=PARKED, at=floor.now))
    floor.run(0.3)
    floor.give(CallRinging(correlator=FIRST, call=CUSTOMER, at=floor.now))
    floor.run(4.5)
    bare = CallRef(call_id=CUSTOMER.call_id)
    view = CallView(correlator=FIRST, call=bare, phase=CallPhase.held)
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(calls=(view,)), asked_at=floor.now))
    assert floor.of(PlayMessage) == []
    floor.run(0.6)
    assert [told.correlator for told in floor.of(PlayMessage)] == [FIRST]


def test_person_found_waiting_is_joined_when_the_late_event_names_the_leg() -> None:
    floor = silent_floor()
    floor.give(CallHeld(correlator="spring-1-p1", call=PARKED, at=floor.now))
    floor.run(4.8)
    bare = CallRef(call_id=CUSTOMER.call_id)
    view = CallView(correlator=FIRST, call=bare, phase=CallPhase.held)
    park = CallView(correlator="spring-1-p1", call=PARKED, phase=CallPhase.held)
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(calls=(view, park)), asked_at=floor.now))
    floor.run(0.3)
    floor.give(CallHeld(correlator=FIRST, call=CUSTOMER, at=floor.now))
    assert [found.customer for found in floor.of(Join)] == [CUSTOMER]
