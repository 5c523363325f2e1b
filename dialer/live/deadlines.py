"""Everything that happens because time passes, in one heap.

A deadline is named by what it is for and whom it concerns, so that setting it again moves it. Each
one yields a command when it is due: only then may ticks that yield none be left out of the journal.
"""

import heapq
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum


class Timer(StrEnum):
    """What a deadline is for."""

    ring = "ring"
    doubt = "doubt"
    listen = "listen"
    patience = "patience"
    reserve = "reserve"
    join_check = "join_check"
    message = "message"
    hang_up = "hang_up"
    join_news = "join_news"
    park_ring = "park_ring"
    release = "release"
    wrap = "wrap"
    preview = "preview"
    snapshot = "snapshot"


Key = tuple[Timer, str]


class Deadlines:
    """Named deadlines, earliest first; equal ones in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Key]] = []
        self._current: dict[Key, tuple[datetime, int]] = {}
        self._set = 0

    def at(self, timer: Timer, who: str = "") -> datetime | None:
        """When the deadline is due, if it is set."""
        found = self._current.get((timer, who))
        return found[0] if found else None

    def set(self, timer: Timer, who: str, at: datetime) -> None:
        """Set or move a deadline."""
        self._set += 1
        key = (timer, who)
        self._current[key] = (at, self._set)
        heapq.heappush(self._heap, (at, self._set, key))
        if len(self._heap) > 64 + 4 * len(self._current):
            self._gather()

    def cancel(self, timer: Timer, who: str = "") -> None:
        """Forget a deadline; nothing happens if it isn't set."""
        self._current.pop((timer, who), None)

    def cancel_each(self, timers: Iterable[Timer], who: str) -> None:
        """Forget several deadlines of one."""
        current = self._current
        for timer in timers:
            current.pop((timer, who), None)

    def move_back(self, by: timedelta) -> None:
        """Have every deadline come so much earlier."""
        for key, (at, number) in self._current.items():
            self._current[key] = (at - by, number)
        self._gather()

    def next(self) -> datetime | None:
        """When the earliest deadline is due."""
        self._tidy()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: datetime) -> Key | None:
        """Take the earliest deadline that is due, if any is."""
        self._tidy()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._current[key]
        return key

    def _gather(self) -> None:
        self._heap = [(at, number, key) for key, (at, number) in self._current.items()]
        heapq.heapify(self._heap)

    def _tidy(self) -> None:
        """Drop entries that were moved or cancelled from the top of the heap."""
        while self._heap:
            at, number, key = self._heap[0]
            if self._current.get(key) == (at, number):
                return
            heapq.heappop(self._heap)
