"""*Switches*: health, last events, check."""

from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup

from offhook.accounts import Permission
from offhook.console.console import Console
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act
from offhook.console.live.feed import Feed
from offhook.console.views.switches import switch_page, switches_page
from offhook.offices.switches import SwitchHealth, SwitchOffice
from offhook.switches.base import CheckResult

EVERY = timedelta(seconds=3)


def office(console: Console) -> SwitchOffice:
    """Where switches are looked at."""
    return SwitchOffice(console.services.database, console.backend.settings)


def health_feed(console: Console) -> Feed[list[SwitchHealth]]:
    """How every switch is."""
    return console.hub.feed("switches", office(console).all, every=EVERY)


@console_page("/switches", title="Switches", place="switches", needs=Permission.switches_read)
async def switches(visit: Visit) -> None:
    """All of them."""
    clock = visit.console.clock
    await visit.live(health_feed(visit.console), lambda found: switches_page(found, clock()))


@console_page("/switches/{key}", title="Switch", place="switches", needs=Permission.switches_read)
async def switch(visit: Visit) -> None:
    """One of them."""
    console, name = visit.console, visit.param("key")
    shown = await office(console).show(name)
    visit.client.title = f"{shown.config.name} · offhook"
    results: Sequence[CheckResult] | None = None
    may_write = visit.who.may(Permission.switches_write)

    def view(found: list[SwitchHealth]) -> Markup:
        own = [one for one in found if one.switch_id == shown.config.switch_id]
        health = own[0] if own else None
        return switch_page(shown, health, results, console.clock(), may_write=may_write)

    async def acted(act: Act) -> None:
        nonlocal results
        if act.name == "check":
            results = await office(console).check(name)
            panel.show(view((await health_feed(console).now()).value))

    panel = await visit.live(health_feed(console), view, on_act=acted)
