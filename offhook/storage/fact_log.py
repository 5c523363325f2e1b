"""Facts that no journal holds: phases of campaigns, promises to call back, webhooks that fail.

They are noted in the transaction that makes them true, on a channel of the inbox of their own, so
that they have an order in which nothing appears behind a reader's back. Whoever notes holds that
channel until the end of the transaction, and therefore notes last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from offhook.storage.pool import PoolOrConnection

CHANNEL = "facts"

_NOTE = text("""
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('facts', 7)))
INSERT INTO inbox (channel, dedup_key, payload, received_at)
SELECT 'facts', x.key, x.payload, :now FROM locked, unnest(
    CAST(:keys AS text[]), CAST(:payloads AS text[])) AS x(key, payload)
ON CONFLICT (channel, dedup_key) DO NOTHING
""")

_NOTE_ONE = """
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('facts', 7)))
INSERT INTO inbox (channel, dedup_key, payload, received_at)
SELECT 'facts', $1, $2, $3 FROM locked
ON CONFLICT (channel, dedup_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A fact to be noted."""

    key: str
    """Two with the same key are one."""
    kind: str
    """A `FactKind`."""
    campaign_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


async def note(session: AsyncSession, facts: Sequence[Noted], *, now: datetime) -> None:
    """Note facts at the end of a transaction."""
    if facts:
        payloads = [_payload(one) for one in facts]
        await session.execute(
            _NOTE, {"keys": [one.key for one in facts], "payloads": payloads, "now": now}
        )


async def note_on(connection: PoolOrConnection, fact: Noted, *, now: datetime) -> None:
    """Note a fact at the end of a transaction of a plain connection."""
    await connection.execute(_NOTE_ONE, fact.key, _payload(fact), now)


def _payload(fact: Noted) -> str:
    said = {"kind": fact.kind, "campaign_id": fact.campaign_id, "data": dict(fact.data)}
    return orjson.dumps(said).decode()
