"""How near predictive pacing comes to the exact optimum of the memoryless floor.

`python -m tests.bench.pacing_optimum [seeds] [hours] [agents,...]` simulates each floor with the
production engine and prints utilisation as a share of the optimum at 3 % abandonment (constrained
Markov decision process; talk 120 s, answer 25 %, ring 15 s, patience 2 s).
"""

import multiprocessing
import os
import statistics
import sys

from dialer.simulation import Scenario, SimulationResult, Spread, simulate

OPTIMUM = {3: 73.6, 5: 77.0, 8: 81.0, 10: 82.9, 15: 86.4, 20: 88.7, 30: 91.5, 50: 94.6}
"""Agents: percent of their time in talk."""


def memoryless(agents: int, hours: float) -> Scenario:
    """The floor that the optimum is known of."""
    return Scenario(
        name="memoryless",
        agents=agents,
        duration_s=3600.0 * hours,
        warmup_s=1800.0,
        answer_probability=0.25,
        ring=Spread(mean_s=15.0),
        ring_timeout_s=120.0,
        no_answer=Spread(mean_s=15.0),
        talk=Spread(mean_s=120.0),
    )


def shift(job: tuple[int, float, int]) -> SimulationResult:
    """One shift."""
    agents, hours, seed = job
    return simulate(memoryless(agents, hours), seeds=[seed])[0]


def main(seeds: int, hours: float, floors: list[int]) -> None:
    """Print one line per floor."""
    out = sys.stdout
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for agents in floors:
            jobs = [(agents, hours, seed) for seed in range(1, seeds + 1)]
            results = pool.map(shift, jobs, chunksize=1)
            used = 100 * statistics.mean(result.agent_utilisation for result in results)
            lost = sum(result.abandoned for result in results)
            answered = sum(result.answered for result in results)
            worst = max(result.worst_1000 or 0.0 for result in results)
            slow = max(result.decide_us.p99 for result in results)
            out.write(
                f"{agents:3d} agents: {used:.1f} % used, {used / OPTIMUM[agents]:.3f} of the"
                f" optimum; {lost / answered:.2%} abandoned, {worst:.1%} at worst in 1,000;"
                f" decision p99 {slow:.0f} us\n"
            )
            out.flush()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else 20,
        float(given[1]) if len(given) > 1 else 8.0,
        [int(part) for part in given[2].split(",")] if len(given) > 2 else sorted(OPTIMUM),
    )
