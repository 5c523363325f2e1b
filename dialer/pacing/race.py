"""Answers against free agents: the chance that one more answer finds nobody.

Of the difference between the answers to come and the agents who come free, mean, variance, skewness
and kurtosis are known exactly. Where its variance isn't small they say how it is distributed (the
Edgeworth series, on whole numbers), in a few multiplications for each moment of the ring time;
where it is, the outcomes are counted (`binomials`).
"""

from math import erfc, exp, pi, sqrt
from operator import itemgetter

import numpy as np

from dialer.pacing.binomials import Counts
from dialer.pacing.crowds import Crowd
from dialer.pacing.estimates import Vector
from dialer.pacing.horizon import MOMENTS, Outlook, by_moment

CROWD = 1.5
"""Variance of answers and agents from which their difference is a smooth curve; more by one for
each person who waits, since then the curve's far end counts, near which there are no numbers.
"""
AHEAD = 3
"""Numbers of fresh calls that are counted out together."""
SURE = 4.5
"""Deviations from which an agent is all but sure to be there."""
_SIGNS = np.repeat((-1.0, 1.0, -1.0, 1.0), MOMENTS)
"""How the cumulants of what is taken away count in a difference."""
_LATTICE = np.repeat((0.0, -1.0 / 12.0, 0.0, 1.0 / 120.0), MOMENTS)
"""What turns the cumulants of a whole number into those of the curve through the middles of its
steps (Sheppard's corrections).
"""
_VARIANCE = itemgetter(1)
_ROOT_HALF = sqrt(0.5)
_PEAK = 1.0 / sqrt(2.0 * pi)


class Race:
    """Answers against free agents at the moments of the horizon, for any number of fresh calls."""

    def __init__(
        self, tables: Outlook, answers: Crowd, freed: Crowd, *, free: int, spare: int | None = None
    ) -> None:
        """Set up the race of those who are there; `spare` more agents are what `overrun` adds."""
        self._tables, self._answers, self._agents = tables, answers, freed
        self._free, self._spare = free, spare
        # Answers less agents who come free. The moments are few: plain floats are faster.
        self._rows = by_moment(answers.sums + _SIGNS * freed.sums + _LATTICE)
        self._smooth = min(map(_VARIANCE, self._rows)) >= (CROWD if free >= 0 else CROWD - free)
        self._counts: Counts | None = None
        self._risks: dict[int, float] = {}
        self._overruns: dict[int, float] = {}

    def is_of(self, answers: Crowd, freed: Crowd, *, free: int, spare: int | None) -> bool:
        """Whether it is the race of just these."""
        mine = self._answers is answers and self._agents is freed
        return mine and self._free == free and self._spare == spare

    def without(self, chances: Vector) -> "Race":
        """Return the race without some of the calls that ring, given by their rows of the table."""
        rest = Crowd()
        rest.sums = self._answers.sums - chances.sum(axis=0)
        few = rest.sums[: 2 * MOMENTS]
        np.maximum(few, 0.0, out=few)
        return Race(self._tables, rest, self._agents, free=self._free, spare=self._spare)

    def surely_over(self, limit: float) -> bool:
        """Whether even the next call's risk is far over the limit, by the cheapest estimate."""
        far = 4.0 * limit + 0.03
        if self._smooth:
            return self.risk(0) > far
        total = 0.0
        for mean, variance, _, _ in self._rows:
            # Of a normal, P(< -z) for z up to 2 is over half of a logistic's.
            z = (self._free - mean - 0.5) / sqrt(max(variance, 1e-6))
            total += 1.0 / (1.0 + exp(min(600.0, 1.702 * z)))
        return total / MOMENTS > far

    @property
    def expected(self) -> float:
        """How many people are expected to answer by the last moment."""
        return float(self._answers.mean[-1])

    @property
    def coming(self) -> float:
        """How many agents are expected to come free by the last moment."""
        return float(self._agents.mean[-1])

    @property
    def excess(self) -> float:
        """How many more people are expected to answer than agents can take, at the worst moment."""
        return max(self._rows)[0] - self._free

    def risk(self, fresh: int) -> float:
        """Chance that the answer of one more call finds nobody, after `fresh` other new calls."""
        found = self._risks.get(fresh)
        if found is None:
            self._look_at(fresh, self._risks, 0)
            found = self._risks[fresh]
        return found

    def overrun(self, fresh: int) -> float:
        """Chance that it would find nobody even if `spare` more agents were free: 0 if no number
        of them was given.
        """
        if self._spare is None:
            return 0.0
        found = self._overruns.get(fresh)
        if found is None:
            self._look_at(fresh, self._overruns, self._spare)
            found = self._overruns[fresh]
        return found

    def _look_at(self, fresh: int, known: dict[int, float], spare: int) -> None:
        if self._smooth:
            known[fresh] = self._followed(fresh, spare)
            return
        if self._counts is None:
            self._counts = Counts(
                self._tables.answers[0], self._answers.sums, self._agents.sums, free=self._free
            )
        # Most decisions end with the first look; after that several cost little more than one.
        looks = range(fresh, fresh + AHEAD) if known else (fresh,)
        known.update(zip(looks, self._counts.risks(looks, spare), strict=True))

    def _followed(self, fresh: int, spare: int) -> float:
        """P(answers >= free + spare + agents who come free), from the moments of the difference
        after `fresh` new calls, by the Edgeworth series.
        """
        chance, free = 0.0, self._free + spare - 0.5
        moments = zip(self._rows, self._tables.fresh, strict=True)
        for (mean, variance, third, fourth), (answers, spread, skewed, peaked) in moments:
            variance += fresh * spread
            deviation = sqrt(variance)
            z = (free - mean - fresh * answers) / deviation
            if z >= SURE:
                continue
            zz = z * z
            skew = (third + fresh * skewed) / (variance * deviation)
            excess = (fourth + fresh * peaked) / (variance * variance)
            chance += 0.5 * erfc(z * _ROOT_HALF) + _PEAK * exp(-0.5 * zz) * (
                skew * (zz - 1.0) / 6.0
                + z * (excess * (zz - 3.0) / 24.0 + skew * skew * (zz * (zz - 10.0) + 15.0) / 72.0)
            )
        return min(1.0, max(0.0, chance / MOMENTS))
