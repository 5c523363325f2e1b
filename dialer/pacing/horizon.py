"""The coming seconds of a floor: who will answer, and who will be free to take it.

The question of predictive dialing is asked for one call at a time: if one more call is placed, and
if a person answers it, what is the chance that no agent is free within patience? Its answer comes
at some moment T of the ring-time distribution; until T the calls that ring now answer (each with a
chance that depends on its age), and until T plus patience agents finish (each with a chance that
depends on the age of his talk). Both are sums of independent yes-or-no events, so the cumulants of
their numbers are sums, too.

A few moments T, at even quantiles of the ring time, are enough. Everything that depends only on the
estimates is tabulated by age beforehand (`outlook`), so that a decision is a look-up for everyone
on the floor (`crowds`) and a few sums over the moments (`race`).
"""

import math
from dataclasses import dataclass

import numpy as np

from dialer.pacing.estimates import AnswerEstimate, DurationEstimate, Vector

MOMENTS = 4
"""Of the ring time. The risk is then within 5 % of what a hundred moments say, mostly."""
CUMULANTS = 4
"""Mean, variance, and what skewness and kurtosis are made of: independent numbers add theirs up."""
LEAST_RATE = 0.02
"""No list is worse, whatever was seen: the limit of how far an empty hour can mislead."""
SETTLE_S = 0.3
"""Time between an agent's or customer's move and our being able to act on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Tables by age: chances to have answered, or to be free, at each of the moments, and beside
    them the higher cumulants, so that one sum over rows gives those of the number (`crowds.Crowd`).
    """

    answers: Vector
    """By half second of ringing."""
    fresh: list[list[float]]
    """The cumulants of a call that is yet to be placed, for each moment."""
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
    ever = np.concatenate((answered, np.full(int(steps[-1]) + 1, answered[-1])))
    table = _later(ever, steps, len(answered) - 1)
    table -= answered[:-1]
    table /= np.maximum(ringing[:-1], 1e-6)
    caution = max(answer.caution, LEAST_RATE / total)
    moments = steps * answer.STEP_S
    until = moments + max(0.0, patience_s - SETTLE_S)
    talk, wrap, park = durations
    ended = 1.0 - wrap.survival(now_s)
    answers = _by_age(table * caution)
    return Outlook(
        answers=answers,
        fresh=by_moment(answers[0]),
        talks=_by_age(_over_by(talk.survival(now_s), until, ended) * talk.caution),
        wraps=_by_age(_residual(1.0 - ended, until)),
        parks=_by_age(_residual(park.survival(now_s), until)),
        ring_mean_s=float(moments.mean()),
        rate=total,
    )


def cumulants(chances: Vector) -> Vector:
    """Return what one who is in with each of these chances adds to mean, variance, third and fourth
    cumulant of how many are in: `CUMULANTS` times as many rows as the chances have, in that order.
    """
    spread = chances * (1.0 - chances)
    return np.concatenate(
        (chances, spread, spread * (1.0 - 2.0 * chances), spread * (1.0 - 6.0 * spread))
    )


def by_moment(sums: Vector) -> list[list[float]]:
    """The cumulants at each moment, of a row or a sum of rows."""
    out: list[list[float]] = sums.reshape(CUMULANTS, MOMENTS).T.tolist()
    return out


def _by_age(chances: Vector) -> Vector:
    """Keep the chances, one row for each moment, within bounds; tabulate their cumulants by age."""
    kept = np.minimum(chances, 1.0)
    np.maximum(kept, 0.0, out=kept)
    return np.ascontiguousarray(cumulants(kept).T)


def _extended(survival: Vector, seconds: int) -> Vector:
    """Go on with an exponential tail for `seconds` beyond the horizon."""
    last = len(survival) - 1
    slope = math.log(max(survival[-1], 1e-300) / max(survival[-31], 1e-300)) / 30.0
    tail = np.exp(slope * np.arange(1, seconds + 1)) * max(float(survival[last]), 1e-300)
    return np.concatenate((np.maximum(survival, 1e-300), tail))


def _later(curve: Vector, steps: Vector, ages: int) -> Vector:
    """Return what the curve is so many steps after each age, a row for each number of steps."""
    out = np.empty((len(steps), ages))
    for row, ahead in zip(out, steps.tolist(), strict=True):
        whole = int(ahead)
        at, next_at = curve[whole : whole + ages], curve[whole + 1 : whole + 1 + ages]
        np.multiply(next_at - at, ahead - whole, out=row)
        row += at
    return out


def _residual(survival: Vector, until: Vector) -> Vector:
    """P(over within `until` | age), a row for each moment, by second of age."""
    ages = len(survival) - 1
    more = _extended(survival, int(until[-1]) + 2)
    left = _later(more, until, ages)
    left /= more[:ages]
    return np.subtract(1.0, left, out=left)


def _over_by(talk: Vector, until: Vector, wrapped: Vector) -> Vector:
    """P(talk and the wrap-up after it are over within `until` | age of the talk), a row for each
    moment.
    """
    steps = int(np.ceil(until[-1])) + 1
    ages = len(talk) - 1
    more = _extended(talk, steps + 1)
    ending = more[:-1] - more[1:]  # in each second
    left = until[:, None] - (np.arange(steps, dtype=np.float64) + 0.5)
    grid = np.arange(len(wrapped), dtype=np.float64)
    after = np.where(left > 0.0, np.interp(left, grid, wrapped), 0.0)
    over = np.empty((len(until), ages))
    for row, chances, last in zip(
        over, after, np.ceil(until).astype(np.intp).tolist(), strict=True
    ):
        row[:] = np.correlate(ending[: ages + last - 1], chances[:last], "valid")
    over /= more[:ages]
    return np.minimum(over, 1.0, out=over)
