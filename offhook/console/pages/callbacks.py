"""*Callbacks*: the board."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from markupsafe import Markup
from nicegui import ui

from activities.callback_contracts import (
    CallbackOrder,
    CancelCallback,
    ReleaseCallback,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
)
from dialer.appointments import Period
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import CallbackId, CallbackListId, CallbackRules, TicketStatus
from dialer.model import AgentId
from offhook.accounts import Permission
from offhook.api.agent_seeing import agent_as_seen
from offhook.api.refusals import OutOfScope
from offhook.callbacks import CallbackOffice, NewCallback
from offhook.console.console import Console
from offhook.console.kit.ask import ask
from offhook.console.kit.layout import url
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act, Panel
from offhook.console.kit.parts import field
from offhook.console.kit.words import plain
from offhook.console.live.feed import Feed
from offhook.console.views.callbacks import (
    Board,
    Hands,
    board_page,
    list_fields,
    new_fields,
    put_off_fields,
    ticket_fields,
)
from offhook.errors import OffhookError
from offhook.storage.agent_store import AgentStore
from offhook.storage.callback_lists import CallbackListView

EVERY = timedelta(seconds=2)


class BadPromise(OffhookError):
    """What somebody said of a promise makes no sense."""

    code = "callback_form_invalid"


@console_page("/callbacks", title="Callbacks", place="callbacks", needs=Permission.callbacks_read)
async def callbacks(visit: Visit) -> None:
    """What was promised, and orders about it."""
    feed = board_feed(visit.console, visit.query("list"))
    desk = BoardDesk(visit, feed)
    await desk.look()
    desk.panel = await visit.live(feed, desk.shown, on_act=desk.acted)


def board_feed(console: Console, wanted: str) -> Feed[Board]:
    """A list's board, for everybody who looks at it."""

    async def read() -> Board:
        now = console.clock()
        lists = await console.services.lists.all(now=now)
        known = [one for one in lists if wanted in (one.list_id, one.name)] or lists
        chosen = known[0] if known else None
        rows = await console.services.lists.open_rows(chosen.list_id) if chosen else []
        agents = await AgentStore(await console.backend.pool()).all()
        names = {one.agent_id: one.name or one.number for one in agents}
        return Board(lists, chosen, sorted(rows, key=lambda one: one.opens_at), names, now)

    return console.hub.feed(f"callbacks {wanted}", read, every=EVERY)


class BoardDesk:
    """The orders of one person at the board."""

    panel: Panel

    def __init__(self, visit: Visit, feed: Feed[Board]) -> None:
        self._visit = visit
        self._feed = feed
        self._agents: set[str] = set()
        """Agents in the person's scope."""
        self._hands = Hands(
            agent=visit.who.agent_id or visit.query("agent"),
            write=visit.who.may(Permission.callbacks_write),
            choose=visit.who.may(Permission.agents_write) and visit.who.agent_id is None,
        )
        if not self._hands.choose:
            self._hands = replace(self._hands, agent=visit.who.agent_id or "")

    async def look(self) -> None:
        """See which agents are in the person's scope."""
        every = await AgentStore(await self._visit.console.backend.pool()).all()
        who = self._visit.who
        self._agents = {one.agent_id for one in every if agent_as_seen(who, one) is not None}

    def shown(self, board: Board) -> Markup:
        """The board for this person: only what is in their scope."""
        lists = [one for one in board.lists if self._sees(one)]
        if board.chosen is not None and board.chosen not in lists:
            board = replace(board, chosen=None, rows=())
        agents = {key: name for key, name in board.agents.items() if key in self._agents}
        return board_page(replace(board, lists=lists, agents=agents), self._hands)

    def _sees(self, one: CallbackListView) -> bool:
        return self._visit.who.scope.has(queue=one.queue, campaign=one.campaign_id)

    async def acted(self, act: Act) -> None:
        """Do what was asked, and show what came of it."""
        if act.name == "act_as":
            agent = act.text("agent")
            self._hands = replace(self._hands, agent=agent if agent in self._agents else "")
        else:
            self._visit.require(Permission.callbacks_write)
            await self._deed(act)
            await self._feed.renew()
        self.panel.show(self.shown((await self._feed.now()).value))

    async def _deed(self, act: Act) -> None:
        agent = AgentId(self._hands.agent) if self._hands.agent else None
        key, request = CallbackId(act.of), secrets.token_hex(8)
        match act.name:
            case "take":
                if agent is not None:
                    await self._order(key, TakeCallback(request_id=request, agent_id=agent))
            case "start":
                await self._order(key, StartCallback(request_id=request, agent_id=agent))
            case "release":
                await self._order(key, ReleaseCallback(request_id=request, agent_id=agent))
            case "ticket":
                await self._ticket(key, agent)
            case "reschedule":
                await self._put_off(key, agent)
            case "cancel":
                await self._withdraw(key, agent)
            case "new":
                await self._promise()
            case "list":
                await self._make_list()

    async def _ticket(self, key: CallbackId, agent: AgentId | None) -> None:
        board = (await self._feed.now()).value
        fields = ticket_fields(board.chosen, _today(board).isoformat())
        said = await ask("What came of it?", "", yes="Close the ticket", fields=fields)
        if said is None:
            return
        order = TicketCallback(
            request_id=secrets.token_hex(8),
            agent_id=agent,
            status=TicketStatus(said.get("status", "")),
            comment=said.get("comment", "")[:2_000],
            due_on=_day(said),
            period=_period(board.chosen, said),
        )
        await self._order(key, order)

    async def _put_off(self, key: CallbackId, agent: AgentId | None) -> None:
        board = (await self._feed.now()).value
        fields = put_off_fields(board.chosen, _today(board).isoformat())
        said = await ask(
            "Put it off", "To another day or time of day.", yes="Put off", fields=fields
        )
        if said is None:
            return
        order = RescheduleCallback(
            request_id=secrets.token_hex(8),
            agent_id=agent,
            due_on=_day(said),
            period=_period(board.chosen, said),
        )
        await self._order(key, order)

    async def _withdraw(self, key: CallbackId, agent: AgentId | None) -> None:
        said = await ask(
            "Withdraw this promise?",
            "Nobody is called for it any more.",
            yes="Withdraw",
            danger=True,
            fields=(field("Why", "reason", maxlength=200),),
        )
        if said is not None:
            reason = said.get("reason", "")[:200]
            order = CancelCallback(request_id=secrets.token_hex(8), agent_id=agent, reason=reason)
            await self._order(key, order)

    async def _order(self, key: CallbackId, order: CallbackOrder) -> None:
        word = type(order).__name__.removesuffix("Callback").lower()
        services = self._visit.console.services
        row = await services.lists.row(key)
        on = await services.lists.find(row.promise.request.list_id, now=self._visit.console.clock())
        if not self._sees(on):
            raise CallbackUnknown(key)
        async with self._visit.audited(f"callback.{word}", f"callback/{key}") as entry:
            office = CallbackOffice(services.database, await services.desk())
            entry.after = answer = await office.order(key, order)
        if answer.call_failed:
            raise BadPromise(f"the switch did not place the call: {answer.call_failed}")
        confirm_done(f"The callback is {plain(answer.phase).lower()}")

    async def _promise(self) -> None:
        board = (await self._feed.now()).value
        if board.chosen is None or not self._sees(board.chosen):
            return
        fields = new_fields(board.chosen, _today(board).isoformat())
        said = await ask("Promise a callback", "", yes="Promise", fields=fields)
        if said is None:
            return
        new = NewCallback(
            numbers=(said.get("number", ""),),
            first_name=said.get("first_name", "")[:200],
            last_name=said.get("last_name", "")[:200],
            description=said.get("description", "")[:2_000],
            due_on=_day(said),
            period=said.get("period", ""),
        )
        office = await self._visit.console.services.office()
        async with self._visit.audited("callback.book", f"list/{board.chosen.list_id}") as entry:
            now = self._visit.console.clock()
            entry.after = await office.book(board.chosen.list_id, new, now=now)
        confirm_done("Promised")

    async def _make_list(self) -> None:
        if not self._visit.who.scope.has(queue=None, campaign=None):
            raise OutOfScope
        said = await ask("A callback list", "", yes="Make it", fields=list_fields())
        if said is None:
            return
        name = said.get("name", "").strip()
        view = CallbackListView(
            list_id=CallbackListId(f"cl-{secrets.token_hex(4)}"),
            name=name,
            queue="",
            campaign_id=None,
            switch_id=None,
            external_id="",
            rules=CallbackRules(),
            periods=periods_of(said.get("periods", "")),
        )
        async with self._visit.audited("callback_list.create", f"list/{view.list_id}") as entry:
            await self._visit.console.services.lists.create(view, now=self._visit.console.clock())
            entry.after = view
        ui.navigate.to(url(f"/callbacks?list={view.list_id}"))


def periods_of(text: str) -> tuple[Period, ...]:
    """Periods as `name=09:00-12:00`, with commas between and a star behind the usual one."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, times = part.rstrip("*").partition("=")
        start, dash, end = times.partition("-")
        if not (name and equals and dash):
            raise BadPromise(f"{part!r} is no period", hint="write morning=09:00-12:00")
        try:
            found.append(
                Period.model_validate(
                    {
                        "period_id": name.strip().casefold(),
                        "name": name.strip(),
                        "start": start.strip(),
                        "end": end.strip(),
                        "default": part.endswith("*"),
                    }
                )
            )
        except ValueError as error:
            raise BadPromise(f"{part!r} is no period", hint="write morning=09:00-12:00") from error
    return tuple(found)


def _day(said: Mapping[str, str]) -> date | None:
    text = said.get("due_on", "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadPromise(f"{text[:20]} is no day", hint="choose one of the calendar") from error


def _period(view: CallbackListView | None, said: Mapping[str, str]) -> Period | None:
    wanted = said.get("period", "")
    return view.period(wanted) if view is not None and wanted else None


def _today(board: Board) -> date:
    return board.at.date()
