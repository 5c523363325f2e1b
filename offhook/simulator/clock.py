"""Time for the simulated PBX: the event loop's, or a virtual one that jumps from event to event."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timer(Protocol):
    """Something that will happen unless cancelled."""

    def cancel(self) -> None:
        """Make it not happen."""


class Clock(Protocol):
    """What the engine needs of time; delays are in the PBX's seconds."""

    def monotonic(self) -> float:
        """Seconds that only go forward, in the time of whoever listens to the PBX."""

    def wall(self) -> datetime:
        """The instant, in UTC."""

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Do `action` after `delay` of the PBX's seconds."""


class LoopClock:
    """The event loop's time; the PBX lives `speed` times faster than its listeners."""

    def __init__(self, speed: float = 1.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._speed = speed

    def monotonic(self) -> float:
        """The loop's time."""
        return self._loop.time()

    def wall(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Do `action` after `delay / speed` of the loop's seconds."""
        return self._loop.call_later(delay / self._speed, action)


class _VirtualTimer:
    __slots__ = ("action", "cancelled")

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """A clock that moves only when told, to exactly when something is due."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 9, tzinfo=UTC)) -> None:
        self._start = start
        self._now = 0.0
        self._order = 0
        self._due: list[tuple[float, int, _VirtualTimer]] = []

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._now

    def wall(self) -> datetime:
        """The start plus what has passed."""
        return self._start + timedelta(seconds=self._now)

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Do `action` when the clock gets there; ties keep their order."""
        timer = _VirtualTimer(action)
        self._order += 1
        heapq.heappush(self._due, (self._now + max(0.0, delay), self._order, timer))
        return timer

    def run_for(self, seconds: float) -> None:
        """Do everything due within `seconds`, then stand there."""
        until = self._now + seconds
        while self._due and self._due[0][0] <= until:
            self._now, _, timer = heapq.heappop(self._due)
            if not timer.cancelled:
                timer.action()
        self._now = until
