"""A call whose answer is listened to: whose it is, when patience starts, and what follows."""

from dataclasses import replace

import pytest

from dialer.call import CallState
from dialer.commands import CloseAttempt, HangUp, Join, PlaceCall, PlayMessage, SaveAttempt
from dialer.events import (
    AgentChanged,
    CallAnswered,
    CallEnded,
    CallHeld,
    DrainRequested,
    MachineDetected,
    OpenAttempt,
    PersonDetected,
    SnapshotTaken,
)
from dialer.media import AmdAction, AmdSettings, Verdict
from dialer.model import AgentStatus, AttemptId, CallRef, Mode, Number
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView, SwitchSnapshot
from tests.support.dialing import agent, at, capabilities, contact, seconds, settings, started
from tests.support.fake_switch import Fate
from tests.support.floor import Floor

CUSTOMER = CallRef(call_id="c9", leg="l9")
FIRST = AttemptId("spring-1-1")


def amd(**changes: object) -> AmdSettings:
    """Listening, with the defaults unless told otherwise."""
    return AmdSettings.model_validate({"enabled": True} | changes)


def listening_floor(**changes: object) -> Floor:
    """A floor whose first call was answered a moment ago and is being listened to."""
    floor = Floor(
        started(
            settings=settings(amd=amd(**changes)),
            capabilities=capabilities(detects_machines=True),
        ),
        contacts=[contact(1)],
    )
    floor.switch.fate = Fate(ring=60.0)
    floor.start().run(3)
    floor.give(CallAnswered(correlator=FIRST, call=CUSTOMER, at=floor.now))
    return floor


def hold(floor: Floor) -> None:
    """The switch holds the call; the fake one believes so too, so that a join succeeds."""
    true = floor.switch.calls[FIRST]
    true.phase, true.answered_at = CallPhase.held, floor.now
    floor.give(CallHeld(correlator=FIRST, call=true.ref, at=floor.now))


def test_switch_is_asked_to_listen_only_where_campaign_and_switch_do() -> None:
    for wanted, able in ((True, True), (True, False), (False, True)):
        floor = Floor(
            started(
                settings=settings(amd=AmdSettings(enabled=wanted)),
                capabilities=capabilities(detects_machines=able),
            ),
            contacts=[contact(1)],
        )
        floor.start().run(2)
        (placed,) = floor.of(PlaceCall)
        assert placed.detect_machine is (wanted and able)
        assert (placed.listen_limit > seconds(0)) is (wanted and able)


def test_person_is_joined_once_recognised_and_not_before() -> None:
    floor = listening_floor()
    hold(floor)
    floor.run(1.5)
    assert floor.of(Join) == []
    status = floor.engine.status(floor.now)
    assert (status.waiting, status.answered) == (0, 0)
    assert dict(status.calls) == {CallState.listening: 1}
    floor.give(PersonDetected(correlator=FIRST, at=floor.now, cause="HUMAN"))
    assert [join.correlator for join in floor.of(Join)] == [FIRST]
    assert floor.engine.status(floor.now).answered == 1
    assert floor.engine.status(floor.now).verdicts == ((Verdict.person, 1),)
    saved = [save for save in floor.of(SaveAttempt) if save.verdict is not None]
    assert saved[-1].verdict is Verdict.person
    assert saved[-1].recognised_at == floor.now


def test_patience_starts_with_the_verdict() -> None:
    floor = listening_floor()
    floor.give(AgentChanged(agent=agent(1, status=AgentStatus.not_ready)))
    floor.run(3)
    recognised = floor.now
    hold(floor)
    floor.give(PersonDetected(correlator=FIRST, at=recognised))
    floor.run(1.9)
    assert floor.of(PlayMessage) == []
    floor.run(0.4)
    assert [message.correlator for message in floor.of(PlayMessage)] == [FIRST]
    floor.run(10)
    assert floor.outcomes == [Outcome.abandoned]


@pytest.mark.parametrize(("fax", "outcome"), [(False, Outcome.machine), (True, Outcome.fax)])
def test_machine_is_dropped_without_being_joined(fax: bool, outcome: Outcome) -> None:
    floor = listening_floor()
    hold(floor)
    floor.give(MachineDetected(correlator=FIRST, at=floor.now, fax=fax, cause="MAXWORDS"))
    floor.run(2)
    assert floor.of(Join) == []
    assert floor.outcomes == [outcome]
    assert str(floor.of(SaveAttempt)[-1].verdict) == str(outcome)
    status = floor.engine.status(floor.now)
    assert (status.answered, status.abandoned) == (0, 0)


def test_machine_gets_the_campaigns_message_after_the_beep() -> None:
    floor = listening_floor(machine="message", message="call-back")
    hold(floor)
    floor.give(MachineDetected(correlator=FIRST, at=floor.now))
    (message,) = floor.of(PlayMessage)
    assert (message.prompt, message.after_beep) == ("call-back", True)
    floor.run(20)
    assert floor.outcomes == [Outcome.machine]
    assert floor.of(HangUp) == []


def test_machine_is_joined_like_a_person_where_the_campaign_wants_that() -> None:
    floor = listening_floor(machine="connect")
    hold(floor)
    floor.give(MachineDetected(correlator=FIRST, at=floor.now))
    assert [join.correlator for join in floor.of(Join)] == [FIRST]
    floor.run(40)
    assert floor.outcomes == [Outcome.answered]


def test_switch_that_is_not_sure_has_the_call_joined() -> None:
    floor = listening_floor()
    hold(floor)
    floor.give(PersonDetected(correlator=FIRST, at=floor.now, unsure=True, cause="TOOLONG"))
    assert [join.correlator for join in floor.of(Join)] == [FIRST]


@pytest.mark.parametrize("action", [AmdAction.drop, AmdAction.message])
def test_somebody_who_may_be_a_person_and_is_turned_away_counts_as_abandoned(
    action: AmdAction,
) -> None:
    floor = listening_floor(unsure=action)
    hold(floor)
    floor.give(PersonDetected(correlator=FIRST, at=floor.now, unsure=True))
    floor.run(10)
    assert floor.of(Join) == []
    assert len(floor.of(PlayMessage)) == (action is AmdAction.message)
    assert floor.outcomes == [Outcome.abandoned]
    status = floor.engine.status(floor.now)
    assert (status.answered, status.abandoned) == (1, 1)


def test_silence_of_the_switch_counts_as_not_sure() -> None:
    floor = listening_floor(longest="PT3S")
    hold(floor)
    floor.run(3.8)
    assert floor.of(Join) == []
    floor.run(0.6)
    assert [join.correlator for join in floor.of(Join)] == [FIRST]


def test_verdict_that_overtakes_the_answer_is_kept_for_it() -> None:
    floor = Floor(
        started(settings=settings(amd=amd()), capabilities=capabilities(detects_machines=True)),
        contacts=[contact(1)],
    )
    floor.switch.fate = Fate(ring=60.0)
    floor.start().run(3)
    floor.give(PersonDetected(correlator=FIRST, at=floor.now))
    hold(floor)
    assert [join.correlator for join in floor.of(Join)] == [FIRST]


def test_somebody_who_goes_before_the_verdict_counts_as_abandoned() -> None:
    floor = listening_floor()
    floor.give(CallEnded(correlator=FIRST, call=CUSTOMER, at=floor.now, outcome=Outcome.answered))
    assert floor.outcomes == [Outcome.abandoned]
    status = floor.engine.status(floor.now)
    assert (status.answered, status.abandoned) == (1, 1)


def test_agents_stay_for_a_call_that_is_listened_to_while_the_campaign_drains() -> None:
    floor = listening_floor()
    hold(floor)
    floor.give(DrainRequested(reason="stopped"))
    floor.run(1)
    floor.give(PersonDetected(correlator=FIRST, at=floor.now))
    assert [join.correlator for join in floor.of(Join)] == [FIRST]


def test_progressive_pacing_counts_calls_that_are_listened_to() -> None:
    floor = listening_floor()
    seen = floor.engine.floor(floor.now)
    assert (len(seen.listening_ages), len(seen.ringing_ages)) == (1, 0)
    floor.contacts += [contact(2), contact(3)]
    floor.run(2)
    assert len(floor.of(PlaceCall)) == 1


def test_agentless_campaign_leaves_its_message_with_persons_and_machines() -> None:
    floor = Floor(
        started(
            settings=settings(mode=Mode.agentless, amd=amd(machine="message", message="call-back")),
            capabilities=capabilities(detects_machines=True),
            agents=(),
        ),
        contacts=[contact(1), contact(2)],
    )
    floor.switch.fate = Fate(ring=60.0)
    floor.start().run(3)
    for attempt in floor.switch.calls:
        true = floor.switch.calls[attempt]
        true.phase, true.answered_at = CallPhase.held, floor.now
        floor.give(CallHeld(correlator=attempt, call=true.ref, at=floor.now))
    person, machine = floor.switch.calls
    floor.give(PersonDetected(correlator=person, at=floor.now))
    floor.give(MachineDetected(correlator=machine, at=floor.now))
    floor.run(10)
    closed = {close.attempt_id: close.outcome for close in floor.of(CloseAttempt)}
    assert closed == {person: Outcome.answered, machine: Outcome.machine}
    assert {message.prompt for message in floor.of(PlayMessage)} == {"", "call-back"}


def test_call_found_in_the_dialplan_after_a_take_over_is_served_within_five_seconds() -> None:
    first = started(
        settings=settings(amd=amd()),
        capabilities=capabilities(detects_machines=True),
        agents=(),
        attempts=(
            OpenAttempt(
                attempt_id=AttemptId("spring-0-1"),
                contact=contact(1),
                number=Number(number="+39020000001"),
                trunk_id="gw1",
                state=CallState.listening,
                placed_at=at(-10),
                accepted=True,
                answered_at=at(-1),
                call=CUSTOMER,
            ),
        ),
    )
    floor = Floor(replace(first, epoch=1))
    floor.start()
    view = CallView(correlator="spring-0-1", call=CUSTOMER, phase=CallPhase.held)
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(calls=(view,)), asked_at=floor.now))
    floor.snapshots_lost = True
    floor.run(5)
    assert [message.correlator for message in floor.of(PlayMessage)] == ["spring-0-1"]
    assert floor.moments(PlayMessage)[0] <= 5.0
