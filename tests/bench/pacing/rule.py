"""The rule of the predictive pacer on a floor without memory where every number is known.

What is lost then is the rule's own fault, and not that of estimates or of the budget. The rule says
for each number of busy agents up to how many calls may ring; of such a policy the use of agents and
the abandonment follow exactly, from the stationary distribution. With several limits they make a
curve, and the use at the cap is on the line between two of its points, as where the budget swings
between two limits.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dialer.pacing.crowds import Crowd
from dialer.pacing.horizon import CUMULANTS, MOMENTS, SETTLE_S, Outlook, by_moment, cumulants
from dialer.pacing.predictive import weight
from dialer.pacing.race import Race
from tests.bench.pacing.optimum import Memoryless, Table, remembered

CACHE = Path(__file__).parent / "rule.json"
LIMITS = np.exp(np.linspace(math.log(1e-4), 0.0, 140))
MOST_RINGING = 110


@dataclass(frozen=True)
class Point:
    """What a policy comes to."""

    used: float
    answers_per_s: float
    abandoned: float
    """Share of the answers."""


def risks(floor: Memoryless) -> Table:
    """The risk of one more call, by busy agents and ringing calls."""
    quantiles = (np.arange(MOMENTS) + 0.5) / MOMENTS
    until = -floor.ring_s * np.log1p(-quantiles) + floor.patience_s - SETTLE_S
    answers = cumulants(floor.answer_probability * quantiles)[None, :]
    tables = Outlook(
        answers=answers,
        fresh=by_moment(answers[0]),
        talks=cumulants(1.0 - np.exp(-until / floor.handle_s))[None, :],
        wraps=np.zeros((1, CUMULANTS * MOMENTS)),
        parks=np.zeros((1, CUMULANTS * MOMENTS)),
        ring_mean_s=floor.ring_s,
        rate=floor.answer_probability,
    )
    most = min(floor.most_ringing, MOST_RINGING)
    found = np.empty((floor.agents + 1, most + 1))
    for busy in range(floor.agents + 1):
        freed = Crowd()
        freed.add(tables.talks, [0.0] * busy)
        race = Race(tables, Crowd(), freed, free=floor.agents - busy)
        found[busy] = [race.risk(ringing) for ringing in range(most + 1)]
    return found


def policy(floor: Memoryless, risk: Table, limit: float) -> tuple[int, ...]:
    """Up to how many calls ring with so many agents busy."""
    up_to = []
    for busy in range(floor.agents + 1):
        free = floor.agents - busy
        ringing = free
        while ringing < risk.shape[1] - 1 and risk[busy, ringing] <= limit * weight(
            free, floor.agents
        ):
            ringing += 1
        up_to.append(ringing)
    return tuple(up_to)


def evaluated(floor: Memoryless, up_to: tuple[int, ...]) -> Point:
    """The use of agents and the abandonment of a policy, in the long run."""
    agents, share = floor.agents, floor.answer_probability
    states = [
        (busy, ringing)
        for busy in range(agents + 1)
        for ringing in range(up_to[busy], max(up_to) + 1)
    ]
    place = {state: number for number, state in enumerate(states)}
    flows = np.zeros((len(states), len(states)))
    for (busy, ringing), number in place.items():
        ending = ringing / floor.ring_s
        for rate, then in (
            (ending * share, (min(agents, busy + 1), ringing - 1)),
            (ending * (1.0 - share), (busy, ringing - 1)),
            (busy / floor.handle_s, (busy - 1, ringing)),
        ):
            if rate > 0.0:
                to = place[then[0], max(then[1], up_to[then[0]])]
                flows[to, number] += rate
                flows[number, number] -= rate
    flows[-1] = 1.0
    chances = np.linalg.solve(flows, np.eye(len(states))[-1])
    lost = math.exp(-agents * floor.patience_s / floor.handle_s)
    answers = np.array([ringing * share / floor.ring_s for _, ringing in states]) * chances
    all_busy = np.array([busy == agents for busy, _ in states])
    return Point(
        used=float(np.array([busy for busy, _ in states]) @ chances) / agents,
        answers_per_s=float(answers.sum()),
        abandoned=float(answers[all_busy].sum() * lost / answers.sum()),
    )


def _mixed(points: list[Point], cap: float) -> Iterator[float]:
    """The use at the cap of every point, and of every two between which it lies."""
    for low in points:
        if low.abandoned > cap:
            continue
        yield low.used
        for high in points:
            if high.abandoned > cap:
                spared = low.answers_per_s * (cap - low.abandoned)
                spent = high.answers_per_s * (high.abandoned - cap)
                part = spent / (spared + spent)
                yield part * low.used + (1.0 - part) * high.used


def known_rule(floor: Memoryless) -> float:
    """Return the use of agents at the cap, computed once and then remembered beside this file."""
    return remembered(CACHE, floor, _best_use)


def _best_use(floor: Memoryless) -> float:
    risk = risks(floor)
    policies = dict.fromkeys(policy(floor, risk, limit) for limit in LIMITS)
    return max(_mixed([evaluated(floor, each) for each in policies], floor.cap))
