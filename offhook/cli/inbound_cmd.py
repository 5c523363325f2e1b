"""`offhook inbound`: who answers a called number, on switches whose calls we drive."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from ivr.tree import Forest
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.switch_records import switch_store
from offhook.errors import OffhookError
from offhook.home import database_url
from offhook.inbound import promise_tree, queue_tree
from offhook.settings import Settings
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pool import open_pool

ANY = "any"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Say who answers a called number, on switches whose calls we drive (Asterisk).

    A tree, a promise to call back, or a queue of agents. A number that nobody answers is busy.

    Example: offhook inbound add pbx 0733999 --tree support
    """,
)
SwitchName = Annotated[str, typer.Argument(metavar="SWITCH", help="Name of the switch.")]
Number = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER",
        help="Called number as the dialplan hands it over, its beginning and * (0733*), or `any` "
        "for the rest.",
    ),
]


class Then(StrEnum):
    """What follows the longest wait."""

    callback = "callback"
    transfer = "transfer"
    hangup = "hangup"


class AnswersElsewhere(OffhookError):
    """A switch answers its calls itself."""

    code = "inbound_not_here"

    def __init__(self, switch: str, family: str) -> None:
        super().__init__(
            f"{switch} is a {family}, which answers its calls itself",
            hint="route its responder to a tree with `offhook ivr route`",
        )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[IvrStore]:
    """Published trees and routes."""
    pool = await open_pool(database_url(settings), size=1, application="offhook-cli")
    try:
        yield IvrStore(pool)
    finally:
        await pool.close()


@app.command()
def add(
    switch: SwitchName,
    number: Number,
    tree: Annotated[str | None, typer.Option(help="Published tree that answers.")] = None,
    callback: Annotated[
        str | None, typer.Option(metavar="LIST", help="Callback list that takes a promise.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Group whose agents answer.")
    ] = None,
    max_wait: Annotated[
        int, typer.Option(min=5, max=14_400, help="Seconds that a caller waits in the queue.")
    ] = 300,
    then: Annotated[Then, typer.Option(help="What follows that wait.")] = Then.hangup,
    to: Annotated[str | None, typer.Option(help="Number for --then transfer.")] = None,
    language: Annotated[str, typer.Option(help="Of a queue or promise: en, it.")] = "en",
    music: Annotated[str, typer.Option(help="Class of music on hold for who waits.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Have a number answered; a number that is answered already changes hands.

    With --queue, --callback is where `--then callback` books.

    Examples: offhook inbound add pbx 0733999 --tree support
    ; offhook inbound add pbx 0733888 --queue sales --max-wait 120 --then callback --callback sales
    ; offhook inbound add pbx any --callback later --language it
    """
    if (tree and queue) or not (tree or queue or callback):
        raise typer.BadParameter("give one of --tree, --queue and --callback")
    if (then is Then.transfer) != (to is not None):
        raise typer.BadParameter("--then transfer and --to go together")
    if queue and then is Then.callback and not callback:
        raise typer.BadParameter("--then callback needs --callback LIST")
    settings = prepare()

    async def work() -> dict[str, Any]:
        now = datetime.now(UTC)
        async with switch_store(settings) as switches, open_store(settings) as store:
            config = await switches.find(switch)
            if config.family != "asterisk":
                raise AnswersElsewhere(switch, config.family)
            name = tree
            if name is None:
                wait = timedelta(seconds=max_wait)
                made: Forest = (
                    queue_tree(queue, language, max_wait=wait, then=then, number=to)
                    if queue
                    else promise_tree(language)
                )
                plain = re.sub(r"[^A-Za-z0-9]", "", number)
                name = f"{made.first.ivr}-{plain}"[:64] if queue else made.first.ivr
                await store.publish(name, made, now=now)
            await store.set_route(
                config.switch_id,
                name,
                ivr_id="",
                called="" if number == ANY else number,
                hold_audio=music,
                callback_list=callback or "",
                now=now,
            )
        return {"switch": switch, "number": number, "tree": name, "callback_list": callback or ""}

    emit(run_async(work()), json_output, lambda f: f"{f['number']} is answered by {f['tree']}")


@app.command("list")
def list_routes(switch: SwitchName, json_output: JsonOption = False) -> None:
    """List the numbers of a switch that are answered.

    Example: offhook inbound list pbx
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with switch_store(settings) as switches, open_store(settings) as store:
            config = await switches.find(switch)
            found = await store.routes(config.switch_id)
        return {
            "switch": switch,
            "routes": [
                {
                    "number": one.called or ANY,
                    "tree": one.tree,
                    "callback_list": one.callback_list,
                    "music": one.hold_audio,
                }
                for one in found
            ],
        }

    emit(run_async(work()), json_output, _page)


@app.command()
def remove(switch: SwitchName, number: Number, json_output: JsonOption = False) -> None:
    """Have a number answered no longer: it is busy from now on. Calls that are in a tree go on.

    Example: offhook inbound remove pbx 0733999
    """
    settings = prepare()

    async def work() -> bool:
        async with switch_store(settings) as switches, open_store(settings) as store:
            config = await switches.find(switch)
            called = "" if number == ANY else number
            return await store.drop_route(config.switch_id, ivr_id="", called=called)

    gone = run_async(work())
    said = "removed" if gone else "nobody answered that number"
    emit({"removed": gone}, json_output, lambda _: said)
    if not gone:
        raise typer.Exit(1)


def _page(found: dict[str, Any]) -> Table:
    table = Table("number", "tree", "callback list", "music")
    for one in found["routes"]:
        table.add_row(one["number"], one["tree"], one["callback_list"], one["music"] or "default")
    return table
