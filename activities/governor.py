"""How fast a loop may place calls, found by what it does to those who have answered.

A machine or PBX that is asked for more than it can do does not refuse: everything takes longer,
until customers leave before they are joined. So the loop watches what each thing takes, events to
reach the engine and commands to be answered, and keeps the rate of new calls under the point from
which that grows: up fast at first, down by a part with each strain, then up again,
slowly around the rate that strained last, which may have had another cause, and faster elsewhere.
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
QUICK, STEADY, SLOW, BACK = 1.5, 1.08, 1.025, 0.7
"""What the rate is multiplied by, with each look: until the first strain, away from the last,
around the last, and at one.
"""
AROUND = 0.1
"""A part of the rate that strained last."""
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
        self._strained: float | None = None
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
            if not self._wait:
                self._wait = PAUSE
                self._strained = min(self.rate, ROOM * max(self._lately))
                self._change(max(LEAST, BACK * self._strained))
        elif placed >= USED * self.rate and slow < max(CALM_S, TIMES_BEST * self._best / 2):
            self._change(min(MOST, self.rate * self._growth()))

    def _growth(self) -> float:
        if self._strained is None:
            return QUICK
        return SLOW if abs(self.rate / self._strained - 1) <= AROUND else STEADY

    def _change(self, rate: float) -> None:
        if rate != self.rate:
            self.rate = rate
            self._put(RateFound(calls_per_second=round(rate, 1)))
