"""Callback lists on a real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from activities.callback_contracts import RecordMove
from dialer.appointments import Period
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import (
    Asked,
    CallbackId,
    CallbackListId,
    CallbackPhase,
    CallbackRules,
    Move,
    Promise,
    TicketId,
    TicketStatus,
    act,
)
from dialer.model import AgentId
from offhook.storage.callback_lists import (
    CallbackListExists,
    CallbackLists,
    CallbackListView,
    NoSuchPeriod,
)
from offhook.storage.callback_store import (
    Booking,
    CallbackListNotFound,
    CallbackMoved,
    PostgresCallbacks,
)
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from tests.support.callbacks import AFTERNOON, ANNA, BRUNO, MORNING, NUMBER, a_request

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOW.date()
SUPPORT = CallbackListId("support")
LEASE = timedelta(minutes=7)


@pytest.fixture
async def lists(database: Database) -> CallbackLists:
    made = CallbackLists(database)
    await made.create(a_list(), now=NOW)
    return made


@pytest.fixture
def store(database: Database, lists: CallbackLists) -> PostgresCallbacks:
    assert lists.database is database
    return PostgresCallbacks(database)


def a_list(name: str = "support", *periods: Period) -> CallbackListView:
    return CallbackListView(
        list_id=CallbackListId(name),
        name=name,
        queue="q1",
        campaign_id=None,
        switch_id=None,
        external_id="",
        rules=CallbackRules(lease=LEASE),
        periods=periods or (MORNING, AFTERNOON),
    )


def a_booking(due_on: date = TODAY, source_key: str = "") -> Booking:
    return Booking(request=a_request(due_on), source=CallbackSource.agent, source_key=source_key)


async def moved(
    store: PostgresCallbacks,
    promise: Promise,
    move: Move,
    *,
    agent: AgentId = ANNA,
    status: TicketStatus | None = None,
    at: datetime = NOW,
    request_id: str = "",
) -> Promise:
    ticket = TicketId(f"t-{promise.request.callback_id}")
    after = act(promise, Asked(move=move, agent_id=agent, ticket_id=ticket), at)
    await store.record(
        RecordMove(
            request_id=request_id or uuid4().hex,
            move=move,
            promise=after,
            at=at,
            agent_id=agent,
            ticket_id=after.ticket_id or promise.ticket_id,
            status=status,
            number=NUMBER,
        )
    )
    return after


async def read(store: PostgresCallbacks, callback: CallbackId) -> Promise:
    promise = await store.read(callback)
    assert promise is not None
    return promise


async def test_promise_is_booked_once_with_the_rules_of_its_list(
    store: PostgresCallbacks,
) -> None:
    first = a_booking(source_key="attempt-1")
    callback, new = await store.book(first, now=NOW)
    again, second = await store.book(a_booking(source_key="attempt-1"), now=NOW)
    assert (new, second, again) == (True, False, callback)
    assert (await read(store, callback)).rules.lease == LEASE
    assert (await store.book(first, now=NOW)) == (callback, False)
    stray = first.request.model_copy(update={"list_id": "nowhere"})
    with pytest.raises(CallbackListNotFound):
        await store.book(Booking(request=stray, source=CallbackSource.api), now=NOW)


async def test_move_is_written_once_with_its_ticket(
    store: PostgresCallbacks, lists: CallbackLists
) -> None:
    callback, _ = await store.book(a_booking(), now=NOW)
    promise = await moved(store, await read(store, callback), Move.take)
    promise = await moved(store, promise, Move.start, request_id="start-1")
    before = act(await read(store, callback), Asked(move=Move.lose), NOW)
    await store.record(RecordMove(request_id="start-1", move=Move.start, promise=before, at=NOW))
    assert await read(store, callback) == promise
    await moved(store, promise, Move.ticket, status=TicketStatus.answered)
    tickets = [t async for t in lists.tickets(SUPPORT, since=NOW, until=NOW + timedelta(hours=1))]
    assert [(t.agent_id, t.number, t.status) for t in tickets] == [
        (ANNA, NUMBER, TicketStatus.answered)
    ]


async def test_move_that_skips_another_is_refused(store: PostgresCallbacks) -> None:
    callback, _ = await store.book(a_booking(), now=NOW)
    promise = await read(store, callback)
    ahead = act(promise, Asked(move=Move.take, agent_id=ANNA), NOW)
    with pytest.raises(CallbackMoved):
        await moved(store, ahead, Move.release)
    stranger = promise.model_copy(update={"request": a_request(TODAY)})
    with pytest.raises(CallbackUnknown):
        await moved(store, stranger, Move.take)


async def test_callbacks_that_fall_due_are_found_page_by_page(store: PostgresCallbacks) -> None:
    bookings = [a_booking(TODAY + timedelta(days=n % 4)) for n in range(12)]
    booked = [callback for callback, _ in await store.book_all(bookings, now=NOW)]
    closed = await moved(store, await read(store, booked[0]), Move.cancel)
    assert closed.phase is CallbackPhase.cancelled
    found: list[CallbackId] = []
    until = NOW + timedelta(days=2)
    while page := await store.asleep(due_before=until, after=found[-1] if found else None, limit=2):
        found += page
    wanted = {b.request.callback_id for b in bookings[1:] if b.request.due_on < until.date()}
    assert len(found) == len(set(found))
    assert wanted <= set(found) <= set(booked[1:])


async def test_callbacks_of_an_agent_who_leaves_are_found(store: PostgresCallbacks) -> None:
    (mine, _), (other, _) = await store.book_all([a_booking(), a_booking()], now=NOW)
    await moved(store, await read(store, mine), Move.take)
    await moved(store, await read(store, other), Move.take, agent=BRUNO)
    assert await store.held_by(ANNA) == [mine]


async def test_list_shows_what_is_on_it_and_what_is_late(
    store: PostgresCallbacks, lists: CallbackLists
) -> None:
    bookings = [a_booking(), a_booking(), a_booking(TODAY - timedelta(days=3))]
    booked = [callback for callback, _ in await store.book_all(bookings, now=NOW)]
    await moved(store, await read(store, booked[0]), Move.take)
    view = await lists.find("support", now=NOW)
    assert (view.waiting, view.due, view.held, view.late) == (2, 0, 1, 1)
    assert view.period("Morning") == MORNING
    assert view.period() == AFTERNOON
    with pytest.raises(NoSuchPeriod):
        view.period("Night")
    rows = await lists.rows(SUPPORT, limit=2)
    rest = await lists.rows(SUPPORT, after=rows[-1].callback_id)
    assert [row.callback_id for row in (*rows, *rest)] == [booked[2], *sorted(booked[:2])]
    taken = await lists.rows(SUPPORT, phases=[CallbackPhase.taken])
    assert [row.promise.holder for row in taken] == [ANNA]


async def test_statistics_tell_kept_in_time_from_late(
    store: PostgresCallbacks, lists: CallbackLists
) -> None:
    for due_on in (TODAY, TODAY - timedelta(days=2)):
        callback, _ = await store.book(a_booking(due_on), now=NOW)
        promise = await moved(store, await read(store, callback), Move.take)
        promise = await moved(store, promise, Move.start)
        await moved(store, promise, Move.ticket, status=TicketStatus.answered)
    callback, _ = await store.book(a_booking(), now=NOW)
    promise = await moved(store, await read(store, callback), Move.take)
    await moved(store, await moved(store, promise, Move.start), Move.lose)
    day = timedelta(days=1)
    stats = await lists.stats(SUPPORT, since=NOW - day, until=NOW + day, now=NOW + day)
    assert (stats.booked, stats.kept, stats.kept_in_time, stats.open, stats.late) == (3, 2, 2, 1, 1)
    assert stats.average_age == day
    assert stats.tickets == {"answered": 2, "given_up": 1}


async def test_deleted_list_takes_its_callbacks_along(
    store: PostgresCallbacks, lists: CallbackLists
) -> None:
    callback, _ = await store.book(a_booking(), now=NOW)
    promise = await store.read(callback)
    assert promise is not None
    near, far = promise.opens_at + timedelta(hours=1), promise.opens_at - timedelta(hours=1)
    assert await lists.awake(SUPPORT, before=near) == [callback]
    assert await lists.awake(SUPPORT, before=far) == []
    assert await lists.delete(SUPPORT) == [(callback, promise.opens_at)]
    assert await store.read(callback) is None
    assert await lists.all(now=NOW) == []


async def test_second_list_of_a_name_is_refused_and_periods_and_rules_can_change(
    lists: CallbackLists,
) -> None:
    with pytest.raises(CallbackListExists):
        await lists.create(a_list(), now=NOW)
    await lists.set_periods(SUPPORT, [MORNING])
    await lists.set_rules(SUPPORT, CallbackRules(lease=timedelta(hours=1)))
    view = await lists.find("support", now=NOW)
    assert (view.periods, view.rules.lease) == ((MORNING,), timedelta(hours=1))
