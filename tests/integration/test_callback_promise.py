"""What agents promise, and what becomes of what they have when they log off."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from activities.callback_contracts import RecordMove
from dialer.callbacks import Asked, Move, act
from dialer.model import AgentId
from offhook.callback_promise import NobodyTalked, Promising
from offhook.callbacks import CallbackOffice
from offhook.storage import tables
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from offhook.storage.pool import Pool, open_pool
from tests.support.builders import Rows
from tests.support.callbacks import AFTERNOON, MORNING, a_request

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIST = CallbackListView(
    list_id="support",
    name="Support",
    queue="",
    campaign_id=None,
    switch_id=None,
    external_id="",
    rules={},
    periods=(MORNING, AFTERNOON),
)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def lists(database: Database) -> CallbackLists:
    made = CallbackLists(database)
    await made.create(LIST, now=NOW)
    return made


async def _attempt(database: Database, agent: AgentId | None) -> str:
    rows = Rows(database)
    campaign = await rows.campaign()
    contact = await rows.contact(campaign, numbers=("+390230210082",))
    async with database.transaction() as session:
        await session.execute(
            tables.attempts.insert().values(
                id="c1-1-1",
                campaign_id=campaign,
                contact_id=int(contact),
                number="+390230210082",
                agent_id=agent,
                shard=0,
                epoch=1,
                trunk_id="t",
                state="ended",
                outcome="answered",
                ended_at=NOW,
                opened_at=NOW,
            )
        )
    return "c1-1-1"


@pytest.mark.parametrize("mine", [True, False])
async def test_agent_promises_a_callback_once_and_his_talk_is_disposed(
    database: Database, pool: Pool, lists: CallbackLists, mine: bool
) -> None:
    rows = Rows(database)
    await rows.switch()
    (anna,) = await rows.agents("anna")
    attempt = await _attempt(database, anna)
    promising = Promising(pool, CallbackOffice(database))
    day = date(2026, 3, 9)
    first = await promising.promise("Support", attempt, mine=mine, now=NOW, due_on=day)
    again = await promising.promise("Support", attempt, mine=mine, now=NOW, due_on=day)
    assert (first.new, again.new, again.callback_id) == (True, False, first.callback_id)
    (row,) = await lists.rows(None)
    request = row.promise.request
    assert (request.numbers, request.due_on, request.campaign_id) == (
        ("+390230210082",),
        day,
        "c1",
    )
    assert request.owner == (anna if mine else None)
    async with database.transaction() as session:
        told = select(tables.inbox.c.event).where(tables.inbox.c.channel == "campaign:c1")
        said = (await session.execute(told)).scalars().all()
    (event,) = said
    assert '"callback"' in event


async def test_promise_about_a_call_that_no_agent_had_is_refused(
    database: Database, pool: Pool, lists: CallbackLists
) -> None:
    await Rows(database).switch()
    attempt = await _attempt(database, None)
    with pytest.raises(NobodyTalked):
        await Promising(pool, CallbackOffice(database)).promise(
            "Support", attempt, mine=True, now=NOW
        )
    assert await lists.rows(None) == []


async def test_callbacks_are_found_whose_agent_has_logged_off_since(
    database: Database, lists: CallbackLists
) -> None:
    rows = Rows(database)
    await rows.switch()
    await rows.agents("anna", "bruno")
    store = PostgresCallbacks(lists.database)
    held = {}
    for agent in ("anna", "bruno"):
        booking = Booking(request=a_request(NOW.date()), source=CallbackSource.api)
        callback, _ = await store.book(booking, now=NOW)
        promise = await store.read(callback)
        assert promise is not None
        taken = act(promise, Asked(move=Move.take, agent_id=AgentId(agent)), NOW)
        await store.record(RecordMove(request_id="1", move=Move.take, promise=taken, at=NOW))
        held[agent] = callback
    assert await store.left_behind() == {}
    async with database.transaction() as session:
        for agent, seconds in (("anna", 5), ("bruno", -5)):
            await session.execute(
                update(tables.agents)
                .where(tables.agents.c.id == agent)
                .values(status="logged_off", status_at=NOW + timedelta(seconds=seconds))
            )
    assert await store.left_behind() == {AgentId("anna"): [held["anna"]]}
