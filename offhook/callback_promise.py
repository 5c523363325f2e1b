"""An agent's word that somebody will be called back, given as the disposition of a talk."""

from dataclasses import dataclass
from datetime import date, datetime

from activities.ports import campaign_channel
from dialer.events import Disposed
from dialer.model import AgentId, AttemptId, CampaignId
from offhook.callbacks import Booked, CallbackOffice, NewCallback
from offhook.errors import OffhookError
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, store_errors

CODE = "callback"
"""The disposition that such a talk gets; `retry.dispositions` says what follows from it."""
_TALK = """
SELECT a.campaign_id, a.agent_id, a.number, c.name, COALESCE(n.zones, '{}') AS zones
FROM attempts a JOIN contacts c ON c.id = a.contact_id
LEFT JOIN numbers n ON n.contact_id = a.contact_id AND n.number = a.number WHERE a.id = $1
"""


class NobodyTalked(OffhookError):
    """No agent has talked on that attempt, so nobody can have promised anything."""

    code = "callback_of_no_talk"

    def __init__(self, attempt: str) -> None:
        super().__init__(
            f"no agent has talked on attempt {attempt}",
            hint="give an attempt that an agent was joined to, or use `offhook callback add`",
        )


@dataclass(frozen=True)
class Promising:
    """Books what an agent promised; promising the same talk twice books it once."""

    pool: Pool
    office: CallbackOffice

    async def promise(
        self,
        list_key: str,
        attempt: str,
        *,
        mine: bool,
        now: datetime,
        due_on: date | None = None,
        period: str = "",
        description: str = "",
    ) -> Booked:
        """Book the callback, for the agent himself or for anyone, then tell his campaign."""
        with store_errors():
            talk = await self.pool.fetchrow(_TALK, attempt)
        if talk is None or talk["agent_id"] is None:
            raise NobodyTalked(attempt)
        new = NewCallback(
            numbers=(talk["number"],),
            last_name=(talk["name"] or "")[:200],
            description=description,
            due_on=due_on,
            period=period,
            zone=next(iter(talk["zones"]), ""),
            owner=AgentId(talk["agent_id"]) if mine else None,
            campaign_id=CampaignId(talk["campaign_id"]),
            source=CallbackSource.agent,
            source_key=attempt,
        )
        booked = await self.office.book(list_key, new, now=now)
        said = Disposed(
            agent_id=AgentId(talk["agent_id"]), attempt_id=AttemptId(attempt), code=CODE
        )
        channel = campaign_channel(CampaignId(talk["campaign_id"]))
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await post_on(connection, channel, said, key=f"callback {attempt}", now=now)
        return booked
