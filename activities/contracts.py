"""What crosses Temporal: frozen, bounded models, one in and one out of every activity and message.

Fields are added with a default and never removed or retyped while a history that holds them is
kept: workers of two versions read each other's payloads.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dialer.contacts_csv import ColumnChoices, ColumnMapping
from dialer.events import Event
from dialer.model import CampaignId, CampaignPhase, CampaignSettings, SwitchId

MAX_UPDATES_PER_RUN = 1_000
"""Orders after which a campaign's workflow starts a new run of itself."""
MAX_ANSWERS = 200
"""Orders whose answers are kept, so that repeating one gives the answer it had."""


class Contract(BaseModel):
    """Base of everything that crosses Temporal. A newer worker may send fields unknown here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Key = Annotated[str, Field(min_length=1, max_length=100)]
OrderKey = Annotated[str, Field(min_length=1, max_length=250)]
Id = Annotated[str, Field(min_length=1, max_length=150)]
Reason = Annotated[str, Field(max_length=500)]
Path = Annotated[str, Field(min_length=1, max_length=4_000)]
Count = Annotated[int, Field(ge=0)]


class DialReason(StrEnum):
    """Why a dial activity ended."""

    exhausted = "exhausted"
    """Nobody is left to call."""
    stopped = "stopped"
    window_closed = "window_closed"
    shutdown = "shutdown"
    handover = "handover"
    """Cancelled: every call goes on, and whoever dials next takes them over."""


class DialInput(Contract):
    """Dial for this campaign through this switch."""

    campaign_id: CampaignId
    switch: SwitchId


class DialResult(Contract):
    """How a dial activity ended."""

    reason: DialReason


class OrderAnswer(Contract):
    """What came of an order; the same for every repetition of it."""

    request_id: Key
    phase: CampaignPhase
    settings_version: Count
    at: datetime


class CampaignState(Contract):
    """All that a campaign's workflow remembers; carried whole into its next run."""

    phase: CampaignPhase = CampaignPhase.scheduled
    reason: Reason = ""
    """Why it is in this phase, where the phase doesn't say: for draining a `DialReason`."""
    begun: bool = False
    """The system of record knows of this run, and the settings below are real."""
    settings: CampaignSettings | None = None
    settings_version: Count = 0
    paused: bool = False
    stopping: bool = False
    handed_over: bool = False
    """A dial activity was ended with calls in progress, and the next has yet to take them over."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    answers: Annotated[tuple[OrderAnswer, ...], Field(max_length=MAX_ANSWERS)] = ()
    """Oldest first."""
    updates_seen: Count = 0
    """In this run of the workflow."""
    openings: Count = 0
    """Dial activities started so far; makes the keys of their first orders."""
    runs: Count = 0
    """Continuations of the workflow."""


class CampaignInput(Contract):
    """Run a campaign. `run_key` names the run: the same key never runs twice."""

    campaign_id: CampaignId
    run_key: Key
    resume: CampaignState | None = None
    renew_after: Annotated[int, Field(ge=1, le=MAX_UPDATES_PER_RUN)] = MAX_UPDATES_PER_RUN
    """Orders after which the workflow starts a new run of itself."""


class CampaignResult(Contract):
    """How a run ended."""

    phase: CampaignPhase
    already: bool = False
    """The run of this key had ended before; nothing was done."""
    reason: Reason = ""


class CampaignSnapshot(Contract):
    """What a campaign's workflow says of itself."""

    campaign_id: CampaignId
    run_key: Key
    phase: CampaignPhase
    paused: bool
    dialing: bool
    settings_version: Count
    opens_at: datetime | None
    """When the campaign's own hours open next; None while open or when they never do."""
    closes_at: datetime | None
    updates_seen: Count
    runs: Count


class PauseCampaign(Contract):
    """Place nothing more until resumed. With `clear`, unanswered calls are hung up at once."""

    request_id: Key
    clear: bool = False


class ResumeCampaign(Contract):
    """Place calls again."""

    request_id: Key


class StopCampaign(Contract):
    """End the campaign for good once its calls have ended. `clear` as for a pause."""

    request_id: Key
    clear: bool = False


class ChangeSettings(Contract):
    """Replace all settings; takes effect at once."""

    request_id: Key
    settings: CampaignSettings


class BeginCampaign(Contract):
    """Tell the system of record that a run begins."""

    campaign_id: CampaignId
    run_key: Key


class CampaignBegun(Contract):
    """What the system of record knows of a campaign whose run begins."""

    settings: CampaignSettings
    settings_version: Count = 0
    ended: CampaignPhase | None = None
    """Set when the run of this key has already ended so."""


class CampaignOrder(Contract):
    """Record where a campaign stands, then tell whoever dials. Safe to repeat by its key."""

    campaign_id: CampaignId
    key: OrderKey
    """Unique over all runs of the campaign."""
    phase: CampaignPhase
    """A dial activity that starts while this is `paused` places nothing."""
    reason: Reason = ""
    event: Event | None = None
    settings: CampaignSettings | None = None
    """New settings to store under `settings_version`."""
    settings_version: Count = 0


class ImportSource(StrEnum):
    """Where a contact file is."""

    path = "path"
    """On a file system that the worker sees."""
    blob = "blob"
    """Uploaded, by reference."""


class ImportInput(Contract):
    """Bring a contact file into a campaign's list. The same id never imports twice."""

    import_id: Key
    campaign_id: CampaignId
    source: ImportSource = ImportSource.path
    ref: Path
    """Path or blob reference."""
    mapping: ColumnMapping | None = None
    """None: columns are recognised by name."""
    default_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    refused_path: Annotated[str, Field(max_length=4_000)] = ""
    """Where refused rows are written, with the reason of each; empty: nowhere."""
    columns: ColumnChoices = ColumnChoices()
    """What is known of some columns, where there is no mapping of all."""
    encoding: Annotated[str, Field(max_length=40)] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    day_first: bool = True
    """How 03/04/2026 is read."""
    zone: Annotated[str, Field(max_length=60)] = "UTC"
    """Zone of due dates that have none, for contacts that have none."""
    dry_run: bool = False
    """Read, check and count everything, and store nothing."""
    list_name: Annotated[str, Field(max_length=100)] = ""
    """Which of the campaign's lists; empty: the one that is made when there is none."""


class ImportProgress(Contract):
    """How far an import is."""

    rows: Count = 0
    """Rows read."""
    imported: Count = 0
    duplicates: Count = 0
    refused: Count = 0
    bytes_read: Count = 0
    bytes_total: Count = 0


class ImportResult(Contract):
    """What came of an import."""

    import_id: Key
    progress: ImportProgress
    reasons: Annotated[Mapping[str, int], Field(max_length=50)] = {}
    """Refused rows by code."""
    refused_path: Annotated[str, Field(max_length=4_000)] = ""
    dry_run: bool = False
    """Nothing was stored; `imported` counts who would have been."""


class ImportPhase(StrEnum):
    """Where an import is in its life."""

    running = "running"
    completed = "completed"
    failed = "failed"


class ImportSnapshot(Contract):
    """What an import's workflow says of itself."""

    import_id: Key
    campaign_id: CampaignId
    phase: ImportPhase
    result: ImportResult | None = None
    reason: Reason = ""


class Pruned(Contract):
    """How many rows a clean-up packed or took away, or would have."""

    journal_packed: Count = 0
    """Entries."""
    journal_removed: Count = 0
    """Entries, packed ones included."""
    inbox_removed: Count = 0
    import_refusals_removed: Count = 0
    recordings_removed: Count = 0
    """Files on switches."""
    ivr_sessions_removed: Count = 0
    pin_audit_removed: Count = 0
    """Verdicts and acknowledged alerts."""
    dry_run: bool = False
