"""Callers who are promised a call back: by a menu, and by a queue in which they waited too long."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from activities.errors import NotConfigured
from activities.ivr_contracts import BookCallback
from dialer.callbacks import CallbackPhase
from ivr.machine import begin, handle
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    Carried,
    Digits,
    EndReason,
    FindAgent,
    Play,
    Routed,
    Started,
)
from ivr.machine_words import BookCallback as PromiseCallback
from ivr.tree import Forest
from offhook.callbacks import CallbackOffice
from offhook.inbound import queue_tree
from offhook.ivr.promises import MenuCallbacks
from offhook.storage.callback_lists import CallbackLists, CallbackRow
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from tests.integration.ivr.test_agent_finder import Hall
from tests.integration.test_callback_promise import LIST
from tests.support.builders import NOW, SWITCH, Rows
from tests.unit.ivr.trees import written

CALLER = "+390733123456"
MAX_WAIT = timedelta(minutes=2)


class Caller:
    """Somebody in a tree."""

    def __init__(self, forest: Forest, at: datetime) -> None:
        self.forest, self.at = forest, at
        self.session = begin(forest.first.ivr)
        self.actions: tuple[AnyAction, ...] = ()
        self.tell(Started(at=at, calling=CALLER, called="100"))

    def tell(self, event: AnyEvent) -> None:
        step = handle(self.forest.trees, self.session, event)
        assert step.ignored is None, step.ignored
        self.session, self.actions = step.session, step.actions

    def promised(self) -> BookCallback:
        """The promise that the tree makes now, as the session asks for it to be kept."""
        (promise,) = (one for one in self.actions if isinstance(one, PromiseCallback))
        return BookCallback(
            key=f"s1/{self.session.turn}",
            switch_id=SWITCH,
            number=promise.number,
            not_before=promise.not_before,
            group=promise.group,
            callback_list=LIST.name,
        )


@pytest.fixture
async def hall(database: Database, database_url: str) -> AsyncIterator[Hall]:
    pool = await open_pool(database_url, size=4)
    rows = Rows(database)
    await rows.switch()
    await CallbackLists(database).create(LIST, now=NOW)
    yield Hall(pool, rows)
    await pool.close()


def booker(database: Database, now: datetime) -> MenuCallbacks:
    return MenuCallbacks(CallbackOffice(database), lambda: now, "IT")


async def rows(database: Database) -> list[CallbackRow]:
    return await CallbackLists(database).rows(LIST.list_id)


async def test_menu_books_whom_it_promises_to_call_back_once(
    hall: Hall, database: Database
) -> None:
    caller = Caller(
        written(
            "start: {kind: menu, prompt: {en: Press one.}, keys: {1: promise}}",
            "promise: {kind: callback, next: bye}",
            "bye: {kind: hangup}",
        ),
        NOW,
    )
    caller.tell(Digits(at=NOW, turn=caller.session.turn, digits="1"))
    request = caller.promised()
    for _ in range(2):  # an activity may be repeated
        await booker(database, NOW).book(request)
    (row,) = await rows(database)
    assert row.source is CallbackSource.ivr
    assert row.promise.request.numbers == (CALLER,)
    assert row.promise.phase is not CallbackPhase.closed
    caller.tell(Carried(at=NOW, turn=caller.session.turn, ok=True))
    assert caller.session.ended is EndReason.completed


async def test_caller_who_waited_too_long_in_a_queue_is_booked(
    hall: Hall, database: Database
) -> None:
    await hall.agent("ann")
    assert (await hall.seek("s0")).outcome == "reserved"
    tree = queue_tree("sales", "en", max_wait=MAX_WAIT, then="callback")
    caller = Caller(tree, NOW)
    (wanted,) = (one for one in caller.actions if isinstance(one, FindAgent))
    assert wanted.max_wait == MAX_WAIT
    begun = await hall.seek("s1", wanted.needs, since=NOW, max_wait=wanted.max_wait)
    assert begun.outcome == "waiting"
    hall.now = NOW + MAX_WAIT
    found = await hall.seek("s1", wanted.needs, since=NOW, max_wait=wanted.max_wait)
    assert found.outcome == "timeout"
    caller.tell(Routed(at=hall.now, turn=caller.session.turn, outcome=found.outcome))
    await booker(database, hall.now).book(caller.promised())
    (row,) = await rows(database)
    assert (row.source, row.promise.request.numbers) == (CallbackSource.ivr, (CALLER,))
    assert row.promise.request.queue == "sales"
    caller.tell(Carried(at=hall.now, turn=caller.session.turn, ok=True))
    assert [one.do for one in caller.actions if isinstance(one, Play)] == ["play"]


@pytest.mark.parametrize(
    ("number", "due"), [(CALLER, date(2026, 3, 3)), ("+12125550123", date(2026, 3, 2))]
)
async def test_promise_at_night_is_due_on_the_callers_own_day(
    hall: Hall, database: Database, number: str, due: date
) -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    request = BookCallback(
        key="s1/4", switch_id=SWITCH, number=number, not_before=late, callback_list=LIST.name
    )
    await booker(database, late).book(request)
    (row,) = await rows(database)
    assert row.promise.request.due_on == due


@pytest.mark.parametrize(
    ("after", "due", "start"),
    [
        (timedelta(hours=1), date(2026, 3, 3), time(15, 30)),
        (timedelta(minutes=-1), date(2026, 3, 3), time(14)),
        (timedelta(hours=3), date(2026, 3, 4), time(14)),
        (timedelta(hours=23), date(2026, 3, 4), time(14)),
    ],
)
async def test_promise_for_later_is_kept_not_before_and_in_the_usual_period(
    hall: Hall, database: Database, after: timedelta, due: date, start: time
) -> None:
    now = datetime(2026, 3, 3, 13, 30, tzinfo=UTC)  # half past two where the caller is
    request = BookCallback(
        key="s1/4",
        switch_id=SWITCH,
        number=CALLER,
        not_before=now + after,
        callback_list=LIST.name,
    )
    await booker(database, now).book(request)
    (row,) = await rows(database)
    promised = row.promise.request
    assert (promised.due_on, promised.period.start, promised.period.end) == (due, start, time(17))


async def test_promise_without_a_list_is_told_not_to_be_kept(
    hall: Hall, database: Database
) -> None:
    request = BookCallback(key="s1/4", switch_id=SWITCH, number=CALLER, not_before=NOW)
    with pytest.raises(NotConfigured) as told:
        await booker(database, NOW).book(request)
    assert told.value.code == "ivr_callback_list_missing"
    assert await rows(database) == []
