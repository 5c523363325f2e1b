"""What the pacer believes about ringing, talking and wrapping up, learnt from how each one ended.

Both estimates are discrete hazards: for every second of age, the chance to end in it, given that it
lasted so far. Ages then speak for themselves (a call that rang for 20 s is not a fresh call), no
shape of distribution is assumed, and the prior only fills the seconds that nobody has seen yet.
What is still going on counts too, as having lasted so far: otherwise the first minutes of a shift,
when only short talks are over, would teach that talks are short.
Evidence is forgotten by number of endings, not by time: a small floor learns slower and forgets
slower.
"""

import bisect
import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

RESCALE_AT = 1e12
"""Growing weights stand in for shrinking history; scaled back before they lose precision."""
LATELY = 60.0
"""Half-life, in calls, of the memory that a change is noticed by."""
FADING = 0.5 ** (1.0 / LATELY)
MORE, FEWER = 3.0, 3.5
"""Standard errors from what was expected lately to what came, which are a change and not luck."""
CAREFUL = 120.0
"""Calls that memory is cut down to where fewer answer. More people who answer are believed at once,
fewer only as calls come in: being late costs little idleness, being wrong a burst of calls.
"""
FEW = 3.0
"""Calls' worth of doubt about what happens at ages that hardly any call reaches."""
SETTLED = 0.05
"""Relative standard error of a mean duration that is as good as known: 400 endings."""


class InProgress:
    """When each thing that isn't over began, known only by what ends and how long it took."""

    def __init__(self, forget_after_s: float) -> None:
        """Start empty; what was never seen to end is dropped after `forget_after_s`."""
        self._starts: list[float] = []
        self._forget_after_s = forget_after_s

    def begin(self, now_s: float) -> None:
        """One begins."""
        bisect.insort(self._starts, now_s)

    def end(self, now_s: float, lasted_s: float) -> None:
        """The one that began nearest to `lasted_s` ago is over."""
        starts = self._starts
        if not starts:
            return
        start = now_s - lasted_s
        at = bisect.bisect_left(starts, start)
        if at == len(starts) or (at > 0 and start - starts[at - 1] < starts[at] - start):
            at -= 1
        del starts[at]

    def ages(self, now_s: float) -> Vector:
        """Return how long each has lasted."""
        del self._starts[: bisect.bisect_left(self._starts, now_s - self._forget_after_s)]
        return now_s - np.asarray(self._starts, dtype=np.float64)


def _lasting(ages: Vector, step_s: float, bins: int) -> Vector:
    """Return how many of `ages` have passed each bin."""
    at = np.minimum((ages / step_s).astype(np.intp), bins)
    counts = np.bincount(at, minlength=bins + 1)
    return np.asarray(counts[::-1].cumsum()[::-1][1:], dtype=np.float64)


class Noted:
    """Endings that no table holds yet: adding them up in one go is several times cheaper."""

    __slots__ = ("_bins", "_endings")

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._endings: list[tuple[int, float]] = []

    def add(self, at: int, weight: float) -> None:
        """Take one ending, and the bin in which it came."""
        self._endings.append((at, weight))

    def take(self) -> Vector:
        """Return the weight of all endings since the last time, by bin."""
        if not self._endings:
            return np.zeros(self._bins)
        at, weights = zip(*self._endings, strict=True)
        self._endings.clear()
        return np.asarray(np.bincount(at, weights, minlength=self._bins), dtype=np.float64)


def _reaching(ended: Vector) -> Vector:
    """Return the weight of those that lasted into each bin, of those that ended in each."""
    return np.asarray(ended[::-1].cumsum()[::-1])


class DurationEstimate:
    """How long something lasts, and how much longer at any age."""

    PRIOR_EXPOSURE = 3.0
    """Endings' worth of exponential prior at every second of age."""

    def __init__(self, mean_s: float, *, horizon_s: int, half_life: float, weight: float) -> None:
        """Start from an exponential duration of `mean_s` that counts as `weight` endings."""
        self._growth = 0.5 ** (-1.0 / half_life)
        self._weight = 1.0
        self._ends = np.zeros(horizon_s)
        self._exposure = np.zeros(horizon_s)
        self._noted = Noted(horizon_s + 1)  # the last one: beyond the horizon
        self._sum = mean_s * weight
        self._count = weight
        self._open = InProgress(float(horizon_s))

    def begin(self, now_s: float) -> None:
        """One begins; optional, as an ending alone teaches too."""
        self._open.begin(now_s)

    def learn(self, now_s: float, lasted_s: float) -> None:
        """Take one ending."""
        self._open.end(now_s, lasted_s)
        self._noted.add(min(len(self._ends), max(0, int(lasted_s))), self._weight)
        self._sum += lasted_s * self._weight
        self._count += self._weight
        self._weight *= self._growth
        if self._weight > RESCALE_AT:
            self._settle()
            for array in (self._ends, self._exposure):
                array /= self._weight
            self._sum /= self._weight
            self._count /= self._weight
            self._weight = 1.0

    def _settle(self) -> None:
        ended = self._noted.take()
        self._ends += ended[:-1]
        self._exposure += _reaching(ended)[:-1]

    @property
    def caution(self) -> float:
        """Factor from the chance to be over soon to a safe one: a standard error under it while
        few have ended, which all who are still at it share.
        """
        return 1.0 - max(0.0, 1.0 / math.sqrt(self._count / self._weight) - SETTLED)

    def survival(self, now_s: float) -> Vector:
        """Return P(lasts at least k seconds) for k = 0, 1, ... one past the horizon."""
        self._settle()
        ages = self._open.ages(now_s)
        exposure = self._exposure + self._weight * _lasting(ages, 1.0, len(self._ends))
        mean = max(0.5, (self._sum + self._weight * float(ages.sum())) / self._count)
        prior = self._weight * self.PRIOR_EXPOSURE
        hazard = 1.0 - math.exp(-1.0 / mean)
        hazards = (self._ends + prior * hazard) / (exposure + prior)
        return np.concatenate(([1.0], np.cumprod(1.0 - np.minimum(hazards, 0.995))))


class AnswerEstimate:
    """Whether and when a call is answered, and when it ends otherwise, at any age."""

    STEP_S = 0.5

    def __init__(
        self, rate: float, *, ring_s: float, timeout_s: float, half_life: float, weight: float
    ) -> None:
        """Start from `rate` answers, exponential in `ring_s`, that count as `weight` calls."""
        bins = int((timeout_s + 10.0) / self.STEP_S) + 1
        edges = np.arange(bins + 1) * self.STEP_S
        answered = rate * (1.0 - np.exp(-edges / ring_s))
        gave_up = np.where(edges > timeout_s, 1.0, 0.0) * (1.0 - answered)
        self._growth = 0.5 ** (-1.0 / half_life)
        self._weight = 1.0
        self._answers = weight * np.diff(answered)
        self._ends = weight * np.maximum(0.0, np.diff(answered + gave_up))
        self._exposure = weight * (1.0 - answered - gave_up)[:-1]
        self._noted, self._noted_answers = Noted(bins), Noted(bins)
        self._count = weight
        self._hits = weight * rate
        self._squares = weight
        self._persons = 3.0
        self._machines = 0.0
        self._open = InProgress(timeout_s + 30.0)
        self._lately = self._expected = 0.0
        self._due = self._expected_by_age(0.0)

    @property
    def persons(self) -> float:
        """Share of answers that are persons as far as the switch can tell."""
        return self._persons / (self._persons + self._machines)

    @property
    def evidence(self) -> float:
        """How many endings the estimate rests on, the prior included."""
        return self._count * self._count / self._squares

    @property
    def caution(self) -> float:
        """Factor from the rate to a safe one: a standard error over it, more with few calls."""
        rate = self._hits / self._count
        error = math.sqrt(max(rate * (1.0 - rate), 0.0025) / self.evidence)
        return min(1.0, rate + (1.0 + 40.0 / self.evidence) * error) / rate

    def begin(self, now_s: float) -> None:
        """A call is placed."""
        self._open.begin(now_s)

    def learn(self, now_s: float, ring_s: float, *, answered: bool) -> None:
        """Take one call that is answered or over."""
        self._open.end(now_s, ring_s)
        at = min(len(self._ends) - 1, max(0, int(ring_s / self.STEP_S)))
        self._noted.add(at, self._weight)
        self._lately = self._lately * FADING + answered
        self._expected = self._expected * FADING + float(self._due[at])
        if answered:
            self._noted_answers.add(at, self._weight)
            self._hits += self._weight
            self._persons = self._persons * 0.997 + 1.0
            self._machines *= 0.997
        self._count += self._weight
        self._squares += self._weight * self._weight
        self._weight *= self._growth
        if self._weight > RESCALE_AT:
            self._rescale()

    def drop(self, now_s: float, ring_s: float) -> None:
        """A call is over that says nothing about people."""
        self._open.end(now_s, ring_s)

    def learn_machine(self) -> None:
        """The last answers held one machine more than thought."""
        self._machines += 1.0
        self._persons = max(0.5, self._persons - 1.0)
        self._lately -= 1.0

    def notice(self, now_s: float) -> None:
        """Forget most of what was learnt before, where lately more or fewer answer than expected.

        A long memory keeps luck out of the estimate and is too slow for a list that changes. Each
        call is expected to bring the answers of the hazards that it went through, those that still
        ring included: so a burst of fresh calls, of which the answers come first, is no change.
        """
        ringing = float(self._due[self._bins(self._open.ages(now_s))].sum())
        expected = self._expected + ringing
        # Of weights that fade, the squares add up to half of the weights.
        error = math.sqrt(0.5 * self._expected + ringing + 1.0)
        if self._lately > expected + MORE * error:
            self._raise(min(2.5, self._lately / expected))
            self._forget(LATELY)
        elif self._lately < expected - FEWER * error:
            self._forget(CAREFUL)
        self._due = self._expected_by_age(now_s)

    def _raise(self, factor: float) -> None:
        """Take answers to be `factor` times as frequent, at the same ages."""
        self._settle()
        factor = min(factor, 0.95 * self._count / max(self._hits, 1e-9))
        self._ends += (factor - 1.0) * self._answers
        self._answers *= factor
        self._hits *= factor

    def _forget(self, calls: float) -> None:
        """Let everything so far count as no more than so many calls."""
        self._settle()
        share = calls * self._weight / self._count
        if share < 1.0:
            for array in (self._answers, self._ends, self._exposure):
                array *= share
            self._hits *= share
            self._count *= share
            self._squares = calls * self._weight * self._weight
        self._lately = self._expected = 0.0

    def _bins(self, ages: Vector) -> NDArray[np.intp]:
        return np.minimum((ages / self.STEP_S).astype(np.intp), len(self._ends) - 1)

    def _expected_by_age(self, now_s: float) -> Vector:
        """How many persons are expected of a call that ends at an age, whatever way."""
        return np.asarray(np.cumsum(self._hazards(now_s, doubt=FEW)[0]))

    def _settle(self) -> None:
        ended = self._noted.take()
        self._ends += ended
        self._exposure += _reaching(ended)
        self._answers += self._noted_answers.take()

    def _rescale(self) -> None:
        self._settle()
        for array in (self._answers, self._ends, self._exposure):
            array /= self._weight
        self._count /= self._weight
        self._hits /= self._weight
        self._squares /= self._weight * self._weight
        self._weight = 1.0

    def curves(self, now_s: float) -> tuple[Vector, Vector]:
        """Return P(answered by a person before k steps) and P(still ringing at k steps)."""
        share, hazards = self._hazards(now_s)
        ringing = np.concatenate(([1.0], np.cumprod(1.0 - hazards)))
        answered = np.concatenate(([0.0], np.cumsum(ringing[:-1] * share)))
        return answered, ringing

    def _hazards(self, now_s: float, *, doubt: float = 0.0) -> tuple[Vector, Vector]:
        """P(answered by a person within a step | rings at its start), and P(over in any way)."""
        self._settle()
        ringing_now = _lasting(self._open.ages(now_s), self.STEP_S, len(self._exposure))
        exposure = np.maximum(self._exposure, 1e-9 * self._weight)
        exposure += self._weight * (ringing_now + doubt)
        hazards = np.minimum(self._ends / exposure, 1.0)
        return np.minimum(self._answers / exposure, hazards) * self.persons, hazards
