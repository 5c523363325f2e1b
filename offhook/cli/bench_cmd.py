"""`offhook bench`: how fast this machine dials, and what a call costs."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from offhook.bench.report import DialReport, Percentiles
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.demo.kinds import PbxKind

app = typer.Typer(
    name="bench",
    help="Measure how fast this machine dials.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _bench() -> None:
    """Choose what to measure."""


@app.command("dial")
def dial(
    calls: Annotated[int, typer.Option(min=1, max=1_000_000, help="Calls to make.")] = 2_000,
    agents: Annotated[int, typer.Option(min=1, max=5_000, help="Agents to take them.")] = 150,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=500, help="Calls placed a second; else as fast as it goes."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same people.")] = 1,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Also run calls as one Temporal workflow each.")
    ] = False,
    switch: Annotated[
        PbxKind, typer.Option(help="What to dial through: simulated, or real and installed.")
    ] = PbxKind.voispeed,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the bench's home, to look at it afterwards.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Run the whole live path against a PBX: every call over real sockets.

    People answer after 0.3 s and talk for 0.3 s; agents are called again for every talk. Exits 1
    when a call failed, was made twice, or left somebody alone. With `--switch asterisk` the calls
    are real, and a bare ARI script that only dials and joins is measured in the same run.

    Examples:

        offhook bench dial --calls 2000 --agents 150

        offhook bench dial --calls 1200 --agents 100 --rate 40 --json

        offhook bench dial --calls 400 --agents 100 --baseline

        offhook bench dial --switch asterisk --calls 600 --agents 60 --rate 20
    """
    from offhook.bench.dial import run_dial_bench
    from offhook.bench.options import BenchOptions
    from offhook.home import Home

    settings = prepare("bench")
    folder = Path(tempfile.mkdtemp(prefix="offhook-bench-"))
    options = BenchOptions(
        calls=calls, agents=agents, rate=rate, seed=seed, baseline=baseline, pbx=switch
    )
    try:
        report = run_async(run_dial_bench(Home(folder), settings, options))
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    emit(report, json_output, render)
    if not report.sound:
        raise typer.Exit(1)


def render(report: DialReport) -> Table:
    """The report as a page."""
    table = Table(title="The live path", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    asked = f", {report.rate:g} a second asked for" if report.rate else ""
    table.add_row("calls", f"{report.calls} with {report.agents} agents{asked}")
    table.add_row("calls a second", f"{report.calls_per_s:g}")
    table.add_row("answer to agent", _shown(report.answer_to_agent_ms))
    table.add_row("answer to join command", _shown(report.answer_to_join_command_ms))
    table.add_row("CPU ms a call", _by_process(report.cpu_s_per_call, 1000))
    table.add_row("memory MB", _by_process(report.rss_mb, 1))
    wrongs = f"{report.errors} errors, {report.failed_commands} failed commands, "
    wrongs += f"{report.double_dialed} called twice, {report.stranded} left alone, "
    table.add_row("wrongs", f"{wrongs}{report.left_over} channels or bridges left over")
    before, after = report.load_average
    table.add_row("load average", f"{before} before, {after} after")
    if report.bare is not None:
        bare = report.bare
        table.add_row("bare script: calls a second", f"{bare.calls_per_s:g}, {bare.joined} joined")
        table.add_row("bare script: answer to agent", _shown(bare.answer_to_agent_ms))
        table.add_row("bare script: CPU ms a call", _by_process(bare.cpu_s_per_call, 1000))
        table.add_row("p99 of answer to agent", f"{report.times_bare} times the bare script's")
    if report.baseline is not None and report.ratio is not None:
        base = report.baseline
        table.add_row("baseline: calls a second", f"{base.calls_per_s:g} ({base.calls} workflows)")
        table.add_row("baseline: answer to bridge", _shown(base.answer_to_bridge_ms))
        table.add_row("baseline: CPU ms a call", _by_process(base.cpu_s_per_call, 1000))
        table.add_row(
            "times better",
            f"calls a second {report.ratio.calls_per_s}, CPU {report.ratio.cpu_s_per_call}, "
            f"p50 {report.ratio.answer_p50}, p99 {report.ratio.answer_p99}",
        )
    return table


def _shown(times: Percentiles) -> str:
    return f"p50 {times.p50} ms, p95 {times.p95}, p99 {times.p99}, max {times.max}"


def _by_process(values: dict[str, float], factor: float) -> str:
    return ", ".join(f"{name} {value * factor:.1f}" for name, value in values.items())
