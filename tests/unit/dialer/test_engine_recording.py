"""Which talks are recorded, and that nothing is recorded which must not be."""

import pytest

from dialer.commands import NoteOddity, RecordCall, SaveRecording
from dialer.events import CommandFailed, RecordingOrdered
from dialer.media import RecordingAction, RecordingPolicy, RecordingSettings, RecordingState
from dialer.model import AttemptId
from tests.support.dialing import capabilities, contact, seconds, settings, started
from tests.support.floor import Floor

FIRST = AttemptId("spring-1-1")
A, S = RecordingAction, RecordingState


def talking_floor(policy: RecordingPolicy, *, able: bool = True) -> Floor:
    """A floor on which one customer talks with an agent."""
    recording = RecordingSettings(policy=policy, retention=seconds(86_400 * 30))
    floor = Floor(
        started(
            settings=settings(recording=recording),
            capabilities=capabilities(records_calls=able),
        ),
        contacts=[contact(1)],
    )
    return floor.start().run(8)


def order(floor: Floor, action: RecordingAction) -> None:
    """Somebody asks for something."""
    floor.give(RecordingOrdered(attempt_id=FIRST, action=action, by="anna"))
    floor.run(0.2)


def asked(floor: Floor) -> list[RecordingAction]:
    """What the switch was asked for."""
    return [command.action for command in floor.of(RecordCall)]


def states(floor: Floor) -> list[RecordingState]:
    """What was written down."""
    return [save.state for save in floor.of(SaveRecording)]


def test_every_talk_is_recorded_from_its_first_moment_to_its_end_under_all() -> None:
    floor = talking_floor(RecordingPolicy.all)
    floor.run(25)
    assert asked(floor) == [A.start, A.stop]
    assert states(floor) == [S.starting, S.recording, S.stopped]
    begun = floor.of(SaveRecording)[0]
    assert (begun.name, begun.retention) == ("spring-1-1.1", seconds(86_400 * 30))


@pytest.mark.parametrize("policy", [RecordingPolicy.never, RecordingPolicy.on_demand])
def test_nothing_is_recorded_unasked_otherwise(policy: RecordingPolicy) -> None:
    floor = talking_floor(policy)
    floor.run(25)
    assert asked(floor) == []


def test_recording_is_not_asked_of_a_switch_that_cannot() -> None:
    floor = talking_floor(RecordingPolicy.all, able=False)
    order(floor, A.start)
    assert asked(floor) == []


def test_recording_pauses_for_a_card_number_and_goes_on() -> None:
    floor = talking_floor(RecordingPolicy.on_demand)
    for action in (A.start, A.pause, A.resume, A.stop):
        order(floor, action)
    assert asked(floor) == [A.start, A.pause, A.resume, A.stop]
    assert states(floor) == [S.starting, S.recording, S.paused, S.recording, S.stopped]
    assert {save.by for save in floor.of(SaveRecording)} == {"anna", ""}


def test_second_recording_of_a_talk_has_a_name_of_its_own() -> None:
    floor = talking_floor(RecordingPolicy.on_demand)
    for action in (A.start, A.stop, A.start):
        order(floor, action)
    assert [command.name for command in floor.of(RecordCall)][-1] == "spring-1-1.2"


def test_order_that_makes_no_sense_is_counted_and_changes_nothing() -> None:
    floor = talking_floor(RecordingPolicy.on_demand)
    order(floor, A.pause)
    floor.give(RecordingOrdered(attempt_id=AttemptId("spring-1-77"), action=A.start))
    assert asked(floor) == []
    codes = [note.code for note in floor.of(NoteOddity)]
    assert codes == ["recording_not_changed"] * 2


def test_campaign_that_never_records_refuses_an_order_to() -> None:
    floor = talking_floor(RecordingPolicy.never)
    order(floor, A.start)
    assert asked(floor) == []


@pytest.mark.parametrize("unclear", [True, False])
def test_recording_that_may_not_have_paused_is_ended(unclear: bool) -> None:
    floor = talking_floor(RecordingPolicy.on_demand)
    order(floor, A.start)
    floor.give(RecordingOrdered(attempt_id=FIRST, action=A.pause))
    floor.give(CommandFailed(correlator=FIRST, action="record_call", unclear=unclear))
    assert asked(floor)[-1] is A.stop
    assert floor.of(SaveRecording)[-1].reason == "pause_failed"


def test_recording_that_could_not_begin_is_written_down_with_the_reason() -> None:
    floor = talking_floor(RecordingPolicy.on_demand)
    floor.give(RecordingOrdered(attempt_id=FIRST, action=A.start))
    floor.give(
        CommandFailed(correlator=FIRST, action="record_call", refused=True, reason="disk full")
    )
    last = floor.of(SaveRecording)[-1]
    assert (last.state, last.reason) == (S.failed, "disk full")
