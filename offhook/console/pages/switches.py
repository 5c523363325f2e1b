"""*Switches*: health, last events, check."""

from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup

from dialer.switching import RawEvent
from offhook.accounts import Permission
from offhook.console.console import Console
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act
from offhook.console.live.feed import Feed
from offhook.console.views.switches import (
    SHOWN_EVENTS,
    SaidEvent,
    events_section,
    switch_agents,
    switch_page,
    switches_page,
)
from offhook.offices.switches import SwitchHealth, SwitchOffice
from offhook.storage.event_reads import EventReads
from offhook.switches.base import CheckResult, SwitchAdapter
from offhook.switches.registry import SwitchConfig, open_switch

EVERY = timedelta(seconds=3)


def office(console: Console) -> SwitchOffice:
    """Where switches are looked at."""
    return SwitchOffice(console.services.database, console.backend.settings)


def health_feed(console: Console) -> Feed[list[SwitchHealth]]:
    """How every switch is."""
    return console.hub.feed("switches", office(console).all, every=EVERY)


async def events_feed(console: Console, config: SwitchConfig) -> Feed[list[SaidEvent]]:
    """What a switch said last, in the dialer's words."""
    reads = EventReads(console.services.database)
    adapter = open_switch(config).adapter
    # Translating asks the switch nothing.
    await adapter.aclose()

    async def read() -> list[SaidEvent]:
        found = await reads.newest(config.switch_id, most=4 * SHOWN_EVENTS)
        return [said for raw in found for said in _said(adapter, raw)][:SHOWN_EVENTS]

    return console.hub.feed(f"events {config.switch_id}", read, every=EVERY)


def _said(adapter: SwitchAdapter, raw: RawEvent) -> list[SaidEvent]:
    try:
        meant = adapter.translate(raw)
    except ValueError as error:
        return [SaidEvent(raw.received_at, "", problem=str(error))]
    return [SaidEvent(raw.received_at, one.kind, getattr(one, "correlator", "")) for one in meant]


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
            visit.require(Permission.switches_write)
            async with visit.audited("switch.check", f"switch/{name}"):
                results = await office(console).check(name)
            panel.show(view((await health_feed(console).now()).value))

    panel = await visit.live(health_feed(console), view, on_act=acted)
    if visit.who.scope.everything:
        # Whoever sees a part of the campaigns is not told of the calls of the others.
        events = await events_feed(console, shown.config)
        await visit.live(events, events_section, alike="events")
    await visit.panel(switch_agents(shown))
