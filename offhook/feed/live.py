"""Facts for everybody in this process who listens: read once, however many they are.

    async with feed.listen(Wanted(campaigns={"c1"})) as facts:
        async for fact in facts: ...

Nothing is read while nobody listens. A listener has a bounded buffer: whoever is too slow is let go
(`ListenerTooSlow`) rather than have the others wait, and may go on behind `facts.position`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from activities.ports import StoreUnavailable
from offhook.errors import OffhookError
from offhook.feed.facts import Fact
from offhook.feed.reader import Batch, FactReader, Position, Told
from offhook.telemetry import counter

log = structlog.get_logger()

EVERY = timedelta(milliseconds=250)
"""How often is looked, and so how late a fact may come."""
AWAY = timedelta(seconds=1)
BUFFER = 2_000
"""Facts that wait for one listener."""
GOES_BACK = timedelta(hours=1)
"""How old a position may be that somebody goes on from."""

_DROPPED = counter(
    "dialer_feed_listeners_dropped_total", "Listeners of the live feed who were too slow."
)


class ListenerTooSlow(OffhookError):
    """Facts came faster than a listener took them."""

    code = "listener_too_slow"

    def __init__(self) -> None:
        super().__init__(
            "facts came faster than they were taken, and the oldest were about to be lost",
            hint="go on behind the last event that was heard, or ask for fewer kinds",
        )


class PositionTooOld(OffhookError):
    """Too much has happened since that position."""

    code = "position_too_old"

    def __init__(self) -> None:
        super().__init__(
            f"what happened over {GOES_BACK.total_seconds() / 3600:g} h ago is not told again",
            hint="begin with what is next, and read what is missing from calls and reports",
        )


@dataclass(frozen=True)
class Wanted:
    """What a listener wants to hear of; None is everything."""

    campaigns: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    """Whole kinds, or what they begin with: `call` is every kind of call."""
    allows: Callable[[Fact], bool] | None = None
    """Whether the listener may hear of it at all."""

    def fits(self, fact: Fact) -> bool:
        """Whether a fact is one of them."""
        if self.campaigns is not None and fact.campaign_id not in self.campaigns:
            return False
        if self.kinds is not None and not self.kinds & {fact.kind, fact.kind.partition(".")[0]}:
            return False
        return self.allows is None or self.allows(fact)


class Listener:
    """The facts that one listener gets; iterate it, once."""

    def __init__(
        self, feed: "LiveFeed", wanted: Wanted, position: Position, live: Position
    ) -> None:
        self.position = position
        """Behind the last fact that was taken, exactly: going on from here misses nothing and
        repeats nothing."""
        self._feed = feed
        self._wanted = wanted
        self._live = live
        self._waiting: deque[tuple[Sequence[Told], Position]] = deque()
        self._size = 0
        self._woken = asyncio.Event()
        self._too_slow = False

    def __aiter__(self) -> AsyncIterator[Fact]:
        return self._facts()

    async def _facts(self) -> AsyncIterator[Fact]:
        if self.position is not self._live:
            async for fact in self._replayed():
                yield fact
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._too_slow:
                raise ListenerTooSlow
            while self._waiting:
                told, after = self._waiting.popleft()
                self._size -= len(told)
                for fact, behind in told:
                    # What was replayed may have been more than the feed had read by then.
                    if not self._live.covers(fact.origin):
                        self.position = behind.joined(self._live)
                        yield fact
                self._live = self.position = after.joined(self._live)

    async def _replayed(self) -> AsyncIterator[Fact]:
        """What happened before this listener came, up to what is told live."""
        more = True
        while more:
            batch = await self._feed.reader.read(self.position, now=self._feed.clock())
            for fact, behind in batch.told:
                if self._wanted.fits(fact):
                    self.position = behind
                    yield fact
            self._live = self.position = batch.position
            more = batch.more

    def hear(self, batch: Batch) -> None:
        """Take what the feed has read."""
        if self._too_slow:
            return
        fitting = [told for told in batch.told if self._wanted.fits(told[0])]
        self._size += len(fitting)
        if self._size > BUFFER:
            self._too_slow = True
            self._waiting.clear()
            _DROPPED.inc()
        elif not fitting and self._waiting and not self._waiting[-1][0]:
            self._waiting[-1] = ((), batch.position)
        else:
            self._waiting.append((fitting, batch.position))
        self._woken.set()


def _now() -> datetime:
    return datetime.now(UTC)


class LiveFeed:
    """The feed of one process."""

    def __init__(
        self,
        reader: FactReader,
        *,
        clock: Callable[[], datetime] = _now,
        every: timedelta = EVERY,
    ) -> None:
        self.reader = reader
        self.clock = clock
        self._every = every
        self._position: Position | None = None
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()

    @asynccontextmanager
    async def listen(
        self, wanted: Wanted | None = None, *, after: Position | None = None
    ) -> AsyncIterator[Listener]:
        """Facts from now on, or those that follow a position; raises `PositionTooOld`.

        Raises `StoreUnavailable` when nobody listened yet and the database is away.
        """
        self.require_recent(after)
        async with self._beginning:
            if self._position is None or self._task is None:
                self._position = await self.reader.now(self.clock())
                self._task = asyncio.create_task(self._run(), name="live feed")
            live = self._position
            listener = Listener(self, wanted or Wanted(), after or live, live)
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                await self.aclose()

    def require_recent(self, position: Position | None) -> None:
        """Raise `PositionTooOld` for one that is not gone on from any more."""
        if position is not None and position.at < self.clock() - GOES_BACK:
            raise PositionTooOld

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def aclose(self) -> None:
        """Read no more."""
        task, self._task, self._position = self._task, None, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while self._position is not None:
            try:
                batch = await self.reader.read(self._position, now=self.clock())
            except StoreUnavailable as error:
                log.warning("live_feed_waits", error=str(error)[:200])
                await asyncio.sleep(AWAY.total_seconds())
                continue
            except Exception:
                # Listeners would wait for ever, and nobody would know why.
                log.exception("live_feed_broke")
                await asyncio.sleep(AWAY.total_seconds())
                continue
            self._position = batch.position
            for listener in tuple(self._listeners):
                listener.hear(batch)
            if not batch.more:
                await asyncio.sleep(self._every.total_seconds())
