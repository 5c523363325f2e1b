"""Everybody on the floor summed up: how many will answer, and how many will be free, by moment."""

import numpy as np

from dialer.pacing.base import Ages, Floor
from dialer.pacing.estimates import AnswerEstimate, Vector
from dialer.pacing.horizon import CUMULANTS, MOMENTS, Outlook, cumulants

_ONES = np.ones(20_000)
"""Everybody counts once; a bigger crowd than this brings its own."""


class Crowd:
    """Sums over a table for everyone of the floor who is in it: cumulants of how many there are."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums = np.zeros(CUMULANTS * MOMENTS)

    @property
    def mean(self) -> Vector:
        """How many are expected, by moment."""
        return self.sums[:MOMENTS]

    @property
    def variance(self) -> Vector:
        """The variance of that, by moment."""
        return self.sums[MOMENTS : 2 * MOMENTS]

    def add(self, table: Vector, ages: Ages, step_s: float = 1.0) -> None:
        """Count one for each age."""
        if len(ages) == 0:
            return
        steps = np.asarray(ages, dtype=np.float64)
        if step_s != 1.0:
            steps = steps * (1.0 / step_s)
        rows = table.take(steps.astype(np.intp), axis=0, mode="clip")
        count = len(rows)
        self.sums += (_ONES[:count] if count <= len(_ONES) else np.ones(count)).dot(rows)

    def add_each(self, chance: float, count: int) -> None:
        """Count some who all have the same chance at every moment."""
        if count:
            self.sums += cumulants(np.full(MOMENTS, chance)) * count


class Crowds:
    """Both crowds of a floor, and no sum twice.

    Often a floor is asked about again at the same instant: a call that was answered is joined to
    its agent, and few of the others have changed. Sums over the very same ages are kept.
    """

    def __init__(self) -> None:
        self._tables: Outlook | None = None
        self._ringing: Ages = ()
        self._busy: tuple[Ages, Ages] = ((), ())
        self._answers: Crowd | None = None
        self._freed: Crowd | None = None

    def of(self, floor: Floor, tables: Outlook, persons: float) -> tuple[Crowd, Crowd]:
        """Return those who will answer, and the agents who will be free.

        `persons` is the share of persons among the calls that are listened to.
        """
        if tables is not self._tables:
            self._tables, self._answers, self._freed = tables, None, None
        answers, freed = self._answers, self._freed
        if answers is None or len(floor.listening_ages) or floor.ringing_ages is not self._ringing:
            answers = Crowd()
            answers.add(tables.answers, floor.ringing_ages, AnswerEstimate.STEP_S)
            answers.add_each(persons, len(floor.listening_ages))
            self._answers = None if len(floor.listening_ages) else answers
            self._ringing = floor.ringing_ages
        talking, wrapping = self._busy
        same = floor.talking_ages is talking and floor.wrap_ages is wrapping
        if freed is None or len(floor.parking_ages) or not same:
            freed = Crowd()
            freed.add(tables.talks, floor.talking_ages)
            freed.add(tables.wraps, floor.wrap_ages)
            freed.add(tables.parks, floor.parking_ages)
            self._freed = None if len(floor.parking_ages) else freed
            self._busy = floor.talking_ages, floor.wrap_ages
        return answers, freed
