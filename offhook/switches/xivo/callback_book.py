"""XiVO's own callback lists in the words of every other PBX's.

xuc tells of changes to whoever asked for the lists, as long as the connection lasts; so the lists
are asked for again whenever something is heard, and now and then where nothing is.
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
from dialer.switching import SwitchRefused
from offhook.switches.base import Due, KeptList
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo.connector import XivoConnector
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings

_NEWS = (
    cb.CallbackTaken,
    cb.CallbackReleased,
    cb.CallbackClotured,
    cb.CallbackStarted,
    cb.CallbackRequestUpdated,
)
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
    """Hears that something about a callback has changed."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, _session: Session, event: wire.Event) -> None:
        """Take note of an event of any session."""
        if isinstance(event, _NEWS):
            self.changed.set()

    async def opened(self, _session: Session) -> None:
        """A new connection: xuc tells it of nothing before it has asked for the lists again."""
        self.changed.set()


@dataclass(frozen=True)
class XivoCallbacks:
    """Implements `offhook.switches.base.KeepsCallbacks`."""

    settings: XivoSettings
    connector: XivoConnector
    news: CallbackNews

    async def lists(self) -> list[KeptList]:
        """Every list that the link's user may see, with its requests and the periods of XiVO."""
        client = self.connector.client
        periods = [p for found in await client.preferred_periods() if (p := _period(found))]
        return [
            KeptList(
                list_id=one.uuid,
                name=one.name,
                queue=str(one.queue_id),
                periods=tuple(periods) or (_USUAL,),
                requests=tuple(self._seen(request) for request in one.callbacks),
            )
            for one in await client.callback_lists()
        ]

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
        for one in (r for found in await client.callback_lists() for r in found.callbacks):
            if one.uuid == request:
                for written in (one.phone_number, one.mobile_phone_number):
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
