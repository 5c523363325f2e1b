"""The newest events that a switch has sent, as the inbox keeps them."""

import json
from dataclasses import dataclass

from sqlalchemy import select

from activities.ports import switch_channel
from dialer.model import SwitchId
from dialer.switching import RawEvent
from offhook.storage import tables
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database


@dataclass(frozen=True)
class EventReads:
    """Reads events for people; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def newest(self, switch: SwitchId, *, most: int) -> list[RawEvent]:
        """The last that the switch sent, the newest first."""
        known = tables.inbox.c
        wanted = (
            select(known.id, known.channel, known.payload, known.received_at)
            .where(known.channel == switch_channel(switch), known.payload.is_not(None))
            .order_by(known.id.desc())
            .limit(most)
        )
        async with store_session(self.database) as session:
            rows = (await session.execute(wanted)).all()
        return [
            RawEvent(
                inbox_id=row.id,
                channel=row.channel,
                payload=json.loads(row.payload),
                received_at=row.received_at,
            )
            for row in rows
        ]
