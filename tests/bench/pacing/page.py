"""Tables and pictures of what was run, written into the page about pacing between its markers."""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from tests.bench.pacing import cases
from tests.bench.pacing.looked_up import best_of, key_of, outcome_of
from tests.bench.pacing.optimum import Memoryless, optimum
from tests.bench.pacing.pictures import abandonment_picture, utilisation_picture
from tests.bench.pacing.rule import known_rule
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
    parts = [
        made_with(found),
        figure_table(found),
        rule_table(),
        rivals_table(found),
        grid_table(found),
        corners_table(found),
        alive_table(found),
    ]
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
    """The required figure, and the floors around it."""
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
        " patience 2 s, cap 3 %. In this and the next three tables the first half hour isn't"
        " counted as use, since the optimum is that of a floor long at work; abandoned calls, and"
        " the worst 1,000 answers in a row, are counted from the first call on, as the law counts."
        "\n\n" + table(head, rows)
    )


def rule_table() -> str:
    """What the rule itself costs."""
    rows = []
    for cap in cases.CAPS:
        row = [f"cap {100 * cap:g} %"]
        for agents in cases.KNOWN_AGENTS:
            floors = [
                Memoryless(agents=agents, answer_probability=answer, handle_s=handle, cap=cap)
                for handle, answer in product(cases.HANDLES, cases.PROBABILITIES)
            ]
            row.append(f"{min(known_rule(floor) / optimum(floor) for floor in floors):.4f}")
        rows.append(row)
    return (
        "### The rule where every number is known\n\nLowest share of the optimum over talks of"
        f" {_listed(cases.HANDLES)} s and {_listed(cases.PROBABILITIES)} of the calls answered, of"
        " the rule with the limit that suits the floor, computed (`tests/bench/pacing/rule.py`) and"
        " not simulated: what isn't lost to estimates, nor to the budget.\n\n"
        + table(["", *(f"{agents} agents" for agents in cases.KNOWN_AGENTS)], rows)
    )


def _cell(got: Outcome | None) -> str:
    if got is None:
        return "-"
    return f"{percent(got.utilisation)} / {percent(got.abandonment)}"


def _rule_rows(
    found: dict[str, Outcome], names: Sequence[str], floors: Sequence[Memoryless]
) -> list[list[str]]:
    """A row for each rule and for the best setting of a tuned one, a column for each floor."""
    rows = [
        [NAMES[pacer], *(_cell(outcome_of(found, pacer, floor)) for floor in floors)]
        for pacer in names
    ]
    aims, ratios = ["VICIdial ADAPT_TAPERED, best aim"], ["best fixed ratio"]
    for floor in floors:
        aim = best_of(found, cases.aimed(floor), floor)
        ratio = best_of(found, cases.fixed(floor), floor)
        aims.append("-" if aim is None else f"{_cell(aim[1])} ({aim[0].split()[-1]})")
        ratios.append("-" if ratio is None else f"{_cell(ratio[1])} ({ratio[0].split()[-1]})")
    best = [
        "exact optimum",
        *(f"{percent(optimum(each))} / {100 * each.cap:.1f}" for each in floors),
    ]
    return [*rows, aims, ratios, best]


def rivals_table(found: dict[str, Outcome]) -> str:
    """Everybody on the same floor."""
    shifts = [found[case.key] for case in cases.rivals() if case.key in found]
    return (
        "### Against other rules\n\nThe same floor; percent of agents' time used / percent"
        f" abandoned. Rivals: {min((each.seeds for each in shifts), default=0)} to"
        f" {max((each.seeds for each in shifts), default=0)} shifts of"
        f" {min((each.hours for each in shifts), default=0):g} or"
        f" {max((each.hours for each in shifts), default=0):g} h; where they are over 3 %, the use"
        " is bought with broken law. Best: the setting that uses agents best within the cap, in"
        " brackets, or a dash where none keeps it. Fixed ratios let ring"
        f" {_listed(100 * share for share in cases.AHEAD)} % of the calls that would keep all"
        " agents talking. The aim is the difference of free agents and waiting calls that"
        f" VICIdial's tapered rule is given, of {_listed(cases.AIMS)}, with {cases.LARGE} and more"
        f" agents also {_listed(cases.LARGE_AIMS)}; the three rules above have their default, none."
        " The description of OMniDialer's formula leaves open how the calls of a tick are spaced"
        " and how far back the share of answered calls is averaged, and what it abandons hangs on"
        " both: with 20 agents 8 % at two calls a second and 14 % with the mean of the whole shift,"
        " at the use that is shown here for the formula to the letter.\n\n"
        + table(
            ["", *(f"{agents} agents" for agents in cases.AGENTS)],
            _rule_rows(found, list(NAMES), cases.STANDARD),
        )
        + "\n\n![Utilisation against agents](pictures/utilisation.svg)"
        + "\n\n![Abandonment over a shift](pictures/abandonment.svg)"
    )


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def grid_table(found: dict[str, Outcome]) -> str:
    """Other answer probabilities, handle times and caps."""
    columns = list(product(cases.HANDLES, cases.PROBABILITIES))
    rows = []
    for agents, cap in product(cases.AGENTS, cases.CAPS):
        cells = []
        for handle, probability in columns:
            floor = Memoryless(
                agents=agents, answer_probability=probability, handle_s=handle, cap=cap
            )
            got = found.get(key_of("predictive", floor, cap))
            share = "-" if got is None else f"{got.utilisation / optimum(floor):.3f}"
            lost = "-" if got is None else percent(got.abandonment, 2)
            cells.append(f"{share} / {lost}")
        rows.append([str(agents), f"{100 * cap:g}", *cells])
    worst = []
    for cap in cases.CAPS:
        those = [found[each.key] for each in cases.grid() if each.cap == cap and each.key in found]
        most = max((each.worst_1000 for each in those if each.worst_1000 is not None), default=None)
        worst.append(f"{percent(most)} % with a cap of {100 * cap:g} %")
    head = ["agents", "cap %", *(f"{handle:g} s, {answer:g}" for handle, answer in columns)]
    said = []
    for agents in cases.AGENTS:
        ours = [each.key for each in cases.grid() if each.agents == agents and each.key in found]
        if ours:
            fewest = min(found[key].seeds for key in ours)
            said.append(f"{fewest} x {min(found[key].hours for key in ours):g} h with {agents}")
    return (
        "### Other floors\n\nShare of the exact optimum / percent abandoned, by talk time and"
        f" share of calls answered; a dash is a floor that wasn't run. Shifts per cell, at least:"
        f" {', '.join(said)} agents. A shift of 4 h with 3 agents and talks of 300 s earns one"
        " abandoned call at 1 %: one shift's share is luck by 0.03 to 0.05. The worst"
        f" 1,000 answers in a row of all these shifts: {', '.join(worst)}.\n\n" + table(head, rows)
    )


def corners_table(found: dict[str, Outcome]) -> str:
    """The rivals where answers are rare or frequent, talks short or long, the cap 1 or 3 %."""
    floors = [
        Memoryless(
            agents=cases.CORNER_AGENTS, answer_probability=probability, handle_s=handle, cap=cap
        )
        for cap in cases.CAPS
        for probability, handle in cases.CORNERS
    ]
    head = [
        "",
        *(
            f"{100 * each.cap:g} %: {each.handle_s:g} s, {each.answer_probability:g}"
            for each in floors
        ),
    ]
    return (
        f"### Other rules on other floors\n\n{cases.CORNER_AGENTS} agents; percent used / percent"
        " abandoned by cap, talk time and share of calls answered; rivals one shift of 8 h.\n\n"
        + table(head, _rule_rows(found, list(NAMES), floors))
    )


def alive_table(found: dict[str, Outcome]) -> str:
    """The lifelike floor."""
    rows = []
    shown = [(pacer, 0.03) for pacer in (*NAMES, *cases.ALIVE_RATIOS)]
    for pacer, cap in [*shown[:1], ("predictive", 0.01), *shown[1:]]:
        row = [NAMES.get(pacer, f"fixed {pacer}") + (", cap 1 %" if cap == 0.01 else "")]
        for agents in cases.AGENTS:
            case = Case(pacer=pacer, agents=agents, seeds=1, hours=1.0, cap=cap, alive=True)
            got = found.get(case.key)
            worst = f" ({percent(got.worst_1000)})" if got and got.worst_1000 is not None else ""
            row.append(_cell(got) + worst)
        if set(row[1:]) != {"-"}:
            rows.append(row)
    shifts = [found[each.key].seeds for each in cases.alive() if each.key in found]
    return (
        "### A lifelike floor\n\nLognormal ring, talk and wrap-up, a quarter of calls answered by"
        " machines that take 1.5 s to tell, answer probability going from 0.22 to 0.34, 0.15 and"
        " 0.3, talks from 110 s to 80 s and 150 s, a third of the agents pausing. Percent used /"
        " abandoned, and in brackets the worst 1,000 answers in a row, all from the first call on;"
        f" {min(shifts, default=0)} to {max(shifts, default=0)} shifts of 4 h of ours, 1 to 5 of"
        " each rival, more with few agents; a dash was not run. No optimum is known here.\n\n"
        + table(["", *(f"{agents} agents" for agents in cases.AGENTS)], rows)
    )
