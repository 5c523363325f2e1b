"""How long one predictive decision takes: 4 calls ringing for each agent, 100 agents and 1,000.

`python -m tests.bench.pacing_decision [decisions]` prints percentiles, in microseconds of the
thread's own time, so that other work on the machine counts as little as possible.
"""

import random
import sys
import time

import numpy as np

from dialer.events import Tally
from dialer.model import Mode
from dialer.pacing import make_pacer
from dialer.pacing.base import Floor
from dialer.simulation import Latency
from tests.support.dialing import at, settings


def crowded(rng: random.Random, agents: int) -> Floor:
    """A floor with most agents talking and four calls ringing for each."""
    talking = rng.randrange(7 * agents // 10, 96 * agents // 100)
    return Floor(
        free=agents - talking,
        agents=agents,
        ringing_ages=np.array([rng.uniform(0.0, 25.0) for _ in range(4 * agents)]),
        talking_ages=np.array([rng.expovariate(1 / 90.0) for _ in range(talking)]),
    )


def main(decisions: int) -> None:
    """Decide on many such floors."""
    for agents in (100, 1_000):
        for rate in (0.05, 0.1, 0.25):
            answered = int(40_000 * rate)
            tally = Tally(placed=40_000, answered=answered, ring_seconds=12.0 * answered)
            pacer = make_pacer(settings(mode=Mode.predictive), tally)
            rng = random.Random(1)
            spent = []
            for _ in range(decisions):
                floor = crowded(rng, agents)
                begun = time.thread_time_ns()
                pacer.calls_to_place(floor, at(0))
                spent.append(time.thread_time_ns() - begun)
            found = Latency.of(spent)
            sys.stdout.write(
                f"{agents} agents, {4 * agents} ringing at {rate:.0%} answer:"
                f" p50 {found.p50:.0f} us, p99 {found.p99:.0f} us\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
