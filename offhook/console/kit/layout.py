"""The frame of every page: skip link, navigation, the line that says when what is shown is old."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from nicegui import ui
from nicegui.context import context
from nicegui.element import Element

from offhook.accounts import Permission, Principal
from offhook.console.console import PREFIX
from offhook.console.kit.icons import icon
from offhook.console.kit.markup import el, joined
from offhook.console.kit.panel import Act, Panel


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation."""

    key: str
    name: str
    needs: Permission


P = Permission
PLACES = (
    Place("floor", "Floor", P.floor_read),
    Place("campaigns", "Campaigns", P.campaigns_read),
    Place("desk", "Desk", P.desk_use),
    Place("callbacks", "Callbacks", P.callbacks_read),
    Place("contacts", "Contacts", P.contacts_read),
    Place("ivr", "IVR", P.ivr_read),
    Place("switches", "Switches", P.switches_read),
    Place("schedules", "Schedules", P.schedules_read),
    Place("audit", "Audit", P.audit_read),
    Place("people", "People", P.users_read),
)
FIRST = 4
"""Entries that a phone has room for; the others are behind "More"."""


def open_to(who: Principal) -> list[Place]:
    """The pages that somebody may see."""
    return [place for place in PLACES if who.may(place.needs)]


def url(path: str) -> str:
    """The address of a page of the console."""
    return f"{PREFIX}{path}"


def frame(who: Principal, active: str, now: datetime) -> Element:
    """Put navigation and banner around the page that is being built; the banner.

    Browsers count from `now`, the server's clock.
    """
    client = context.client
    with client.layout:
        Panel(navigation(who, active), on_act=_leave).move(target_index=0)
    ui.skip_link("Skip to the page", target=client.content)
    with client.content:
        banner = Element("div").classes("stale")
        banner._props["id"] = "lost"
        banner._props["role"] = "status"
        banner._props["hidden"] = True
        banner._props["data-now"] = now.isoformat()
    return banner


def expect_news(banner: Element) -> None:
    """Have the banner say so when no news come: the page is one that follows something."""
    banner._props["data-live"] = "yes"


async def _leave(act: Act) -> None:
    if act.name == "theme":
        ui.run_javascript("offhookTheme()")


def navigation(who: Principal, active: str) -> Markup:
    """The navigation for somebody who is at `active`."""
    places = open_to(who)
    items = [_item(place, active, second=at >= FIRST) for at, place in enumerate(places)]
    return el(
        "nav",
        el("a", el("i"), "offhook", href=url("/"), class_="brand"),
        el("ul", *items),
        _sheet(who, places[FIRST:], active),
        el("div", *_foot(who), class_="nav-foot"),
        class_="main-nav",
        aria_label="Main",
    )


def _item(place: Place, active: str, *, second: bool) -> Markup:
    here = "page" if place.key == active else None
    return el(
        "li",
        el(
            "a",
            icon(place.key),
            el("span", place.name),
            href=url(f"/{place.key}"),
            aria_current=here,
        ),
        class_="second" if second else None,
    )


def _sheet(who: Principal, places: list[Place], active: str) -> Markup:
    """What a phone has behind "More"."""
    items = [_item(place, active, second=False) for place in places]
    return el(
        "details",
        el("summary", icon("more"), el("span", "More")),
        el("div", el("ul", *items), el("div", *_foot(who)), class_="sheet"),
        class_="nav-more",
    )


def _foot(who: Principal) -> tuple[Markup, ...]:
    leave = el(
        "form",
        el("button", "Sign out", type="submit", class_="button quiet"),
        method="post",
        action=url("/logout"),
        data_plain=True,
    )
    theme = el(
        "button",
        icon("moon"),
        "Light or dark",
        type="button",
        class_="button quiet",
        data_act="theme",
    )
    return (el("p", joined(who.name, " · ", str(who.role)), class_="who"), theme, leave)
