"""What schedules are: when, and what is to happen then."""

import re
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from activities.contracts import Contract, Id, Path
from activities.pbx_contracts import CallCheckInput, PhonebookSyncInput
from dialer.contacts_csv import ColumnChoices
from dialer.model import CampaignId

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = re.compile(r"(@(every \w{1,20}|\w{1,10})|\S+( +\S+){4,6})", re.ASCII)


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{zone[:40]} is no zone; write it as Europe/Rome") from None
    return zone


def _readable(cron: str) -> str:
    if not _CRON.fullmatch(cron):
        raise ValueError("a cron line is 5 to 7 fields, or one like @daily")
    return cron


Zone = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_known)]
Cron = Annotated[str, Field(max_length=100), AfterValidator(_readable)]
ScheduleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["spring-am"])]
Day = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


class Overlap(StrEnum):
    """What happens when it is time and the run before still goes on."""

    skip = "skip"
    buffer_one = "buffer_one"
    """One waits for its end."""
    buffer_all = "buffer_all"
    """All wait, one behind the other."""
    cancel_other = "cancel_other"
    """The one before is cancelled first."""
    allow_all = "allow_all"


class CalendarRule(Contract):
    """Times of a day, on some days; what isn't named is every day."""

    at: Annotated[tuple[time, ...], Field(min_length=1, max_length=24)]
    """To the minute, in the schedule's zone."""
    weekdays: Annotated[tuple[Day, ...], Field(max_length=7)] = ()
    days: Annotated[tuple[Annotated[int, Field(ge=1, le=31)], ...], Field(max_length=31)] = ()
    """Of the month."""
    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(max_length=12)] = ()


class CampaignJob(Contract):
    """Start, pause, resume or stop a campaign."""

    kind: Literal["start", "pause", "resume", "stop"]
    campaign_id: CampaignId
    clear: bool = False
    """With pause and stop: hang up calls that nobody has answered yet."""


class ImportJob(Contract):
    """Import a file into a campaign, which lies there anew each time."""

    kind: Literal["import"] = "import"
    campaign_id: CampaignId
    ref: Path
    """Path that the worker sees."""
    list_name: Annotated[str, Field(max_length=100)] = ""
    columns: ColumnChoices = ColumnChoices()
    default_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    """Country of national numbers; the campaign's own when the schedule is made."""
    refused_path: Annotated[str, Field(max_length=4_000)] = ""


class PhonebookJob(Contract):
    """Bring a campaign's contacts into its PBX's phonebook."""

    kind: Literal["phonebook_sync"] = "phonebook_sync"
    request: PhonebookSyncInput


class CallCheckJob(Contract):
    """Compare the PBX's report of the day before with our attempts."""

    kind: Literal["call_check"] = "call_check"
    request: CallCheckInput


Job = Annotated[CampaignJob | ImportJob | PhonebookJob | CallCheckJob, Field(discriminator="kind")]


class Plan(Contract):
    """A schedule as somebody wants it: the same id applied again replaces it."""

    schedule_id: ScheduleId
    job: Job
    cron: Annotated[tuple[Cron, ...], Field(max_length=10)] = ()
    calendar: Annotated[tuple[CalendarRule, ...], Field(max_length=10)] = ()
    zone: Zone = "UTC"
    """Of the times: they keep to its clock when that is put forward or back."""
    overlap: Overlap = Overlap.skip
    catch_up: Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=365))] = (
        timedelta(hours=1)
    )
    """How late a run may be that was missed while Temporal was down; later ones are left out."""
    jitter: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=12))] = timedelta(0)
    """Runs begin up to so much later than said."""
    until: datetime | None = None
    """None is for ever."""
    note: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _has_times(self) -> Self:
        if not (self.cron or self.calendar):
            raise ValueError("say when: a cron line, or times of a calendar")
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("until: say the zone too, as 2026-12-31T00:00:00+01:00")
        return self

    @property
    def campaign_id(self) -> Id | None:
        """The campaign that it is about."""
        match self.job:
            case CampaignJob() | ImportJob():
                return self.job.campaign_id
            case PhonebookJob():
                return self.job.request.campaign_id
            case CallCheckJob():
                return None


class ScheduledOrder(Contract):
    """An order to a campaign that is due; the same key never does anything twice."""

    job: CampaignJob
    key: Annotated[str, Field(min_length=1, max_length=100)]


class JobDone(Contract):
    """What came of a run."""

    did: Annotated[str, Field(max_length=100)]
    """`started`, `paused`, ...; `nothing` where that was so before."""
    detail: Annotated[str, Field(max_length=500)] = ""
