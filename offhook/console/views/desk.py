"""The agent's desk: one thing at a time, large, and everything by keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from dialer.agent import AgentState
from dialer.model import AgentStatus
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    area,
    badge,
    button,
    choice,
    empty,
    facts,
    field,
    form,
    notice,
    page_head,
    section,
    submit,
)
from offhook.console.kit.words import instant, plain, since, until, with_reason
from offhook.offices.desk import codes_of
from offhook.storage.agent_store import AgentRow, PreviewRow
from offhook.storage.callback_lists import CallbackListView
from offhook.storage.desk_reads import DeskCall

_FIELD = re.compile(r"\{([^{}\n]{1,60})\}")


@dataclass(frozen=True, slots=True)
class Desk:
    """What is on a desk."""

    agent: AgentRow
    call: DeskCall | None = None
    offer: PreviewRow | None = None
    lists: Sequence[CallbackListView] = ()
    since: datetime | None = None


def desk_page(desk: Desk, at: datetime) -> Markup:
    """The page of an agent."""
    return el(
        "div",
        page_head(
            desk.agent.name or desk.agent.number,
            *status_buttons(desk.agent),
            note=_state_line(desk),
        ),
        _main(desk, at),
        class_="stack",
    )


def _state_line(desk: Desk) -> Markup:
    word, tone = state_word(desk)
    for_ = joined(" for ", since(desk.since)) if desk.since else None
    return el("span", badge(word, tone), for_, f" · extension {desk.agent.number}")


def state_word(desk: Desk) -> tuple[str, str]:
    """What the agent does, and its colour."""
    if desk.call is not None:
        if desk.call.state is AgentState.wrap_up:
            return "Wrapping up", "warn"
        return ("Talking", "good") if desk.call.joined_at else ("A call is coming", "accent")
    if desk.offer is not None:
        return "Reading", "accent"
    if desk.agent.status is AgentStatus.available:
        return ("Ready", "good") if desk.agent.reachable else ("Telephone away", "bad")
    return with_reason(plain(desk.agent.status), desk.agent.status_reason), "warn"


def status_buttons(agent: AgentRow) -> tuple[Markup, ...]:
    """Ready, not ready, and away."""
    if agent.status is AgentStatus.available:
        return (button("Not ready", "rest", keys="N"), button("Log off", "leave", kind="quiet"))
    ready = button("Ready", "ready", kind="primary", keys="R")
    if agent.status is AgentStatus.logged_off:
        return (ready,)
    return ready, button("Log off", "leave", kind="quiet")


def _main(desk: Desk, at: datetime) -> Markup:
    if desk.call is not None:
        return talk(desk, desk.call, at)
    if desk.offer is not None:
        return offer(desk.offer)
    if desk.agent.status is AgentStatus.available:
        if not desk.agent.reachable:
            return notice(
                "bad",
                "Your telephone can't be called",
                "It is away, or set to do not disturb. Calls come once it is back.",
            )
        where = (
            "The next call comes by itself."
            if desk.agent.works_for
            else ("No campaign needs you just now; calls come once one does.")
        )
        return empty("You are ready", where)
    return empty(
        "You are not ready",
        "No calls come to you until you are.",
        button("Ready", "ready", kind="primary"),
    )


def talk(desk: Desk, call: DeskCall, at: datetime) -> Markup:
    """Whom the talk is with, what to say, and what came of it."""
    return el(
        "div",
        el(
            "div",
            section(
                call.settings.name,
                el("p", call.name or "No name", class_="big-name"),
                facts(
                    {
                        "Number": call.number,
                        "Your key": call.external_id or None,
                        "Answered": instant(call.joined_at, "clock"),
                        **{plain(name): value for name, value in call.attributes.items() if value},
                    }
                ),
            ),
            section("What came of it", dispositions(call)),
            class_="stack",
        ),
        el(
            "div",
            section("Script", script_of(call)),
            section("Call back later", callback_form(desk, call, at)),
            class_="stack",
        ),
        class_="split",
        data_key=call.attempt_id,
    )


def script_of(call: DeskCall) -> Markup:
    """What to say, with what is known of the contact filled in."""
    if not call.settings.desk.script:
        return empty(
            "This campaign has no script",
            "A supervisor writes one under the campaign's settings, as desk.script.",
        )
    known = {"name": call.name, "number": call.number, "key": call.external_id} | {
        name: value or "" for name, value in call.attributes.items()
    }
    return el("p", merged(call.settings.desk.script, known), class_="script")


def merged(script: str, known: Mapping[str, str]) -> str:
    """A script with its fields filled in; what nobody knows is shown as a gap."""
    folded = {name.casefold(): value for name, value in known.items()}

    def filled(found: re.Match[str]) -> str:
        name = found.group(1).strip()
        return folded.get(name.casefold()) or f"[{name}]"

    return _FIELD.sub(filled, script)


def dispositions(call: DeskCall) -> Markup:
    """What may be said, each with its key."""
    codes = codes_of(call.settings)
    if call.disposition is not None:
        return notice("good", f"You said: {plain(call.disposition)}", "The next call comes soon.")
    ended = call.state is AgentState.wrap_up
    note = "Ends your wrap-up." if ended else "You may say it while you talk."
    return el(
        "div",
        el(
            "div",
            *(
                button(plain(code), "dispose", of=f"{call.attempt_id} {code}", keys=key)
                for code, key in zip(codes, keys(len(codes)), strict=True)
            ),
            class_="actions",
        ),
        el("br"),
        el("p", note, class_="muted"),
    )


def keys(number: int) -> list[str | None]:
    """The keys of so many buttons: digits from 1 on; later ones have none."""
    return [str(at + 1) if at < 9 else None for at in range(number)]


def callback_form(desk: Desk, call: DeskCall, at: datetime) -> Markup:
    """When to call again."""
    if not desk.lists:
        return empty(
            "There is no callback list",
            "A supervisor makes one with offhook callback list create.",
        )
    lists = {str(one.list_id): one.name for one in desk.lists}
    periods = {
        f"{one.list_id} {period.period_id}": f"{period.name}, "
        f"{period.start:%H:%M}–{period.end:%H:%M}"
        + (f" ({one.name})" if len(desk.lists) > 1 else "")
        for one in desk.lists
        for period in one.periods
    }
    today = at.date().isoformat()
    return form(
        "callback",
        choice("List", "list", lists) if len(lists) > 1 else None,
        choice("Between", "period", periods) if periods else None,
        field("Day", "due_on", kind="date", value="", min=today, note="Today, where it is empty"),
        choice("For", "owner", {"me": "Me", "anyone": "Anybody"}),
        area("What about", "description", rows=2),
        submit("Promise it", kind=""),
        of=call.attempt_id,
    )


def offer(row: PreviewRow) -> Markup:
    """The contact that the agent reads before it is dialed."""
    left = joined("Dialed by itself in ", until(row.ends_at), ".") if row.ends_at else None
    may_skip = row.skips_left != 0
    return section(
        "Next contact",
        el("p", row.name or "No name", class_="big-name"),
        facts(
            {
                "Numbers": ", ".join(row.numbers),
                "Your key": row.external_id or None,
                **{plain(name): value for name, value in row.attributes.items() if value},
            }
        ),
        el("br"),
        el(
            "div",
            button("Dial", "dial", kind="primary", keys="D"),
            button("Skip", "skip", keys="S", disabled=not may_skip),
            el("span", left, class_="muted") if left else None,
            class_="actions",
        ),
    )


def choose_agent(agents: Sequence[AgentRow]) -> Markup:
    """Whose desk to sit at, for those who have none of their own."""
    options = {one.agent_id: f"{one.name or one.number} ({one.number})" for one in agents}
    if not options:
        return empty("There are no agents", "Connect a switch: its agents are found on it.")
    return section(
        "Whose desk?",
        el(
            "p",
            "Your account is no agent's. An administrator can tie it to one under People.",
            class_="muted",
        ),
        el("br"),
        form("sit", choice("Agent", "agent", options), submit("Sit down"), class_="form across"),
    )
