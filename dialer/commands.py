"""What the engine wants done: its only output.

Commands to the switch are carried out once; commands to the record are written in the transaction
that also writes the journal. A `PlaceCall` is sent only after that transaction is committed.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.compliance.facts import Limit
from dialer.media import RecordingAction, RecordingState, Verdict
from dialer.model import AgentId, AttemptId, CallRef, ContactId, TrunkId
from dialer.outcomes import Outcome
from dialer.records import record


@record
class PlaceCall:
    """Dial a customer, holding the answer on the switch."""

    attempt_id: AttemptId
    contact_id: ContactId
    number: str
    trunk_id: TrunkId
    trunk_address: str
    caller_id: str
    ring_timeout: timedelta
    agent_id: AgentId | None = None
    """Agent-first: whom the call starts at."""
    agent_address: str = ""
    agent_number: str = ""
    detect_machine: bool = False
    """Listen to who answered, and say so before the call counts as held."""
    listen_limit: timedelta = timedelta(0)
    """How long at most; only with `detect_machine`."""
    kind: Literal["place_call"] = "place_call"


@record
class ParkAgent:
    """Call an agent and hold him on the line, ready to be joined."""

    agent_id: AgentId
    correlator: str
    address: str
    number: str
    kind: Literal["park_agent"] = "park_agent"


@record
class Join:
    """Connect a held customer with a parked agent."""

    correlator: str
    """The attempt."""
    agent_id: AgentId
    address: str
    customer: CallRef
    agent: CallRef
    kind: Literal["join"] = "join"


@record
class Divert:
    """Send a held customer to an agent who isn't parked; his device rings."""

    correlator: str
    agent_id: AgentId
    address: str
    number: str
    customer: CallRef
    kind: Literal["divert"] = "divert"


@record
class PlayMessage:
    """Give a held customer a message, after which the switch ends the call."""

    correlator: str
    customer: CallRef
    prompt: str = ""
    """What the switch calls it; empty is the safe-harbour message of the switch."""
    after_beep: bool = False
    """Wait for a machine's greeting to end first."""
    kind: Literal["play_message"] = "play_message"


@record
class HangUp:
    """End a customer's or a parked agent's call."""

    correlator: str
    call: CallRef | None
    """None when the switch never told its own name of the call."""
    reason: str
    kind: Literal["hang_up"] = "hang_up"


@record
class RecordCall:
    """Start, stop, pause or resume the recording of a talk."""

    correlator: str
    call: CallRef | None
    name: str
    """Of the recording, unique on the switch."""
    action: RecordingAction
    kind: Literal["record_call"] = "record_call"


@record
class LoadContacts:
    """Claim up to `limit` due contacts; answered by `ContactsLoaded`."""

    limit: int
    kind: Literal["load_contacts"] = "load_contacts"


@record
class TakeSnapshot:
    """Ask the switch what is going on; answered by `SnapshotTaken`."""

    kind: Literal["take_snapshot"] = "take_snapshot"


@record
class OpenAttemptRecord:
    """Write-ahead: the row of an attempt about to be dialed; goes with its `PlaceCall`."""

    attempt_id: AttemptId
    contact_id: ContactId
    number: str
    trunk_id: TrunkId
    caller_id: str
    at: datetime
    limits: tuple[Limit, ...] = ()
    """What earlier calls may amount to; counted in the transaction that writes the row, which
    leaves it unwritten, and the call unplaced, where they are more (`CallForbidden`).
    """
    person: str = ""
    debt: str = ""
    """Under which the call counts for campaigns to come."""
    kind: Literal["open_attempt"] = "open_attempt"


@record
class SaveAttempt:
    """An attempt moved on. Fields that are None keep what is stored."""

    attempt_id: AttemptId
    state: CallState
    at: datetime
    call: CallRef | None = None
    accepted_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    agent_id: AgentId | None = None
    recognised_at: datetime | None = None
    """When the switch had heard who it is."""
    verdict: Verdict | None = None
    kind: Literal["save_attempt"] = "save_attempt"


class ContactState(StrEnum):
    """Where a contact stands in its campaign."""

    ready = "ready"
    """Waits until it is due."""
    claimed = "claimed"
    """In an engine's buffer."""
    dialing = "dialing"
    """Has an open attempt."""
    finished = "finished"
    """Reached, or not to be tried again."""


@record
class CloseAttempt:
    """An attempt ended: its one outcome, and what becomes of the contact."""

    attempt_id: AttemptId
    contact_id: ContactId
    number: str
    outcome: Outcome
    at: datetime
    reason: str
    contact_state: ContactState
    due_at: datetime | None = None
    """When the contact is due again, if it is."""
    agent_id: AgentId | None = None
    talk: timedelta | None = None
    cause: str = ""
    kind: Literal["close_attempt"] = "close_attempt"


@record
class ReturnContact:
    """A claimed contact is given back undialed: the record, with a reason, of a call not placed."""

    contact_id: ContactId
    reason: str
    at: datetime
    contact_state: ContactState = ContactState.ready
    due_at: datetime | None = None
    """None keeps what is stored."""
    number: str = ""
    kind: Literal["return_contact"] = "return_contact"


@record
class RecycleContact:
    """What an agent said of a contact decides what becomes of him, after the attempt has ended."""

    contact_id: ContactId
    attempt_id: AttemptId
    code: str
    at: datetime
    contact_state: ContactState
    reason: str
    due_at: datetime | None = None
    wrong_number: str = ""
    """The number that reaches somebody else."""
    kind: Literal["recycle_contact"] = "recycle_contact"


@record
class SavePreview:
    """A contact is on offer to an agent; without a contact, nothing is any more."""

    agent_id: AgentId
    at: datetime
    contact_id: ContactId | None = None
    ends_at: datetime | None = None
    skips_left: int | None = None
    """None is any number."""
    kind: Literal["save_preview"] = "save_preview"


@record
class SaveAgent:
    """An agent's state changed."""

    agent_id: AgentId
    state: AgentState
    at: datetime
    correlator: str = ""
    """The attempt while reserved, ringing or talking; the park while parked."""
    call: CallRef | None = None
    kind: Literal["save_agent"] = "save_agent"


@record
class ReleaseAgent:
    """An agent who was withdrawn has finished: from this step on he is any campaign's."""

    agent_id: AgentId
    at: datetime
    reason: str
    kind: Literal["release_agent"] = "release_agent"


@record
class SaveDisposition:
    """What the agent said about an attempt."""

    attempt_id: AttemptId
    agent_id: AgentId
    code: str
    at: datetime
    kind: Literal["save_disposition"] = "save_disposition"


@record
class SaveRecording:
    """A recording's state changed."""

    name: str
    attempt_id: AttemptId
    state: RecordingState
    at: datetime
    retention: timedelta | None = None
    """With the first state: how long it is kept."""
    agent_id: AgentId | None = None
    by: str = ""
    reason: str = ""
    kind: Literal["save_recording"] = "save_recording"


@record
class NotePacing:
    """The pacer's decision and the numbers it saw; for the journal, live view and metrics."""

    place: int
    wanted: int
    reason: str
    free: int
    ringing: int
    waiting: int
    talking: int
    abandonment: float
    why: str = ""
    """Kind of the reason, of a closed set (`Why`); empty in journals of before it was noted."""
    kind: Literal["note_pacing"] = "note_pacing"


@record
class NoteOddity:
    """Something the state tables don't list, as a late duplicate. Counted, never fatal."""

    code: str
    correlator: str = ""
    detail: str = ""
    kind: Literal["note_oddity"] = "note_oddity"


@record
class Drained:
    """Nothing is in progress and nothing more will be placed: the dial activity may end.

    `reason` is `exhausted` (list finished), or what was asked: stopped, window_closed, shutdown.
    """

    reason: str
    kind: Literal["drained"] = "drained"


SwitchCommand = PlaceCall | ParkAgent | Join | Divert | PlayMessage | HangUp | RecordCall
"""Carried out by a switch."""

RecordCommand = (
    OpenAttemptRecord
    | SaveAttempt
    | CloseAttempt
    | ReturnContact
    | RecycleContact
    | SavePreview
    | SaveAgent
    | ReleaseAgent
    | SaveDisposition
    | SaveRecording
    | NotePacing
    | NoteOddity
)
"""Written to the system of record."""

Command = Annotated[
    PlaceCall
    | ParkAgent
    | Join
    | Divert
    | PlayMessage
    | HangUp
    | RecordCall
    | LoadContacts
    | TakeSnapshot
    | OpenAttemptRecord
    | SaveAttempt
    | CloseAttempt
    | ReturnContact
    | RecycleContact
    | SavePreview
    | SaveAgent
    | ReleaseAgent
    | SaveDisposition
    | SaveRecording
    | NotePacing
    | NoteOddity
    | Drained,
    Field(discriminator="kind"),
]

COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
"""Reads and writes any command as JSON."""

COMMANDS: TypeAdapter[list[Command]] = TypeAdapter(list[Command])
"""Reads and writes the commands of one step as JSON."""
