"""Whether a callback may be called, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from activities.callback_contracts import RecordMove
from dialer.callback_refusals import CallbackForbidden
from dialer.callbacks import Asked, Move, Promise, TicketId, TicketStatus, act, call_name
from dialer.compliance.rules import CapRule, HoursRule, Source
from dialer.compliance.settings import ComplianceSettings
from dialer.windows import CallingHours
from offhook.storage.callback_law import PostgresCallbackLaw
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.compliance_store import DoNotCall
from offhook.storage.compliance_tables import forbidden_calls, past_calls
from offhook.storage.database import Database
from offhook.storage.pool import Pool, open_pool
from tests.support.callbacks import AFTERNOON, ANNA, NUMBER, a_request

NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
OWN = Source(text="this test's own")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def promise(database: Database) -> Promise:
    await CallbackLists(database).create(
        CallbackListView(
            list_id="support",
            name="support",
            queue="",
            campaign_id=None,
            switch_id=None,
            external_id="",
            rules={},
            periods=(AFTERNOON,),
        ),
        now=NOW,
    )
    store = PostgresCallbacks(database)
    booking = Booking(request=a_request(NOW.date()), source=CallbackSource.api)
    callback, _ = await store.book(booking, now=NOW)
    found = await store.read(callback)
    assert found is not None
    return await _moved(store, found, Move.take)


async def _moved(
    store: PostgresCallbacks, promise: Promise, move: Move, status: TicketStatus | None = None
) -> Promise:
    after = act(promise, Asked(move=move, agent_id=ANNA, ticket_id=TicketId("t-1")), NOW)
    await store.record(
        RecordMove(
            request_id=f"{move}-{after.version}",
            move=move,
            promise=after,
            at=NOW,
            agent_id=ANNA,
            ticket_id=after.ticket_id or promise.ticket_id,
            status=status,
            number=NUMBER,
        )
    )
    return after


async def test_call_that_is_permitted_is_written_and_counts_for_every_cap(
    database: Database, pool: Pool, promise: Promise
) -> None:
    cap = CapRule(id="attempts", source=OWN, most=1, within=timedelta(days=1))
    law = PostgresCallbackLaw(pool, default=ComplianceSettings(rules=(cap,)))
    await law.permit(promise, NUMBER, NOW)
    await law.permit(promise, NUMBER, NOW)
    store = PostgresCallbacks(database)
    started = await _moved(store, promise, Move.start)
    closed = await _moved(store, started, Move.call_again, TicketStatus.answered)
    async with database.transaction() as session:
        (call,) = (await session.execute(select(past_calls))).all()
    assert call.id == call_name(promise.request.callback_id, started.version)
    assert (call.number, call.outcome, call.agent_id) == (NUMBER, "answered", ANNA)
    assert call.ended_at == NOW
    again = await _moved(store, closed, Move.take)
    with pytest.raises(CallbackForbidden, match="campaign/attempts") as refused:
        await law.permit(again, NUMBER, NOW + timedelta(hours=1))
    assert refused.value.until == NOW + timedelta(days=1)
    await law.permit(again, NUMBER, NOW + timedelta(days=1, minutes=1))


async def test_number_on_the_do_not_call_list_is_not_called_and_the_refusal_is_on_record(
    database: Database, pool: Pool, promise: Promise
) -> None:
    await DoNotCall(pool).add([NUMBER], now=NOW)
    with pytest.raises(CallbackForbidden, match="do_not_call"):
        await PostgresCallbackLaw(pool).permit(promise, NUMBER, NOW)
    async with database.transaction() as session:
        (refusal,) = (await session.execute(select(forbidden_calls))).all()
        assert (await session.execute(select(past_calls))).all() == []
    assert (refusal.rule, refusal.number) == ("do_not_call", NUMBER)


async def test_callback_outside_the_lawful_hours_says_when_it_may_be_called(
    pool: Pool, promise: Promise
) -> None:
    hours = CallingHours.model_validate("mon-tue 09:00-12:00")
    rule = HoursRule(id="mornings", source=OWN, hours=hours)
    law = PostgresCallbackLaw(pool, default=ComplianceSettings(rules=(rule,)))
    with pytest.raises(CallbackForbidden) as refused:
        await law.permit(promise, NUMBER, NOW)
    assert refused.value.until == datetime(2026, 3, 3, 8, tzinfo=UTC)
