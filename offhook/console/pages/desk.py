"""*Agent desk*."""

from contextlib import suppress
from datetime import date, datetime

from markupsafe import Markup
from nicegui import background_tasks, ui

from dialer.model import AgentId, AgentStatus, CampaignId
from offhook.accounts import Permission
from offhook.api.agent_seeing import agent_as_seen
from offhook.callbacks import NewCallback
from offhook.console.kit.ask import ask
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.page import Visit, complain, confirm_done, console_page
from offhook.console.kit.panel import Act, Panel
from offhook.console.kit.parts import choice, page_head
from offhook.console.kit.words import plain
from offhook.console.live.floor import FloorNow
from offhook.console.views.desk import Desk, choose_agent, desk_page
from offhook.offices.desk import DeskOffice
from offhook.storage.agent_store import AgentStore, NothingOnOffer
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.errors import AgentNotFound
from offhook.storage.floor_reads import FloorAgent


@console_page("/desk", title="Agent desk", place="desk", needs=Permission.desk_use)
async def desk(visit: Visit) -> None:
    """The person's own desk, or one that they choose."""
    agent = visit.who.agent_id
    if agent is None:
        visit.require(Permission.agents_write)
        agent = visit.query("agent")
    if not agent:
        await _choose(visit)
        return
    await _require_seen(visit, agent)
    seat = Seat(visit, agent)
    await seat.read()
    seat.panel = await visit.panel(seat.markup(), on_act=seat.acted)
    visit.follow(visit.console.floor(), seat.told)


async def _choose(visit: Visit) -> None:
    async def read() -> Markup:
        every = await AgentStore(await visit.console.backend.pool()).all()
        agents = [one for one in every if agent_as_seen(visit.who, one) is not None]
        return el("div", page_head("Agent desk"), choose_agent(agents), class_="stack")

    async def acted(act: Act) -> None:
        ui.navigate.to(url(f"/desk?agent={act.text('agent')}"))

    await visit.panel(read, on_act=acted)


async def _require_seen(visit: Visit, agent: str) -> None:
    """Raise `AgentNotFound` for an agent out of the scope of who looks; one's own never is."""
    if agent != visit.who.agent_id:
        row = await AgentStore(await visit.console.backend.pool()).find(agent)
        if agent_as_seen(visit.who, row) is None:
            raise AgentNotFound(agent)


class Seat:
    """One agent's desk in one browser: read anew when the floor says that something moved."""

    panel: Panel

    def __init__(self, visit: Visit, agent: str) -> None:
        self._visit = visit
        self._agent = agent
        self._desk: Desk | None = None
        self._seen: tuple[object, ...] = ()
        self._said: tuple[str, str] = ("", "")
        """The talk that something was said of last, and what: the engine writes it down later."""
        backend = visit.console.backend
        self._office = DeskOffice(
            visit.console.services.database,
            backend.pool,
            backend.clock,
            backend.settings.desk.reasons,
        )

    async def read(self) -> None:
        """What is on the desk now."""
        now = self._visit.console.clock()
        row = await self._office.agent(self._agent)
        call = await self._office.call(row.agent_id)
        if call is not None and call.disposition is None and call.attempt_id == self._said[0]:
            call = call.model_copy(update={"disposition": self._said[1]})
        offered = None
        with suppress(NothingOnOffer):
            offered = await self._office.on_offer(row)
        lists = await self._visit.console.services.lists.all(now=now) if call else ()
        since = call.since if call else row.status_at
        self._desk = Desk(row, call, offered if call is None else None, tuple(lists), since)

    def markup(self) -> Markup:
        """The desk as it was read last."""
        at: datetime = self._visit.console.clock()
        return desk_page(self._desk, at) if self._desk is not None else Markup("")

    def told(self, now: FloorNow) -> None:
        """Look at what the floor says of the agent."""
        own = [one for one in now.floor.agents if one.agent_id == self._agent]
        seen = _signature(own[0]) if own else ()
        if seen != self._seen:
            self._seen = seen
            background_tasks.create(self._again(), name="desk")

    async def _again(self) -> None:
        await self.read()
        self.panel.show(self.markup())

    async def acted(self, act: Act) -> None:
        """Do what the agent wants."""
        match act.name:
            case "ready":
                await self._choose(AgentStatus.available)
            case "rest":
                await self._rest()
            case "leave":
                await self._choose(AgentStatus.logged_off)
            case "dispose":
                attempt, _, code = act.of.partition(" ")
                await self._dispose(attempt, code)
            case "dial" | "skip":
                await self._office.answer(self._agent, dial=act.name == "dial")
            case "callback":
                await self._promise(act)
        await self._again()

    async def _rest(self) -> None:
        reasons = self._visit.console.backend.settings.desk.reasons
        said = await ask(
            "Not ready",
            "A talk goes on to its end; no other comes until you are ready again.",
            yes="Not ready",
            fields=(choice("Why", "reason", {"": "no reason"} | {n: plain(n) for n in reasons}),)
            if reasons
            else (),
        )
        if said is not None:
            await self._choose(AgentStatus.not_ready, reason=said.get("reason", ""))

    async def _choose(self, status: AgentStatus, *, reason: str = "") -> None:
        subject = f"agent/{self._agent}"
        async with self._visit.audited("agent.status", subject):
            await self._office.choose(self._agent, status, reason=reason)
        confirm_done(f"You are {plain(status).lower()}")

    async def _dispose(self, attempt: str, code: str) -> None:
        async with self._visit.audited("call.dispose", f"attempt/{attempt}") as entry:
            entry.after = {"code": code}
            await self._office.dispose(self._agent, attempt, code)
        self._said = (attempt, code)
        confirm_done(plain(code))

    async def _promise(self, act: Act) -> None:
        call = self._desk.call if self._desk is not None else None
        if call is None or call.attempt_id != act.of:
            return
        lists = self._desk.lists if self._desk is not None else ()
        chosen, _, period = act.text("period").partition(" ")
        wanted = act.text("list") or chosen or str(lists[0].list_id)
        first, _, last = call.name.partition(" ")
        try:
            due_on = date.fromisoformat(act.text("due_on")) if act.text("due_on") else None
            new = NewCallback(
                numbers=(call.number,),
                first_name=first[:200],
                last_name=last[:200],
                description=act.text("description")[:2_000],
                due_on=due_on,
                period=period if chosen == wanted else "",
                owner=AgentId(self._agent) if act.text("owner") == "me" else None,
                campaign_id=CampaignId(call.campaign_id),
                source=CallbackSource.agent,
                source_key=f"desk {call.attempt_id} {due_on} {period}",
            )
        except ValueError as error:
            complain(error)
            return
        office = await self._visit.console.services.office()
        now = self._visit.console.clock()
        async with self._visit.audited("callback.book", f"attempt/{call.attempt_id}") as entry:
            booked = await office.book(wanted, new, now=now)
            entry.after = booked
        await self._dispose(call.attempt_id, "call_back")
        confirm_done("Promised")


def _signature(agent: FloorAgent) -> tuple[object, ...]:
    return (
        *(agent.state, agent.since, agent.works_for, agent.reads),
        *(agent.status, agent.status_reason, agent.status_at, agent.reachable),
    )
