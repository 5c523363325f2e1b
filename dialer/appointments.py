"""When a day and a preferred period are, on the wall clock of whoever is called.

A time that a clock change skips stands for the moment of the change; of one that comes twice, a
period starts with the first and ends with the second.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, WithJsonSchema, model_validator

from dialer.model import Frozen

_MINUTE = timedelta(minutes=1)
WallTime = Annotated[
    time,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$",
            "examples": ["09:00"],
        }
    ),
]
"""A time on the wall; JSON Schema's own format would ask for an offset."""


class Period(Frozen):
    """A preferred part of the day; XiVO's "preferred period"."""

    period_id: Annotated[str, Field(min_length=1, max_length=100)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    start: WallTime
    end: WallTime
    """Exclusive."""
    default: bool = False
    """Used where a request names none; one of a list's periods."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.start.tzinfo or self.end.tzinfo or self.start >= self.end:
            raise ValueError(
                f"period {self.name}: {self.start} to {self.end} is no span of one day; "
                "start before the end, without a zone"
            )
        return self


def appointment(day: date, period: Period, zone: str) -> tuple[datetime, datetime]:
    """First and last instant of a period on a day in a zone, in UTC; the last is exclusive."""
    where = ZoneInfo(zone)
    return _instant(day, period.start, where, last=False), _instant(
        day, period.end, where, last=True
    )


def first_after(moment: datetime, period: Period, zone: str) -> tuple[date, Period]:
    """The first day on which a period isn't over at a moment, and what is left of it that day.

    What is left begins at the first whole minute that isn't before the moment.
    """
    local = moment.astimezone(ZoneInfo(zone))
    if moment <= appointment(local.date(), period, zone)[0]:
        return local.date(), period
    clock = local.replace(second=0, microsecond=0, tzinfo=None)
    while clock.date() == local.date() and clock.time() < period.end:
        rest = period.model_copy(update={"start": clock.time()})
        if appointment(local.date(), rest, zone)[0] >= moment:
            return local.date(), rest
        clock += _MINUTE
    return local.date() + timedelta(days=1), period


def _instant(day: date, clock: time, zone: ZoneInfo, *, last: bool) -> datetime:
    wall = datetime.combine(day, clock, tzinfo=zone)
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    # Skipped: between the two readings lies the change, at a whole minute.
    moment = second
    while moment.astimezone(zone).replace(tzinfo=None) < wall.replace(tzinfo=None):
        moment += _MINUTE
    return moment
