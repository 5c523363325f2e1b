"""`offhook pacing`: how good a pacer would be, and how long a list takes, before any call."""

import multiprocessing
import os
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dialer.model import Mode
from dialer.simulation import Scenario, SimulationResult, simulate
from offhook.cli.output import JsonOption, emit
from offhook.cli.pacing_forecast_cmd import forecast_command
from offhook.cli.pacing_scenario import ScenarioFileError, read_scenario

app = typer.Typer(
    name="pacing",
    help="Try a pacer on a simulated shift; forecast a list.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


app.command("forecast")(forecast_command)


@app.callback()
def _pacing() -> None:
    """Choose what to do with a pacer."""


@app.command("simulate")
def simulate_command(
    scenario: Annotated[
        Path, typer.Option("--scenario", help="JSON or TOML file that describes the shift.")
    ],
    pacer: Annotated[Mode, typer.Option("--pacer", help="The pacer to try.")] = Mode.predictive,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=1_000, help="How many shifts, seeds 1 to N.")
    ] = 1,
    json_output: JsonOption = False,
) -> None:
    """Run the production engine through simulated shifts, one per seed, in virtual time.

    Example: offhook pacing simulate --scenario shift.json --pacer predictive --seeds 20 --json
    """
    try:
        shift = read_scenario(scenario)
    except ScenarioFileError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from error
    emit(_simulate(shift, pacer, seeds), json_output, _page)


def _simulate(scenario: Scenario, mode: Mode, seeds: int) -> list[SimulationResult]:
    """One process per core: shifts have nothing to do with each other."""
    workers = min(seeds, os.cpu_count() or 1)
    each = [(seed,) for seed in range(1, seeds + 1)]
    work = partial(_one, scenario, mode)
    if workers == 1:
        return [work(seed) for seed in each]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(work, each))


def _one(scenario: Scenario, mode: Mode, seeds: Sequence[int]) -> SimulationResult:
    return simulate(scenario, mode=mode, seeds=seeds)[0]


def _page(results: list[SimulationResult]) -> Table:
    table = Table("seed", "calls", "answered", "abandoned", "rate", "utilisation", "wait ms")
    for result in results:
        table.add_row(
            str(result.seed),
            str(result.calls),
            str(result.answered),
            str(result.abandoned),
            f"{result.abandonment_rate:.2%}",
            f"{result.agent_utilisation:.1%}",
            f"{result.mean_wait_ms:.0f}",
        )
    answered = sum(result.answered for result in results)
    abandoned = sum(result.abandoned for result in results)
    table.caption = (
        f"{results[0].pacer}: {abandoned / answered if answered else 0.0:.2%} abandoned,"
        f" agents {statistics.mean(result.agent_utilisation for result in results):.1%} used"
    )
    return table
