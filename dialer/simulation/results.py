"""What a simulated shift came to."""

from collections.abc import Sequence

from dialer.model import Frozen

WINDOW = 1_000
"""Answers in a row over which the worst abandonment rate is looked for."""


class Latency(Frozen):
    """Percentiles in microseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, nanoseconds: Sequence[int]) -> "Latency":
        """Return the percentiles of measured times."""
        if not nanoseconds:
            return cls(p50=0.0, p99=0.0)
        ordered = sorted(nanoseconds)
        last = len(ordered) - 1
        return cls(
            p50=round(ordered[last // 2] / 1e3, 1),
            p99=round(ordered[min(last, int(0.99 * len(ordered)))] / 1e3, 1),
        )


class SimulationResult(Frozen):
    """One shift with one seed; everything but `worst_1000` leaves the warm-up out."""

    pacer: str
    seed: int
    calls: int
    answered: int
    """By persons."""
    abandoned: int
    abandonment_rate: float
    agent_utilisation: float
    """Share of agents' time in talk and wrap-up."""
    mean_wait_ms: float
    """From answer to agent, of those who got one."""
    decide_us: Latency
    worst_1000: float | None
    """Highest rate over 1,000 answers in a row, from the first call on; None with fewer."""


def worst_window(abandoned: Sequence[bool]) -> float | None:
    """Return the highest share of abandoned over `WINDOW` answers in a row."""
    if len(abandoned) < WINDOW:
        return None
    current = worst = sum(abandoned[:WINDOW])
    for index in range(WINDOW, len(abandoned)):
        current += abandoned[index] - abandoned[index - WINDOW]
        worst = max(worst, current)
    return worst / WINDOW
