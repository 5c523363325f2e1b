"""What can happen, in the dialer's words: the only input of the engine.

Vendor adapters translate into these; the dial loop adds the replies of commands and the clock.
Each is a frozen dataclass with a `kind` that names it in the journal. `correlator` is the attempt's
id for a customer's call and the park's id for an agent's.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from dialer.media import RecordingAction, RecordingState, Verdict
from dialer.model import (
    Agent,
    AgentId,
    AttemptId,
    CallRef,
    CampaignId,
    CampaignSettings,
    ContactId,
    Dialable,
    Number,
    Trunk,
)
from dialer.outcomes import Outcome
from dialer.records import record
from dialer.switching import Capabilities, SwitchSnapshot


@record
class OpenAttempt:
    """An attempt that the previous holder of the lease left open, as the database knows it."""

    attempt_id: AttemptId
    contact: Dialable
    number: Number
    trunk_id: str
    state: str
    """A `CallState` value."""
    placed_at: datetime
    accepted: bool
    """The switch acknowledged the request to dial."""
    answered_at: datetime | None = None
    agent_id: AgentId | None = None
    call: CallRef | None = None
    recognised_at: datetime | None = None
    verdict: Verdict | None = None
    recording: RecordingState | None = None
    recordings: int = 0
    """How often recording was begun."""


@record
class PastTalk:
    """A talk of before that nobody has said anything of yet."""

    attempt_id: AttemptId
    contact: Dialable
    """As it was before the call."""
    number: Number
    ended_at: datetime


@record
class OpenPark:
    """An agent's parked call that the previous holder of the lease left open."""

    agent_id: AgentId
    correlator: str
    call: CallRef | None = None


@record
class Tally:
    """Counts that survive a take-over, so that pacing and the cap don't start from nothing."""

    placed: int = 0
    answered: int = 0
    """By a person, abandoned ones included."""
    abandoned: int = 0
    ring_seconds: float = 0.0
    """Sum over answered calls."""
    talk_seconds: float = 0.0
    """Sum over joined calls that ended."""
    joined: int = 0
    verdicts: tuple[tuple[Verdict, int], ...] = ()
    """Who the switch thought had answered, of the calls that it was asked to listen to."""
    contacts_left: int = 0
    """Contacts that weren't finished then."""
    hours: tuple[tuple[datetime, int, int], ...] = ()
    """By the hour, oldest first: when it began, persons who answered, and those abandoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """First event of every engine: all that it may know of the past."""

    campaign_id: CampaignId
    epoch: int
    settings: CampaignSettings
    capabilities: Capabilities
    agents: tuple[Agent, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    attempts: tuple[OpenAttempt, ...] = ()
    parks: tuple[OpenPark, ...] = ()
    talks: tuple[PastTalk, ...] = ()
    tally: Tally = field(default_factory=Tally)
    paused: bool = False
    shard: int = 0
    """Which part of the campaign this engine dials; keeps the correlators of parts apart."""
    decisions: int = 1
    """Which decisions the engine takes that it starts (`dialer.version`)."""
    kind: Literal["started"] = "started"


@record
class Tick:
    """Time passed. A tick that yields no command changes no state, so it need not be journalled."""

    kind: Literal["tick"] = "tick"


@record
class ContactsLoaded:
    """Reply to `LoadContacts`."""

    contacts: tuple[Dialable, ...]
    exhausted: bool
    """Nobody is due now or ever, beside the contacts already held or in progress."""
    next_due_at: datetime | None = None
    """When the next contact that is not due yet will be."""
    kind: Literal["contacts_loaded"] = "contacts_loaded"


@record
class ContactsAdded:
    """Somebody may be due at once who wasn't when contacts were last asked for: a list was filled,
    reset, activated or filtered otherwise.
    """

    recall: bool = False
    """Somebody who is at hand may not be wanted any more: everybody undialed is to be looked at
    again.
    """
    kind: Literal["contacts_added"] = "contacts_added"


@record
class AgentChanged:
    """An agent joined the campaign, chose another status, or became (un)reachable."""

    agent: Agent
    kind: Literal["agent_changed"] = "agent_changed"


@record
class AgentWithdrawn:
    """An agent is to work elsewhere. He finishes his talk and wrap-up, his parked call is ended,
    and then he is released (`ReleaseAgent`).
    """

    agent_id: AgentId
    reason: str = ""
    kind: Literal["agent_withdrawn"] = "agent_withdrawn"


@record
class TrunksChanged:
    """The switch's trunks as last read, with the lines and calls per second that this campaign
    may use of them now.
    """

    trunks: tuple[Trunk, ...]
    kind: Literal["trunks_changed"] = "trunks_changed"


@record
class CommandAccepted:
    """The switch took a command and will carry it out later; `request_id` names it in a failure."""

    correlator: str
    action: str
    """Kind of the command: place_call, park_agent, join, divert, play_message, hang_up,
    record_call, take_snapshot.
    """
    request_id: str = ""
    kind: Literal["command_accepted"] = "command_accepted"


@record
class CommandFailed:
    """The switch refused a command at once (`action` known) or later (`request_id` known)."""

    correlator: str = ""
    action: str = ""
    request_id: str = ""
    reason: str = ""
    unclear: bool = False
    """Nobody knows whether the command was carried out (time-out after sending)."""
    refused: bool = False
    """The switch said no, as opposed to being out of reach; neither means that it acted."""
    outcome: Outcome | None = None
    """What a failure to dial says about the number, where it says something."""
    kind: Literal["command_failed"] = "command_failed"


@record
class CallStarted:
    """The switch began to call (customer or agent). `address` is the agent's whom a switch that
    dials from a queue has picked.
    """

    correlator: str
    call: CallRef
    at: datetime
    address: str = ""
    kind: Literal["call_started"] = "call_started"


@record
class CallRinging:
    """The called device rings. `address` as in `CallStarted`."""

    correlator: str
    call: CallRef
    at: datetime
    address: str = ""
    kind: Literal["call_ringing"] = "call_ringing"


@record
class CallAnswered:
    """The called party answered."""

    correlator: str
    call: CallRef
    at: datetime
    kind: Literal["call_answered"] = "call_answered"


@record
class CallHeld:
    """The answered party reached the switch-side IVR or bridge where it can be joined.

    `call.leg` is the leg to act upon: of a customer the IVR's (to be replaced), of an agent his
    own.
    """

    correlator: str
    call: CallRef
    at: datetime
    kind: Literal["call_held"] = "call_held"


@record
class CallJoined:
    """Customer and agent hear each other. `address` is the agent's, where the switch says it."""

    correlator: str
    call: CallRef
    at: datetime
    address: str = ""
    kind: Literal["call_joined"] = "call_joined"


@record
class MachineDetected:
    """The switch thinks that a machine or fax answered."""

    correlator: str
    at: datetime
    fax: bool = False
    cause: str = ""
    """What the switch went by, in its own words."""
    kind: Literal["machine_detected"] = "machine_detected"


@record
class PersonDetected:
    """The switch has listened and thinks that a person answered, or can't tell (`unsure`)."""

    correlator: str
    at: datetime
    unsure: bool = False
    cause: str = ""
    kind: Literal["person_detected"] = "person_detected"


class EndedBy(StrEnum):
    """Who ended a call, as far as the switch says."""

    customer = "customer"
    agent = "agent"
    switch = "switch"
    unknown = "unknown"


@record
class CallEnded:
    """A customer's or a parked agent's call is over.

    `outcome` is what the line did where the switch says it: `answered` if it was accepted.
    """

    correlator: str
    call: CallRef
    at: datetime
    outcome: Outcome | None = None
    by: EndedBy = EndedBy.unknown
    cause: str = ""
    """The switch's own code, kept for the record."""
    kind: Literal["call_ended"] = "call_ended"


@record
class Disposed:
    """An agent said what came of a talk; ends wrap-up unless `ready` is false."""

    agent_id: AgentId
    attempt_id: AttemptId
    code: str
    ready: bool = True
    kind: Literal["disposed"] = "disposed"


@record
class PreviewAnswered:
    """An agent to whom a contact is on offer has it dialed, or skips it."""

    agent_id: AgentId
    contact_id: ContactId
    dial: bool
    kind: Literal["preview_answered"] = "preview_answered"


@record
class SnapshotTaken:
    """What the switch says is going on. `asked_at` is before the request was sent."""

    snapshot: SwitchSnapshot
    asked_at: datetime
    kind: Literal["snapshot_taken"] = "snapshot_taken"


@record
class EventsWatched:
    """Whether anybody watches the events of the switch; an engine that isn't told takes it so."""

    watched: bool
    since: datetime
    """When the watch was last heard of, or heard of again."""
    kind: Literal["events_watched"] = "events_watched"


@record
class RateFound:
    """How many calls a second the switch and this machine keep up with, as found by trying."""

    calls_per_second: float
    kind: Literal["rate_found"] = "rate_found"


@record
class RecordingOrdered:
    """Somebody wants a talk recorded, or its recording paused, resumed or stopped."""

    attempt_id: AttemptId
    action: RecordingAction
    by: str = ""
    """Who asked, for the record."""
    kind: Literal["recording_ordered"] = "recording_ordered"


@record
class SettingsChanged:
    """A person changed the campaign's settings."""

    settings: CampaignSettings
    kind: Literal["settings_changed"] = "settings_changed"


@record
class PauseRequested:
    """Place nothing more. With `clear`, calls nobody has answered yet are hung up too."""

    clear: bool = False
    kind: Literal["pause_requested"] = "pause_requested"


@record
class ResumeRequested:
    """Place calls again."""

    kind: Literal["resume_requested"] = "resume_requested"


@record
class DrainRequested:
    """Place nothing more, finish what is in progress, release the agents, and end (`Drained`).

    `clear` hangs up calls nobody has answered yet. `reason` is stopped, window_closed or shutdown.
    """

    reason: str
    clear: bool = False
    kind: Literal["drain_requested"] = "drain_requested"


@record
class ContactRemoved:
    """A contact must not be called any more (deleted, do-not-call)."""

    contact_id: ContactId
    reason: str
    kind: Literal["contact_removed"] = "contact_removed"


@record
class CallForbidden:
    """The record did not agree to a call: its attempt was not written, and nothing was dialed.

    Others may have called the number, or it may have been put on a do-not-call list, since the
    engine was told of it.
    """

    attempt_id: AttemptId
    contact_id: ContactId
    number: str
    reason: str
    """The rule, as a refusal of the engine's own names it."""
    until: datetime | None = None
    """When to ask again; None is never."""
    kind: Literal["call_forbidden"] = "call_forbidden"


SwitchEvent = (
    CallStarted
    | CallRinging
    | CallAnswered
    | CallHeld
    | CallJoined
    | MachineDetected
    | PersonDetected
    | CallEnded
    | CommandFailed
    | AgentChanged
)
"""What a vendor adapter may translate into."""

Event = Annotated[
    Started
    | Tick
    | ContactsLoaded
    | ContactsAdded
    | AgentChanged
    | AgentWithdrawn
    | TrunksChanged
    | CommandAccepted
    | CommandFailed
    | CallStarted
    | CallRinging
    | CallAnswered
    | CallHeld
    | CallJoined
    | MachineDetected
    | PersonDetected
    | CallEnded
    | Disposed
    | PreviewAnswered
    | RecordingOrdered
    | SnapshotTaken
    | EventsWatched
    | RateFound
    | SettingsChanged
    | PauseRequested
    | ResumeRequested
    | DrainRequested
    | ContactRemoved
    | CallForbidden,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes any event as JSON."""
