"""`offhook switch limit`: how many calls a second the trunks of a switch may be asked to start."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.errors import OffhookError
from offhook.home import database_url
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore


class UnknownTrunk(OffhookError):
    """The switch has no such trunk."""

    code = "unknown_trunk"


def limit(
    name: Annotated[str, typer.Argument(help="Name of the switch.")],
    cps: Annotated[
        float | None, typer.Option(min=0.1, max=1_000, help="Most calls a second on each trunk.")
    ] = None,
    trunk: Annotated[str | None, typer.Option(help="Id of one gateway; default all.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take the limit away.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Limit the calls per second of trunks, for all campaigns together; they heed it at once.

    Example: offhook switch limit pbx --cps 5 --trunk 1
    """
    if lift == (cps is not None):
        raise typer.BadParameter("give --cps NUMBER, or --lift to take the limit away")
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with Database.open(database_url(settings), pool_size=2) as database:
            store = LinkStore(database)
            switch = (await store.find(name)).switch_id
            limited = await store.limit_rate(switch, cps, trunk=trunk)
            if not limited:
                there = ", ".join(found.address for found in await store.trunks(switch)) or "none"
                raise UnknownTrunk(
                    f"{name} has no gateway {trunk or 'at all'}", hint=f"it has: {there}"
                )
        return {"name": name, "trunks": [asdict(found) for found in limited]}

    emit(run_async(work()), json_output, _shown)


def _shown(found: dict[str, Any]) -> str:
    told = [f"{found['name']}:"]
    for trunk in found["trunks"]:
        rate = trunk["calls_per_second"]
        limit_now = "no limit" if rate is None else f"{rate:g} calls a second"
        told.append(f"  {trunk['trunk_id']}: {limit_now}")
    return "\n".join(told)
