"""Calling hours: wall clocks, clock changes, several zones, and the compact text form."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dialer.windows import (
    HORIZON,
    CallingHours,
    NaiveInstant,
    Span,
    UnknownTimeZone,
    UnreadableHours,
)

ROME = "Europe/Rome"
OFFICE = CallingHours.parse("mon-fri 09:00-13:00,14:00-20:00; sat 10:00-13:00; in Europe/Rome")
ZONES = [
    "UTC",
    ROME,
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Casablanca",
    "Pacific/Apia",
]


def at(text: str, zone: str = ROME, *, fold: int = 0) -> datetime:
    """A local wall-clock moment."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Instants to the second between two days."""
    seconds = st.integers(int(utc(first).timestamp()), int(utc(last).timestamp()))
    return seconds.map(lambda second: datetime.fromtimestamp(second, UTC))


clocks = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
spans = st.builds(Span, clocks, clocks).filter(lambda s: s.end == time(0) or s.start < s.end)
days = st.lists(spans, max_size=3).map(tuple)
# Around clock changes of every zone above, and Samoa's skipped 30 December 2011.
instants = st.one_of(
    between("2026-01-01", "2027-12-31"),
    between("2026-03-07", "2026-04-06"),
    between("2026-10-03", "2026-11-02"),
    between("2011-12-28", "2012-01-02"),
)
hours_of_a_week = st.builds(
    CallingHours,
    zone=st.sampled_from(ZONES),
    week=st.tuples(*[days] * 7),
    holidays=st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=3).map(tuple),
)
some_zones = st.lists(st.sampled_from(ZONES), max_size=3, unique=True).map(tuple)


def test_hours_contain_the_start_of_a_span_and_not_its_end() -> None:
    assert OFFICE.contains(at("2026-03-02 09:00"))
    assert OFFICE.contains(at("2026-03-02 12:59:59.999999"))
    assert not OFFICE.contains(at("2026-03-02 13:00"))
    assert not OFFICE.contains(at("2026-03-01 12:00"))  # a Sunday


def test_hours_are_read_in_the_zone_of_the_number_when_one_is_given() -> None:
    moment = utc("2026-03-02T19:30")
    assert not OFFICE.contains(moment)
    assert OFFICE.contains(moment, "America/New_York")


def test_next_open_is_now_while_it_is_open() -> None:
    now = at("2026-03-02 10:15")
    assert OFFICE.next_open(now) is now


def test_next_open_skips_the_weekend_and_holidays() -> None:
    hours = CallingHours.parse("mon-fri 09:00-20:00; not 2026-12-25,2026-12-28; in Europe/Rome")
    assert hours.next_open(at("2026-12-24 20:00")) == at("2026-12-29 09:00")


def test_next_close_is_the_end_of_the_run_of_open_spans() -> None:
    assert OFFICE.next_close(at("2026-03-02 10:00")) == at("2026-03-02 13:00")
    closed = at("2026-03-02 13:30")
    assert OFFICE.next_close(closed) is closed


def test_span_over_midnight_belongs_to_both_days_and_closes_once() -> None:
    hours = CallingHours.parse("sat 22:00-02:00; in Europe/Rome")
    assert hours.contains(at("2026-03-08 01:30"))
    assert not hours.contains(at("2026-03-07 01:30"))
    assert hours.next_close(at("2026-03-07 23:00")) == at("2026-03-08 02:00")


def test_span_whose_start_is_skipped_opens_when_the_clocks_change() -> None:
    hours = CallingHours.parse("sun 02:30-04:00; in Europe/Rome")
    assert hours.next_open(at("2026-03-29 00:00")) == utc("2026-03-29T01:00")
    assert hours.next_close(utc("2026-03-29T01:00")) == utc("2026-03-29T02:00")


def test_span_that_is_skipped_whole_is_not_open_on_that_day() -> None:
    hours = CallingHours.parse("sun 02:00-03:00; in Europe/Rome")
    assert hours.next_open(at("2026-03-29 00:00")) == at("2026-04-05 02:00")


def test_repeated_hour_is_open_twice() -> None:
    hours = CallingHours.parse("sun 02:00-02:30; in Europe/Rome")
    first, second = at("2026-10-25 02:00"), at("2026-10-25 02:00", fold=1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert hours.next_open(at("2026-10-25 00:00")) == first.astimezone(UTC)
    assert hours.next_close(first) == utc("2026-10-25T00:30")
    assert hours.next_open(utc("2026-10-25T00:30")) == utc("2026-10-25T01:00")


def test_span_across_a_repeated_hour_is_one_run() -> None:
    hours = CallingHours.parse("sun 01:00-04:00; in Europe/Rome")
    opened = hours.next_open(at("2026-10-25 00:00"))
    assert opened is not None
    closed = hours.next_close(opened)
    assert closed is not None
    assert closed - opened == timedelta(hours=4)


def test_day_that_a_zone_skipped_has_no_opening() -> None:
    hours = CallingHours.parse("fri 09:00-17:00; in Pacific/Apia")
    skipped = hours.next_open(at("2011-12-29 18:00", "Pacific/Apia"))
    assert skipped == at("2012-01-06 09:00", "Pacific/Apia")


def test_number_of_several_zones_is_open_only_when_all_are() -> None:
    hours = CallingHours.parse("daily 09:00-20:00")
    zones = ("Europe/Madrid", "Atlantic/Canary")
    morning = at("2026-03-02 09:30", "Europe/Madrid")
    assert hours.contains(morning, "Europe/Madrid")
    assert not hours.contains(morning, zones)
    assert hours.next_open(morning, zones) == at("2026-03-02 10:00", "Europe/Madrid")
    assert hours.next_close(at("2026-03-02 19:30", "Europe/Madrid"), zones) == at(
        "2026-03-02 20:00", "Europe/Madrid"
    )


def test_zones_that_never_agree_never_open() -> None:
    hours = CallingHours.parse("daily 09:00-10:00")
    assert hours.next_open(utc("2026-03-02T00:00"), (ROME, "America/New_York")) is None


def test_always_never_closes_and_never_never_opens() -> None:
    now = utc("2026-03-02T00:00")
    assert CallingHours.always().contains(now)
    assert CallingHours.always().next_close(now) is None
    assert CallingHours.never().next_open(now) is None
    assert CallingHours.never().next_close(now) is now


def test_holidays_alone_close_hours_that_are_otherwise_always_open() -> None:
    hours = CallingHours.parse("always; not 2026-12-25; in Europe/Rome")
    assert hours.next_close(at("2026-12-01 00:00")) == at("2026-12-25 00:00")
    assert hours.next_open(at("2026-12-25 12:00")) == at("2026-12-26 00:00")
    beyond = at("2026-12-26 12:00")
    assert hours.next_close(beyond) is None


def test_opening_past_the_horizon_is_not_looked_for() -> None:
    closed = tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(HORIZON.days + 30))
    hours = CallingHours(week=CallingHours.always().week, holidays=closed)
    assert hours.next_open(utc("2026-01-01T00:00")) is None


def test_changed_copy_of_hours_forgets_the_old_spans() -> None:
    hours = CallingHours.always()
    assert hours.contains(utc("2026-03-02T00:00"))
    changed = hours.model_copy(update={"week": CallingHours.never().week})
    assert not changed.contains(utc("2026-03-02T00:00"))


def test_overlapping_spans_are_merged_and_days_grouped_in_text() -> None:
    hours = CallingHours.parse("tue,mon 10:00-12:00,11:00-13:00,13:00-14:00; wed 09:00-24:00")
    assert hours.render() == "mon-tue 10:00-14:00; wed 09:00-24:00"


def test_hours_are_read_from_text_wherever_a_model_is_expected() -> None:
    text = "fri-mon 08:00-09:00; not 2026-01-01; in Europe/Riga"
    assert CallingHours.model_validate(text) == CallingHours.parse(text)
    assert CallingHours.parse(text).contains(at("2026-03-01 08:30", "Europe/Riga"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "someday 09:00-10:00",
        "mon 9:00-10:00",
        "mon 24:00-10:00",
        "mon 09:00",
        "mon-fun 09:00-10:00",
        "not 2026-13-01",
        "always maybe",
        "mon",
    ],
)
def test_text_that_is_not_hours_is_refused_with_the_clause(text: str) -> None:
    with pytest.raises(UnreadableHours) as refused:
        CallingHours.parse(text)
    assert refused.value.code == "unreadable_calling_hours"
    assert repr(text) in str(refused.value)


def test_unknown_zone_is_refused_in_hours_and_in_questions() -> None:
    with pytest.raises(ValidationError, match="Europe/Atlantis"):
        CallingHours.parse("always; in Europe/Atlantis")
    with pytest.raises(UnknownTimeZone) as refused:
        CallingHours.always().contains(utc("2026-03-02T00:00"), "../etc/passwd")
    assert refused.value.code == "unknown_time_zone"


def test_instant_without_zone_is_refused() -> None:
    with pytest.raises(NaiveInstant) as refused:
        OFFICE.contains(utc("2026-03-02T10:00").replace(tzinfo=None))
    assert refused.value.code == "naive_instant"


@pytest.mark.parametrize(
    "week",
    [
        ((),) * 6,
        ((Span(time(10), time(9)),), (), (), (), (), (), ()),
        ((Span(time(9, 0, 30), time(10)),), (), (), (), (), (), ()),
    ],
)
def test_week_that_makes_no_sense_is_refused(week: tuple[tuple[Span, ...], ...]) -> None:
    with pytest.raises(ValidationError):
        CallingHours(week=week)


@given(hours_of_a_week)
def test_text_and_json_forms_give_equal_hours_back(hours: CallingHours) -> None:
    assert CallingHours.parse(hours.render()) == hours
    assert CallingHours.model_validate_json(hours.model_dump_json()) == hours


@given(hours_of_a_week, instants, some_zones)
def test_next_open_is_open_and_nothing_is_open_before(
    hours: CallingHours, now: datetime, zones: tuple[str, ...]
) -> None:
    opening = hours.next_open(now, zones)
    until = min(opening or now + HORIZON, now + timedelta(days=10))
    if opening is not None:
        assert opening >= now
        assert hours.contains(opening, zones)
    for step in range(200):
        moment = now + (until - now) * (step / 200)
        assert moment == opening or not hours.contains(moment, zones)
    if opening is not None and opening > now:
        assert not hours.contains(opening - timedelta(microseconds=1), zones)


@given(hours_of_a_week, instants, some_zones)
def test_next_close_is_closed_and_nothing_is_closed_before(
    hours: CallingHours, now: datetime, zones: tuple[str, ...]
) -> None:
    closing = hours.next_close(now, zones)
    until = min(closing or now + HORIZON, now + timedelta(days=10))
    if closing is not None:
        assert closing >= now
        assert not hours.contains(closing, zones)
    for step in range(200):
        moment = now + (until - now) * (step / 200)
        assert moment == closing or hours.contains(moment, zones)


@given(hours_of_a_week, instants, st.timedeltas(timedelta(0), timedelta(days=3)), some_zones)
def test_a_later_question_never_gets_an_earlier_opening(
    hours: CallingHours, now: datetime, later: timedelta, zones: tuple[str, ...]
) -> None:
    first, second = hours.next_open(now, zones), hours.next_open(now + later, zones)
    if first is not None and second is not None:
        assert first <= second
