"""Tables and pictures of what was run, written into the page about pacing between its markers."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from dialer.model import Mode
from dialer.simulation.run import Shift
from offhook.cli.pacing_chart import Chart, Series, svg
from tests.bench.pacing import cases
from tests.bench.pacing.optimum import optimum
from tests.bench.pacing.runs import Case, Outcome, known

PAGE = Path(__file__).parents[3] / "docs/explanation/algorithms/pacing.md"
PICTURES = PAGE.parent / "pictures"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NAMES = {
    "predictive": "offhook predictive",
    "progressive": "progressive",
    "vicidial_hard_limit": "VICIdial ADAPT_HARD_LIMIT",
    "vicidial_average": "VICIdial ADAPT_AVERAGE",
    "vicidial_tapered": "VICIdial ADAPT_TAPERED",
    "omnidialer": "OMniDialer",
}


def write() -> None:
    """Write the page's middle and the picture that is drawn from what is known."""
    found = known()
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "utilisation.svg").write_text(utilisation_picture(found))
    parts = [made_with(found), figure_table(found), rivals_table(found), alive_table(found)]
    standard = [case.floor for case in cases.figure()]
    if any(case.key in found for case in cases.grid() if case.floor not in standard):
        parts.append(grid_table(found))
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")


def draw_abandonment() -> None:
    """Run a few shifts, and draw how their abandonment went."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "abandonment.svg").write_text(abandonment_picture())


def made_with(found: dict[str, Outcome]) -> str:
    """The commits that the shifts were run on."""
    commits = sorted(set().union(*(outcome.commits for outcome in found.values())))
    return f"Run on commit {', '.join(commits)}." if commits else "Nothing was run yet."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(value: float | None, digits: int = 1) -> str:
    """A share in percent, or a dash."""
    return "-" if value is None else f"{100 * value:.{digits}f}"


def figure_table(found: dict[str, Outcome]) -> str:
    """The required figure."""
    rows = []
    for case in cases.figure():
        if (got := found.get(case.key)) is None:
            continue
        best = optimum(case.floor)
        rows.append(
            [
                str(case.agents),
                percent(best),
                percent(got.utilisation),
                f"{got.utilisation / best:.3f}",
                percent(got.abandonment, 2),
                percent(got.worst_1000),
                f"{got.seeds} x {got.hours:g} h",
            ]
        )
    head = ["agents", "optimum %", "used %", "share", "abandoned %", "worst 1,000 %", "shifts"]
    return (
        "### Against the exact optimum\n\nTalk 120 s, ring 15 s, a quarter of calls answered,"
        " patience 2 s, cap 3 %. The first half hour isn't counted, except in the worst 1,000"
        " answers in a row.\n\n" + table(head, rows)
    )


def best_of(found: dict[str, Outcome], pacers: Sequence[str], agents: int) -> Outcome | None:
    """The setting of a rule that uses agents best within the cap."""
    cap = 0.03
    tried = [
        found.get(Case(pacer=pacer, agents=agents, seeds=1, hours=1.0).key) for pacer in pacers
    ]
    legal = [each for each in tried if each and each.abandonment <= cap]
    return max(legal, key=lambda each: each.utilisation, default=None)


def _cell(got: Outcome | None) -> str:
    if got is None:
        return "-"
    return f"{percent(got.utilisation)} / {percent(got.abandonment)}"


def _row(name: str, pick: Callable[[int], Outcome | None], agents: Sequence[int]) -> list[str]:
    return [name, *(_cell(pick(count)) for count in agents)]


def rivals_table(found: dict[str, Outcome]) -> str:
    """Everybody on the same floor."""

    def of(pacer: str) -> Callable[[int], Outcome | None]:
        return lambda agents: found.get(Case(pacer=pacer, agents=agents, seeds=1, hours=1.0).key)

    rows = [_row(name, of(pacer), cases.AGENTS) for pacer, name in NAMES.items()]
    for name, pacers in (
        ("VICIdial ADAPT_TAPERED, best aim", cases.TUNED),
        ("best fixed ratio", cases.FIXED),
    ):
        rows.append(_row(name, partial(best_of, found, pacers), cases.AGENTS))
    floors = [Case(pacer="", agents=agents, seeds=1, hours=1.0).floor for agents in cases.AGENTS]
    rows.append(["exact optimum", *(f"{percent(optimum(floor))} / 3.0" for floor in floors)])
    return (
        "### Against other rules\n\nThe same floor; percent of agents' time used / percent"
        " abandoned, the first half hour not counted. Rivals: one shift of 2 h each, which with one"
        " to three agents is a matter of luck by some points; where they are over 3 %, the use is"
        " bought with broken law, and a dash is where no setting kept it or none was run. Best"
        f" fixed ratio: of {', '.join(f'{ratio:g}' for ratio in cases.RATIOS)}. Best aim:"
        " VICIdial's tapered rule aimed at a difference of free agents and waiting calls of"
        f" {', '.join(str(aim) for aim in cases.AIMS)}; the three rules above it have their"
        " default, none.\n\n"
        + table(["", *(f"{agents} agents" for agents in cases.AGENTS)], rows)
        + "\n\n![Utilisation against agents](pictures/utilisation.svg)"
        + "\n\n![Abandonment over a shift](pictures/abandonment.svg)"
    )


def grid_table(found: dict[str, Outcome]) -> str:
    """Other answer probabilities, handle times and caps."""
    rows = []
    for agents in cases.GRID_AGENTS:
        for cap in cases.CAPS:
            for handle in cases.HANDLES:
                cells = []
                for probability in cases.PROBABILITIES:
                    case = Case(
                        pacer="predictive",
                        agents=agents,
                        seeds=1,
                        hours=1.0,
                        answer_probability=probability,
                        handle_s=handle,
                        cap=cap,
                    )
                    got = found.get(case.key)
                    best = optimum(case.floor)
                    ours = "-" if got is None else f"{percent(got.utilisation)}"
                    share = "-" if got is None else f"{got.utilisation / best:.3f}"
                    lost = "-" if got is None else percent(got.abandonment, 2)
                    cells.append(f"{ours} of {percent(best)}: {share}, lost {lost}")
                rows.append([str(agents), f"{100 * cap:g}", f"{handle:g}", *cells])
    head = ["agents", "cap %", "talk s", *(f"answer {p:g}" for p in cases.PROBABILITIES)]
    return (
        "### Other floors\n\nPercent used, of the optimum's: the share, and percent abandoned;"
        " 2 shifts of 4 h per cell (20 where the floor is that of the first table).\n\n"
        + table(head, rows)
    )


def alive_table(found: dict[str, Outcome]) -> str:
    """The lifelike floor."""
    rows = []
    for pacer in (*NAMES, "ratio 1.2"):
        row = [NAMES.get(pacer, f"fixed {pacer}")]
        for agents in cases.ALIVE_AGENTS:
            got = found.get(Case(pacer=pacer, agents=agents, seeds=1, hours=1.0, alive=True).key)
            worst = f" ({percent(got.worst_1000)})" if got and got.worst_1000 is not None else ""
            row.append(_cell(got) + worst)
        rows.append(row)
    ours = [found.get(case.key) for case in cases.alive() if case.pacer == "predictive"]
    shifts = [got.seeds for got in ours if got is not None]
    return (
        "### A lifelike floor\n\nLognormal ring, talk and wrap-up, a quarter of calls answered by"
        " machines that take 1.5 s to tell, answer probability going from 0.22 to 0.34, 0.15 and"
        " 0.3, talks from 110 s to 80 s and 150 s, a third of the agents pausing. Percent used /"
        " abandoned, and in brackets the worst 1,000 answers in a row; from the first call on, 4 h,"
        f" {min(shifts, default=0)} to {max(shifts, default=0)} shifts of ours and one of each"
        " rival. No optimum is known here.\n\n"
        + table(["", *(f"{agents} agents" for agents in cases.ALIVE_AGENTS)], rows)
    )


def utilisation_picture(found: dict[str, Outcome]) -> str:
    """Utilisation against agents."""
    lines = []
    for pacer, name in NAMES.items():
        points = []
        for agents in cases.AGENTS:
            got = found.get(Case(pacer=pacer, agents=agents, seeds=1, hours=1.0).key)
            if got is not None:
                legal = "" if got.abandonment <= 0.0305 else " (over the cap)"
                points.append((float(agents), 100 * got.utilisation))
                name = name if legal in name else name + legal
        if points:
            lines.append(Series(name=name, points=points))
    floors = [Case(pacer="", agents=agents, seeds=1, hours=1.0).floor for agents in cases.AGENTS]
    lines.append(
        Series(name="optimum", points=[(floor.agents, 100 * optimum(floor)) for floor in floors])
    )
    return svg(
        Chart(
            title="Share of agents' time used, cap 3 %",
            x_label="agents",
            y_label="percent",
            series=lines,
            log_x=True,
            y_to=100.0,
        )
    )


def abandonment_picture() -> str:
    """Abandonment since the start over a lifelike shift of 20 agents, three seeds."""
    lines = []
    case = Case(pacer="predictive", agents=20, seeds=3, hours=4.0, alive=True)
    for seed in random.Random(1).sample(range(1, 100), 3):
        seen = Shift(case.scenario, Mode.predictive, seed).run()
        lost, points = 0, []
        for number, (at_s, abandoned) in enumerate(
            zip(seen.moments, seen.fates, strict=True), start=1
        ):
            lost += abandoned
            if number % 20 == 0:
                points.append((at_s / 60.0, 100.0 * lost / number))
        lines.append(Series(name=f"shift {seed}", points=points))
    lines.append(Series(name="cap", points=[(0.0, 3.0), (240.0, 3.0)]))
    return svg(
        Chart(
            title="Abandoned since the start, lifelike floor, 20 agents",
            x_label="minutes",
            y_label="percent",
            series=lines,
            y_from=0.0,
        )
    )
