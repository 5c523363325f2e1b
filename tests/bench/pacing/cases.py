"""Which pacers are run on which floors, and for how long."""

from itertools import product

from tests.bench.pacing.optimum import Memoryless
from tests.bench.pacing.runs import Case

REQUIRED = (3, 5, 8, 10, 20, 30, 50)
"""Floors of which the figure is wanted; the others are shown beside them."""
FIGURE = (1, 2, *REQUIRED, 100)
AGENTS = (1, 2, 3, 5, 10, 20, 50, 100)
STANDARD = tuple(Case(pacer="", agents=agents, seeds=1, hours=1.0).floor for agents in AGENTS)
"""The floors of the figure with so many agents."""
RULES = ("vicidial_hard_limit", "vicidial_average", "vicidial_tapered")
AIMS, LARGE, LARGE_AIMS = (-1, -3, -5, -7, -10), 50, (-15, -20)
"""Differences of agents and waiting calls that VICIdial's tapered rule is aimed at, beside 0; from
so many agents on, these too.
"""
AHEAD = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8)
"""Shares of the calls that must ring to keep all agents talking, which fixed ratios let ring."""
PROBABILITIES = (0.15, 0.25, 0.5)
HANDLES = (60.0, 120.0, 300.0)
CAPS = (0.01, 0.03)
KNOWN_AGENTS = (1, 2, 3, 5, 10)
"""Floors small enough to compute what a policy comes to."""
CORNERS = ((0.15, 60.0), (0.15, 300.0), (0.5, 60.0), (0.5, 300.0))
CORNER_AGENTS = 10
ALIVE_RATIOS = ("ratio 1.1", "ratio 1.2", "ratio 1.3")


def fixed(floor: Memoryless) -> tuple[str, ...]:
    """The ratios that are tried on a floor, calls and talks in progress per agent."""
    needed = floor.ring_s / (floor.answer_probability * floor.handle_s)
    return tuple(f"ratio {1.0 + share * needed:.4g}" for share in AHEAD)


def aimed(floor: Memoryless) -> tuple[str, ...]:
    """VICIdial's tapered rule with the aims that are tried on a floor."""
    aims = AIMS + (LARGE_AIMS if floor.agents >= LARGE else ())
    return tuple(f"vicidial_tapered {aim}" for aim in aims)


def rivals_on(floor: Memoryless) -> tuple[str, ...]:
    """Everybody else."""
    return ("progressive", *RULES, *aimed(floor), "omnidialer", *fixed(floor))


def seeds_of(agents: int) -> int:
    """Shifts that leave little to luck: of few agents, many."""
    return max(1, min(20, 30 // agents))


def figure() -> list[Case]:
    """At least 0.97 of the optimum, 20 seeds of 4 hours."""
    return [
        Case(pacer="predictive", agents=agents, seeds=20 if agents <= 50 else 5, hours=4.0)
        for agents in FIGURE
    ]


def rivals() -> list[Case]:
    """Everybody else on the same floor."""
    return [
        Case(
            pacer=pacer,
            agents=floor.agents,
            seeds=max(1, min(8, 12 // floor.agents)),
            hours=8.0 if floor.agents <= 20 else 4.0,
        )
        for floor in STANDARD
        for pacer in rivals_on(floor)
    ]


def corners() -> list[Case]:
    """Everybody else on other floors; what doesn't know of the cap is run once."""
    out = []
    for (probability, handle), cap in product(CORNERS, CAPS):
        floor = Memoryless(
            agents=CORNER_AGENTS, answer_probability=probability, handle_s=handle, cap=cap
        )
        out += [
            Case(
                pacer=pacer,
                agents=CORNER_AGENTS,
                seeds=1,
                hours=8.0,
                answer_probability=probability,
                handle_s=handle,
                cap=cap,
            )
            for pacer in rivals_on(floor)
            if cap == max(CAPS) or pacer not in ("progressive", *fixed(floor))
        ]
    return out


def grid() -> list[Case]:
    """Other answer probabilities, handle times and caps, first where most can go wrong."""
    return [
        Case(
            pacer="predictive",
            agents=agents,
            seeds=seeds_of(agents),
            hours=4.0 if agents < 50 else 2.0,
            answer_probability=probability,
            handle_s=handle,
            cap=cap,
        )
        for agents, cap, handle, probability in product(
            (3, 10, 1, 2, 5, 20, 50, 100), CAPS, HANDLES, PROBABILITIES
        )
    ]


def alive() -> list[Case]:
    """Lognormal times, drift, machines and pauses: ours."""
    three = [
        Case(
            pacer="predictive",
            agents=agents,
            seeds=5 if agents <= 50 else 2,
            hours=4.0,
            alive=True,
        )
        for agents in AGENTS
    ]
    one = [
        Case(
            pacer="predictive",
            agents=agents,
            seeds=2 if agents <= 50 else 1,
            hours=4.0,
            cap=0.01,
            alive=True,
        )
        for agents in AGENTS
    ]
    return three + one


def alive_rivals() -> list[Case]:
    """The same, everybody else."""
    return [
        Case(pacer=pacer, agents=agents, seeds=max(1, min(5, 20 // agents)), hours=4.0, alive=True)
        for agents in AGENTS
        for pacer in ("progressive", *RULES, "omnidialer", *ALIVE_RATIOS)
    ]


SETS = {
    "figure": figure(),
    "rivals": rivals() + corners(),
    "grid": grid(),
    "alive": alive(),
    "alive-rivals": alive_rivals(),
}
