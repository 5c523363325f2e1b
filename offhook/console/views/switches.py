"""Telephone systems: how each is, and what was found when it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from offhook.console.kit.layout import url
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    button,
    empty,
    facts,
    link,
    notice,
    page_head,
    section,
    table,
)
from offhook.console.kit.words import count, instant, of, plain, span, with_reason
from offhook.offices.switches import UNKNOWN, SwitchHealth, SwitchShown
from offhook.switches.base import CheckResult

_TONES = {"up": "good", UNKNOWN: "", "down": "bad", "misconfigured": "bad"}
SHOWN_EVENTS = 12
QUIET = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SaidEvent:
    """An event of the switch as it was understood, or why it can't be read."""

    at: datetime
    kind: str
    correlator: str = ""
    problem: str = ""


def switches_page(found: Sequence[SwitchHealth], at: datetime) -> Markup:
    """All of them."""
    head = page_head("Switches", note="The telephone systems that offhook drives.")
    if not found:
        return el("div", head, _none(), class_="stack")
    rows = [
        Row(
            key=one.switch_id,
            tone="bad" if state_tone(one.state) == "bad" else "",
            cells=(
                link(one.name, url(f"/switches/{one.name}")),
                plain(one.family),
                state_badge(one),
                "–" if one.lines is None else f"{one.busy_lines or 0} of {one.lines}",
                "–" if one.agents_reachable is None else count(one.agents_reachable),
                last_event(one, at),
            ),
        )
        for one in found
    ]
    columns = ("Switch", "Family", "Link", "Lines busy#", "Telephones there#", "Last event")
    return el("div", head, section("Links", table("Switches", columns, rows)), class_="stack")


def _none() -> Markup:
    return empty(
        "No switch is connected",
        joined(
            "Connect yours on the machine that runs offhook: ",
            el("code", "offhook switch add voispeed NAME …"),
            ". Without a telephone system at hand, try ",
            el("code", "offhook simulator voispeed"),
            ".",
        ),
    )


def state_tone(state: str) -> str:
    """The colour of a link's state."""
    return _TONES.get(state, "warn")


def state_badge(one: SwitchHealth) -> Markup:
    """A link's state in a word, and why."""
    word = "no links process" if one.state == UNKNOWN else plain(one.state)
    detail: Child = el("span", f" {one.detail}", class_="muted") if one.detail else None
    events: Child = None
    if one.stream and one.stream != one.state:
        said = f" events {one.stream}" + (f": {one.stream_detail}" if one.stream_detail else "")
        events = badge(said, state_tone(one.stream))
    return joined(badge(word, state_tone(one.state)), detail, events)


def last_event(one: SwitchHealth, at: datetime) -> Child:
    """How long ago the switch said anything."""
    if one.last_event_at is None:
        return "none yet"
    ago = at - one.last_event_at
    said = f"{span(ago)} ago"
    return badge(said, "warn") if ago > QUIET else said


def switch_page(
    shown: SwitchShown,
    health: SwitchHealth | None,
    results: Sequence[CheckResult] | None,
    at: datetime,
    *,
    may_write: bool,
) -> Markup:
    """One of them."""
    config = shown.config
    return el(
        "div",
        page_head(
            config.name,
            button("Check it", "check", kind="primary") if may_write else None,
            note=joined(plain(config.family), " ", state_badge(health) if health else None),
            back=link("Switches", url("/switches"), class_="crumb"),
        ),
        checks(results) if results is not None else None,
        el(
            "div",
            section(
                "The link",
                facts(
                    {
                        "Address": str(config.settings.get("base_url", "")) or None,
                        # Whoever knows it can tell us events: it is for who sets the PBX up.
                        "Sends its events to": shown.hook_url if may_write else None,
                        "Last event": last_event(health, at) if health else None,
                    }
                ),
            ),
            section("Trunks", _trunks(shown)),
            class_="split",
        ),
        class_="stack",
    )


def events_section(events: Sequence[SaidEvent]) -> Markup:
    """What the switch said last, the newest first."""
    if not events:
        return section(
            "Last events",
            empty(
                "It has said nothing of calls yet",
                "Check it: the check says whether events can come in.",
            ),
        )
    rows = [
        Row(
            cells=(
                instant(one.at, "clock"),
                badge("can't be read", "bad") if one.problem else plain(one.kind),
                el("code", one.correlator) if one.correlator else one.problem or "–",
            ),
        )
        for one in events
    ]
    columns = ("When", "What it means", "Of which call")
    return section("Last events", table("Last events", columns, rows, class_="brief"))


def checks(results: Sequence[CheckResult]) -> Markup:
    """What was looked at, and what to do where it isn't well."""
    bad = [one for one in results if not one.ok]
    head = (
        notice("bad", f"{of(len(bad), 'thing')} to mend")
        if bad
        else notice("good", "Everything is well")
    )
    rows = [
        Row(
            key=one.name,
            tone="" if one.ok else "bad",
            cells=(
                plain(one.name),
                badge("well" if one.ok else "not well", "good" if one.ok else "bad"),
                one.detail,
                one.advice if not one.ok else "",
            ),
        )
        for one in results
    ]
    columns = ("What", "Is", "Found", "What to do")
    return el("div", head, section("Check", table("Check", columns, rows)), class_="stack")


def _trunks(shown: SwitchShown) -> Markup:
    if not shown.trunks:
        return empty("No trunk is known", "Add the switch again to read them.")
    rows = [
        Row(
            key=one.trunk_id,
            cells=(
                one.address,
                count(one.lines),
                "–" if one.calls_per_second is None else f"{one.calls_per_second:g}",
                badge("in use" if one.enabled else "off", "good" if one.enabled else "warn"),
            ),
        )
        for one in shown.trunks
    ]
    return table("Trunks", ("Trunk", "Lines#", "Calls a second#", "State"), rows)


def switch_agents(shown: SwitchShown) -> Markup:
    """Who has a telephone on it."""
    return section(of(len(shown.agents), "agent"), _agents(shown))


def _agents(shown: SwitchShown) -> Markup:
    if not shown.agents:
        return empty("No agent is known", "Add the switch again to read its users.")
    rows = [
        Row(
            key=one.agent_id,
            cells=(
                one.agent_id,
                badge("there", "good") if one.reachable else badge("away", "bad"),
                one.number,
                with_reason(plain(one.status), one.status_reason),
            ),
        )
        for one in shown.agents
    ]
    return table("Agents", ("Agent", "Telephone", "Extension#", "Chose"), rows, class_="brief")
