"""Answers and abandoned calls over the time that a regulator counts: a day, a month, the campaign.

Counts are kept by the hour. The oldest hour, which is only partly inside the window, counts with
its abandoned calls and without its answers: so the rate shown is never better than the true one.
"""

from collections import deque
from datetime import UTC, datetime, timedelta

from dialer.events import Tally

HOUR_S = 3_600


class WindowCounts:
    """Persons who answered and persons abandoned, up to `window` ago; all of them if None."""

    def __init__(self, window: timedelta | None, tally: Tally) -> None:
        self.window = window
        """How far back counts reach; None is to the start."""
        self._hours: deque[list[float]] = deque(
            [float(_hour(at)), float(answered), float(abandoned)]
            for at, answered, abandoned in tally.hours
        )
        # What no hour is known of is as old as the campaign.
        self._before = (
            tally.answered - sum(hour[1] for hour in self._hours),
            tally.abandoned - sum(hour[2] for hour in self._hours),
        )
        self.answered = self.abandoned = 0.0
        self._count()

    def add(self, now: datetime, answered: float, abandoned: float) -> None:
        """Count, and let go of what is too old."""
        hour = float(_hour(now))
        if not self._hours or self._hours[-1][0] < hour:
            self._hours.append([hour, 0.0, 0.0])
            self._count()
        self._hours[-1][1] += answered
        self._hours[-1][2] += abandoned
        self.answered += answered
        self.abandoned += abandoned

    def resize(self, window: timedelta | None) -> bool:
        """Count over another window from now on; whether that changes anything."""
        if window == self.window:
            return False
        self.window = window
        self._count()
        return True

    def _count(self) -> None:
        if self.window is None or not self._hours:
            self.answered = self._before[0] + sum(each[1] for each in self._hours)
            self.abandoned = self._before[1] + sum(each[2] for each in self._hours)
            return
        reach = self._hours[-1][0] - self.window.total_seconds() / HOUR_S
        self.answered = sum(each[1] for each in self._hours if each[0] > reach)
        self.abandoned = sum(each[2] for each in self._hours if each[0] > reach - 1.0)


def _hour(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) // HOUR_S
