"""The coming seconds of a floor: who will answer, and who will be free to take it.

The question of predictive dialing is asked for one call at a time: if one more call is placed, and
if a person answers it, what is the chance that no agent is free within patience? Its answer comes
at some moment T of the ring-time distribution; until T the calls that ring now answer (each with a
chance that depends on its age), and until T plus patience agents finish (each with a chance that
depends on the age of his talk). Both are sums of independent yes-or-no events, so their numbers are
Poisson-binomial; a binomial of equal mean and variance stands in for each.

A few moments T, at even quantiles of the ring time, are enough. Everything that depends only on the
estimates is tabulated by age beforehand, so that a decision is a few look-ups and two short sums.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import truediv

import numpy as np

from dialer.pacing.base import Ages
from dialer.pacing.estimates import AnswerEstimate, DurationEstimate, Vector

MOMENTS = 6
LEAST_RATE = 0.02
"""No list is worse, whatever was seen: the limit of how far an empty hour can mislead."""
SETTLE_S = 0.3
"""Time between an agent's or customer's move and our being able to act on it."""
MOST_COUNTED = 20_000
"""Answers, or agents coming free, that are told apart."""
CROWD = 3.0
"""Variance of answers and agents from which their difference is close to a normal."""
DOUBT, DOUBTFUL = 1.4, 0.005
"""How far from a limit the normal must say a risk is: a factor, and so much more. Of thousands of
decisions with that variance, none was then within a tenth of the limit.
"""
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
_ONES = np.ones(MOST_COUNTED)
_NOBODY = np.empty((0, MOMENTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Tables by age: chances to have answered, or to be free, at each of the moments; beside each
    chance stands its square, so that one sum over rows gives both (`Crowd`).
    """

    answers: Vector
    """By half second of ringing."""
    talks: Vector
    """By second of talk: talk and wrap-up are over."""
    wraps: Vector
    parks: Vector
    ring_mean_s: float
    rate: float
    """Share of calls that a person answers."""


def outlook(
    answer: AnswerEstimate,
    durations: tuple[DurationEstimate, DurationEstimate, DurationEstimate],
    now_s: float,
    *,
    patience_s: float,
) -> Outlook:
    """Tabulate the estimates of answers and of talk, wrap-up and parking."""
    answered, ringing = answer.curves(now_s)
    total = max(float(answered[-1]), 1e-9)
    quantiles = (np.arange(MOMENTS) + 0.5) / MOMENTS
    steps = np.interp(quantiles * total, answered, np.arange(len(answered), dtype=np.float64))
    ages = np.arange(len(answered) - 1, dtype=np.float64)
    later = np.interp(ages[:, None] + steps[None, :], np.arange(len(answered)), answered)
    table = (later - answered[:-1, None]) / np.maximum(ringing[:-1, None], 1e-6)
    caution = max(answer.caution, LEAST_RATE / total)
    moments = steps * answer.STEP_S
    until = moments + max(0.0, patience_s - SETTLE_S)
    talk, wrap, park = durations
    ended = 1.0 - wrap.survival(now_s)
    return Outlook(
        answers=_squared(table * caution),
        talks=_squared(_over_by(talk.survival(now_s), until, ended) * talk.caution),
        wraps=_squared(_residual(1.0 - ended, until)),
        parks=_squared(_residual(park.survival(now_s), until)),
        ring_mean_s=float(moments.mean()),
        rate=total,
    )


def _squared(chances: Vector) -> Vector:
    """Keep the chances within bounds, and set the squares beside them."""
    out = np.empty((len(chances), 2 * MOMENTS))
    kept = np.minimum(chances, 1.0, out=out[:, :MOMENTS])
    np.maximum(kept, 0.0, out=kept)
    np.multiply(kept, kept, out=out[:, MOMENTS:])
    return out


def _extended(survival: Vector, seconds: int) -> Vector:
    """Go on with an exponential tail for `seconds` beyond the horizon."""
    last = len(survival) - 1
    slope = math.log(max(survival[-1], 1e-300) / max(survival[-31], 1e-300)) / 30.0
    tail = np.exp(slope * np.arange(1, seconds + 1)) * max(float(survival[last]), 1e-300)
    return np.concatenate((np.maximum(survival, 1e-300), tail))


def _residual(survival: Vector, until: Vector) -> Vector:
    """P(over within `until` | age) by second of age."""
    whole = until.astype(np.intp)
    part = until - whole
    ages = len(survival) - 1
    more = _extended(survival, int(whole.max()) + 2)
    out = np.empty((ages, len(until)))
    for column, (second, share) in enumerate(zip(whole.tolist(), part.tolist(), strict=True)):
        left = more[second : second + ages]
        out[:, column] = left + share * (more[second + 1 : second + 1 + ages] - left)
    out /= more[:ages, None]
    return np.subtract(1.0, out, out=out)


def _over_by(talk: Vector, until: Vector, wrapped: Vector) -> Vector:
    """P(talk and the wrap-up after it are over within `until` | age of the talk)."""
    steps = int(np.ceil(until.max())) + 1
    ages = len(talk) - 1
    more = _extended(talk, steps + 1)
    ending = more[:-1] - more[1:]  # in each second
    left = until[None, :] - (np.arange(steps, dtype=np.float64)[:, None] + 0.5)
    grid = np.arange(len(wrapped), dtype=np.float64)
    after = np.where(left > 0.0, np.interp(left, grid, wrapped), 0.0)
    pieces = np.lib.stride_tricks.sliding_window_view(ending[: ages + steps - 1], steps)
    over = pieces @ after
    over /= more[:ages, None]
    return np.minimum(over, 1.0, out=over)


def pmf(mean: Vector, squares: Vector, size: int) -> Vector:
    """Return P(0..size-1 successes), one column each, of binomials with the given mean and sum of
    p².
    """
    if size > MOST_COUNTED:
        raise ValueError(f"{size} outcomes are more than the {MOST_COUNTED} that are tabulated")
    mean = np.maximum(mean, 1e-12)
    p = np.minimum(squares / mean, 0.98)
    n = mean / np.maximum(p, 1e-12)
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


class Crowd:
    """Sums over a table for everyone of the floor who is in it: mean and sum of squares."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums = np.zeros(2 * MOMENTS)

    @property
    def mean(self) -> Vector:
        """How many are expected, by moment."""
        return self.sums[:MOMENTS]

    @property
    def squares(self) -> Vector:
        """Sum of the squared chances, by moment."""
        return self.sums[MOMENTS:]

    def add(self, table: Vector, ages: Ages, step_s: float = 1.0) -> None:
        """Count one for each age."""
        if len(ages) == 0:
            return
        at = (np.asarray(ages, dtype=np.float64) * (1.0 / step_s)).astype(np.intp)
        each = _ONES[: len(at)] if len(at) <= MOST_COUNTED else np.ones(len(at))
        self.sums += each.dot(table.take(at, axis=0, mode="clip"))

    def add_each(self, chance: float, count: int) -> None:
        """Count some who all have the same chance at every moment."""
        if count:
            self.sums[:MOMENTS] += chance * count
            self.sums[MOMENTS:] += chance * chance * count


class Race:
    """Answers against free agents at the moments of the horizon, for any number of fresh calls."""

    def __init__(self, tables: Outlook, answers: Crowd, freed: Crowd, *, free: int) -> None:
        self._tables, self._agents = tables, freed
        self._fresh = tables.answers[0].reshape(2, 1, MOMENTS)
        self._answers = answers.sums.reshape(2, 1, MOMENTS)
        self._freed = freed.sums.reshape(2, 1, MOMENTS)
        self._free = free
        # Six moments are few: plain floats are faster than vectors of six.
        expected, coming = answers.sums.tolist(), freed.sums.tolist()
        self._expected, self._coming = expected[:MOMENTS], coming[:MOMENTS]
        self._spread = [
            expected[m] - expected[m + MOMENTS] + coming[m] - coming[m + MOMENTS]
            for m in range(MOMENTS)
        ]
        top = max(self._coming)
        self._size = int(top + 7.0 * math.sqrt(top) + 6.0)
        self._width = max(0, self._size + free + ROOM)
        self._likely: dict[int, Vector] = {}
        """P(so many answers), by number of answers and moment, for each number of new calls."""
        self._upto = _NOBODY
        """P(so many agents at most come free), by number of agents and moment."""
        self._whole: list[float] = []
        """All that was tabulated of it."""
        self._left: dict[int, Vector] = {}
        self._risks: dict[tuple[int, int], float] = {}

    def without(self, chances: Vector) -> "Race":
        """Return the race without some of the calls that ring, given by their rows of the table."""
        rest = Crowd()
        rest.sums = np.maximum(self._answers.ravel() - chances.sum(axis=0), 0.0)
        return Race(self._tables, rest, self._agents, free=self._free)

    def surely_over(self, limit: float) -> bool:
        """Whether even the next call's risk is far over the limit, by a normal approximation."""
        total = 0.0
        for answers, coming, spread in zip(self._expected, self._coming, self._spread, strict=True):
            # Of a normal, P(< -z) for z up to 2 is over half of a logistic's.
            z = (self._free + coming - answers - 0.5) / math.sqrt(max(spread, 1e-6))
            total += 1.0 / (1.0 + math.exp(min(600.0, 1.702 * z)))
        return total / MOMENTS > 4.0 * limit + 0.03

    def is_over(self, limit: float, fresh: int) -> bool:
        """Whether the risk after `fresh` other new calls is without doubt over the limit, by a
        normal approximation; where few answer or come free it is always in doubt.
        """
        if fresh or min(self._spread) < CROWD:
            return False
        total = 0.0
        for answers, coming, spread in zip(self._expected, self._coming, self._spread, strict=True):
            total += math.erfc((self._free + coming - answers - 0.5) / math.sqrt(2.0 * spread))
        return total / (2 * MOMENTS) > DOUBT * limit + DOUBTFUL

    @property
    def expected(self) -> float:
        """How many people are expected to answer by the last moment."""
        return self._expected[-1]

    @property
    def coming(self) -> float:
        """How many agents are expected to come free by the last moment."""
        return self._coming[-1]

    @property
    def excess(self) -> float:
        """How many more people are expected to answer than agents can take, at the worst moment."""
        pairs = zip(self._expected, self._coming, strict=True)
        return max(answers - coming for answers, coming in pairs) - self._free

    def guess(self) -> int:
        """Return roughly how many fresh calls are worth it, to begin searching from."""
        least = math.inf
        for answers, coming, chance in zip(
            self._expected, self._coming, self._fresh.ravel().tolist()[:MOMENTS], strict=True
        ):
            room = (math.sqrt(1.0 + max(self._free + coming, 0.0)) - 1.0) ** 2 - answers
            least = min(least, room / max(chance, 1e-6))
        return max(0, int(least))

    def risk(self, fresh: int, spare: int = 0) -> float:
        """Chance that the answer of one more call finds nobody, after `fresh` other new calls; with
        `spare`, that it would find nobody even if so many more agents were free.
        """
        found = self._risks.get((fresh, spare))
        if found is None:
            self.look_at((fresh,), spare)
            found = self._risks[fresh, spare]
        return found

    def look_at(self, counts: Sequence[int], spare: int = 0) -> None:
        """Work out several risks at once, which costs little more than one of them."""
        free = self._free + spare
        reach = max(0, self._size + free)
        if reach == 0:
            self._risks.update({(fresh, spare): 1.0 for fresh in counts})
            return
        if reach > self._width:
            self._width = reach
            self._likely.clear()
        self._count(tuple(fresh for fresh in counts if fresh not in self._likely))
        left = self._left.get(spare)
        if left is None:
            left = self._left[spare] = self._someone_left(free, reach)
        for fresh in counts:
            # Of all products of columns, those of one moment with itself.
            served = self._likely[fresh][:reach].T.dot(left).ravel().tolist()
            chance = sum(map(truediv, served[:: MOMENTS + 1], self._whole))
            self._risks[fresh, spare] = 1.0 - chance / MOMENTS

    def _count(self, counts: tuple[int, ...]) -> None:
        """Tabulate how many answer with so many new calls, and at first how many come free."""
        if not counts:
            return
        known = bool(self._whole)
        sums = np.empty((2, len(counts) + 1, MOMENTS))
        np.multiply(self._fresh, np.array(counts, np.float64)[:, None], out=sums[:, :-1])
        sums[:, :-1] += self._answers
        sums[:, -1:] = self._freed
        mean, squares = (sums[:, :-1] if known else sums).reshape(2, -1)
        found = pmf(mean, squares, self._width if known else max(self._size, self._width))
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
