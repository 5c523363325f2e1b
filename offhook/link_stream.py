"""Keeps the event stream of a switch open, and commits what comes.

Reading never waits for the database: what has gathered while a commit was on its way goes into the
next one, and what nobody waits for gathers a moment longer. Whatever was missed while the stream
was down shows in a snapshot, which every campaign on the switch is given after each connection.
Should the database be away for so long that the events gathered are too many, the connection is
given up, and so healed by a snapshot too.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from activities.ports import Inbox, StoreUnavailable, switch_channel
from dialer.events import SnapshotTaken
from dialer.model import SwitchId
from dialer.switching import SwitchError, SwitchUnavailable
from offhook.storage.inbox import MAX_BATCH, RawItem
from offhook.switches.base import Arrived, EventStream
from offhook.switches.registry import OpenSwitch
from offhook.telemetry import counter

log = structlog.get_logger()

FIRST_PAUSE = timedelta(milliseconds=100)
"""Above the fifty milliseconds within which a PBX may still be busy with the connection before."""
GATHER = timedelta(milliseconds=50)
"""How long events that nobody waits for may gather. One that somebody waits for takes them along at
once, and rarely finds a commit of theirs in its way.
"""
LONGEST_PAUSE = timedelta(seconds=10)
STORE_PAUSE = timedelta(milliseconds=500)
MAX_WAITING = 20_000
"""Events that may wait for their commit."""

_CONNECTIONS = counter(
    "dialer_link_streams_total",
    "Connections of event streams, by family and how they went.",
    labels=("family", "result"),
)


class EventLog(Protocol):
    """Commits vendor events in order, duplicates dropped (`PostgresInbox`)."""

    async def append_raw(self, channel: str, items: Sequence[RawItem]) -> int:
        """Raise `StoreUnavailable` when they could not be committed; may be repeated then."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHealth:
    """How a stream is."""

    state: str
    stored: int
    last_at: datetime | None
    detail: str = ""
    """Why it is down."""


class LinkStream:
    """One switch's stream."""

    def __init__(
        self,
        opened: OpenSwitch,
        events: EventLog,
        inbox: Inbox,
        tell: Callable[[SwitchId, StreamHealth], None],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        if opened.stream is None:
            raise ValueError(f"{opened.config.family} has no event stream")
        self._stream: EventStream = opened.stream
        self._opened = opened
        self._switch = opened.config.switch_id
        self._events = events
        self._inbox = inbox
        self._tell = tell
        self._clock = clock
        self._waiting: list[RawItem] = []
        self._arrived = asyncio.Event()
        self._waited_for = asyncio.Event()
        self._stored = 0
        self._last_at: datetime | None = None
        self._state, self._detail = "connecting", ""

    async def run(self) -> None:
        """Read for ever; slower and slower while the switch doesn't answer."""
        writing = asyncio.create_task(self._write(), name=f"event commits {self._switch}")
        try:
            await self._read()
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    async def _read(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._stream.connect() as events:
                    self._now("up")
                    pause = FIRST_PAUSE
                    resynchronising = asyncio.create_task(self._resynchronise())
                    try:
                        async for arrived in events:
                            self._keep(arrived)
                    finally:
                        resynchronising.cancel()
                        with suppress(asyncio.CancelledError):
                            await resynchronising
            except SwitchError as error:
                _CONNECTIONS.labels(self._opened.config.family, error.code).inc()
                if self._state != "down":
                    log.warning("link_stream_down", switch=self._switch, error=str(error))
                self._now("down", str(error)[:300])
            await asyncio.sleep(pause.total_seconds() * random.uniform(1.0, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _keep(self, arrived: Arrived) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise SwitchUnavailable(
                f"{len(self._waiting)} events of {self._switch} wait for the database"
            )
        self._waiting.append(
            RawItem(
                key=arrived.named.dedup_key,
                correlator=arrived.named.correlator,
                payload=arrived.payload,
                received_at=self._clock(),
            )
        )
        self._arrived.set()
        if arrived.waited_for:
            self._waited_for.set()

    async def _write(self) -> None:
        channel = switch_channel(self._switch)
        while True:
            await self._arrived.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER.total_seconds()):
                    await self._waited_for.wait()
            while self._waiting:
                batch = self._waiting[:MAX_BATCH]
                try:
                    await self._events.append_raw(channel, batch)
                except StoreUnavailable as error:
                    log.warning("link_cannot_store", switch=self._switch, error=str(error))
                    await asyncio.sleep(STORE_PAUSE.total_seconds())
                    continue
                del self._waiting[: len(batch)]
                self._stored += len(batch)
                self._last_at = batch[-1].received_at
                self._now(self._state, self._detail)
            self._arrived.clear()
            self._waited_for.clear()

    async def _resynchronise(self) -> None:
        """Give every campaign on the switch a snapshot taken after the stream began."""
        while True:
            asked_at = self._clock()
            try:
                snapshot = await self._opened.adapter.snapshot()
                await self._inbox.post(
                    switch_channel(self._switch),
                    event=SnapshotTaken(snapshot=snapshot, asked_at=asked_at),
                    key=f"snapshot {asked_at.isoformat()}",
                    now=asked_at,
                )
            except (SwitchError, StoreUnavailable) as error:
                log.warning("link_cannot_resynchronise", switch=self._switch, error=str(error))
                await asyncio.sleep(STORE_PAUSE.total_seconds())
            else:
                _CONNECTIONS.labels(self._opened.config.family, "up").inc()
                log.info("link_stream_up", switch=self._switch, calls=len(snapshot.calls))
                return

    def _now(self, state: str, detail: str = "") -> None:
        self._state, self._detail = state, detail
        health = StreamHealth(
            state=state, stored=self._stored, last_at=self._last_at, detail=detail
        )
        self._tell(self._switch, health)
