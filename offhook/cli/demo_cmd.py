"""`offhook demo`: the main job, small, with nothing to install or configure."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from dialer.model import Mode
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.demo.kinds import PbxKind

_T = TypeVar("_T")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def demo(
    contacts: Annotated[int, typer.Option(min=1, max=20_000, help="People to call.")] = 300,
    agents: Annotated[int, typer.Option(min=1, max=500, help="Agents to talk to them.")] = 12,
    mode: Annotated[Mode, typer.Option(help="How calls are paced.")] = Mode.predictive,
    seed: Annotated[int, typer.Option(help="Same seed, same people.")] = 1,
    switch: Annotated[
        PbxKind, typer.Option(help="What to dial through: simulated, or real and installed.")
    ] = PbxKind.voispeed,
    kill_worker: Annotated[
        bool, typer.Option("--kill-worker", help="Kill the worker in the middle (kill -9).")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the demo's home, to look at it afterwards.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write what was to be seen as an SVG picture.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Run a whole campaign against a PBX and report on it, in under two minutes.

    Starts PostgreSQL, Temporal and all of offhook in a folder of its own, and a VOIspeed simulator;
    imports a contact file, dials it, and holds the outcomes against the PBX's own record. Exits 1
    when the two disagree, somebody was wronged, or the abandonment cap was broken. With `--switch
    asterisk` the calls are real: a private Asterisk is installed, and SIPp answers them.

    Examples:

        offhook demo

        offhook demo --contacts 300 --agents 12 --json

        offhook demo --kill-worker

        offhook demo --switch asterisk
    """
    from offhook.cli.demo_view import DemoScreen, render_report
    from offhook.demo.run import DemoOptions, run_demo
    from offhook.home import Home
    from offhook.logging import configure_logging
    from offhook.settings import LogLevel

    settings = prepare("demo")
    # What the parts say is in their own logs; here it would only tear the live view.
    configure_logging(settings.log.model_copy(update={"level": LogLevel.warning}), process="demo")
    folder = Path(tempfile.mkdtemp(prefix="offhook-demo-"))
    options = DemoOptions(
        contacts=contacts,
        agents=agents,
        mode=mode,
        seed=seed,
        pbx=switch,
        kill_worker=kill_worker,
    )
    try:
        with DemoScreen(quiet=json_output) as screen:
            running = run_demo(Home(folder), settings, options, show=screen.show)
            report = run_async(_unless_told_to_stop(running))
    except _Told as told:
        raise typer.Exit(128 + told.sign) from None
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if picture is not None:
        screen.save_picture(picture, report)
    emit(report, json_output, render_report)
    if not report.sound:
        raise typer.Exit(1)


class _Told(Exception):
    """Somebody said that it is to end."""

    def __init__(self, sign: signal.Signals) -> None:
        super().__init__(sign)
        self.sign = sign


async def _unless_told_to_stop(work: Coroutine[Any, Any, _T]) -> _T:
    """Do `work`; Ctrl-C and SIGTERM end it, and it puts away what it made."""
    task = asyncio.ensure_future(work)
    told: list[signal.Signals] = []

    def stop(sign: signal.Signals) -> None:
        told.append(sign)
        task.cancel()

    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop, sign)
    try:
        done = await task
    except asyncio.CancelledError:
        if not told:
            raise
    if told:
        raise _Told(told[0])
    return done
