"""The inbox: what vendors and people sent, in commit order per channel, on PostgreSQL.

A cursor is only safe if no row with a smaller id can appear behind it. Ids are drawn before a
commit, so two writers could commit in the other order; therefore a writer holds a lock on its
channel from before it draws ids until its rows are visible. What that costs in concurrency the
writer gains back by committing whatever has gathered meanwhile in one go.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

import asyncpg
import structlog
from pydantic import ValidationError

from activities.ports import InboxItem
from dialer.events import EVENT, Event
from dialer.switching import RawEvent
from offhook.storage.database import Listener
from offhook.storage.pool import Pool, PoolOrConnection, store_errors
from offhook.telemetry import counter

log = structlog.get_logger()

_UNREADABLE = counter(
    "dialer_inbox_rows_unreadable_total",
    "Orders in the inbox that this release can't read; they are passed over.",
)

PG_CHANNEL = "offhook_inbox"
"""PostgreSQL's notification channel; the payload is the inbox channel."""
MAX_KEY = 200
MAX_BATCH = 500
"""Most events that one commit takes, so that the first of a flood needn't wait for the last."""

# The lock is taken in the join, before a row is projected and an id drawn for it.
_APPEND = """
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended($1, 7))),
written AS (
    INSERT INTO inbox (channel, dedup_key, correlator, payload, event, received_at)
    SELECT $1, x.dedup_key, x.correlator, x.payload, x.event, x.received_at
    FROM locked, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        AS x(dedup_key, correlator, payload, event, received_at)
    ON CONFLICT (channel, dedup_key) DO NOTHING RETURNING id
), counted AS (SELECT count(*) AS written FROM written)
SELECT written, CASE WHEN written > 0 THEN pg_notify($7, $1) END FROM counted
"""

READ = """
SELECT i.id, i.channel, i.payload, i.event, i.received_at
FROM unnest($1::text[], $2::bigint[]) AS cursor(channel, position)
CROSS JOIN LATERAL (
    SELECT * FROM inbox WHERE channel = cursor.channel AND id > cursor.position
    ORDER BY id LIMIT $3
) AS i
ORDER BY i.id LIMIT $3
"""
"""Events of some channels behind a cursor each, in the order they came, at most so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItem:
    """A vendor's event on its way into the inbox."""

    key: str
    """Equal for two deliveries of the same event."""
    payload: dict[str, str]
    received_at: datetime
    correlator: str = ""


class PostgresInbox:
    """Implements `activities.ports.Inbox`; enter it to be woken by notifications.

    Not entered it works too, only slower: `wait` then sleeps its whole time.
    """

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool = pool
        self._listener = Listener(url, PG_CHANNEL)
        self._task: asyncio.Task[None] | None = None
        self._heard: dict[str, int] = {}
        self._gaps = 0
        self._seen: dict[frozenset[str], int] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        self._task = asyncio.create_task(self._listen(), name="inbox notifications")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._listener.__aexit__(kind, error, trace)

    async def read(self, cursors: Sequence[tuple[str, int]], *, limit: int) -> Sequence[InboxItem]:
        """Up to `limit` rows behind the cursors, in commit order on each channel."""
        channels = [channel for channel, _ in cursors]
        # Taken before the query: what is heard from now on may not be in its answer.
        self._seen[frozenset(channels)] = self._total(channels)
        with store_errors():
            rows = await self._pool.fetch(
                READ, channels, [position for _, position in cursors], limit
            )
        return [_item(row) for row in rows]

    async def wait(self, channels: Sequence[str], *, timeout: float) -> None:
        """Return when something may have arrived since the last `read` of these channels."""
        seen = self._seen.pop(frozenset(channels), None)
        if seen is not None and seen != self._total(channels):
            return
        woken = asyncio.Event()
        for channel in channels:
            self._waiting.setdefault(channel, set()).add(woken)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await woken.wait()
        finally:
            for channel in channels:
                self._waiting[channel].discard(woken)
                if not self._waiting[channel]:
                    del self._waiting[channel]

    async def post(self, channel: str, *, event: Event, key: str, now: datetime) -> None:
        """Commit an order from a person; a second one with the same key is dropped."""
        with store_errors():
            await post_on(self._pool, channel, event, key=key, now=now)

    async def append_raw(self, channel: str, items: Sequence[RawItem]) -> int:
        """Commit vendor events in this order and return how many were new."""
        with store_errors():
            return await _append(self._pool, channel, [_raw_row(item) for item in items])

    def _total(self, channels: Sequence[str]) -> int:
        return self._gaps + sum(self._heard.get(channel, 0) for channel in channels)

    async def _listen(self) -> None:
        async for notification in self._listener:
            if notification.gap:
                self._gaps += 1
                woken = {event for events in self._waiting.values() for event in events}
            else:
                channel = notification.payload
                self._heard[channel] = self._heard.get(channel, 0) + 1
                woken = self._waiting.get(channel, set())
            for event in woken:
                event.set()


@dataclass(slots=True)
class _Gathered:
    """What waits for the next commit on a channel, and who waits for it."""

    items: list[RawItem] = field(default_factory=list)
    committed: list[asyncio.Future[None]] = field(default_factory=list)


class InboxWriter:
    """Commits vendor events for many concurrent callers in few transactions.

    One transaction a channel is in flight; whoever comes meanwhile shares the next one. A caller
    returns after its event is committed, so that it may be acknowledged to the vendor.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._gathered: dict[str, _Gathered] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, channel: str, item: RawItem) -> None:
        """Commit one event; raises `StoreUnavailable` if that failed, and may be repeated then."""
        gathered = self._gathered.setdefault(channel, _Gathered())
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gathered.items.append(item)
        gathered.committed.append(committed)
        if channel not in self._tasks:
            self._tasks[channel] = asyncio.create_task(self._commit(channel), name="inbox commit")
        await committed

    async def _commit(self, channel: str) -> None:
        """Commit until nothing has gathered; a batch's failure is its callers' alone."""
        try:
            while gathered := self._take(channel):
                rows = [_raw_row(item) for item in gathered.items]
                failure: BaseException | None = None
                try:
                    with store_errors():
                        await _append(self._pool, channel, rows)
                except BaseException as error:
                    failure = error
                for committed in gathered.committed:
                    if committed.done():  # the caller has left
                        continue
                    if failure is None:
                        committed.set_result(None)
                    else:
                        committed.set_exception(failure)
                if failure is not None and not isinstance(failure, Exception):
                    raise failure
        finally:
            del self._tasks[channel]

    def _take(self, channel: str) -> _Gathered | None:
        gathered = self._gathered.pop(channel, None)
        if gathered is not None and len(gathered.items) > MAX_BATCH:
            rest = _Gathered(gathered.items[MAX_BATCH:], gathered.committed[MAX_BATCH:])
            self._gathered[channel] = rest
            del gathered.items[MAX_BATCH:], gathered.committed[MAX_BATCH:]
        return gathered


async def post_on(
    database: PoolOrConnection, channel: str, event: Event, *, key: str, now: datetime
) -> None:
    """Post an order, on a connection as part of its transaction."""
    text = EVENT.dump_json(event).decode()
    await _append(database, channel, [(safe_key(key), "", None, text, now)])


async def _append(
    database: PoolOrConnection,
    channel: str,
    rows: Sequence[tuple[str, str, str | None, str | None, datetime]],
) -> int:
    if not rows:
        return 0
    arrays = map(list, zip(*rows, strict=True))
    written: int = await database.fetchval(_APPEND, channel, *arrays, PG_CHANNEL)
    return written


def _raw_row(item: RawItem) -> tuple[str, str, str | None, str | None, datetime]:
    # ASCII only: a vendor's zero byte or half of a character would be refused by the database.
    payload = json.dumps(item.payload)
    return safe_key(item.key), safe_key(item.correlator), payload, None, item.received_at


def safe_key(key: str) -> str:
    """`key`, or a digest of it where it is too long for an index or has what text can't hold."""
    if len(key) <= MAX_KEY and key.isprintable():
        return key
    return sha256(key.encode(errors="surrogatepass")).hexdigest()


def _item(row: asyncpg.Record) -> InboxItem:
    inbox_id, channel, received_at = row["id"], row["channel"], row["received_at"]
    if row["event"] is not None:
        try:
            event = EVENT.validate_json(row["event"])
        except ValidationError:
            # A release that is newer wrote it, or somebody by hand. One row that nobody here can
            # read must not stop the campaign: it is passed over, and stays where it is.
            _UNREADABLE.inc()
            log.error("inbox_row_unreadable", inbox_id=inbox_id, channel=channel)
            return InboxItem(inbox_id=inbox_id, channel=channel, received_at=received_at)
        return InboxItem(inbox_id=inbox_id, channel=channel, event=event, received_at=received_at)
    raw = RawEvent(
        inbox_id=inbox_id,
        channel=channel,
        payload=json.loads(row["payload"]),
        received_at=received_at,
    )
    return InboxItem(inbox_id=inbox_id, channel=channel, raw=raw, received_at=received_at)
