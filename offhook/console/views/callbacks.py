"""The board of callbacks: a lane for each time that was promised, what is late first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from dialer.callbacks import CallbackPhase, TicketStatus
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    area,
    badge,
    button,
    card,
    cards,
    choice,
    empty,
    field,
    form,
    link,
    page_head,
)
from offhook.console.kit.words import count, instant, plain, span
from offhook.storage.callback_lists import CallbackListView, CallbackRow

SHOWN = 40
"""Cards of a lane; the others are named by their number."""
TICKETS: Mapping[TicketStatus, str] = {
    TicketStatus.answered: "Answered: it is done",
    TicketStatus.no_answer: "No answer: it is over",
    TicketStatus.callback: "Call back another day",
    TicketStatus.fax: "A fax: it is over",
}


@dataclass(frozen=True, slots=True)
class Board:
    """The lists, and what is open on the one that is looked at."""

    lists: Sequence[CallbackListView]
    chosen: CallbackListView | None
    rows: Sequence[CallbackRow]
    agents: Mapping[str, str]
    """Names of agents by id."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Hands:
    """Who works at the board: as which agent, and what they may do."""

    agent: str
    write: bool
    choose: bool
    """They may act as any agent."""


def board_page(board: Board, hands: Hands) -> Markup:
    """The page."""
    head = page_head(
        "Callbacks",
        button("Promise a callback", "new", kind="primary")
        if board.chosen is not None and hands.write
        else None,
        note=_acting(board, hands) if board.chosen is not None else None,
    )
    if board.chosen is None:
        return el("div", head, _no_list(), class_="stack")
    lanes = lanes_of(board)
    return el(
        "div",
        head,
        list_tabs(board) if len(board.lists) > 1 else None,
        figures(board.chosen),
        el("div", *(_lane(name, rows, board, hands) for name, rows in lanes), class_="board")
        if lanes
        else empty(
            "Nobody waits for a call",
            "Promises come from agents' desks, menus, files and the API; you can add one here.",
        ),
        class_="stack",
    )


def _no_list() -> Markup:
    return empty(
        "There is no callback list yet",
        "A list says who keeps promises, and in which periods of the day people may ask to be "
        "called, such as 09:00 to 12:00.",
        button("Make a list", "list", kind="primary"),
    )


def _acting(board: Board, hands: Hands) -> Markup | str:
    if not hands.choose:
        name = board.agents.get(hands.agent, "")
        return f"You act as {name}." if name else "Your account is no agent's: you can only look."
    return form(
        "act_as",
        choice(
            "You act as",
            "agent",
            {"": "nobody yet", **board.agents},
            value=hands.agent,
            data_change="act_as",
            note=None if hands.agent else "Choose an agent to take promises for",
        ),
        class_="form across",
    )


def list_tabs(board: Board) -> Markup:
    """The lists, with how much is open on each."""
    chosen = board.chosen
    return el(
        "nav",
        *(
            link(
                f"{one.name} ({one.waiting + one.due + one.held})",
                url(f"/callbacks?list={one.list_id}"),
            )
            if chosen is None or one.list_id != chosen.list_id
            else el("a", one.name, href=url(f"/callbacks?list={one.list_id}"), aria_current="page")
            for one in board.lists
        ),
        class_="tabs",
        aria_label="Lists",
    )


def figures(view: CallbackListView) -> Markup:
    """How the list stands."""
    return cards(
        card("Late", count(view.late), tone="bad" if view.late else ""),
        card("Due now", count(view.due), tone="warn" if view.due else ""),
        card("In somebody's hands", count(view.held)),
        card("Waiting for their time", count(view.waiting)),
    )


def lanes_of(board: Board) -> list[tuple[str, list[CallbackRow]]]:
    """Open callbacks by when they were promised, in the order in which they need somebody."""
    lanes: dict[tuple[int, str], list[CallbackRow]] = {}
    for row in board.rows:
        lanes.setdefault(_lane_of(row, board.at), []).append(row)
    return [(name, rows) for (_, name), rows in sorted(lanes.items(), key=lambda one: one[0])]


def _lane_of(row: CallbackRow, at: datetime) -> tuple[int, str]:
    promise, period = row.promise, row.promise.request.period
    if promise.phase in (CallbackPhase.taken, CallbackPhase.started):
        return 0, "In hand"
    if row.closes_at <= at:
        return 1, "Late"
    zone = ZoneInfo(promise.request.zone)
    days = (promise.request.due_on - at.astimezone(zone).date()).days
    clock = f"{period.start:%H:%M}–{period.end:%H:%M}"
    if days <= 0:
        return 2, f"Today, {period.name} {clock}"
    if days == 1:
        return 3, f"Tomorrow, {period.name} {clock}"
    return 4, "Later"


def _lane(name: str, rows: Sequence[CallbackRow], board: Board, hands: Hands) -> Markup:
    more = len(rows) - SHOWN
    return el(
        "section",
        el("h2", f"{name} ", badge(count(len(rows)), "bad" if name == "Late" else "")),
        *(callback_card(one, board, hands) for one in rows[:SHOWN]),
        el("p", f"and {more} more", class_="muted") if more > 0 else None,
        class_="lane",
        data_key=name,
    )


def callback_card(row: CallbackRow, board: Board, hands: Hands) -> Markup:
    """One promise, and what can be done about it now."""
    request, promise = row.promise.request, row.promise
    who = " ".join(filter(None, (request.first_name, request.last_name))) or request.company
    owner = board.agents.get(str(request.owner), "") if request.owner else ""
    holder = board.agents.get(str(promise.holder), str(promise.holder)) if promise.holder else ""
    return el(
        "article",
        el("h3", who or request.numbers[0]),
        el("p", ", ".join(request.numbers), class_="muted"),
        el("p", request.description) if request.description else None,
        el(
            "p",
            joined(instant(row.opens_at), " – ", instant(row.closes_at)),
            f" · for {owner}" if owner else "",
            f" · tried {promise.tries}×" if promise.tries else "",
            class_="muted",
        ),
        el("p", badge(f"{plain(promise.phase)} by {holder}", "accent")) if holder else None,
        _late(row, board.at),
        _deeds(row, hands),
        class_="card",
        data_key=row.callback_id,
    )


def _late(row: CallbackRow, at: datetime) -> Markup | None:
    late = at - row.closes_at
    return el("p", badge(f"late by {span(late)}", "bad")) if late.total_seconds() > 0 else None


def _deeds(row: CallbackRow, hands: Hands) -> Markup | None:
    if not hands.write:
        return None
    key, phase = str(row.callback_id), row.promise.phase
    mine = bool(hands.agent) and row.promise.holder == hands.agent
    deeds: list[Markup] = []
    if phase in (CallbackPhase.waiting, CallbackPhase.due):
        deeds = [
            button("Take", "take", of=key, kind="primary", disabled=not hands.agent),
            button("Put off", "reschedule", of=key, kind="quiet"),
            button("Withdraw", "cancel", of=key, kind="quiet"),
        ]
    elif phase is CallbackPhase.taken and (mine or hands.choose):
        deeds = [
            button("Call now", "start", of=key, kind="primary"),
            button("Give back", "release", of=key, kind="quiet"),
        ]
    elif phase is CallbackPhase.started and (mine or hands.choose):
        deeds = [
            button("Ticket", "ticket", of=key, kind="primary"),
            button("Call again", "start", of=key, kind="quiet"),
        ]
    return el("div", *deeds, class_="actions") if deeds else None


def ticket_fields(view: CallbackListView | None, today: str) -> tuple[Markup, ...]:
    """What a ticket says."""
    return (
        choice("What came of it", "status", {str(one): says for one, says in TICKETS.items()}),
        area("Comment", "comment", rows=2),
        *put_off_fields(view, today, note="Only where it is to be called another day"),
    )


def put_off_fields(
    view: CallbackListView | None, today: str, *, note: str = ""
) -> tuple[Markup, ...]:
    """Another day and period."""
    day = field("Day", "due_on", kind="date", value="", min=today, note=note or None)
    return (day, choice("Between", "period", {"": "as before", **period_choices(view)}))


def new_fields(view: CallbackListView, today: str) -> tuple[Markup, ...]:
    """What a promise needs."""
    default = next((one.period_id for one in view.periods if one.default), "")
    return (
        field("Number", "number", kind="tel", required=True, note="Such as +39 347 1234567"),
        field("First name", "first_name"),
        field("Last name", "last_name"),
        area("What about", "description", rows=2),
        field("Day", "due_on", kind="date", value="", min=today, note="Today, where it is empty"),
        choice("Between", "period", period_choices(view), value=default),
    )


def list_fields() -> tuple[Markup, ...]:
    """What a list needs."""
    return (
        field("Name", "name", required=True, maxlength=100),
        field(
            "Periods",
            "periods",
            value="morning=09:00-12:00*, afternoon=14:00-18:00",
            note="Each as name=from-to, the usual one with a star",
        ),
    )


def period_choices(view: CallbackListView | None) -> dict[str, str]:
    """The periods of a list by their ids."""
    periods = view.periods if view is not None else ()
    return {one.period_id: f"{one.name}, {one.start:%H:%M}–{one.end:%H:%M}" for one in periods}
