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
from dataclasses import dataclass

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
SMALLEST_LOG, TINY = -600.0, 1e-300
_COUNTS = np.arange(MOST_COUNTED, dtype=np.float64)
_SHARES = 1.0 / (_COUNTS + 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Tables by age: chances to have answered, or to be free, at each of the moments."""

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
        answers=np.clip(table * caution, 0.0, 1.0),
        talks=_over_by(talk.survival(now_s), until, ended) * talk.caution,
        wraps=_residual(1.0 - ended, until),
        parks=_residual(park.survival(now_s), until),
        ring_mean_s=float(moments.mean()),
        rate=total,
    )


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
    return np.clip(1.0 - out, 0.0, 1.0)


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
    return np.clip((pieces @ after) / more[:ages, None], 0.0, 1.0)


def pmf(mean: Vector, squares: Vector, size: int) -> Vector:
    """Return P(0..size-1 successes), by moment, of binomials with the given mean and sum of p²."""
    p = np.minimum(squares / np.maximum(mean, 1e-12), 0.98)
    n = mean / np.maximum(p, 1e-12)
    if size > MOST_COUNTED:
        raise ValueError(f"{size} outcomes are more than the {MOST_COUNTED} that are tabulated")
    odds = (p / (1.0 - p))[:, None]
    ratios = n[:, None] - _COUNTS[: size - 1]
    np.maximum(ratios, 0.0, out=ratios)
    ratios *= _SHARES[: size - 1]
    ratios *= odds
    none = n * np.log1p(-p)
    out = np.empty((len(mean), size))
    if float(none.min()) > SMALLEST_LOG:
        out[:, 0] = np.exp(none)
        np.cumprod(ratios, axis=1, out=ratios)
        out[:, 1:] = out[:, :1] * ratios
        return out
    # Nobody at all is too unlikely to be written down: multiply as sums of logarithms.
    out[:, 0] = none
    np.cumsum(np.log(np.maximum(ratios, TINY)), axis=1, out=ratios)
    out[:, 1:] = none[:, None] + ratios
    return np.asarray(np.exp(out))


class Crowd:
    """Sums over a table for everyone of the floor who is in it: mean and sum of squares."""

    __slots__ = ("mean", "squares")

    def __init__(self) -> None:
        self.mean = np.zeros(MOMENTS)
        self.squares = np.zeros(MOMENTS)

    def add(self, table: Vector, ages: Ages, step_s: float = 1.0) -> None:
        """Count one for each age."""
        if len(ages) == 0:
            return
        at = (np.asarray(ages, dtype=np.float64) * (1.0 / step_s)).astype(np.intp)
        rows = table.take(at, axis=0, mode="clip")
        self.mean += rows.sum(axis=0)
        self.squares += np.einsum("ij,ij->j", rows, rows)

    def add_each(self, chance: float, count: int) -> None:
        """Count some who all have the same chance at every moment."""
        self.mean += chance * count
        self.squares += chance * chance * count


class Race:
    """Answers against free agents at the moments of the horizon, for any number of fresh calls."""

    def __init__(self, tables: Outlook, answers: Crowd, freed: Crowd, *, free: int) -> None:
        self._fresh = tables.answers[0]
        self._answers = answers
        self._free = free
        self._coming = freed
        self._freed: Vector | None = None
        self._supply = free + freed.mean
        self._risks: dict[int, float] = {}

    def surely_over(self, limit: float) -> bool:
        """Whether even the next call's risk is far over the limit, by a normal approximation."""
        gap = self._supply - self._answers.mean - 0.5
        coming = self._coming
        spread = self._answers.mean - self._answers.squares + coming.mean - coming.squares
        z = gap / np.sqrt(np.maximum(spread, 1e-6))
        # Of a normal, P(< -z) for z up to 2 is over half of a logistic's.
        return float((1.0 / (1.0 + np.exp(1.702 * z))).mean()) > 4.0 * limit + 0.03

    @property
    def excess(self) -> float:
        """How many more people are expected to answer than agents can take, at the worst moment."""
        return float((self._answers.mean - self._supply).max())

    def guess(self) -> int:
        """Return roughly how many fresh calls are worth it, to begin searching from."""
        room = np.square(np.sqrt(1.0 + np.maximum(self._supply, 0.0)) - 1.0) - self._answers.mean
        return max(0, int((room / np.maximum(self._fresh, 1e-6)).min()))

    def risk(self, fresh: int) -> float:
        """Chance that the answer of one more call finds nobody, after `fresh` other new calls."""
        found = self._risks.get(fresh)
        if found is None:
            found = self._risks[fresh] = self._compute(fresh)
        return found

    def _free_later(self) -> Vector:
        """How likely each number of agents is to have come free, by moment."""
        top = float(self._coming.mean.max())
        found = pmf(self._coming.mean, self._coming.squares, int(top + 7.0 * math.sqrt(top) + 6.0))
        found /= found.sum(axis=1, keepdims=True)
        return found

    def _compute(self, fresh: int) -> float:
        mean = self._answers.mean + fresh * self._fresh
        squares = self._answers.squares + fresh * self._fresh * self._fresh
        top = float(mean.max())
        size = max(1, int(top + 7.0 * math.sqrt(top) + 6.0))
        cumulative = np.cumsum(pmf(mean, squares, size), axis=1)
        if self._freed is None:
            self._freed = self._free_later()
        rows, supply = self._freed.shape
        # P(answers >= free + freed): nobody is left for the one more.
        first = self._free
        more = np.ones((rows, supply))
        low = max(0, 1 - first)
        high = min(supply, size + 1 - first)
        if high > low:
            more[:, low:high] = 1.0 - cumulative[:, first + low - 1 : first + high - 1]
        more[:, max(0, high) :] = 0.0
        return float((more * self._freed).sum() / rows)
