"""Everything that happens because time passes, in one heap.

A deadline is named by what it is for and whom it concerns, so that setting it again moves it. Each
one yields a command when it is due: only then may ticks that yield none be left out of the journal.
"""

import heapq
from collections.abc import Set as AbstractSet
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


UNTIL_JOINED = frozenset(
    {
        Timer.ring,
        Timer.doubt,
        Timer.listen,
        Timer.patience,
        Timer.reserve,
        Timer.join_check,
        Timer.message,
    }
)
WHILE_IT_LASTS = UNTIL_JOINED | {Timer.hang_up, Timer.join_news}
"""Deadlines of a call: those that end when it is joined, and all."""

Entry = tuple[datetime, int, Timer, str]


class Deadlines:
    """Named deadlines, earliest first; equal ones in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._current: dict[str, dict[Timer, Entry]] = {}
        """By whom they concern, who has two or three of them at most."""
        self._set = 0

    def at(self, timer: Timer, who: str = "") -> datetime | None:
        """When the deadline is due, if it is set."""
        found = self._current.get(who, {}).get(timer)
        return found[0] if found else None

    def set(self, timer: Timer, who: str, at: datetime) -> None:
        """Set or move a deadline."""
        self._set += 1
        entry = (at, self._set, timer, who)
        mine = self._current.get(who)
        if mine is None:
            self._current[who] = {timer: entry}
        else:
            mine[timer] = entry
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 64 + 8 * len(self._current):
            self._gather()

    def cancel(self, timer: Timer, who: str = "") -> None:
        """Forget a deadline; nothing happens if it isn't set."""
        mine = self._current.get(who)
        if mine is not None and timer in mine:
            del mine[timer]
            if not mine:
                del self._current[who]

    def cancel_each(self, timers: AbstractSet[Timer], who: str) -> None:
        """Forget several deadlines of one."""
        mine = self._current.get(who)
        if mine is None:
            return
        if mine.keys() <= timers:
            del self._current[who]
            return
        for timer in [one for one in mine if one in timers]:
            del mine[timer]

    def move_back(self, by: timedelta) -> None:
        """Have every deadline come so much earlier."""
        for mine in self._current.values():
            for timer, (at, number, _, who) in mine.items():
                mine[timer] = (at - by, number, timer, who)
        self._gather()

    def next(self) -> datetime | None:
        """When the earliest deadline is due."""
        self._tidy()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: datetime) -> tuple[Timer, str] | None:
        """Take the earliest deadline that is due, if any is."""
        if not self._heap or self._heap[0][0] > now:
            return None  # whatever was moved or cancelled on top would have come no later
        self._tidy()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, timer, who = heapq.heappop(self._heap)
        self.cancel(timer, who)
        return timer, who

    def _gather(self) -> None:
        self._heap = [entry for mine in self._current.values() for entry in mine.values()]
        heapq.heapify(self._heap)

    def _tidy(self) -> None:
        """Drop entries that were moved or cancelled from the top of the heap."""
        heap, current = self._heap, self._current
        while heap:
            entry = heap[0]
            mine = current.get(entry[3])
            if mine is not None and mine.get(entry[2]) is entry:
                return
            heapq.heappop(heap)
