"""What may happen to a promise to call back, whatever is asked of it in whatever order."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.appointments import Period, appointment, first_after
from dialer.callback_refusals import CallbackRefused
from dialer.callbacks import (
    HELD,
    MOVES,
    OVER,
    Asked,
    CallbackPhase,
    Move,
    Promise,
    TicketId,
    act,
)
from dialer.model import AgentId
from tests.support.callbacks import AFTERNOON, ANNA, BRUNO, MORNING, NUMBER, a_request

DAY = date(2026, 3, 29)
"""The clocks of Rome go from 02:00 to 03:00."""
_LATEST = datetime.combine(DAY, time(23, 59))
_FIRST, _LAST = (datetime.combine(day, time()) for day in (date(2026, 1, 1), date(2027, 12, 31)))
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

asks = st.builds(
    Asked,
    move=st.sampled_from(Move),
    agent_id=st.sampled_from([ANNA, BRUNO, None]),
    ticket_id=st.just(TicketId("t1")),
    number=st.sampled_from(["", NUMBER, "+391"]),
    due_on=st.none() | st.dates(DAY, DAY + timedelta(days=30)),
    period=st.none() | st.sampled_from([MORNING, AFTERNOON]),
    owner=st.none() | st.sampled_from([ANNA, BRUNO]),
)
steps = st.lists(st.tuples(asks, st.timedeltas(timedelta(0), timedelta(days=2))), max_size=30)


@given(steps, st.sampled_from([None, ANNA]))
def test_promise_has_a_holder_and_a_ticket_exactly_while_it_is_held_and_started(
    steps: list[tuple[Asked, timedelta]], owner: AgentId | None
) -> None:
    promise = Promise(request=a_request(DAY, owner=owner))
    now = NOON
    for asked, later in steps:
        now += later
        due = promise.moved_by_time(now)
        if due is not None:
            promise = act(promise, Asked(move=due), now)
        before = promise
        try:
            promise = act(promise, asked, now)
        except CallbackRefused:
            assert promise is before
        else:
            assert promise.version == before.version + 1
            assert promise.phase is MOVES[before.phase][asked.move]
        assert (promise.held_until is not None) == (promise.phase in HELD)
        assert (promise.ticket_id is not None) == (promise.phase is CallbackPhase.started)
        if promise.phase in OVER:
            assert promise.wakes_at() is None
        elif promise.phase is not CallbackPhase.due:
            assert promise.wakes_at() is not None


@given(steps)
def test_nobody_but_its_holder_or_a_supervisor_moves_a_promise_that_is_held(
    steps: list[tuple[Asked, timedelta]],
) -> None:
    promise = act(Promise(request=a_request(DAY)), Asked(move=Move.take, agent_id=ANNA), NOON)
    for asked, _ in steps:
        if asked.agent_id == BRUNO and asked.move is not Move.lose:
            with pytest.raises(CallbackRefused):
                act(promise, asked, NOON)


def test_end_comes_only_with_a_ticket_a_person_or_time() -> None:
    ways = {
        (phase, move)
        for phase, moves in MOVES.items()
        for move, after in moves.items()
        if after in OVER
    }
    assert {move for _, move in ways} == {Move.ticket, Move.cancel, Move.expire}
    assert all(not MOVES[phase] for phase in OVER)


def test_promise_is_kept_in_time_by_the_first_call_within_the_first_period_promised() -> None:
    promise = Promise(request=a_request(DAY))
    promise = act(promise, Asked(move=Move.fall_due), promise.opens_at)
    promise = act(promise, Asked(move=Move.reschedule, due_on=DAY + timedelta(days=3)), NOON)
    late = promise.opens_at
    promise = act(promise, Asked(move=Move.take, agent_id=ANNA), late)
    promise = act(promise, Asked(move=Move.start, agent_id=ANNA, ticket_id=TicketId("t")), late)
    assert promise.kept_in_time is False


def test_start_with_a_number_of_somebody_else_is_refused() -> None:
    promise = act(Promise(request=a_request(DAY)), Asked(move=Move.take, agent_id=ANNA), NOON)
    with pytest.raises(CallbackRefused) as refused:
        act(promise, Asked(move=Move.start, agent_id=ANNA, number="+391"), NOON)
    assert refused.value.code == "number_not_of_callback"


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.times(max_value=time(23, 58)),
    st.sampled_from(
        ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC"]
    ),
)
def test_appointment_shows_its_times_on_the_clock_of_its_zone(
    day: date, start: time, zone: str
) -> None:
    start = start.replace(second=0, microsecond=0)
    period = Period(period_id="p", name="any", start=start, end=time(23, 59))
    opens_at, closes_at = appointment(day, period, zone)
    shown = opens_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = datetime.combine(day, start)
    assert opens_at < closes_at
    assert shown == wanted or wanted < shown <= wanted + timedelta(hours=2)
    assert (opens_at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(
        tzinfo=None
    ) < wanted


@given(
    st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)),
    st.times(time(0), time(23, 58)),
    st.integers(1, 600),
    st.sampled_from(["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_first_after_a_moment_never_opens_before_it_nor_a_minute_late(
    moment: datetime, start: time, minutes: int, zone: str
) -> None:
    start = start.replace(second=0, microsecond=0)
    end = min(datetime.combine(DAY, start) + timedelta(minutes=minutes), _LATEST).time()
    period = Period(period_id="p", name="any", start=start, end=end)
    day, rest = first_after(moment, period, zone)
    opens_at, closes_at = appointment(day, rest, zone)
    assert moment <= opens_at < closes_at
    assert (rest.end, rest.period_id) == (period.end, period.period_id)
    today = moment.astimezone(ZoneInfo(zone)).date()
    if day == today:
        assert rest == period or opens_at < moment + timedelta(hours=1, minutes=1)
    else:
        assert (day, rest) == (today + timedelta(days=1), period)
        assert appointment(today, period, zone)[1] <= moment + timedelta(hours=1, minutes=1)


def test_first_after_the_first_of_two_equal_hours_waits_for_the_second_to_end() -> None:
    period = Period(period_id="p", name="night", start=time(1), end=time(4))
    moment = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # half past two for the second time
    day, rest = first_after(moment, period, "Europe/Rome")
    assert (day, rest.start) == (date(2026, 10, 25), time(3))


def test_time_that_the_clocks_skip_is_the_moment_of_the_change() -> None:
    period = Period(period_id="p", name="night", start=time(2, 30), end=time(4))
    assert appointment(DAY, period, "Europe/Rome") == (
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 2, tzinfo=UTC),
    )


def test_time_that_comes_twice_begins_with_the_first_and_ends_with_the_second() -> None:
    autumn = date(2026, 10, 25)
    period = Period(period_id="p", name="night", start=time(2, 15), end=time(2, 45))
    assert appointment(autumn, period, "Europe/Rome") == (
        datetime(2026, 10, 25, 0, 15, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 45, tzinfo=UTC),
    )
