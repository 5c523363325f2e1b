"""How fast a loop may place calls, found by what it does to those who have answered.

A machine or PBX that is asked for more than it can do does not refuse: everything takes longer,
until customers leave before they are joined. So the loop watches what each thing takes, events to
reach the engine and commands to be answered, and keeps the rate of new calls under the point from
which that grows: up fast at first, down by a part with the first strain, up slowly from there on.
What is slow by nature, as a PBX far away, is no strain: only what is slow beside its own best.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from dialer.events import RateFound

LOOK_EVERY = timedelta(milliseconds=500)
FIRST = 40.0
"""Calls a second to begin with."""
LEAST = 5.0
MOST = 1_000.0
"""Beyond this nothing is held back."""
QUICK, SLOW, BACK = 1.5, 1.025, 0.7
"""What the rate is multiplied by, with each look: until the first strain, after it, and at one."""
STRAIN_S, CALM_S = 0.15, 0.08
"""Of nine in ten, what is too long, and what is short enough to go faster."""
STALL_S = 0.6
"""What is too long for anybody."""
TIMES_BEST = 3.0
"""Neither counts below so many times the best that was seen."""
FORGET = 1.002
"""By what the best is raised with each look, so that a lucky moment isn't the measure for ever."""
USED = 0.6
"""Of the rate, what must have been placed lately for it to be the cause."""
ROOM = 1.2
"""What was placed, at most, may have been so much more: steps down begin there."""
LATELY, PAUSE, ENOUGH = 4, 2, 10
"""Looks back, looks after a step down, and measures that make a look."""


class Governor:
    """Finds the rate of one dial loop, and tells it when it changes."""

    def __init__(self, put: Callable[[RateFound], None]) -> None:
        self._put = put
        self.rate = FIRST
        self._grows_by = QUICK
        self._took: list[float] = []
        self._placed = 0
        self._lately: deque[float] = deque([0.0], maxlen=LATELY)
        self._best: float | None = None
        self._wait = 0

    def measured(self, took: timedelta) -> None:
        """Something took so long: an event on its way to the engine, a command to its reply."""
        self._took.append(took.total_seconds())

    def placed(self) -> None:
        """A call was sent."""
        self._placed += 1

    async def run(self) -> None:
        """Look until cancelled."""
        self._put(RateFound(calls_per_second=self.rate))
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            self.look()

    def look(self) -> None:
        """Go by what was measured since the last look."""
        took, self._took = sorted(self._took), []
        placed = self._placed / LOOK_EVERY.total_seconds()
        self._lately.append(placed)
        self._placed = 0
        self._wait = max(0, self._wait - 1)
        if len(took) < ENOUGH or max(self._lately) < USED * self.rate:
            return
        middle, slow = took[len(took) // 2], took[len(took) * 9 // 10]
        self._best = min(middle, middle if self._best is None else self._best * FORGET)
        stalled = took[-1] > max(STALL_S, TIMES_BEST * self._best)
        if stalled or slow > max(STRAIN_S, TIMES_BEST * self._best):
            self._grows_by = SLOW
            if not self._wait:
                self._wait = PAUSE
                self._change(max(LEAST, BACK * min(self.rate, ROOM * max(self._lately))))
        elif placed >= USED * self.rate and slow < max(CALM_S, TIMES_BEST * self._best / 2):
            self._change(min(MOST, self.rate * self._grows_by))

    def _change(self, rate: float) -> None:
        if rate != self.rate:
            self.rate = rate
            self._put(RateFound(calls_per_second=round(rate, 1)))
