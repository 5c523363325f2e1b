"""Who watches the events of which switch: said over and over by notifications, never stored.

A process that is killed or stands still, or whose connection to the switch is gone, falls silent;
so silence says everything that a row could, and needs no tidying.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from dialer.model import SwitchId
from offhook.storage.database import Listener
from offhook.storage.pool import Pool, store_errors

WATCH_CHANNEL = "offhook_watch"
"""PostgreSQL's notification channel; the payload is the switch's id."""
SAY_EVERY = timedelta(milliseconds=400)
SILENCE = timedelta(milliseconds=1500)
"""After which nobody watches."""
_PATIENCE = 2 * SILENCE

_SAY = "SELECT pg_notify($1, switch) FROM unnest($2::text[]) AS switch"


class WatchTeller:
    """Says that the events of switches are watched, for the process that watches them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def say(self, switches: Collection[SwitchId]) -> None:
        """Say it once; raises `StoreUnavailable`."""
        if switches:
            with store_errors():
                await self._pool.execute(_SAY, WATCH_CHANNEL, list(switches))


async def watched_now(url: str, switches: Collection[SwitchId]) -> frozenset[SwitchId]:
    """Which of the switches somebody is heard to watch; takes seconds where somebody is missing."""
    missing = set(switches)
    if missing:
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(_PATIENCE.total_seconds()),
                Listener(url, WATCH_CHANNEL) as told,
            ):
                async for notification in told:
                    missing.discard(SwitchId(notification.payload))
                    if not missing:
                        break
    return frozenset(switches) - missing


class PostgresWatch:
    """Implements `activities.ports.EventWatch`; enter it to hear."""

    def __init__(
        self, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._listener = Listener(url, WATCH_CHANNEL)
        self._clock = clock
        self._since = clock()
        self._heard: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        self._since = self._clock()
        self._task = asyncio.create_task(self._listen(), name="watch notifications")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._listener.__aexit__(kind, error, trace)

    def unwatched_since(self, switch: SwitchId, now: datetime) -> datetime | None:
        """When the watch was last heard of, where that is too long ago; else None."""
        last = max(self._heard.get(switch, self._since), self._since)
        return last if now - last > SILENCE else None

    def heard_at(self, switch: SwitchId) -> datetime | None:
        """When it was last heard of that somebody watches."""
        return self._heard.get(switch)

    async def _listen(self) -> None:
        async for notification in self._listener:
            if notification.gap:
                self._since = self._clock()  # what was said meanwhile was said to nobody
            else:
                self._heard[notification.payload] = self._clock()
