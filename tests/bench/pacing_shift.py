"""What a simulated shift costs: CPU time of 8 hours with 100 agents, and of a decision in it.

`python -m tests.bench.pacing_shift [agents] [hours] [answer probability] [talk s]`.
"""

import sys
import time

from dialer.simulation import simulate
from tests.bench.pacing.optimum import Memoryless
from tests.bench.pacing.worlds import memoryless


def main(agents: int, hours: float, answers: float, talk_s: float) -> None:
    """Run one shift against the process's own clock."""
    floor = Memoryless(agents=agents, answer_probability=answers, handle_s=talk_s, cap=0.03)
    shift = memoryless(floor, hours)
    begun = time.process_time()
    (result,) = simulate(shift)
    spent = time.process_time() - begun
    sys.stdout.write(
        f"{agents} agents, {hours:g} h, {result.calls} calls counted: {spent:.1f} s of CPU;"
        f" a decision {result.decide_us.p50:.0f} us at the median, {result.decide_us.p99:.0f} us"
        f" at the 99th percentile; {result.agent_utilisation:.1%} used,"
        f" {result.abandonment_rate:.2%} abandoned\n"
    )


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]] + [100.0, 8.0, 0.25, 120.0][len(sys.argv) - 1 :]
    main(int(given[0]), *given[1:])
