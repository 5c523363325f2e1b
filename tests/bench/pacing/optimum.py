"""The exact optimum of a floor without memory, as a constrained Markov decision process.

Talk and ring times are exponential, lines unlimited, ringing calls aren't cancelled, and every
parameter is known: an upper bound for whatever doesn't look at elapsed times. The state is (busy
agents, ringing calls); after every event the controller may place any number of calls. A person who
answers while all are busy is lost unless somebody comes free within patience.

The cap on abandonment is priced: g(price) is the best long-run mean of `busy share - price *
(abandoned - cap * answered)` per second, by relative value iteration. The greatest utilisation at
the cap, randomising between two policies where needed, is the least g over all prices (the dual of
a linear programme, so exactly).
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]

CACHE = Path(__file__).parent / "optimum.json"
PRECISION = 1e-5
"""Of utilisation, at most, between the bounds of value iteration."""
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, kw_only=True)
class Memoryless:
    """A floor without memory."""

    agents: int
    answer_probability: float
    handle_s: float
    cap: float
    ring_s: float = 15.0
    patience_s: float = 2.0

    @property
    def most_ringing(self) -> int:
        """More calls than any policy worth its risk lets ring."""
        needed = self.agents * self.ring_s / self.handle_s / self.answer_probability
        spare = 10.0 + 3.0 * math.sqrt(self.agents)
        return int(1.6 * needed + spare / self.answer_probability)


class Iteration:
    """Relative value iteration at one price after another, each from the last one's values."""

    def __init__(self, floor: Memoryless) -> None:
        agents, ringing = floor.agents, floor.most_ringing
        busy = np.arange(agents + 1, dtype=np.float64)[:, None]
        calls = np.arange(ringing + 1, dtype=np.float64)[None, :]
        answers = calls * floor.answer_probability / floor.ring_s
        lost = np.zeros_like(busy)
        lost[agents] = math.exp(-agents * floor.patience_s / floor.handle_s)
        self._rate = agents / floor.handle_s + ringing / floor.ring_s
        self._used = busy / agents + 0.0 * calls
        self._over = answers * (lost - floor.cap)
        self._hit = answers / self._rate
        self._miss = calls * (1.0 - floor.answer_probability) / floor.ring_s / self._rate
        self._end = busy / floor.handle_s / self._rate
        self._stay = 1.0 - self._hit - self._miss - self._end
        self._values: Table = np.zeros((agents + 1, ringing + 1))

    def gain(self, price: float) -> float:
        """Return g(price)."""
        reward = (self._used - price * self._over) / self._rate
        before = self._values
        for step in range(100_000):
            best = np.maximum.accumulate(before[:, ::-1], axis=1)[:, ::-1]
            after = reward + self._stay * best
            after += self._end * np.vstack([best[:1], best[:-1]])
            after[:, 1:] += self._miss[:, 1:] * best[:, :-1]
            after[:-1, 1:] += self._hit[:, 1:] * best[1:, :-1]
            after[-1, 1:] += self._hit[0, 1:] * best[-1, :-1]
            if step % 100 == 99:
                change = (after - before) * self._rate
                low, high = float(change.min()), float(change.max())
                if high - low < PRECISION:
                    self._values = after - after[0, 0]
                    return (low + high) / 2.0
            before = after - after[0, 0]
        raise ArithmeticError("value iteration did not settle; widen PRECISION")


def solve(floor: Memoryless) -> float:
    """Return the greatest utilisation at the cap."""
    iteration = Iteration(floor)
    low, high = math.log(0.01), math.log(3_000.0)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = iteration.gain(math.exp(left)), iteration.gain(math.exp(right))
    while high - low > 0.02:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = iteration.gain(math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = iteration.gain(math.exp(right))
    return min(at_left, at_right)


def optimum(floor: Memoryless) -> float:
    """Return the same, computed once and then remembered beside this file."""
    return remembered(CACHE, floor, solve)


def remembered(cache: Path, floor: Memoryless, compute: Callable[[Memoryless], float]) -> float:
    """Return what is computed of a floor: from the cache, or to be found there from now on."""
    known: dict[str, float] = json.loads(cache.read_text()) if cache.exists() else {}
    key = " ".join(f"{name}={value:g}" for name, value in asdict(floor).items())
    if key not in known:
        known[key] = round(compute(floor), 5)
        cache.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return known[key]
