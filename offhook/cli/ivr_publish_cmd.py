"""`offhook ivr publish|list|route|unroute|sessions|audio`: the trees that callers meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from ivr.problems import Problem, Severity, TreeInvalid
from ivr.prompts import SayText, speak
from ivr.tree import Tree
from ivr.tree_nodes import prompts_of
from ivr.tree_parts import Name
from offhook.cli.ivr_files import TreeFiles, audio_exists, read_forest
from offhook.cli.ivr_page import problems_page
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.switch_records import shown_ivr_url, switch_store
from offhook.home import database_url
from offhook.ivr.publishing import TreeOffice
from offhook.settings import Settings
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pool import open_pool
from offhook.switches.ivr_script import destinations
from offhook.switches.voispeed.ivr import audio_of

SwitchName = Annotated[str, typer.Argument(metavar="SWITCH", help="Name of the switch.")]
IvrId = Annotated[str, typer.Option("--ivr", help="Id of the switch's responder; empty is any.")]
Called = Annotated[
    str, typer.Option(help="Number that was called, or its beginning and *; empty is any.")
]


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[IvrStore]:
    pool = await open_pool(database_url(settings), size=2, application="offhook-cli")
    try:
        yield IvrStore(pool)
    finally:
        await pool.close()


def publish(
    files: TreeFiles,
    name: Annotated[str, typer.Option("--as", help="The name that routes know it by.")],
    switch: Annotated[
        str | None, typer.Option(help="Check destinations against what this switch has.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Publish trees under a name: new calls meet them, calls in a tree keep the version they have.

    The trees are checked first; errors publish nothing. A call begins in the first file's tree.
    Publishing the same trees again changes nothing.

    Example: offhook ivr publish support.yaml --as support --switch pbx
    """
    settings = prepare()
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise typer.BadParameter(
            "write letters, digits, - and _, at most 64", param_hint="--as"
        ) from error
    found = run_async(_publish(settings, files, name, switch))
    emit(found, json_output, _published_page)
    if not found["published"]:
        raise typer.Exit(1)


async def _publish(
    settings: Settings, files: TreeFiles, name: str, switch: str | None
) -> dict[str, Any]:
    known: frozenset[str] | None = None
    if switch is not None:
        async with switch_store(settings) as switches:
            known = await destinations(await switches.find(switch))
    try:
        forest = read_forest(files)
    except TreeInvalid as error:
        return _refused(error.problems)
    async with _store(settings) as store:
        office = TreeOffice(store, lambda: datetime.now(UTC))
        done = await office.publish(forest, name, destinations=known, audio=audio_exists)
    if done.version is None:
        return _refused(done.problems)
    return {"published": True, **done.model_dump(mode="json")}


def _refused(problems: "list[Problem] | tuple[Problem, ...]") -> dict[str, Any]:
    errors = sum(one.severity is Severity.error for one in problems)
    return {
        "published": False,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [one.model_dump(mode="json") for one in problems],
    }


def _published_page(found: dict[str, Any]) -> Any:
    if not found["published"]:
        return problems_page(found)
    state = "published" if found["new"] else "was published before"
    said = f"{found['name']} version {found['version']} {state}"
    count = len(found["problems"])
    return f"{said}; {count} warnings, see `offhook ivr check`" if count else said


def list_trees(json_output: JsonOption = False) -> None:
    """List published trees: versions, callers in each now, and what leads to them.

    Example: offhook ivr list
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with _store(settings) as store:
            return {"trees": [one.model_dump(mode="json") for one in await store.published()]}

    emit(run_async(work()), json_output, _trees_page)


def _trees_page(found: dict[str, Any]) -> Table:
    table = Table("tree", "version", "begins in", "published", "callers", "routes")
    for one in found["trees"]:
        routes = ", ".join(one["routes"]) if one["newest"] else ""
        name = one["name"] if one["newest"] else f"[dim]{one['name']}[/dim]"
        at = one["published_at"][:16].replace("T", " ")
        table.add_row(name, str(one["version"]), one["entry"], at, str(one["live"]), routes)
    return table


def route(
    switch: SwitchName,
    tree: Annotated[str, typer.Argument(metavar="TREE", help="Name of a published tree.")],
    ivr_id: IvrId = "",
    called: Called = "",
    hold_audio: Annotated[
        str, typer.Option(help="Audio file on the switch that callers who wait hear.")
    ] = "",
    callback_list: Annotated[
        str, typer.Option(help="Callback list that `callback` nodes book on.")
    ] = "",
    json_output: JsonOption = False,
) -> None:
    """Have a published tree answer: a responder of the switch, a called number, or everything.

    A route that names the number goes before one that names its beginning, as in 0733*, and that
    before one that doesn't. Prints the address to enter at the
    responder's root node, on switches whose responders ask.

    Example: offhook ivr route pbx support --called 800123456 --hold-audio hold.wav
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with switch_store(settings) as switches, _store(settings) as store:
            config = await switches.find(switch)
            await store.set_route(
                config.switch_id,
                tree,
                ivr_id=ivr_id,
                called=called,
                hold_audio=hold_audio,
                callback_list=callback_list,
                now=datetime.now(UTC),
            )
            url = shown_ivr_url(settings, config)
        return {"switch": switch, "ivr": ivr_id, "called": called, "tree": tree, "script_url": url}

    emit(run_async(work()), json_output, _route_page)


def _route_page(found: dict[str, Any]) -> str:
    what = [f"responder {found['ivr']}"] if found["ivr"] else []
    what += [f"calls to {found['called']}"] if found["called"] else []
    said = f"{found['tree']} answers {' and '.join(what) or 'every call'} of {found['switch']}"
    url = found["script_url"]
    return f"{said}\nscript of the root node: {url}" if url else said


def unroute(
    switch: SwitchName, ivr_id: IvrId = "", called: Called = "", json_output: JsonOption = False
) -> None:
    """Have no tree answer any more; calls in a tree go on.

    Example: offhook ivr unroute pbx --called 800123456
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with switch_store(settings) as switches, _store(settings) as store:
            config = await switches.find(switch)
            gone = await store.drop_route(config.switch_id, ivr_id=ivr_id, called=called)
        return {"removed": gone}

    found = run_async(work())
    emit(
        found, json_output, lambda said: "removed" if said["removed"] else "there was no such route"
    )
    if not found["removed"]:
        raise typer.Exit(1)


def sessions(
    live: Annotated[
        bool, typer.Option("--live", help="Only callers who are in a tree now.")
    ] = False,
    tree: Annotated[str, typer.Option(help="Only this published tree.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json_output: JsonOption = False,
) -> None:
    """List sessions, newest first: where each caller is, or how the call ended.

    Example: offhook ivr sessions --live
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        async with _store(settings) as store:
            found = await store.sessions(live=live, tree=tree, limit=limit)
        return {"sessions": [one.model_dump(mode="json") for one in found]}

    emit(run_async(work()), json_output, _sessions_page)


def _sessions_page(found: dict[str, Any]) -> Table:
    table = Table("call", "tree", "node", "state", "agent", "since")
    for one in found["sessions"]:
        state = "lost" if one["lost"] else one["ended"] or one["phase"]
        node = f"{one['in_tree']}/{one['node']}" if one["node"] else ""
        since = one["started_at"][:19].replace("T", " ")
        tree = f"{one['tree']} v{one['version']}"
        table.add_row(one["call_id"], tree, node, state, one["agent_id"], since)
    return table


def audio(files: TreeFiles, json_output: JsonOption = False) -> None:
    """List the audio files that a VOIspeed responder needs, with the words of those to be made.

    A prompt that says a value of the call in its words can't be recorded beforehand; it is listed
    with `varies`.

    Example: offhook ivr audio support.yaml --json
    """
    forest = read_forest(files)
    found = sorted(
        {
            (audio_of(piece), piece.text if isinstance(piece, SayText) else "", varies)
            for tree in forest.trees.values()
            for piece, varies in _pieces(tree)
        }
    )
    result = {"files": [{"file": f, "says": says, "varies": v} for f, says, v in found]}
    emit(result, json_output, _audio_page)


def _pieces(tree: Tree) -> "list[tuple[Any, bool]]":
    found = []
    for node in tree.nodes.values():
        for _path, said in prompts_of(node):
            prompt = tree.prompt(said)
            for language in prompt or {}:
                pieces = speak(prompt or {}, language=language, default=language, values={})
                speech = (prompt or {})[language]
                varies = "{" in (speech.text or "")
                found += [(piece, varies) for piece in pieces]
    return found


def _audio_page(found: dict[str, Any]) -> Table:
    table = Table("file", "says", "")
    for one in found["files"]:
        table.add_row(one["file"], one["says"], "and a value of the call" if one["varies"] else "")
    return table
