"""Pictures of what was run: use against agents, abandonment over a shift."""

import random

from dialer.model import Mode
from dialer.simulation.run import Shift
from offhook.cli.pacing_chart import Chart, Limit, Series, svg
from tests.bench.pacing import cases
from tests.bench.pacing.looked_up import best_of
from tests.bench.pacing.optimum import optimum
from tests.bench.pacing.runs import Case, Outcome, maker

SHORT = {
    "predictive": "offhook predictive",
    "progressive": "progressive",
    "vicidial_hard_limit": "VICIdial, hard limit",
    "vicidial_average": "VICIdial, average",
    "vicidial_tapered": "VICIdial, tapered",
    "omnidialer": "OMniDialer",
}
"""Names that fit beside a line."""
LEGAL = 0.0305
"""An abandonment rate that is drawn as within the cap."""
FIRST_ANSWERS, EVERY = 40, 10
"""Answers before a rate is drawn, and between two points of it."""


def utilisation_picture(found: dict[str, Outcome]) -> str:
    """Utilisation against agents."""
    lines = []
    for pacer, name in SHORT.items():
        got = {
            agents: found.get(Case(pacer=pacer, agents=agents, seeds=1, hours=1.0).key)
            for agents in cases.AGENTS
        }
        points = [(float(n), 100 * each.utilisation) for n, each in got.items() if each]
        over = any(each.abandonment > LEGAL for each in got.values() if each)
        label = f"{name} (over 3 %)" if over else name
        lines.append(Series(name=label, points=points, strong=pacer == "predictive"))
    lines.append(Series(name="best fixed ratio", points=_best_ratios(found)))
    lines.append(
        Series(
            name="optimum",
            points=[(floor.agents, 100 * optimum(floor)) for floor in cases.STANDARD],
        )
    )
    return svg(
        Chart(
            title="Share of agents' time used, cap 3 %",
            x_label="agents",
            y_label="percent",
            series=[line for line in lines if line.points],
            log_x=True,
            y_from=60.0,
            y_to=100.0,
        )
    )


def _best_ratios(found: dict[str, Outcome]) -> list[tuple[float, float]]:
    """The most that a constant ratio gains within the cap."""
    points = []
    for floor in cases.STANDARD:
        if best := best_of(found, cases.fixed(floor), floor):
            points.append((float(floor.agents), 100 * best[1].utilisation))
    return points


def abandonment_picture() -> str:
    """Abandonment since the start over lifelike shifts of 20 agents, beside two rivals."""
    lines = []
    for seed in random.Random(1).sample(range(1, 100), 3):
        lines.append(_rate("predictive", seed, name=f"offhook, shift {seed}", strong=True))
    lines.append(_rate("vicidial_tapered", 1, name=SHORT["vicidial_tapered"], strong=False))
    lines.append(_rate("omnidialer", 1, name=SHORT["omnidialer"], strong=False))
    return svg(
        Chart(
            title="Abandoned since the start, lifelike floor, 20 agents",
            x_label="minutes",
            y_label="percent of those who answered",
            series=lines,
            y_from=0.0,
            y_to=15.0,
            limit=Limit(name="the cap: 3 %", y=3.0),
        )
    )


def _rate(pacer: str, seed: int, *, name: str, strong: bool) -> Series:
    """The rate since the start of one shift."""
    case = Case(pacer=pacer, agents=20, seeds=1, hours=4.0, alive=True)
    seen = Shift(case.scenario, Mode.predictive, seed, maker(case)).run()
    lost, points = 0, []
    for number, (at_s, abandoned) in enumerate(zip(seen.moments, seen.fates, strict=True), start=1):
        lost += abandoned
        if number >= FIRST_ANSWERS and number % EVERY == 0:
            points.append((at_s / 60.0, 100.0 * lost / number))
    return Series(name=name, points=points, strong=strong)
