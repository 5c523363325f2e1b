"""`offhook pbx`: a private, real Asterisk to develop against, with people who answer."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.errors import OffhookError
from offhook.pbx import callers, development
from offhook.pbx.install import Suite, default_folder, install, installed
from offhook.settings import Settings

SWITCH = "dev-pbx"

app = typer.Typer(
    name="pbx",
    help="Run a private Asterisk to develop against.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None, typer.Option(help="Where to install; else the user's cache folder.")
]
SuiteOption = Annotated[Suite, typer.Option(help="Debian suite to take the packages from.")]
MirrorOption = Annotated[
    str | None, typer.Option(help="Address of a Debian mirror; else this machine's own.")
]


class PbxNotRunning(OffhookError):
    """No development PBX runs in this home."""

    code = "pbx_not_running"


@app.callback()
def _pbx() -> None:
    """Run a private Asterisk to develop against."""


def _progress(line: str) -> None:
    typer.echo(line, err=True)


@app.command("install")
def install_command(
    folder: FolderOption = None,
    suite: SuiteOption = Suite.forky,
    mirror: MirrorOption = None,
    json_output: JsonOption = False,
) -> None:
    """Fetch Asterisk and SIPp into a folder, without root; a second time nothing is done.

    Examples:

        offhook pbx install

        offhook pbx install --folder /opt/pbx --suite sid
    """
    prepare()
    made = install(folder, suite=suite, mirror=mirror, progress=_progress)
    said = {"folder": str(made.root.parent), "versions": dict(made.versions)}
    emit(said, json_output, lambda _: f"Asterisk {made.versions['asterisk']} is in {made.root}")


@app.command()
def up(
    agents: Annotated[int, typer.Option(min=1, max=500, help="Soft agents.")] = 2,
    folder: FolderOption = None,
    suite: SuiteOption = Suite.forky,
    mirror: MirrorOption = None,
    json_output: JsonOption = False,
) -> None:
    """Start an Asterisk with soft agents and people to call; it stays until `offhook pbx down`.

    Where a stack runs in this home, the PBX is added to it as the switch dev-pbx, with its agents
    available. A file of contacts for a campaign is written beside it.

    Examples:

        offhook pbx up

        offhook pbx up --agents 8 --json
    """
    settings = prepare()
    place = settings.home.expanduser().absolute() / "pbx"
    pbx = development.load(place)
    already = pbx is not None and pbx.running
    if pbx is None or not already:
        made = install(folder, suite=suite, mirror=mirror, progress=_progress)
        pbx = run_async(development.start(made, place, agents=agents))
    added = run_async(_add_switch(settings, pbx))
    emit(_document(pbx, already=already, added=added), json_output, _page)


@app.command()
def status(json_output: JsonOption = False) -> None:
    """Say what is installed and what runs; exits 1 when the PBX does not run.

    Example: offhook pbx status --json
    """
    settings = prepare()
    found = installed()
    pbx = development.load(settings.home.expanduser() / "pbx")
    said: dict[str, Any] = {
        "installed": None if found is None else found.versions["asterisk"],
        "install_folder": str(default_folder()),
        "running": pbx is not None and pbx.running,
        "processes": {
            name: process.pid if process.found() else None
            for name, process in (pbx.processes if pbx is not None else {}).items()
        },
        "ari_url": None if pbx is None else pbx.ari_url,
    }
    emit(said, json_output, _status_page)
    if not said["running"]:
        raise typer.Exit(1)


@app.command("call")
def call_command(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Number to call on the PBX.")],
    keys: Annotated[
        str, typer.Option(help="Keys once it answers: `;` is a second, `!` hangs up.")
    ] = "",
    calling: Annotated[str, typer.Option(help="Number to call from.")] = "+390733000001",
    stay: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds on the line after the last key.")
    ] = 20.0,
    json_output: JsonOption = False,
) -> None:
    """Call in, as somebody outside would, and press keys; returns when the call is over.

    Run by root, keys travel in the audio (RFC 2833); else as SIP INFO.

    Example: offhook pbx call 0733999 --keys '1;;482915'
    """
    settings = prepare()
    pbx = development.load(settings.home.expanduser() / "pbx")
    asterisk = installed()
    if pbx is None or not pbx.running or asterisk is None:
        raise PbxNotRunning("no development PBX runs here", hint="start it: offhook pbx up")
    try:
        script = callers.Script(keys=keys, calling=calling, stay_s=stay)
    except ValueError as error:
        raise typer.BadParameter("keys are 0-9 * # ; !, the number digits") from error
    port = callers.sip_port(pbx.folder)
    run_async(callers.call(asterisk, sip_port=port, number=number, script=script))
    how = "rfc2833" if callers.can_send_rfc2833() else "info"
    emit({"number": number, "keys_sent_as": how}, json_output, lambda _: "the call is over")


@app.command()
def down(json_output: JsonOption = False) -> None:
    """End the development PBX of this home and remove what it wrote, and its switch.

    A switch that campaigns were dialed through stays on record with them.

    Example: offhook pbx down
    """
    settings = prepare()
    pbx = development.load(settings.home.expanduser() / "pbx")
    if pbx is None:
        raise PbxNotRunning(
            f"no development PBX was started in {settings.home}", hint="start one: offhook pbx up"
        )
    done = run_async(_end(settings, pbx))
    emit(done, json_output, _ended_page)


async def _add_switch(settings: Settings, pbx: development.DevelopmentPbx) -> bool:
    # Imported here: it needs SQLAlchemy, which the other commands of this group do not.
    from offhook.pbx.membership import join_stack

    return await join_stack(settings, pbx)


async def _end(settings: Settings, pbx: development.DevelopmentPbx) -> dict[str, Any]:
    from offhook.pbx.membership import leave_stack

    ended = await development.stop(pbx)
    return {"ended": ended, "switch_removed": await leave_stack(settings)}


def _document(pbx: development.DevelopmentPbx, *, already: bool, added: bool) -> dict[str, Any]:
    return {
        "already_running": already,
        "folder": str(pbx.folder),
        "ari_url": pbx.ari_url,
        "user": pbx.user,
        "agents": [f"PJSIP/{name}" for name in pbx.agents],
        "trunk": f"{pbx.trunk}:{pbx.lines}",
        "switch": SWITCH if added else None,
        "contacts": str(pbx.contacts),
        "numbers": development.example_numbers(),
        "next": _next(pbx, added=added),
    }


def _next(pbx: development.DevelopmentPbx, *, added: bool) -> list[str]:
    check = f"{_program()} switch check {SWITCH}"
    if added:
        create = f"{_program()} campaign create --name Try --switch {SWITCH} --mode predictive"
        return [
            check,
            f"{create} --caller-id +390612345678 --hours always --contacts {pbx.contacts}",
            f"{_program()} campaign start Try",
            f"{_program()} campaign status Try",
            f"{_program()} pbx down",
        ]
    return [f"{_program()} up", f"{_program()} pbx up", check, f"{_program()} pbx down"]


def _program() -> str:
    return Path(sys.argv[0]).name if sys.argv and sys.argv[0].endswith("offhook") else "offhook"


def _page(said: dict[str, Any]) -> str:
    lines = [
        f"Asterisk {'runs already' if said['already_running'] else 'runs'}: {said['ari_url']}",
        f"  agents   {', '.join(said['agents'])}",
        f"  trunk    {said['trunk']}",
        f"  switch   {said['switch'] or 'none: no stack runs in this home'}",
        f"people to call, {development.PEOPLE} of them in {said['contacts']}:",
    ]
    lines += [f"  {name:<12} {number}" for name, number in said["numbers"].items()]
    return "\n".join([*lines, "next:", *(f"  {line}" for line in said["next"])])


def _ended_page(said: dict[str, Any]) -> str:
    switch = f"; the switch {SWITCH} is removed" if said["switch_removed"] else ""
    return f"ended: {', '.join(said['ended']) or 'nothing ran'}{switch}"


def _status_page(said: dict[str, Any]) -> str:
    lines = [
        f"installed  {said['installed'] or 'no'} ({said['install_folder']})",
        f"running    {'yes, ' + str(said['ari_url']) if said['running'] else 'no'}",
    ]
    lines += [f"  {name:<10} {pid or 'gone'}" for name, pid in said["processes"].items()]
    return "\n".join(lines)
