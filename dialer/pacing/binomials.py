"""The race of a small floor: how many answer and how many come free, counted out one by one.

On a floor of few the numbers are small and skewed, and no smooth curve stands in for them (`race`
says from where on one does). So the chance of every number of answers and of agents is tabulated.
"""

import math
from collections.abc import Sequence
from operator import truediv

import numpy as np

from dialer.pacing.estimates import Vector
from dialer.pacing.horizon import MOMENTS

MOST_COUNTED = 20_000
"""Answers, or agents coming free, that are told apart."""
ROOM = 9
"""Spare agents that may be asked for without counting anew."""
SMALLEST_LOG, TINY = -600.0, 1e-300
FEW = 150
"""Outcomes among which nobody at all may count as impossible where it can't be written down: the
others are too unlikely then to be looked at, too.
"""
_SHARES = np.ones((MOST_COUNTED, 2))
"""For the `k`-th outcome 1/k and 1; of the first outcome nothing is asked."""
_SHARES[1:, 0] = 1.0 / np.arange(1, MOST_COUNTED)
_NOBODY = np.empty((0, MOMENTS))


def pmf(mean: Vector, variance: Vector, size: int) -> Vector:
    """Return P(0..size-1 successes), one column each, of binomials with the given mean and
    variance.
    """
    if size > MOST_COUNTED:
        raise ValueError(f"{size} outcomes are more than the {MOST_COUNTED} that are tabulated")
    mean = np.maximum(mean, 1e-12)
    p = np.maximum(np.minimum(1.0 - variance / mean, 0.98), 1e-9)
    n = mean / p
    none = n * np.log1p(-p)
    # Each is the one before it times odds * (n - k) / (k + 1), which ends where k reaches n.
    terms = np.empty((2, len(mean)))
    odds = np.divide(p, np.subtract(p, 1.0), out=terms[1])
    np.multiply(odds, -1.0 - n, out=terms[0])
    out: Vector = _SHARES[:size].dot(terms)
    np.maximum(out, 0.0, out=out)
    if size <= FEW or float(np.minimum.reduce(none)) > SMALLEST_LOG:
        np.exp(none, out=out[0])
        return np.multiply.accumulate(out, axis=0, out=out)
    # Nobody at all is too unlikely to be written down: multiply as sums of logarithms.
    np.log(np.maximum(out, TINY), out=out)
    out[0] = none
    return np.exp(np.add.accumulate(out, axis=0, out=out), out=out)


class Counts:
    """P(nobody is free for one more answer) at each of the moments, averaged over them."""

    def __init__(self, fresh: Vector, answers: Vector, freed: Vector, *, free: int) -> None:
        """Take what a fresh call adds to the sums, and the sums of answers and of agents who come
        free: means by moment, and after them variances.
        """
        self._fresh, self._answers, self._freed = (
            sums[: 2 * MOMENTS].reshape(2, 1, MOMENTS) for sums in (fresh, answers, freed)
        )
        self._free = free
        top = float(freed[:MOMENTS].max())
        self._size = int(top + 7.0 * math.sqrt(top) + 6.0)
        self._width = max(0, self._size + free + ROOM)
        self._likely: dict[int, Vector] = {}
        """P(so many answers), by number of answers and moment, for each number of new calls."""
        self._upto = _NOBODY
        """P(so many agents at most come free), by number of agents and moment."""
        self._whole: list[float] = []
        """All that was tabulated of it."""
        self._left: dict[int, Vector] = {}

    def risks(self, counts: Sequence[int], spare: int) -> list[float]:
        """Work out the risk after each of so many fresh calls, with so many more agents free; all
        of them cost little more than one.
        """
        free = self._free + spare
        reach = max(0, self._size + free)
        if reach == 0:
            return [1.0] * len(counts)
        if reach > self._width:
            self._width = reach
            self._likely.clear()
        self._count(tuple(fresh for fresh in counts if fresh not in self._likely))
        left = self._left.get(spare)
        if left is None:
            left = self._left[spare] = self._someone_left(free, reach)
        found = []
        for fresh in counts:
            # Of all products of columns, those of one moment with itself.
            served = self._likely[fresh][:reach].T.dot(left).ravel().tolist()
            chance = sum(map(truediv, served[:: MOMENTS + 1], self._whole))
            found.append(1.0 - chance / MOMENTS)
        return found

    def _count(self, counts: tuple[int, ...]) -> None:
        """Tabulate how many answer with so many new calls, and at first how many come free."""
        if not counts:
            return
        known = bool(self._whole)
        sums = np.empty((2, len(counts) + 1, MOMENTS))
        np.multiply(self._fresh, np.array(counts, np.float64)[:, None], out=sums[:, :-1])
        sums[:, :-1] += self._answers
        sums[:, -1:] = self._freed
        mean, variance = (sums[:, :-1] if known else sums).reshape(2, -1)
        found = pmf(mean, variance, self._width if known else max(self._size, self._width))
        for place, fresh in enumerate(counts):
            self._likely[fresh] = found[:, place * MOMENTS : (place + 1) * MOMENTS]
        if not known:
            self._upto = np.add.accumulate(found[: self._size, -MOMENTS:], axis=0)
            self._whole = self._upto[-1].tolist()

    def _someone_left(self, free: int, reach: int) -> Vector:
        """P(somebody is free after so many answers), by number of answers and moment, as far as
        that can be, times `_whole`.
        """
        upto, left = self._upto, np.empty((reach, MOMENTS))
        # free + freed > answers
        first = max(0, free)
        left[:first] = upto[-1]
        np.subtract(upto[-1], upto[first - free : reach - free], out=left[first:])
        return left
