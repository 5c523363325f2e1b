"""What a campaign does with the sound of its calls: who is listened for, and what is recorded.

Two decisions stand here. A verdict that isn't sure is a person's until the campaign says otherwise,
and one who is dropped nevertheless counts as abandoned: a regulator counts false positives too
(Ofcom's statement of policy; `docs/explanation/answering-machines.md`). And a message for a machine
is a prompt of its own, never the safe-harbour message, which is for people.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Verdict(StrEnum):
    """Who answered, as far as the switch can hear."""

    person = "person"
    machine = "machine"
    fax = "fax"
    unsure = "unsure"


class AmdAction(StrEnum):
    """What is done once the verdict is in."""

    connect = "connect"
    """Go on as if a person had answered."""
    drop = "drop"
    """Hang up."""
    message = "message"
    """A machine or fax gets the campaign's prompt after the beep; somebody the switch isn't sure of
    gets the safe-harbour message.
    """


class AmdSettings(BaseModel):
    """Whether the switch listens to who answered, and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = False
    machine: AmdAction = AmdAction.drop
    fax: AmdAction = AmdAction.drop
    unsure: AmdAction = AmdAction.connect
    message: Annotated[str, Field(max_length=200)] = ""
    """Name of the prompt for machines; what it is called on the switch."""
    message_limit: Annotated[timedelta, Field(ge=timedelta(seconds=5), le=timedelta(minutes=5))] = (
        timedelta(seconds=90)
    )
    """How long waiting for the beep and the message together may take."""
    longest: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(seconds=10))] = (
        timedelta(seconds=4)
    )
    """How long the switch listens at most; without a verdict by then it is unsure."""

    @model_validator(mode="after")
    def _has_a_message(self) -> Self:
        if self.enabled and not self.message and AmdAction.message in (self.machine, self.fax):
            raise ValueError("a message for machines needs `message`, the name of its prompt")
        return self

    def action(self, verdict: Verdict) -> AmdAction:
        """What is done with a verdict."""
        match verdict:
            case Verdict.person:
                return AmdAction.connect
            case Verdict.machine:
                return self.machine
            case Verdict.fax:
                return self.fax
            case Verdict.unsure:
                return self.unsure

    def actions(self) -> Iterable[AmdAction]:
        """What may be done at all."""
        return (self.machine, self.fax, self.unsure)


class RecordingPolicy(StrEnum):
    """Which talks are recorded."""

    never = "never"
    on_demand = "on_demand"
    """Those for which an agent or a supervisor asks."""
    all = "all"


class RecordingAction(StrEnum):
    """What can be done with a call's recording. While it is paused nothing is written, as when a
    customer says the number of a card (PCI DSS 3.3.1: the code on it must not be kept).
    """

    start = "start"
    stop = "stop"
    pause = "pause"
    resume = "resume"


class RecordingSettings(BaseModel):
    """What a campaign records and for how long it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: RecordingPolicy = RecordingPolicy.never
    retention: Annotated[timedelta, Field(ge=timedelta(days=1), le=timedelta(days=3650))] = (
        timedelta(days=90)
    )
    """After which a recording is deleted."""


class RecordingState(StrEnum):
    """Where a recording is."""

    starting = "starting"
    recording = "recording"
    paused = "paused"
    stopped = "stopped"
    """Over; the file is on the switch."""
    failed = "failed"
    deleted = "deleted"


RUNNING = frozenset({RecordingState.starting, RecordingState.recording, RecordingState.paused})

_AFTER: dict[RecordingAction, dict[RecordingState | None, RecordingState]] = {
    RecordingAction.start: {
        None: RecordingState.starting,
        RecordingState.stopped: RecordingState.starting,
        RecordingState.failed: RecordingState.starting,
    },
    RecordingAction.stop: dict.fromkeys(RUNNING, RecordingState.stopped),
    RecordingAction.pause: {
        RecordingState.starting: RecordingState.paused,
        RecordingState.recording: RecordingState.paused,
    },
    RecordingAction.resume: {RecordingState.paused: RecordingState.recording},
}


def recording_after(state: RecordingState | None, action: RecordingAction) -> RecordingState | None:
    """The state once `action` is carried out; None where it makes no sense now."""
    return _AFTER[action].get(state)
