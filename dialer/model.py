"""The nouns of dialing: ids, statuses, settings, and what the engine must know of a contact.

Everything here is frozen and has no behaviour beyond validation; words mean what `docs/glossary.md`
says. Durations are `timedelta`, instants are aware.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import BaseModel, ConfigDict, Field

from dialer.compliance.facts import History
from dialer.compliance.settings import ComplianceSettings
from dialer.media import AmdSettings, RecordingSettings
from dialer.outcomes import Outcome
from dialer.records import record
from dialer.retry import Code, RetryRules
from dialer.windows import CallingHours

CampaignId = NewType("CampaignId", str)
ContactId = NewType("ContactId", str)
AttemptId = NewType("AttemptId", str)
AgentId = NewType("AgentId", str)
SwitchId = NewType("SwitchId", str)
TrunkId = NewType("TrunkId", str)


class Mode(StrEnum):
    """Who decides that a call is placed, and how many at a time."""

    preview = "preview"
    progressive = "progressive"
    power = "power"
    predictive = "predictive"
    agentless = "agentless"


class Distribution(StrEnum):
    """Which free agent gets the customer who has just answered."""

    most_idle = "most_idle"
    cyclic = "cyclic"
    sequential = "sequential"


class AgentStatus(StrEnum):
    """Chosen by a person."""

    logged_off = "logged_off"
    not_ready = "not_ready"
    available = "available"


class CampaignPhase(StrEnum):
    """Where a campaign is in its life; kept by its workflow."""

    scheduled = "scheduled"
    running = "running"
    paused = "paused"
    draining = "draining"
    completed = "completed"
    stopped = "stopped"
    failed = "failed"


class Frozen(BaseModel):
    """Base of every setting: immutable, and a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Rate = Annotated[float, Field(ge=0.0, le=1.0)]


class PacingSettings(Frozen):
    """How many calls may be placed ahead of the agents who will take them."""

    target_abandonment: Rate = 0.03
    """Cap on abandoned / answered by a person."""
    abandonment_window: Annotated[
        timedelta | None, Field(ge=timedelta(hours=1), le=timedelta(days=366))
    ] = None
    """Time over which the cap must hold, counted back from now; None is the whole campaign."""
    false_machines: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Share of the calls taken for machines that are thought to be persons: where the regulator
    says so, each of them counts as answered and abandoned.
    """
    ratio: Annotated[float, Field(ge=1.0, le=10.0)] = 1.5
    """Power mode: calls in progress per free agent."""
    max_lines_per_agent: Annotated[float, Field(ge=1.0, le=20.0)] = 6.0
    """Ceiling on calls in progress per logged-in agent, whatever a pacer wants."""
    calls_per_second: Annotated[float, Field(gt=0.0, le=500.0)] = 20.0
    """Ceiling on originations of this campaign; agentless mode paces at this rate."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """Ceiling on calls in progress of this campaign."""


class PreviewSettings(Frozen):
    """How long an agent may read before a contact is dialed, and whether he may skip it."""

    dial_after: Annotated[
        timedelta | None, Field(ge=timedelta(seconds=1), le=timedelta(minutes=4))
    ] = timedelta(seconds=30)
    """The contact is dialed by itself after this time; None is only when the agent says so."""
    limit: Annotated[timedelta, Field(ge=timedelta(seconds=10), le=timedelta(minutes=4))] = (
        timedelta(minutes=2)
    )
    """How long an offer lasts that isn't dialed by itself."""
    skips: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """Most contacts an agent may skip in a row; 0 is none, None is any number."""
    again_after: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=30))] = timedelta(
        hours=1
    )
    """When a contact that was skipped, or not dialed in time, is offered again."""


class DeskSettings(Frozen):
    """What agents are shown while they talk, and what they may say came of it."""

    script: Annotated[str, Field(max_length=20_000)] = ""
    """What to say; `{name}`, `{number}` and `{attribute}` stand for what is known of the contact.
    """
    dispositions: Annotated[tuple[Code, ...], Field(max_length=30)] = ()
    """Codes to choose from, in order; empty is the usual ones, and those that `retry` names."""


class CampaignSettings(Frozen):
    """Everything a person chooses about a campaign; may change while it runs."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    mode: Mode = Mode.predictive
    switch: SwitchId
    trunks: Annotated[tuple[TrunkId, ...], Field(max_length=50)] = ()
    """Trunks that may be used; empty means every enabled trunk of the switch."""
    caller_id: Annotated[str, Field(max_length=20)] = ""
    default_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    pacing: PacingSettings = PacingSettings()
    ring_timeout: Annotated[
        timedelta, Field(ge=timedelta(seconds=15), le=timedelta(seconds=120))
    ] = timedelta(seconds=25)
    patience: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(seconds=30))] = timedelta(
        seconds=2
    )
    """How long a person who answered may wait for an agent before the safe-harbour message."""
    message_limit: timedelta = Field(default=timedelta(seconds=30), le=timedelta(minutes=2))
    """How long the safe-harbour message may take before the line is cleared."""
    wrap_up: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(minutes=30))] = timedelta(
        seconds=10
    )
    """Most time after a talk before the agent is free again; a disposition ends it sooner."""
    distribution: Distribution = Distribution.most_idle
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Share of lines, calls per second and agents among campaigns of the same priority."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher is served first, up to its need, from what campaigns of a switch share."""
    hours: CallingHours = CallingHours.always()
    """When the campaign itself may run, in its own zone."""
    contact_hours: CallingHours = CallingHours.always()
    """When a contact may be called, in the zone of the number."""
    retry: RetryRules = RetryRules()
    preview: PreviewSettings = PreviewSettings()
    owner_only: bool = False
    """A contact that belongs to an agent is called only for him, while he is free."""
    compliance: ComplianceSettings = ComplianceSettings()
    """The law that is kept at every call."""
    amd: AmdSettings = AmdSettings()
    """Whether the switch listens to who answered, and what follows."""
    recording: RecordingSettings = RecordingSettings()
    desk: DeskSettings = DeskSettings()


@record
class Number:
    """One way to reach a contact."""

    number: str
    """E.164, with the plus sign."""
    zones: tuple[str, ...] = ()
    """IANA zones the number may be in; empty means unknown (the campaign's zone is used)."""
    label: str = ""
    attempts: int = 0
    """How often it was called for this contact."""
    last_outcome: Outcome | None = None
    score: float = 0.0
    """How likely somebody answers at this hour, where best numbers come first."""


@record
class Dialable:
    """A contact as the engine needs it: who, how, when due, and what was tried before."""

    contact_id: ContactId
    numbers: tuple[Number, ...]
    priority: int = 0
    """Higher first."""
    due_at: datetime
    attempts: int = 0
    tried: tuple[tuple[Outcome, int], ...] = ()
    """How often each outcome was had before."""
    owner: AgentId | None = None
    said: tuple[tuple[str, int], ...] = ()
    """How often agents said what before, where a rule speaks of it."""
    turn: int = 0
    """Place in the mix of the campaign's lists; lower first."""
    history: History | None = None
    """What the law needs to know; None where no law was asked for."""


@record
class Agent:
    """An agent as the engine needs it."""

    agent_id: AgentId
    address: str
    """How the switch calls the agent (VOIspeed: the user id)."""
    number: str = ""
    """The agent's extension."""
    status: AgentStatus = AgentStatus.logged_off
    reachable: bool = True
    """False while the switch says that the device can't be called (unregistered, do not
    disturb).
    """
    order: int = 0
    """Place in sequential distribution; lower first."""
    status_reason: str = ""
    """Why the agent is not ready, where they said so; nothing is decided by it."""


@record
class Trunk:
    """A gateway with lines."""

    trunk_id: TrunkId
    address: str
    lines: int
    """Lines that this campaign may use at once."""
    enabled: bool = True
    calls_per_second: float | None = None
    """Most calls that this campaign may start a second; None is no limit."""


@record
class CallRef:
    """A call on the switch and our leg in it, in the switch's own words; opaque to the engine."""

    call_id: str
    leg: str = ""
