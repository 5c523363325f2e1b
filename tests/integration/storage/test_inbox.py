"""The inbox on a real PostgreSQL: order, duplicates, wake-ups."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ports import InboxItem, StoreUnavailable
from dialer.events import DrainRequested, PauseRequested
from offhook.storage.inbox import (
    MAX_BATCH,
    MAX_KEY,
    READ,
    InboxWriter,
    PostgresInbox,
    RawItem,
    safe_key,
)
from offhook.storage.pool import Pool, open_pool
from offhook.telemetry import registry
from tests.support.builders import NOW

CHANNEL = "switch:pbx"
FOREVER = 30.0
TERMINATE_WAITING = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def raw(key: str, **payload: str) -> RawItem:
    return RawItem(
        key=key, payload=payload or {"n": key}, received_at=NOW, correlator=f"c1-1-{key}"
    )


def keys(items: "list[InboxItem] | tuple[InboxItem, ...]") -> list[str]:
    return [item.raw.payload["n"] for item in items if item.raw is not None]


async def read_all(inbox: PostgresInbox, channel: str = CHANNEL) -> list[InboxItem]:
    return list(await inbox.read([(channel, 0)], limit=10_000))


async def test_events_are_read_behind_the_cursor_in_the_order_they_came(
    inbox: PostgresInbox,
) -> None:
    assert await inbox.append_raw(CHANNEL, [raw("1"), raw("2"), raw("3")]) == 3
    first = (await read_all(inbox))[0]
    later = await inbox.read([(CHANNEL, first.inbox_id)], limit=10)
    assert keys(list(later)) == ["2", "3"]
    assert (first.channel, first.received_at) == (CHANNEL, NOW)
    assert first.raw is not None
    assert first.raw.inbox_id == first.inbox_id


async def test_second_delivery_of_an_event_is_dropped(inbox: PostgresInbox) -> None:
    await inbox.append_raw(CHANNEL, [raw("1"), raw("1")])
    assert await inbox.append_raw(CHANNEL, [raw("1"), raw("2")]) == 1
    assert keys(await read_all(inbox)) == ["1", "2"]


async def test_same_key_on_another_channel_is_another_event(inbox: PostgresInbox) -> None:
    await inbox.append_raw(CHANNEL, [raw("1")])
    assert await inbox.append_raw("switch:other", [raw("1")]) == 1


async def test_order_of_a_person_is_read_as_the_event_it_is(inbox: PostgresInbox) -> None:
    order = DrainRequested(reason="stopped", clear=True)
    await inbox.post("campaign:c1", event=order, key="request-1", now=NOW)
    await inbox.post("campaign:c1", event=PauseRequested(), key="request-1", now=NOW)
    [item] = await read_all(inbox, "campaign:c1")
    assert (item.event, item.raw) == (order, None)


async def test_channels_are_read_together_each_from_its_own_cursor(inbox: PostgresInbox) -> None:
    await inbox.append_raw(CHANNEL, [raw("1")])
    await inbox.append_raw("switch:other", [raw("x")])
    await inbox.append_raw(CHANNEL, [raw("2")])
    first = (await read_all(inbox))[0].inbox_id
    items = await inbox.read([(CHANNEL, first), ("switch:other", 0)], limit=10)
    assert keys(list(items)) == ["x", "2"]


async def test_limited_read_leaves_no_hole(inbox: PostgresInbox) -> None:
    await inbox.append_raw(CHANNEL, [raw(str(n)) for n in range(10)])
    cursor, seen = 0, list[str]()
    while items := await inbox.read([(CHANNEL, cursor)], limit=3):
        seen += keys(list(items))
        cursor = items[-1].inbox_id
    assert seen == [str(n) for n in range(10)]


async def test_reader_misses_nothing_while_many_write_at_once(
    inbox: PostgresInbox, pool: Pool
) -> None:
    writers = [InboxWriter(pool) for _ in range(6)]

    async def write(writer: InboxWriter, name: int) -> None:
        for number in range(40):
            await writer.add(CHANNEL, raw(f"{name}.{number}"))

    async def follow() -> list[str]:
        seen, cursor = list[str](), 0
        while len(seen) < 240:
            items = await inbox.read([(CHANNEL, cursor)], limit=7)
            seen += keys(list(items))
            cursor = items[-1].inbox_id if items else cursor
            if not items:
                await inbox.wait([CHANNEL], timeout=FOREVER)
        return seen

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(writer, name) for name, writer in enumerate(writers)))
    seen = await following
    assert len(set(seen)) == 240
    for name in range(6):
        own = [key for key in seen if key.startswith(f"{name}.")]
        assert own == [f"{name}.{number}" for number in range(40)]


async def test_callers_share_transactions_and_return_after_the_commit(
    inbox: PostgresInbox, pool: Pool
) -> None:
    writer = InboxWriter(pool)
    committed = 0

    async def add(number: int) -> None:
        nonlocal committed
        await writer.add(CHANNEL, raw(str(number)))
        assert await pool.fetchval("SELECT count(*) FROM inbox WHERE dedup_key = $1", str(number))
        committed += 1

    await asyncio.gather(*(add(number) for number in range(200)))
    assert committed == 200
    transactions = await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox")
    assert transactions <= 3


async def test_flood_is_committed_in_bounded_batches(inbox: PostgresInbox, pool: Pool) -> None:
    writer = InboxWriter(pool)
    flood = MAX_BATCH * 2 + 1
    await asyncio.gather(*(writer.add(CHANNEL, raw(str(number))) for number in range(flood)))
    biggest = await pool.fetchval(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM inbox GROUP BY xmin::text) AS t"
    )
    assert biggest == MAX_BATCH
    assert keys(await read_all(inbox)) == [str(number) for number in range(flood)]


async def test_writer_tells_every_caller_of_a_failed_commit_and_goes_on(
    inbox: PostgresInbox, pool: Pool
) -> None:
    writer = InboxWriter(pool)
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        adding = [asyncio.create_task(writer.add(CHANNEL, raw(str(n)))) for n in range(3)]
        while not await pool.fetchval(TERMINATE_WAITING):  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0.01)
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    await writer.add(CHANNEL, raw("1"))
    assert keys(await read_all(inbox)) == ["1"]


async def test_caller_who_gives_up_does_not_stop_the_others(
    inbox: PostgresInbox, pool: Pool
) -> None:
    writer = InboxWriter(pool)
    leaving = asyncio.create_task(writer.add(CHANNEL, raw("1")))
    staying = asyncio.create_task(writer.add(CHANNEL, raw("2")))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert keys(await read_all(inbox)) == ["1", "2"]


async def test_waiting_reader_is_woken_by_a_commit(inbox: PostgresInbox) -> None:
    assert await read_all(inbox) == []
    async with asyncio.timeout(FOREVER / 2):
        waiting = asyncio.create_task(inbox.wait([CHANNEL, "campaign:c1"], timeout=FOREVER))
        await inbox.append_raw(CHANNEL, [raw("1")])
        await waiting


async def test_event_committed_between_read_and_wait_wakes_at_once(inbox: PostgresInbox) -> None:
    async with asyncio.timeout(FOREVER / 2):
        other = asyncio.create_task(inbox.wait([CHANNEL], timeout=FOREVER))
        assert await inbox.read([(CHANNEL, 0), ("campaign:c1", 0)], limit=5) == []
        await inbox.append_raw(CHANNEL, [raw("1")])
        await other
        await inbox.wait([CHANNEL, "campaign:c1"], timeout=FOREVER)


async def test_reader_looks_again_after_the_connection_was_lost(
    inbox: PostgresInbox, pool: Pool
) -> None:
    async with asyncio.timeout(FOREVER / 2):
        await inbox.wait([CHANNEL], timeout=FOREVER)  # the first connection is a gap, too
        assert await read_all(inbox) == []
        waiting = asyncio.create_task(inbox.wait([CHANNEL], timeout=FOREVER))
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        await waiting


async def test_wait_ends_when_nothing_comes(inbox: PostgresInbox) -> None:
    await inbox.wait(["switch:quiet"], timeout=0.01)


async def test_server_that_is_away_is_said_to_be(postgres_url: str) -> None:
    with pytest.raises(StoreUnavailable):
        await open_pool(postgres_url.replace("host=", "host=/nowhere"))


async def test_any_text_a_vendor_sends_comes_back(inbox: PostgresInbox) -> None:
    odd = {"zero": "a\x00b", "half": "\ud83d", "quote": "'\"\\", "é": "日本"}
    await inbox.append_raw(CHANNEL, [RawItem(key="k\x00", payload=odd, received_at=NOW)])
    [item] = await read_all(inbox)
    assert item.raw is not None
    assert item.raw.payload == odd


async def test_order_that_nobody_can_read_is_passed_over_and_counted(
    inbox: PostgresInbox, pool: Pool
) -> None:
    name = "dialer_inbox_rows_unreadable_total"
    before = registry.get_sample_value(name) or 0.0
    await pool.execute(
        "INSERT INTO inbox (channel, dedup_key, correlator, event, received_at) "
        "VALUES ($1, 'odd', '', '{\"kind\": \"teleported\"}', $2)",
        CHANNEL,
        NOW,
    )
    await inbox.append_raw(CHANNEL, [raw("2")])
    odd, good = await read_all(inbox)
    assert (odd.event, odd.raw) == (None, None)
    assert keys([good]) == ["2"]
    assert (registry.get_sample_value(name) or 0.0) == before + 1


@given(st.text(alphabet=st.characters(), max_size=3 * MAX_KEY))
def test_key_fits_the_index_and_stays_itself_where_it_can(key: str) -> None:
    safe = safe_key(key)
    assert len(safe) <= MAX_KEY
    assert safe.isprintable()
    assert safe == key or len(key) > MAX_KEY or not key.isprintable()


async def test_quiet_channel_is_read_without_walking_the_busy_ones(
    inbox: PostgresInbox, pool: Pool
) -> None:
    await pool.execute(
        """INSERT INTO inbox (channel, dedup_key, correlator, payload, received_at)
        SELECT $1, n::text, '', '{}', now() FROM generate_series(1, 20000) AS n""",
        CHANNEL,
    )
    await pool.execute("ANALYZE inbox")
    plan = json.loads(
        await pool.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {READ}",
            ["campaign:quiet", "switch:quiet", CHANNEL],
            [0, 0, 19_990],
            500,
        )
    )[0]["Plan"]
    assert plan["Actual Rows"] == 10
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 50
