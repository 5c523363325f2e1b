"""`offhook pacing forecast`: how long a list takes, with whom, at which abandonment."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from dialer.model import Mode
from dialer.simulation import (
    Forecast,
    ForecastRow,
    Question,
    Scenario,
    counts_around,
    forecast_row,
    gathered,
)
from offhook.cli.campaign_office import open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.cli.pacing_chart import Chart, Series, bar, svg
from offhook.cli.pacing_scenario import ScenarioFileError, read_scenario
from offhook.offices.forecasts import UNPACED, campaign_question


def forecast_command(
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="Id or name of a campaign to look ahead on.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="JSON or TOML file that describes the shift.")
    ] = None,
    contacts: Annotated[
        int | None, typer.Option("--contacts", min=1, help="Length of the list, if not as stored.")
    ] = None,
    agents: Annotated[
        str, typer.Option("--agents", help="Numbers of agents to compare, such as 5,10,20.")
    ] = "",
    pacer: Annotated[
        Mode | None, typer.Option("--pacer", help="The pacer, if not the campaign's own.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--svg", help="Write the picture into this file.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Simulate a list with several numbers of agents: hours, lines, abandonment, talk per hour.

    Of a campaign, its settings, the contacts left and what its calls so far have shown are taken;
    of a scenario file, its `contacts` and `calls_per_contact`. The production engine and pacer
    dial the simulated shifts.

    Example: offhook pacing forecast --campaign Spring --agents 5,10,20 --svg spring.svg
    """
    if (campaign is None) == (scenario is None):
        raise typer.BadParameter("name one of --campaign and --scenario")
    if campaign is not None:
        found, mode, left = run_async(_of_campaign(campaign))
    else:
        found, mode, left = _of_file(scenario)
    length = contacts or left
    if not length:
        raise typer.BadParameter("nobody is left to dial; say --contacts", param_hint="--contacts")
    question = Question(
        scenario=found, mode=pacer or mode, contacts=length, agents=_counts(agents, found.agents)
    )
    if question.mode in UNPACED:
        raise typer.BadParameter(
            f"{question.mode} isn't paced by agents coming free; name another", param_hint="--pacer"
        )
    result = gathered(question, _rows(question))
    if picture is not None:
        picture.write_text(svg(_chart(result)))
    emit(result, json_output, _page)


def _counts(text: str, around: int) -> tuple[int, ...]:
    if not text:
        return counts_around(around)
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= 2_000 for count in counts):
        raise typer.BadParameter("write numbers from 1 to 2000, as 5,10", param_hint="--agents")
    return tuple(sorted(set(counts)))


def _of_file(path: Path | None) -> tuple[Scenario, Mode, int | None]:
    try:
        found = read_scenario(path or Path())
    except ScenarioFileError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from error
    return found, Mode.predictive, found.contacts


async def _of_campaign(key: str) -> tuple[Scenario, Mode, int | None]:
    async with open_office() as office:
        found = await campaign_question(office.database, key)
    return found.scenario, found.mode, found.contacts


def _rows(question: Question) -> tuple[ForecastRow, ...]:
    """One process per core, the largest floors first: they take longest."""
    counts = sorted(question.agents, reverse=True)
    workers = min(len(counts), os.cpu_count() or 1)
    work = partial(forecast_row, question)
    if workers == 1:
        rows = [work(count) for count in counts]
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            rows = list(pool.map(work, counts))
    return tuple(sorted(rows, key=lambda row: row.agents))


def _chart(result: Forecast) -> Chart:
    rows = [row for row in result.rows if row.hours is not None]
    return Chart(
        title=f"{result.contacts:,} contacts of {result.name}: hours by agents",
        x_label="agents",
        y_label="hours",
        series=[
            Series(
                name=result.pacer, points=[(float(row.agents), row.hours or 0.0) for row in rows]
            )
        ],
        y_from=0.0,
    )


def _page(result: Forecast) -> Group:
    table = Table(
        "agents", "hours", "lines", "calls/h", "talks/h", "abandoned", "used", "talk min/h"
    )
    longest = max((row.hours or 0.0 for row in result.rows), default=0.0)
    bars = []
    for row in result.rows:
        hours = "-" if row.hours is None else f"{row.hours:.1f}"
        table.add_row(
            str(row.agents),
            hours,
            str(row.lines),
            f"{row.calls_per_hour:.0f}",
            f"{row.talks_per_hour:.0f}",
            f"{row.abandonment_rate:.2%}",
            f"{row.agent_utilisation:.1%}",
            f"{row.talk_minutes_per_agent_hour:.1f}",
        )
        bars.append(f"{row.agents:>5} agents {bar(row.hours or 0.0, longest)} {hours} h")
    table.caption = (
        f"{result.name}: {result.contacts:,} contacts, {result.calls_per_contact:.2f} calls each,"
        f" {result.pacer}; hours are hours of dialing"
    )
    return Group(table, *bars)
