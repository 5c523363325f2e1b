"""Hands facts to deliveries, each once: what is queued and how far was read are one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from offhook.feed.facts import Fact, FactKind
from offhook.feed.reader import FactReader, Journal, Place, Position
from offhook.storage.pool import Connection, Pool, store_errors

OFFERED = frozenset(
    {
        FactKind.call_placed,
        FactKind.call_forbidden,
        FactKind.call_answered,
        FactKind.call_joined,
        FactKind.call_ended,
        FactKind.call_disposed,
        FactKind.campaign_changed,
        FactKind.callback_booked,
        FactKind.callback_changed,
        FactKind.webhook_disabled,
    }
)
"""What other programs may ask for; the rest is for whoever watches the floor."""
ASKED_FOR = OFFERED | {kind.partition(".")[0] for kind in OFFERED}

_LOCK = "SELECT at, noted FROM webhook_relay WHERE id = 1 FOR UPDATE SKIP LOCKED"
_JOURNALS = "SELECT campaign_id, shard, epoch, seq FROM webhook_journals"
_ENDPOINTS = "SELECT id, kinds, campaigns, disabled_at IS NULL AS open FROM webhook_endpoints"
_MOVE = "UPDATE webhook_relay SET at = $1, noted = $2 WHERE id = 1"
_MOVE_JOURNALS = """
INSERT INTO webhook_journals (campaign_id, shard, epoch, seq)
SELECT * FROM unnest($1::text[], $2::int2[], $3::int[], $4::bigint[])
ON CONFLICT (campaign_id, shard) DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq
"""
_EVENTS = """
INSERT INTO webhook_events (id, kind, at, campaign_id, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::jsonb[])
ON CONFLICT (id) DO NOTHING
"""
_QUEUE = """
INSERT INTO webhook_deliveries (endpoint_id, event_id, created_at, due_at)
SELECT endpoint, event, $3::timestamptz, $3
FROM unnest($1::text[], $2::text[]) AS x(endpoint, event)
ON CONFLICT DO NOTHING
"""
_CONTACTS = """
SELECT a.id AS attempt_id, a.contact_id::text AS contact_id, a.number, c.external_id
FROM attempts a JOIN contacts c ON c.id = a.contact_id WHERE a.id = ANY($1::text[])
"""


@dataclass(frozen=True)
class _Endpoint:
    id: str
    kinds: frozenset[str]
    campaigns: frozenset[str]
    open: bool

    def wants(self, fact: Fact) -> bool:
        """Whether a fact is to be sent there."""
        if self.campaigns and fact.campaign_id not in self.campaigns:
            return False
        return not self.kinds or bool(self.kinds & {fact.kind, fact.kind.partition(".")[0]})


@dataclass(frozen=True)
class Relay:
    """One of those who may be the relay; the lock on its row says who is."""

    pool: Pool
    clock: Callable[[], datetime]

    async def step(self) -> bool | None:
        """Hand some facts on; whether there were more. None while nobody is told, or another does
        it.
        """
        reader = FactReader(self.pool)
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(_LOCK)
                if row is None:
                    return None
                places = await _places(connection)
                position = Position(at=row["at"], noted=row["noted"], journals=places)
                now = self.clock()
                batch = await reader.read(position, now=now)
                endpoints = [_endpoint(one) for one in await connection.fetch(_ENDPOINTS)]
                await _hand_on(connection, batch.facts, endpoints, now)
                await connection.execute(_MOVE, batch.position.at, batch.position.noted)
                await _keep_places(connection, places, batch.position.journals)
        return batch.more


async def _places(connection: Connection) -> dict[Journal, Place]:
    return {
        (row["campaign_id"], row["shard"]): (row["epoch"], row["seq"])
        for row in await connection.fetch(_JOURNALS)
    }


async def _keep_places(
    connection: Connection, before: Mapping[Journal, Place], after: Mapping[Journal, Place]
) -> None:
    moved = [(*key, *place) for key, place in after.items() if before.get(key) != place]
    if moved:
        await connection.execute(_MOVE_JOURNALS, *map(list, zip(*moved, strict=True)))


async def _hand_on(
    connection: Connection, facts: Iterable[Fact], endpoints: Sequence[_Endpoint], now: datetime
) -> None:
    wanted = [
        (fact, [one for one in endpoints if one.wants(fact)])
        for fact in facts
        if fact.kind in OFFERED
    ]
    wanted = [(fact, takers) for fact, takers in wanted if takers]
    if not wanted:
        return
    known = await _attempts(connection, [fact for fact, _ in wanted])
    rows = [
        (fact.id, str(fact.kind), fact.at, fact.campaign_id, _told(fact, known))
        for fact, _ in wanted
    ]
    await connection.execute(_EVENTS, *map(list, zip(*rows, strict=True)))
    queued = [(one.id, fact.id) for fact, takers in wanted for one in takers if one.open]
    if queued:
        await connection.execute(_QUEUE, *map(list, zip(*queued, strict=True)), now)


async def _attempts(connection: Connection, facts: Sequence[Fact]) -> dict[str, Any]:
    """Whom the calls are to, by attempt: what a program knows people by is in no journal."""
    ids = sorted({str(fact.data["attempt_id"]) for fact in facts if "attempt_id" in fact.data})
    if not ids:
        return {}
    return {row["attempt_id"]: row for row in await connection.fetch(_CONTACTS, ids)}


def _told(fact: Fact, known: Mapping[str, Any]) -> str:
    data: dict[str, Any] = {**fact.data, **fact.private}
    contact = known.get(str(fact.data.get("attempt_id", "")))
    if contact is not None:
        data |= {
            "contact_id": contact["contact_id"],
            "external_id": contact["external_id"],
            "number": contact["number"],
        }
    return orjson.dumps(data).decode()


def _endpoint(row: Any) -> _Endpoint:
    return _Endpoint(row["id"], frozenset(row["kinds"]), frozenset(row["campaigns"]), row["open"])
