"""Agents who say what came of each talk, as people at their desks would."""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from activities.ports import Inbox, StoreUnavailable, campaign_channel
from dialer.events import Disposed
from dialer.model import AgentId, AttemptId, CampaignId
from offhook.storage.database import Database
from offhook.storage.pool import store_errors
from offhook.storage.tables import attempts

_LOOK_EVERY = timedelta(milliseconds=300)
_CODES = ("not_interested",) * 5 + ("sale",) * 2 + ("call_back", "wrong_person", "interested")


@dataclass
class AgentDesk:
    """Disposes every talk of a campaign shortly after it ended."""

    database: Database
    inbox: Inbox
    campaign: CampaignId
    _done: set[str] = field(default_factory=set)

    async def work(self) -> None:
        """Go on until cancelled; a database that is away for a moment is no reason to stop."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self._dispose_ended()
            await asyncio.sleep(_LOOK_EVERY.total_seconds())

    async def _dispose_ended(self) -> None:
        with store_errors():
            async with self.database.transaction() as session:
                found = await session.execute(
                    select(attempts.c.id, attempts.c.agent_id).where(
                        attempts.c.campaign_id == self.campaign,
                        attempts.c.joined_at.is_not(None),
                        attempts.c.ended_at.is_not(None),
                        attempts.c.disposition.is_(None),
                        attempts.c.agent_id.is_not(None),
                    )
                )
                talks = [(talk, agent) for talk, agent in found if talk not in self._done]
        for talk, agent in talks:
            await self.inbox.post(
                campaign_channel(self.campaign),
                event=Disposed(
                    agent_id=AgentId(agent), attempt_id=AttemptId(talk), code=disposition_of(talk)
                ),
                key=f"disposed/{talk}",
                now=datetime.now(UTC),
            )
            self._done.add(talk)


def disposition_of(attempt: str) -> str:
    """What is said of an attempt: any of a few codes, the same one each time it is asked."""
    return _CODES[hashlib.blake2b(attempt.encode(), digest_size=2).digest()[0] % len(_CODES)]
