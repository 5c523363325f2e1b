"""Calling hours as data: when a zone's wall clock says that the phone may ring.

The decision: hours are wall-clock spans of a weekday, and "open" is a property of the wall clock,
never of elapsed time. An hour that a clock change skips is never open, an hour that it repeats is
open twice, and a span whose start is skipped opens at the moment the clocks change. So every edge
is computed by cutting the UTC line where the zone's offset changes and laying the spans of the day
on each piece; no arithmetic is done on local times.

A number may lie in several zones. It is open only while it is open in every one of them, which can
only err on the side of not calling.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

HORIZON = timedelta(days=400)
"""How far ahead an opening or a closing is looked for: a year of holidays and then some."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = time(0)
DAY = timedelta(days=1)

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")

Zones = str | tuple[str, ...] | None
"""One zone, all the zones that a number may be in, or nothing for the zone of the hours."""


class UnknownTimeZone(ValueError):
    """The name is not an IANA time zone that this machine knows."""

    code = "unknown_time_zone"

    def __init__(self, zone: str) -> None:
        super().__init__(f"time zone {zone!r} is unknown; use an IANA name such as Europe/Rome")


class UnreadableHours(ValueError):
    """The text is not calling hours."""

    code = "unreadable_calling_hours"

    def __init__(self, text: str, clause: str) -> None:
        super().__init__(
            f"calling hours {text!r}: can't read {clause!r}; write for example "
            "'mon-fri 09:00-13:00,14:00-20:00; sat 10:00-13:00; not 2026-12-25; in Europe/Rome'"
        )


class NaiveInstant(ValueError):
    """An instant without a zone was compared with calling hours."""

    code = "naive_instant"

    def __init__(self, instant: datetime) -> None:
        super().__init__(f"{instant.isoformat()} has no time zone; pass an aware datetime")


class Span(NamedTuple):
    """Wall-clock times [start, end) of one day; an end of 00:00 is midnight at the day's end."""

    start: time
    end: time


class Piece(NamedTuple):
    """A stretch of the UTC line, in naive UTC, in which a zone's offset doesn't change."""

    start: datetime
    end: datetime
    offset: timedelta


Week = tuple[tuple[Span, ...], ...]
_SHUT: Week = ((),) * 7
_OPEN: Week = ((Span(MIDNIGHT, MIDNIGHT),),) * 7


@lru_cache(maxsize=1024)
def zone_info(zone: str) -> ZoneInfo:
    """The zone of that name, or `UnknownTimeZone`."""
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, LookupError):
        raise UnknownTimeZone(zone) from None


class CallingHours(BaseModel):
    """Spans per weekday, less holidays, on the wall clock of `zone` unless another is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    week: Week = _SHUT
    holidays: tuple[date, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return _parse(value) if isinstance(value, str) else value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_info(value)
        return value

    @field_validator("week")
    @classmethod
    def _tidy_week(cls, value: Week) -> Week:
        if len(value) != 7:
            raise ValueError(f"calling hours need 7 weekdays, Monday first; got {len(value)}")
        week = tuple(_merged(spans) for spans in value)
        return _OPEN if week == _OPEN else week  # the same one is soon told to be equal

    @field_validator("holidays")
    @classmethod
    def _tidy_holidays(cls, value: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(sorted(set(value)))

    @classmethod
    def always(cls, zone: str = "UTC") -> Self:
        """Every hour of every day."""
        return cls(zone=zone, week=_OPEN)

    @classmethod
    def never(cls, zone: str = "UTC") -> Self:
        """No hour at all."""
        return cls(zone=zone, week=_SHUT)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the compact form, such as `mon-fri 09:00-20:00; not 2026-12-25; in Europe/Rome`."""
        return cls.model_validate(_parse(text))

    def render(self) -> str:
        """The compact form; `parse` of it gives equal hours."""
        return _render(self)

    @property
    def is_always(self) -> bool:
        """There is no moment at which these hours are closed."""
        return self.week == _OPEN and not self.holidays

    @property
    def is_never(self) -> bool:
        """There is no moment at which these hours are open."""
        return not any(self.week)

    def contains(self, instant: datetime, zone: Zones = None) -> bool:
        """Whether it is open at `instant`, in every one of the zones."""
        if instant.tzinfo is None:
            raise NaiveInstant(instant)
        return all(self._contains(instant, name) for name in self._zones(zone))

    def next_open(self, instant: datetime, zone: Zones = None) -> datetime | None:
        """The first moment from `instant` on that is open in every zone; None if past `HORIZON`."""
        if self.contains(instant, zone):
            return instant
        if self.is_never:
            return None
        names = self._zones(zone)
        moment, limit = instant.astimezone(UTC), instant.astimezone(UTC) + HORIZON
        while True:  # ends, because no opening is past the limit
            # Each zone pushes the moment on to its own next opening, until all agree.
            latest = moment
            for name in names:
                opening = self._opening(latest, name, limit)
                if opening is None:
                    return None
                latest = max(latest, opening)
            if latest == moment:
                return moment
            moment = latest

    def next_close(self, instant: datetime, zone: Zones = None) -> datetime | None:
        """The first moment from `instant` on that is closed in a zone; None if past `HORIZON`."""
        if not self.contains(instant, zone):
            return instant
        if self.is_always:
            return None
        moment, limit = instant.astimezone(UTC), instant.astimezone(UTC) + HORIZON
        closings = (self._closing(moment, name, limit) for name in self._zones(zone))
        return min((closing for closing in closings if closing is not None), default=None)

    def _zones(self, zone: Zones) -> tuple[str, ...]:
        if isinstance(zone, str):
            return (zone,)
        return zone or (self.zone,)

    def _contains(self, instant: datetime, zone: str) -> bool:
        local = instant.astimezone(zone_info(zone))
        clock = local.time()
        for start, end in self.week[local.weekday()]:
            if start <= clock and (clock < end or end == MIDNIGHT):
                return not (self.holidays and local.date() in self.holidays)
        return False

    def _opening(self, moment: datetime, zone: str, limit: datetime) -> datetime | None:
        """The first moment from `moment` to `limit` that is open in one zone."""
        if self._contains(moment, zone):
            return moment
        today = moment.astimezone(zone_info(zone)).date()
        # A clock set back over midnight shows yesterday again, hence three days at first.
        days: Iterable[date] = (today - DAY, today, today + DAY)
        while moment.date() + HORIZON + DAY >= today:
            starts = [
                start
                for day in days
                for start, end in self._open_on(day, zone)
                if end > moment and start <= limit
            ]
            if starts:
                return min(starts)
            today += DAY
            days = (today + DAY,)
        return None

    def _closing(self, moment: datetime, zone: str, limit: datetime) -> datetime | None:
        """The end of the run of open time that holds `moment`, in one zone."""
        while moment <= limit:
            today = moment.astimezone(zone_info(zone)).date()
            ends = [
                end
                for day in (today - DAY, today, today + DAY)
                for start, end in self._open_on(day, zone)
                if start <= moment < end
            ]
            if not ends:
                return moment
            moment = max(ends)
        return None

    def _open_on(self, day: date, zone: str) -> list[tuple[datetime, datetime]]:
        """When a local day is open, in UTC; two stretches where the clock is set back."""
        spans = self.week[day.weekday()]
        if not spans or day in self.holidays:
            return []
        found = []
        for piece in _pieces(zone, day):
            for span in spans:
                first = datetime.combine(day, span.start) - piece.offset
                last = datetime.combine(_end_day(day, span), span.end) - piece.offset
                start, end = max(first, piece.start), min(last, piece.end)
                if start < end:
                    found.append((start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)))
        return found


@lru_cache(maxsize=8192)
def _pieces(zone: str, day: date) -> tuple[Piece, ...]:
    """The stretches of constant offset that can hold any moment of a local day."""
    info = zone_info(zone)
    first = datetime.combine(day, MIDNIGHT) - DAY
    cuts = [first]
    for step in range(0, 72, 3):
        low, high = first + timedelta(hours=step), first + timedelta(hours=step + 3)
        if _offset(info, low) != _offset(info, high):
            cuts.append(_change(info, low, high))
    cuts.append(first + 3 * DAY)
    return tuple(Piece(low, high, _offset(info, low)) for low, high in pairwise(cuts))


def _change(info: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second in (low, high] at which the offset becomes what it is at `high`."""
    before = _offset(info, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if _offset(info, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(info: ZoneInfo, moment: datetime) -> timedelta:
    return moment.replace(tzinfo=UTC).astimezone(info).utcoffset() or timedelta(0)


def _minute(clock: time) -> int:
    if clock.second or clock.microsecond or clock.tzinfo is not None:
        raise ValueError(f"calling hours are whole local minutes; got {clock.isoformat()}")
    return clock.hour * 60 + clock.minute


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def _end_day(day: date, span: Span) -> date:
    return day + DAY if span.end == MIDNIGHT else day


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same times in order, without overlaps."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((_minute(span.start), _minute(span.end) or 1440) for span in spans):
        if start >= end:
            raise ValueError(f"a span must end after it starts; got {_clock(start)}-{_clock(end)}")
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(Span(_clock(start), _clock(end)) for start, end in merged)


def _parse(text: str) -> dict[str, object]:
    week: list[list[Span]] = [[] for _ in DAYS]
    holidays: list[date] = []
    zone = "UTC"
    for clause in filter(None, (part.strip() for part in text.split(";"))):
        word, _, rest = clause.partition(" ")
        try:
            match word.lower():
                case "always" | "never" if not rest:
                    week = [[Span(MIDNIGHT, MIDNIGHT)] if word.lower() == "always" else []] * 7
                case "in":
                    zone = rest.strip()
                case "not":
                    holidays += [date.fromisoformat(day.strip()) for day in rest.split(",")]
                case days:
                    _add_spans(week, _parse_days(days), rest)
        except (ValueError, IndexError):
            raise UnreadableHours(text, clause) from None
    if not text.strip():
        raise UnreadableHours(text, text)
    return {"zone": zone, "week": tuple(map(tuple, week)), "holidays": tuple(holidays)}


def _parse_days(text: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        found += [(start + step) % 7 for step in range(length + 1)]
    return found


def _add_spans(week: list[list[Span]], days: Sequence[int], text: str) -> None:
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not (dash and _CLOCK.fullmatch(first) and _CLOCK.fullmatch(last)) or first == "24:00":
            raise ValueError(part)
        start, end = time.fromisoformat(first), time.fromisoformat(last.replace("24:", "00:"))
        for day in days:
            if end != MIDNIGHT and end <= start:  # over midnight: the rest belongs to the next day
                week[day].append(Span(start, MIDNIGHT))
                week[(day + 1) % 7].append(Span(MIDNIGHT, end))
            else:
                week[day].append(Span(start, end))


def _render(hours: CallingHours) -> str:
    clauses = []
    if hours.is_never or hours.week == _OPEN:
        clauses.append("never" if hours.is_never else "always")
    else:
        day = 0
        while day < 7:
            last = day
            while last < 6 and hours.week[last + 1] == hours.week[day]:
                last += 1
            if hours.week[day]:
                days = DAYS[day] if day == last else f"{DAYS[day]}-{DAYS[last]}"
                clauses.append(f"{days} {','.join(map(_render_span, hours.week[day]))}")
            day = last + 1
    if hours.holidays:
        clauses.append("not " + ",".join(day.isoformat() for day in hours.holidays))
    if hours.zone != "UTC":
        clauses.append(f"in {hours.zone}")
    return "; ".join(clauses)


def _render_span(span: Span) -> str:
    end = "24:00" if span.end == MIDNIGHT else f"{span.end:%H:%M}"
    return f"{span.start:%H:%M}-{end}"
