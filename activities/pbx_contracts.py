"""What crosses Temporal for the jobs beside dialing: phonebooks and call reports.

Ids and counts only: people's names and numbers stay in the database and on the wire to the PBX.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from activities.contracts import Contract, Count, Id, Key, Reason
from dialer.model import SwitchId

CHUNK = 200
"""Contacts a POST."""
CHUNKS_PER_LEG = 10
LEGS_PER_RUN = 200


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:40]!r} is not an IANA time zone, as Europe/Rome is") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
AppName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[0-9A-Za-z_.-]+$")]


class JobPhase(StrEnum):
    """Where a job is in its life."""

    running = "running"
    completed = "completed"
    failed = "failed"


class SyncCounts(Contract):
    """How far a phonebook is synchronised, in contacts."""

    total: Count = 0
    """There when the synchronisation began."""
    sent: Count = 0
    processed: Count = 0
    """What the PBX says it looked at, as the next three are its words."""
    skipped: Count = 0
    warnings: Count = 0
    errors: Count = 0
    chunks: Count = 0


class PhonebookSyncState(Contract):
    """All that the workflow remembers; carried whole into its next run."""

    run_key: Key
    """The same for every run of one synchronisation."""
    counts: SyncCounts = SyncCounts()
    runs: Count = 0


class PhonebookSyncInput(Contract):
    """Bring the contacts of a campaign, or of one of its lists, into a PBX's phonebook."""

    sync_id: Key
    switch: SwitchId
    campaign_id: Id
    list_id: int | None = None
    """None: every list of the campaign."""
    app_name: AppName = "offhook"
    """Whose contacts they are for the PBX; with their ids it makes a repetition an update."""
    info: Annotated[tuple[Key, ...], Field(max_length=20)] = ()
    """Attributes that the PBX shows beside a contact in a call."""
    chunk: Annotated[int, Field(ge=1, le=1_000)] = CHUNK
    resume: PhonebookSyncState | None = None
    legs_per_run: Annotated[int, Field(ge=1, le=LEGS_PER_RUN)] = LEGS_PER_RUN
    chunks_per_leg: Annotated[int, Field(ge=1, le=100)] = CHUNKS_PER_LEG


class SyncLeg(Contract):
    """Send the next chunks of a synchronisation."""

    sync: PhonebookSyncInput
    run_key: Key


class SyncLegResult(Contract):
    """How far a synchronisation is after a leg."""

    counts: SyncCounts
    done: bool


class PhonebookSyncResult(Contract):
    """What came of a synchronisation."""

    sync_id: Key
    counts: SyncCounts


class PhonebookSyncSnapshot(Contract):
    """What a synchronisation's workflow says of itself."""

    sync_id: Key
    switch: SwitchId
    phase: JobPhase
    counts: SyncCounts
    runs: Count
    reason: Reason = ""


class CallCheckInput(Contract):
    """Compare the PBX's report of a day with our attempts."""

    switch: SwitchId
    day: date | None = None
    """None: the day before the one that the check is due on."""
    zone: Zone
    """Where the day is."""
    tolerance: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(minutes=10))] = timedelta(
        seconds=3
    )
    """By how much the two may tell a talk's length differently."""


class CheckCalls(Contract):
    """The same for the activity: the day is known, and so is who asks."""

    switch: SwitchId
    day: date
    zone: Zone
    tolerance: timedelta
    run_key: Key


class CallCheckCounts(Contract):
    """Calls compared, and disagreements by kind."""

    ours: Count = 0
    theirs: Count = 0
    matched: Count = 0
    missing_there: Count = 0
    missing_here: Count = 0
    twice_there: Count = 0
    outcome_differs: Count = 0
    talk_differs: Count = 0

    @property
    def differences(self) -> int:
        """Disagreements of all kinds."""
        return (
            self.missing_there
            + self.missing_here
            + self.twice_there
            + self.outcome_differs
            + self.talk_differs
        )


class CallCheckProgress(Contract):
    """How far a check is: told by its heartbeats."""

    checked_until: datetime
    counts: CallCheckCounts


class CallCheckResult(Contract):
    """What came of a check."""

    switch: SwitchId
    day: date
    counts: CallCheckCounts


class CallCheckSnapshot(Contract):
    """What a check's workflow says of itself."""

    switch: SwitchId
    day: date | None
    phase: JobPhase
    counts: CallCheckCounts | None = None
    reason: Reason = ""
