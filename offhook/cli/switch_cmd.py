"""`offhook switch`: add, check, list, show and remove telephone systems."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from offhook.cli import pbx_jobs_cmd, switch_add_cmd, switch_limit_cmd
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.switch_page import shown_checks, shown_list, shown_one
from offhook.cli.switch_records import shown_hook_url, switch_office, switch_store
from offhook.settings import Settings

app = typer.Typer(
    help="Add, check and list the telephone systems.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(switch_add_cmd.add, name="add")
app.command("phonebook-sync")(pbx_jobs_cmd.phonebook_sync)
app.command("reconcile")(pbx_jobs_cmd.reconcile)
app.command("record")(pbx_jobs_cmd.record)
app.command("limit")(switch_limit_cmd.limit)

NameArgument = Annotated[str, typer.Argument(help="Name of the switch.")]


@app.callback()
def _group() -> None:
    """Add, check and list the telephone systems."""


@app.command(name="list")
def list_switches(json_output: JsonOption = False) -> None:
    """List the switches, with how their links are.

    Example: offhook switch list
    """
    emit(run_async(_list(prepare())), json_output, shown_list)


@app.command()
def show(name: NameArgument, json_output: JsonOption = False) -> None:
    """Show a switch: settings, event address, trunks and agents; never its token.

    Example: offhook switch show pbx
    """
    emit(run_async(_show(prepare(), name)), json_output, shown_one)


@app.command()
def check(name: NameArgument, json_output: JsonOption = False) -> None:
    """Look at everything that must work, each with what to do about it.

    Example: offhook switch check pbx
    """
    document = run_async(_check(prepare(), name))
    emit(document, json_output, shown_checks)
    if not document["ok"]:
        raise typer.Exit(1)


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Remove a switch with its trunks and agents.

    Example: offhook switch remove pbx --yes
    """
    settings = prepare()
    if not yes:
        typer.confirm(f"Remove the switch {name}?", abort=True, err=True)

    async def work() -> dict[str, Any]:
        async with switch_store(settings) as store:
            await store.remove(name)
        return {"removed": name}

    emit(run_async(work()), json_output, lambda found: f"removed {found['removed']}")


async def _list(settings: Settings) -> dict[str, Any]:
    async with switch_office(settings) as office:
        found = await office.all()
    left_out = {"switch_id", "stream", "stream_detail"}
    return {"switches": [one.model_dump(mode="json", exclude=left_out) for one in found]}


async def _show(settings: Settings, name: str) -> dict[str, Any]:
    async with switch_store(settings) as store:
        config = await store.find(name)
        trunks, agents = await store.trunks(config.switch_id), await store.agents(config.switch_id)
    return {
        "name": config.name,
        "family": config.family,
        "settings": dict(config.settings),
        "hook_url": shown_hook_url(settings, config),
        "trunks": [asdict(trunk) for trunk in trunks],
        "agents": [asdict(agent) for agent in agents],
    }


async def _check(settings: Settings, name: str) -> dict[str, Any]:
    async with switch_office(settings) as office:
        results = await office.check(name)
    return {
        "name": name,
        "ok": all(result.ok for result in results),
        "checks": [asdict(result) for result in results],
    }
