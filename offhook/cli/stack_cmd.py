"""`offhook up` and `offhook doctor`: run a local stack, and find out what is wrong with one."""

import asyncio
import signal
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.errors import StackAlreadyRunning
from offhook.home import Stack
from offhook.settings import Settings
from offhook.supervisor import ALL_PARTS, EventKind, PartEvent, RunningStack, running_stack

_PartOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="Run this part only; may be given several times."),
]
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}


def up(part: _PartOption = None, json_output: JsonOption = False) -> None:
    """Run everything on this machine until Ctrl-C: databases, links, worker, API and console.

    Example: offhook up
    """
    wanted = frozenset(part) if part else ALL_PARTS
    if unknown := wanted - ALL_PARTS:
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(sorted(ALL_PARTS))}"
        )
    run_async(_up(prepare("up"), wanted, json_output))


async def _up(settings: Settings, parts: frozenset[str], json_output: bool) -> None:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, asked_to_stop.set)
    running = asyncio.create_task(_run(settings, parts, json_output))
    stopper = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait({running, stopper}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        # Ctrl-C may come while parts are still starting; a second one changes nothing.
        running.cancel()
    stopper.cancel()
    try:
        await running
    except asyncio.CancelledError:
        _say("stopped", json_output)
    except StackAlreadyRunning:
        stack = Stack.load(settings.home)
        emit(_document(stack, already_running=True), json_output, lambda _: _already(stack))


async def _run(settings: Settings, parts: frozenset[str], json_output: bool) -> None:
    """Run the stack until this is cancelled."""
    _say(f"starting {', '.join(sorted(parts))} in {settings.home}", json_output)
    async with running_stack(
        settings.home, settings, parts=parts, on_event=lambda event: _tell(event, json_output)
    ) as stack:
        link = await _first_link(stack) if "api" in parts else None
        document = _document(stack.stack, already_running=False)
        if link is not None:
            document["first_login"] = link
        emit(document, json_output, lambda _: _overview(stack.stack, link))
        await asyncio.Event().wait()


def doctor(json_output: JsonOption = False) -> None:
    """Check this installation, and say what to do about whatever is wrong.

    Example: offhook doctor
    """
    # Imported here: it needs Temporal and SQLAlchemy, which `up` does not.
    from activities import options
    from offhook.doctor import Diagnosis, diagnose

    settings = prepare("doctor")
    found = run_async(diagnose(settings, task_queues=(options.TASK_QUEUE,)))

    def render(diagnosis: Diagnosis) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for finding in diagnosis.findings:
            text = Text(finding.detail)
            if finding.hint:
                text.append(f"\nnext: {finding.hint}", style="dim")
            state = Text(finding.state.value, style=_COLOURS[finding.state.value])
            table.add_row(state, finding.check, text)
        return table

    emit(found, json_output, render)
    if not found.healthy:
        raise typer.Exit(1)


def _document(stack: Stack, *, already_running: bool) -> dict[str, Any]:
    return {
        "already_running": already_running,
        "home": str(stack.home),
        "pid": stack.supervisor_pid,
        "urls": stack.urls(),
        "temporal_address": stack.embedded_temporal_address,
        "parts": {
            name: {"state": part.state.value, "pid": part.pid} for name, part in stack.parts.items()
        },
    }


async def _first_link(stack: RunningStack) -> str | None:
    """Where the first administrator chooses a password; None once there is one who has."""
    # Imported here: whoever only wants help need not wait for SQLAlchemy.
    from offhook.cli.account_office import first_link
    from offhook.storage.database import Database

    if stack.database_url is None:
        return None
    async with Database.open(stack.database_url, pool_size=1) as database:
        return await first_link(database, stack.settings, base=stack.stack.api_url)


def _overview(stack: Stack, link: str | None) -> str:
    lines = [f"offhook is up in {stack.home}"]
    lines += [f"  {name:<12} {url}" for name, url in stack.urls().items()]
    if stack.embedded_temporal_address:
        lines.append(f"  {'temporal':<12} {stack.embedded_temporal_address}")
    if link is not None:
        lines += ["", "Nobody has an account yet. Choose the administrator's password here, once:"]
        lines += [f"  {link}", ""]
    return "\n".join([*lines, "Ctrl-C stops it"])


def _already(stack: Stack) -> str:
    began = stack.started_at.astimezone()
    lines = [f"offhook is running already in {stack.home}, since {_clock(began)}"]
    return "\n".join([*lines, *(f"  {name:<12} {url}" for name, url in stack.urls().items())])


def _tell(event: PartEvent, json_output: bool) -> None:
    match event.kind:
        case EventKind.ready:
            _say(f"  {event.part} is ready (pid {event.pid})", json_output)
        case EventKind.died:
            pause = event.restart_in.total_seconds() if event.restart_in else 0
            text = f"ended with code {event.exit_code}, starting it again in {pause:.1f} s"
            _say(f"  {event.part} {text}", json_output)
        case EventKind.unready:
            _say(f"  {event.part} does not become ready, starting it again", json_output)
        case EventKind.started | EventKind.stopped:
            return


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _say(line: str, json_output: bool) -> None:
    """A line for a person who watches; programs get the document alone."""
    if not json_output:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
