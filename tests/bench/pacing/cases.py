"""Which pacers are run on which floors, and for how long."""

from tests.bench.pacing.runs import Case

FIGURE = (3, 5, 8, 10, 20, 30, 50)
AGENTS = (1, 2, 3, 5, 10, 20, 50, 100)
RATIOS = (1.1, 1.2, 1.3)
RULES = ("vicidial_hard_limit", "vicidial_average", "vicidial_tapered")
AIMS = (-3, -5, -7)
"""Differences of agents and waiting calls that VICIdial's tapered rule is aimed at, beside 0."""
TUNED = tuple(f"vicidial_tapered {aim}" for aim in AIMS)
FIXED = tuple(f"ratio {ratio:g}" for ratio in RATIOS)
RIVALS = ("progressive", *RULES, *TUNED, "omnidialer", *FIXED)
GRID_AGENTS = (3, 10)
PROBABILITIES = (0.15, 0.25, 0.5)
HANDLES = (60.0, 120.0, 300.0)
CAPS = (0.01, 0.03)
ALIVE_AGENTS = (3, 5, 10, 20, 50)


def figure() -> list[Case]:
    """At least 0.97 of the optimum, 20 seeds of 4 hours."""
    return [Case(pacer="predictive", agents=agents, seeds=20, hours=4.0) for agents in FIGURE]


def rivals() -> list[Case]:
    """Everybody on the same floor."""
    ours = [
        Case(pacer="predictive", agents=agents, seeds=20 if agents < 3 else 2, hours=4.0)
        for agents in AGENTS
        if agents not in FIGURE
    ]
    return ours + [
        Case(pacer=pacer, agents=agents, seeds=1, hours=2.0)
        for agents in AGENTS
        for pacer in RIVALS
    ]


def grid() -> list[Case]:
    """Other answer probabilities, handle times and caps."""
    return [
        Case(
            pacer="predictive",
            agents=agents,
            seeds=2,
            hours=4.0,
            answer_probability=probability,
            handle_s=handle,
            cap=cap,
        )
        for agents in GRID_AGENTS
        for cap in CAPS
        for handle in HANDLES
        for probability in PROBABILITIES
    ]


def alive() -> list[Case]:
    """Lognormal times, drift, machines and pauses."""
    pacers = ("predictive", "progressive", *RULES, "omnidialer", "ratio 1.2")
    return [
        Case(
            pacer=pacer,
            agents=agents,
            seeds=5 if pacer == "predictive" else 1,
            hours=4.0,
            alive=True,
        )
        for agents in ALIVE_AGENTS
        for pacer in pacers
    ]


SETS = {"figure": figure(), "rivals": rivals(), "grid": grid(), "alive": alive()}
