"""`offhook`: one table of commands, each imported when it is asked for.

Importing every command would import Temporal, FastAPI and SQLAlchemy before `--help` could be
shown; the table below is all that the top level needs to know.

Conventions that every command keeps: with `--json`, one JSON object on standard output and nothing
else there (logs go to standard error); exit code 0 for done, 1 for failed, 2 for a wrong command
line.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from offhook.cli.recorded import record_commands

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class Row(NamedTuple):
    """Where a command is, and what it is for."""

    module: str
    attribute: str
    help: str


COMMANDS: dict[str, Row] = {
    "up": Row("stack_cmd", "up", "Run everything on this machine until Ctrl-C."),
    "demo": Row("demo_cmd", "app", "Run a whole campaign against the simulator and report on it."),
    "doctor": Row("stack_cmd", "doctor", "Check this installation and say what to do about it."),
    "campaign": Row("campaign_cmd", "app", "Create, fill, start, watch and explain campaigns."),
    "audit": Row("audit_cmd", "app", "Show who did what; recompute a campaign's decisions."),
    "call": Row("call_cmd", "app", "Record, listen to and join in calls."),
    "recording": Row("recording_cmd", "app", "Find, fetch and delete recordings."),
    "prompt": Row("prompt_cmd", "app", "Make prompts of spoken text."),
    "list": Row("list_cmd", "app", "Make, fill, mix and filter a campaign's lists."),
    "agent": Row("agent_cmd", "app", "List agents and set what they have chosen."),
    "callback": Row("callback_cmd", "app", "Keep promises to call back."),
    "ivr": Row("ivr_cmd", "app", "Check, draw, try, test and publish IVR trees."),
    "pin": Row("pin_cmd", "app", "Give PINs out, take them back, see who tries."),
    "schedule": Row("schedule_cmd", "app", "Say what happens by itself, and when."),
    "webhook": Row("webhook_cmd", "app", "Tell other programs what happens."),
    "inbound": Row("inbound_cmd", "app", "Say who answers the calls that come in."),
    "switch": Row("switch_cmd", "app", "Add, check and list the telephone systems."),
    "dnc": Row("dnc_cmd", "app", "Keep the do-not-call lists."),
    "compliance": Row("compliance_cmd", "app", "Show the law that is kept, and prove it."),
    "pacing": Row("pacing_cmd", "app", "Try a pacer on a simulated shift; forecast a list."),
    "bench": Row("bench_cmd", "app", "Measure how fast this machine dials."),
    "simulator": Row("simulator_cmd", "app", "Run a telephone system to develop against."),
    "pbx": Row("pbx_cmd", "app", "Run a private Asterisk to develop against."),
    "worker": Row("process_cmd", "worker", "Run a worker of the durable layer."),
    "links": Row("process_cmd", "links", "Run the connections to the switches."),
    "api": Row("process_cmd", "api", "Run the REST API and the console."),
    "token": Row("token_cmd", "app", "Give programs access to the API, and take it back."),
    "user": Row("user_cmd", "app", "Give people accounts, and say what each may."),
    "db": Row("db_cmd", "app", "Bring the database to this version's schema."),
    "keys": Row("keys_cmd", "app", "List and rotate the keys that seal what Temporal stores."),
}


class _Lazy(TyperCommand):
    """A row's help line, which turns into the real command when it is run."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context of the real command; typed loosely because its types are Typer's own."""
        return load(str(self.name)).make_context(*args, **kwargs)


def load(name: str) -> TyperCommand | TyperGroup:
    """The real command behind a name of the table."""
    row = COMMANDS[name]
    found = getattr(import_module(f"offhook.cli.{row.module}"), row.attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    command = typer.main.get_command(found)
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(f"{row.module}.{row.attribute} is no Typer command")
    record_commands(name, command)
    command.name = name
    command.help = command.help or row.help
    return command


app = typer.Typer(
    name="offhook",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("offhook"))
        raise typer.Exit


@app.callback()
def _top(
    home: Annotated[
        Path | None, typer.Option(help="Folder of the local stack; the same as OFFHOOK_HOME.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """A durable dialer, IVR and callback engine for the telephone system you already own."""
    if home is not None:
        os.environ["OFFHOOK_HOME"] = str(home)


def command_tree() -> TyperGroup:
    """The top-level command with every row of the table in it, none of them imported yet."""
    group = typer.main.get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError("the top level must stay a group")
    for name, row in COMMANDS.items():
        group.add_command(_Lazy(name=name, help=row.help))
    return group


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; failures are told, not raised."""
    try:
        command_tree().main(list(arguments), prog_name="offhook")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; the flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        # Imported here because rich and structlog would double the time to show a help page.
        from offhook.cli.output import report_error

        report_error(error, json_output="--json" in arguments)
        return EXIT_FAILED
    return 0


def main() -> None:
    """Entry point of the `offhook` script."""
    sys.exit(run(sys.argv[1:]))
