"""How long one predictive decision takes with 100 agents and 400 calls ringing.

`python -m tests.bench.pacing_decision [decisions]` prints the percentiles in microseconds.
"""

import random
import sys
import time

from dialer.events import Tally
from dialer.model import Mode
from dialer.pacing import make_pacer
from dialer.pacing.base import Floor
from dialer.simulation import Latency
from tests.support.dialing import at, settings


def crowded(rng: random.Random) -> Floor:
    """A floor of 100 agents with 400 calls ringing."""
    talking = rng.randrange(70, 96)
    return Floor(
        free=100 - talking,
        agents=100,
        ringing_ages=[rng.uniform(0.0, 25.0) for _ in range(400)],
        talking_ages=[rng.expovariate(1 / 90.0) for _ in range(talking)],
    )


def main(decisions: int) -> None:
    """Decide on many such floors."""
    tally = Tally(placed=40_000, answered=4_000, ring_seconds=48_000.0)
    pacer = make_pacer(settings(mode=Mode.predictive), tally)
    rng = random.Random(1)
    spent = []
    for _ in range(decisions):
        floor = crowded(rng)
        begun = time.perf_counter_ns()
        pacer.calls_to_place(floor, at(0))
        spent.append(time.perf_counter_ns() - begun)
    found = Latency.of(spent)
    sys.stdout.write(f"p50 {found.p50:.0f} us, p99 {found.p99:.0f} us\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
