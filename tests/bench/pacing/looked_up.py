"""What a pacer came to on a floor, looked up among all that was run."""

from collections.abc import Sequence

from tests.bench.pacing import cases
from tests.bench.pacing.optimum import Memoryless
from tests.bench.pacing.runs import Case, Outcome


def best_of(
    found: dict[str, Outcome], pacers: Sequence[str], floor: Memoryless
) -> tuple[str, Outcome] | None:
    """The setting of a rule that uses agents best within the cap."""
    tried = [(pacer, outcome_of(found, pacer, floor)) for pacer in pacers]
    legal = [(pacer, got) for pacer, got in tried if got and got.abandonment <= floor.cap]
    return max(legal, key=lambda each: each[1].utilisation, default=None)


def outcome_of(found: dict[str, Outcome], pacer: str, floor: Memoryless) -> Outcome | None:
    """What a pacer came to; one that knows of no cap, at any."""
    caps = (floor.cap, *cases.CAPS)
    return next((got for cap in caps if (got := found.get(key_of(pacer, floor, cap)))), None)


def key_of(pacer: str, floor: Memoryless, cap: float) -> str:
    """The name under which what a pacer came to is remembered."""
    return Case(
        pacer=pacer,
        agents=floor.agents,
        seeds=1,
        hours=1.0,
        answer_probability=floor.answer_probability,
        handle_s=floor.handle_s,
        cap=cap,
    ).key
