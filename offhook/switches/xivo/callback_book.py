"""XiVO's own callback lists in the words of every other PBX's.

xuc tells of changes to whoever asked for the lists, as long as the connection lasts. So a copy of
the lists is kept, which its events change; whoever looks at it first has a ping echoed, so that
whatever was told before is in it. Of a new request xuc tells nothing: the lists are read anew now
and then, and on every new connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from pydantic import ValidationError

from dialer.appointments import Period
from dialer.callback_mirror import Seen
from dialer.callbacks import TicketStatus
from dialer.model import AgentId
from dialer.numbers import InvalidNumber, resolve
from dialer.switching import SwitchRefused, SwitchUnclear
from offhook.switches.base import Due, KeptList
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo.connector import XivoConnector
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings

_STATUS = {
    TicketStatus.no_answer: cb.TicketStatus.no_answer,
    TicketStatus.answered: cb.TicketStatus.answered,
    TicketStatus.fax: cb.TicketStatus.fax,
    TicketStatus.callback: cb.TicketStatus.callback,
}
_USUAL = Period(period_id="day", name="Day", start=time(9), end=time(18), default=True)
"""Where XiVO names no period."""


@dataclass
class CallbackNews:
    """A copy of the lists, as the one session tells that asked for them, and whether it changed."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    source: Session | None = None
    """The session that asks for the lists; events of others may come in another order."""
    copy: dict[str, cb.CallbackList] | None = None
    """Lists by id, without their requests; None while it isn't known what is on them."""
    requests: dict[str, cb.CallbackRequest] = field(default_factory=dict)

    def tell(self, session: Session, event: wire.Event) -> None:
        """Take over what an event says."""
        match event:
            case cb.CallbackLists() if session is self.source:
                self.copy = {one.uuid: one for one in event.lists}
                self.requests = {r.uuid: r for one in event.lists for r in one.callbacks}
                return
            case cb.CallbackTaken(uuid=uuid, agent_id=agent):
                self._change(session, uuid, {"agent_id": agent})
            case cb.CallbackReleased(uuid=uuid):
                self._change(session, uuid, {"agent_id": None})
            case cb.CallbackRequestUpdated(request=request):
                if session is self.source:
                    self.requests[request.uuid] = request
            case cb.CallbackClotured(uuid=uuid):
                if session is self.source:
                    self.requests.pop(uuid, None)
            case cb.CallbackStarted():
                pass
            case _:
                return
        self.changed.set()

    def _change(self, session: Session, uuid: str, changes: dict[str, object]) -> None:
        known = self.requests.get(uuid)
        if session is self.source and known is not None:
            self.requests[uuid] = known.model_copy(update=changes)

    async def opened(self, session: Session) -> None:
        """A new connection: xuc tells it of nothing before it has asked for the lists again."""
        if session is self.source:
            self.copy = None
        self.changed.set()


@dataclass(frozen=True)
class XivoCallbacks:
    """Implements `offhook.switches.base.KeepsCallbacks`."""

    settings: XivoSettings
    connector: XivoConnector
    news: CallbackNews
    _read_before: dict[str, tuple[cb.CallbackRequest, Seen]] = field(default_factory=dict)
    """A request, and what was read from it: numbers take long to read."""
    _periods: list[Period] = field(default_factory=list)

    async def lists(self, *, anew: bool = True) -> list[KeptList]:
        """Every list that the link's user may see, with its requests and the periods of XiVO."""
        client = self.connector.client
        if anew or not self._periods:
            found = await client.preferred_periods()
            self._periods[:] = [p for one in found if (p := _period(one))]
        requests = await self._requests(anew=anew)
        for gone in self._read_before.keys() - requests.keys():
            del self._read_before[gone]
        on: dict[str, list[Seen]] = {}
        for request in requests.values():
            on.setdefault(request.list_uuid, []).append(self._seen(request))
        return [
            KeptList(
                list_id=one.uuid,
                name=one.name,
                queue=str(one.queue_id),
                periods=tuple(self._periods) or (_USUAL,),
                requests=tuple(on.get(one.uuid, ())),
            )
            for one in (self.news.copy or {}).values()
        ]

    async def _requests(self, *, anew: bool) -> dict[str, cb.CallbackRequest]:
        """The requests of all lists by id, with all that xuc has told of them so far."""
        client, news = self.connector.client, self.news
        news.source = client.main
        if not anew and news.copy is not None:
            try:
                await client.main.ready()
            except SwitchUnclear:
                news.copy = None  # the connection is gone, and with it whatever was to be told
        if anew or news.copy is None:
            await client.callback_lists()
        return dict(news.requests)

    async def changed(self, *, within: timedelta) -> bool:
        """Wait for news of any request."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self.news.changed.wait()
        except TimeoutError:
            return False
        self.news.changed.clear()
        return True

    async def take(self, request: str, *, agent: str) -> None:
        """Take it as the user whom the agent is."""
        session = await self.connector.session_of(agent)
        await self.connector.client.take_callback(session, request)

    async def release(self, request: str, *, agent: str) -> None:
        """Give it back as that user."""
        session = await self.connector.session_of(agent)
        await self.connector.client.release_callback(session, request)

    async def start(self, request: str, *, agent: str, number: str) -> None:
        """Call the number as XiVO has it written."""
        session = await self.connector.session_of(agent)
        client = self.connector.client
        one = (await self._requests(anew=False)).get(request)
        for written in (one.phone_number, one.mobile_phone_number) if one else ():
            if written and self._read(written) == number:
                await client.start_callback(session, request, written)
                return
        raise SwitchRefused(
            f"link {client.link}: XiVO has no callback {request} with that number any more"
        )

    async def ticket(
        self, request: str, status: TicketStatus, *, agent: str, comment: str, due: Due | None
    ) -> None:
        """Close the try, as that user."""
        session = await self.connector.session_of(agent)
        when = (due[0], due[1].period_id) if due else None
        await self.connector.client.ticket_callback(
            session, request, _STATUS[status], comment=comment, due=when
        )

    def _seen(self, request: cb.CallbackRequest) -> Seen:
        known = self._read_before.get(request.uuid)
        if known is None or known[0] != request:
            known = self._read_before[request.uuid] = (request, self._as_seen(request))
        return known[1]

    def _as_seen(self, request: cb.CallbackRequest) -> Seen:
        numbers = (request.phone_number, request.mobile_phone_number)
        return Seen(
            external_id=request.uuid,
            list_id=request.list_uuid,
            holder=None if request.agent_id is None else AgentId(str(request.agent_id)),
            numbers=tuple(dict.fromkeys(self._read(one) for one in numbers if one)),
            first_name=(request.first_name or "")[:200],
            last_name=(request.last_name or "")[:200],
            company=(request.company or "")[:200],
            description=(request.description or "")[:2_000],
            due_on=_day(request.due_date),
            period=_period(request.preferred_period) if request.preferred_period else None,
        )

    def _read(self, written: str) -> str:
        try:
            return str(resolve(written, self.settings.region).number)
        except InvalidNumber:
            return written[:20]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _period(found: cb.PreferredPeriod) -> Period | None:
    """A period as ours; None where it is no span of one day."""
    try:
        return Period.model_validate(
            {
                "period_id": found.uuid,
                "name": found.name,
                "start": found.period_start,
                "end": found.period_end,
                "default": found.default,
            }
        )
    except ValidationError:
        return None
