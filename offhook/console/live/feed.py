"""One reader for each thing that is watched, and everybody who watches it.

A browser asks the database nothing. It follows a feed; the feed reads while anybody follows, as
often as the slowest of "every so often" and what reading costs allow, and hands the same value to
all. When reading fails, followers keep the last value and are told since when it is the last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog

from activities.ports import StoreUnavailable
from offhook.errors import OffhookError

log = structlog.get_logger()

T = TypeVar("T")
V = TypeVar("V")
COST_SHARE = 20
"""A reading that takes a second is done every twenty seconds at most."""
_LINGER = 5
"""Rounds without a follower before a feed stops: pages that are left are often come back to."""
_AT_ONCE = 4
_PAUSE_S = 0.005
"""So many followers are told, then the loop serves others: programs ask the same process."""


@dataclass(frozen=True, slots=True)
class News(Generic[T]):
    """What was read, when, and why there is nothing newer."""

    value: T
    at: datetime
    problem: str = ""


Follower = Callable[[News[T]], None]


class Feed(Generic[T]):
    """One thing that is watched."""

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        *,
        every: timedelta,
        clock: Callable[[], datetime],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._read = read
        self._every = every
        self._clock = clock
        self._ended = ended
        self._followers: set[Follower[T]] = set()
        self._task: asyncio.Task[None] | None = None
        self._views: tuple[News[T] | None, dict[Hashable, object]] = (None, {})
        self.latest: News[T] | None = None

    @property
    def followers(self) -> int:
        """How many watch."""
        return len(self._followers)

    async def now(self) -> News[T]:
        """The news there are, read now unless somebody follows; raises what reading does."""
        if self.latest is None or self._task is None:
            self.latest = News(await self._read(), self._clock())
        return self.latest

    def seen(self, news: News[T], alike: Hashable, view: Callable[[T], V]) -> V:
        """What `view` makes of the news, made once for all who give the same `alike`."""
        of, known = self._views
        if of is not news:
            known = {}
            self._views = (news, known)
        if alike not in known:
            known[alike] = view(news.value)
        found: V = known[alike]  # type: ignore[assignment] # `alike` says which view it is
        return found

    def follow(self, follower: Follower[T]) -> Callable[[], None]:
        """Have all that comes from now on told; returns what ends it."""
        self._followers.add(follower)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="console feed")

        def leave() -> None:
            self._followers.discard(follower)

        return leave

    async def renew(self) -> None:
        """Read at once, as something has just been changed here."""
        await self._look()
        await self._tell_all()

    async def _work(self) -> None:
        alone = 0
        loop = asyncio.get_running_loop()
        try:
            while alone < _LINGER:
                began = loop.time()
                await self._look()
                cost = loop.time() - began
                await self._tell_all()
                due = began + max(self._every.total_seconds(), COST_SHARE * cost)
                await asyncio.sleep(max(due - loop.time(), 0))
                alone = 0 if self._followers else alone + 1
        finally:
            self._task = None
            self._ended()

    async def _look(self) -> None:
        try:
            self.latest = News(await self._read(), self._clock())
        except (StoreUnavailable, OffhookError) as error:
            if self.latest is None:
                return
            self.latest = News(self.latest.value, self.latest.at, str(error))
        except Exception:
            # A mistake in one reading must not end the news for good.
            log.exception("console_feed_broke")
            if self.latest is None:
                return
            self.latest = News(self.latest.value, self.latest.at, "reading it failed")

    async def _tell_all(self) -> None:
        for number, follower in enumerate(tuple(self._followers)):
            if number and number % _AT_ONCE == 0:
                await asyncio.sleep(_PAUSE_S)
            if self.latest is not None and follower in self._followers:
                self._tell(follower, self.latest)

    def _tell(self, follower: Follower[T], news: News[T]) -> None:
        try:
            follower(news)
        except Exception:
            log.exception("console_follower_broke")
            self._followers.discard(follower)


class Hub:
    """The feeds of one process, by name; a feed is gone when nobody follows it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._feeds: dict[str, Feed[Any]] = {}

    def feed(self, name: str, read: Callable[[], Awaitable[T]], *, every: timedelta) -> Feed[T]:
        """The feed of that name, made of these if there is none."""
        found = self._feeds.get(name)
        if found is None:
            found = Feed(read, every=every, clock=self._clock, ended=lambda: self._forget(name))
            self._feeds[name] = found
        return found

    def _forget(self, name: str) -> None:
        self._feeds.pop(name, None)

    def known(self, name: str) -> Feed[Any] | None:
        """The feed of that name, if anybody follows it."""
        return self._feeds.get(name)
