"""*IVR*: menus as graphs, checks, callers, and trying them."""

from datetime import timedelta

from markupsafe import Markup
from nicegui import ui

from ivr.check import World, check
from ivr.drawing import mermaid
from ivr.trial import HANG_UP
from offhook.accounts import Permission
from offhook.console.console import Console
from offhook.console.ivr_trial import forest_of, sensible, talk
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act
from offhook.console.kit.parts import section
from offhook.console.views.ivr import (
    checks,
    sessions_table,
    tree_head,
    trees_page,
    trial_part,
)
from offhook.storage.ivr_store import IvrStore, PublishedTree, TreeUnknown

EVERY = timedelta(seconds=2)
MOST = 50
_GRAPH = {"theme": "neutral", "securityLevel": "strict", "flowchart": {"htmlLabels": True}}


async def store_of(console: Console) -> IvrStore:
    """Where menus are kept."""
    return IvrStore(await console.backend.pool())


@console_page("/ivr", title="IVR", place="ivr", needs=Permission.ivr_read)
async def ivr(visit: Visit) -> None:
    """Everything that is published."""

    async def read() -> Markup:
        store = await store_of(visit.console)
        sessions = await store.sessions(live=True, tree="", limit=MOST)
        return trees_page(await store.published(), sessions)

    await visit.live(visit.console.hub.feed("ivr", read, every=EVERY), lambda markup: markup)


@console_page("/ivr/{key}", title="IVR", place="ivr", needs=Permission.ivr_read)
async def tree(visit: Visit) -> None:
    """One menu."""
    store = await store_of(visit.console)
    found = await _newest(store, visit.param("key"))
    visit.client.title = f"{found.name} · offhook"
    trees = await store.load(found.name, found.version)
    forest = forest_of(trees, found.entry)
    inputs: list[str] = []

    async def acted(act: Act) -> None:
        if act.name == "again":
            inputs.clear()
        else:
            given = HANG_UP if act.name == "hangup" else sensible(act.of or act.text("keys"))
            if given is not None:
                inputs.append(given)
        panel.show(trial_part(talk(trees, found.entry, inputs)))

    async def read() -> Markup:
        live = await store.sessions(live=True, tree=found.name, limit=MOST)
        return section("Callers in it now", sessions_table(live))

    await visit.panel(tree_head(found))
    await visit.panel(checks(check(forest, World())))
    with ui.element("section").classes("section"):
        await visit.panel(Markup("<h2>What it looks like</h2>"))
        graph = ui.mermaid(mermaid(forest), config=_GRAPH).classes("mermaid-box")
        # On a phone it is wider than its box, which keys scroll.
        graph._props |= {"tabindex": 0, "role": "region", "aria-label": f"Graph of {found.name}"}
    panel = await visit.panel(trial_part(talk(trees, found.entry, inputs)), on_act=acted)
    feed = visit.console.hub.feed(f"ivr {found.name}", read, every=EVERY)
    await visit.live(feed, lambda markup: markup)


async def _newest(store: IvrStore, name: str) -> PublishedTree:
    for one in await store.published():
        if one.name == name and one.newest:
            return one
    raise TreeUnknown(name)
