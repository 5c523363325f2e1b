"""Queues of callers, agents who can take them, and who was offered whom, on PostgreSQL.

Everything about one switch happens under the lock under which campaigns share its agents (ADR 6):
an agent is a campaign's or a caller's, never both, and callers are served in the queue's order
however many workers look at once.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import orjson

from activities.ivr_contracts import AgentFound, SeekAgent
from dialer.model import AgentId
from dialer.suitability import Candidate, Needs, Ranked
from dialer.windows import CallingHours
from ivr.routing import CallerId, Waiting
from offhook.storage import sharing_sql
from offhook.storage.pool import Connection, Pool, store_errors

_SETTLE = """
WITH ended AS (
    DELETE FROM agent_offers WHERE {which} RETURNING session_id, agent_id, connected_at
), rested AS (
    INSERT INTO agent_profiles AS p (agent_id, idle_since, changed_at)
    SELECT agent_id, $1, $1 FROM ended WHERE connected_at IS NOT NULL
    ON CONFLICT (agent_id) DO UPDATE SET idle_since = EXCLUDED.idle_since
)
UPDATE agent_offer_log g SET outcome = $2, settled_at = $1 FROM ended
WHERE g.session_id = ended.session_id AND g.agent_id = ended.agent_id AND g.outcome = ''
"""
_EXPIRE = _SETTLE.format(
    which="""expires_at <= $1
    AND agent_id IN (SELECT id FROM agents WHERE switch_id = $3)"""
)
_GIVE_BACK = _SETTLE.format(which="session_id = $3")
_REFUSE = _SETTLE.format(which="session_id = $3 AND agent_id = $4")
_FREE = _SETTLE.format(which="agent_id = $3")
_TALKS_OVER = _SETTLE.format(
    which="""session_id IN (
        SELECT o.session_id FROM agent_offers o JOIN ivr_sessions s ON s.id = o.session_id
        WHERE s.switch_id = $3 AND s.call_id = ANY($4::text[])
    )"""
)

_FORGET_SILENT = "DELETE FROM ivr_queue WHERE switch_id = $1 AND seen_at < $2"
# Who has an agent already stays until connected, but waits no more.
_QUEUE = """
SELECT session_id, queue, needs::text AS needs, vip, tried::text AS tried, since, calling, seen_at
FROM ivr_queue q WHERE switch_id = $1
    AND NOT EXISTS (SELECT FROM agent_offers o WHERE o.session_id = q.session_id)
"""
_EVERY_QUEUE = """
SELECT session_id, switch_id, queue, needs::text AS needs, vip, tried::text AS tried, since,
    calling, seen_at
FROM ivr_queue q WHERE $1 IN ('', queue)
    AND NOT EXISTS (SELECT FROM agent_offers o WHERE o.session_id = q.session_id)
ORDER BY queue, since
"""
# The row is held until the look is over: whoever leaves, leaves after it.
_WAITS = """
SELECT phase = 'queued' AND ($2::int IS NULL OR turn = $2) FROM ivr_sessions WHERE id = $1 FOR SHARE
"""
_SEEN = "UPDATE ivr_queue SET seen_at = $2 WHERE session_id = $1"
_TRIED = "UPDATE ivr_queue SET tried = $2::jsonb WHERE session_id = $1"
_JOIN = """
INSERT INTO ivr_queue
    (session_id, switch_id, queue, calling, customer, needs, vip, since, seen_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9) ON CONFLICT (session_id) DO NOTHING
"""
_LEAVE = "DELETE FROM ivr_queue WHERE session_id = $1"

_KNOWN = """
SELECT bool_or(vip) AS vip, max(owner) AS owner FROM caller_profiles
WHERE (kind = 'number' AND value = $1) OR (kind = 'customer' AND value = $2)
"""
_LAST = """
SELECT agent_id FROM agent_offer_log
WHERE outcome = 'connected' AND ((calling <> '' AND calling = $1)
    OR (customer <> '' AND customer = $2))
ORDER BY offered_at DESC LIMIT 1
"""

# Free is who has no campaign that is dialing and no other caller.
_CANDIDATES = """
SELECT a.id, a.address, a.number, a.status_at, COALESCE(p.skills, '{}')::text AS skills,
    COALESCE(p.languages, '[]')::text AS languages, COALESCE(p.groups, '{}')::text AS groups,
    COALESCE(p.hours, '') AS hours, p.idle_since,
    NOT EXISTS (SELECT FROM agent_offers o WHERE o.agent_id = a.id) AND NOT EXISTS (
        SELECT FROM agent_leases h
        JOIN leases l ON l.campaign_id = h.campaign_id AND l.shard = h.shard
        WHERE h.agent_id = a.id AND l.owner <> ''
    ) AS free
FROM agents a LEFT JOIN agent_profiles p ON p.agent_id = a.id
WHERE a.switch_id = $1 AND a.status = 'available' AND a.reachable
"""
_OFFER = """
INSERT INTO agent_offers (agent_id, session_id, expires_at) VALUES ($1, $2, $3)
"""
_LOG = """
INSERT INTO agent_offer_log (session_id, agent_id, calling, customer, reasons, offered_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_OFFERED = """
SELECT a.id, a.address, a.number, (
    SELECT g.reasons FROM agent_offer_log g
    WHERE g.session_id = o.session_id AND g.agent_id = o.agent_id ORDER BY g.id DESC LIMIT 1
) AS reasons
FROM agent_offers o JOIN agents a ON a.id = o.agent_id WHERE o.session_id = $1
"""
_CONNECT = """
WITH taken AS (
    UPDATE agent_offers SET connected_at = $2, expires_at = $3
    WHERE session_id = $1 RETURNING session_id, agent_id
)
UPDATE agent_offer_log g SET outcome = 'connected', settled_at = $2 FROM taken
WHERE g.session_id = taken.session_id AND g.agent_id = taken.agent_id AND g.outcome = ''
"""


@dataclass(frozen=True, slots=True)
class Queued:
    """A caller in a queue, and what their call needs."""

    waiting: Waiting
    queue: str
    needs: Needs
    tried: frozenset[AgentId]
    calling: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """An agent as routing sees them, and where to reach them."""

    candidate: Candidate
    address: str
    number: str


@dataclass(frozen=True)
class SwitchQueue:
    """The queues and agents of one switch, while nobody else changes them."""

    connection: Connection
    switch: str
    now: datetime

    async def tidy(self, silent: timedelta) -> None:
        """End offers whose lease is over, and forget callers whose session is silent."""
        await self.connection.execute(_EXPIRE, self.now, "expired", self.switch)
        await self.connection.execute(_FORGET_SILENT, self.switch, self.now - silent)

    async def waits(self, request: SeekAgent) -> bool:
        """Whether the record has the caller still waiting on this turn."""
        found = await self.connection.fetchval(_WAITS, request.session_id, request.turn)
        return bool(found)

    async def waiting(self) -> list[Queued]:
        """Everybody who waits, in no order."""
        return [_queued(row) for row in await self.connection.fetch(_QUEUE, self.switch)]

    async def join(self, request: SeekAgent) -> None:
        """Put the caller into the queue, with what is known of them."""
        known = await self.connection.fetchrow(_KNOWN, request.calling, request.customer or "")
        last = await self.connection.fetchval(_LAST, request.calling, request.customer or "")
        needs = request.needs.model_copy(
            update={
                "vip": request.needs.vip or bool(known and known["vip"]),
                "owner": request.needs.owner or (known and known["owner"]),
                "last_agent": request.needs.last_agent or last,
            }
        )
        await self.connection.execute(
            _JOIN,
            request.session_id,
            self.switch,
            needs.group or "",
            request.calling,
            request.customer or "",
            needs.model_dump_json(),
            needs.vip,
            request.since,
            self.now,
        )

    async def stay(self, session: str) -> None:
        """Tell that the caller is still there."""
        await self.connection.execute(_SEEN, session, self.now)

    async def set_tried(self, session: str, tried: Sequence[AgentId]) -> None:
        """Keep who was offered this caller in vain."""
        await self.connection.execute(_TRIED, session, orjson.dumps(tried).decode())

    async def refuse(self, session: str, agent: AgentId) -> None:
        """The agent didn't take the caller: free again, for others."""
        await self.connection.execute(_REFUSE, self.now, "no_answer", session, agent)

    async def floor(self) -> dict[AgentId, Floor]:
        """Agents on duty, by id."""
        rows = await self.connection.fetch(_CANDIDATES, self.switch)
        return {AgentId(row["id"]): _floor(row) for row in rows}

    async def offered(self, session: str) -> AgentFound | None:
        """The agent who is reserved for the caller already."""
        row = await self.connection.fetchrow(_OFFERED, session)
        if row is None:
            return None
        return AgentFound(
            agent_id=AgentId(row["id"]),
            address=row["address"],
            number=row["number"],
            reasons=tuple(row["reasons"] or ()),
        )

    async def offer(self, request: SeekAgent, chosen: Ranked, expires_at: datetime) -> None:
        """Reserve an agent for the caller, and write down why it is this one."""
        await self.connection.execute(_OFFER, chosen.agent_id, request.session_id, expires_at)
        await self.connection.execute(
            _LOG,
            request.session_id,
            chosen.agent_id,
            request.calling,
            request.customer or "",
            list(chosen.reasons),
            self.now,
        )


@dataclass(frozen=True)
class RoutingStore:
    """A database that is away raises `StoreUnavailable`."""

    pool: Pool

    @asynccontextmanager
    async def locked(self, switch: str, *, now: datetime) -> AsyncIterator[SwitchQueue]:
        """A switch's queues for one look."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(sharing_sql.LOCK, switch)
                yield SwitchQueue(connection, switch, now)

    async def connected(self, session: str, *, now: datetime, until: datetime) -> bool:
        """The agent took the caller and is kept; False if the lease was over before."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                done = await connection.execute(_CONNECT, session, now, until)
                await connection.execute(_LEAVE, session)
        return not done.endswith(" 0")

    async def leave(self, session: str, *, now: datetime) -> None:
        """Give back the caller's place, and whoever was reserved or talks to them."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(_GIVE_BACK, now, "given_back", session)
                await connection.execute(_LEAVE, session)

    async def free(self, agent: AgentId, *, now: datetime) -> None:
        """The agent's talk is over."""
        with store_errors():
            await self.pool.execute(_FREE, now, "given_back", agent)

    async def talks_over(self, switch: str, calls: Collection[str], *, now: datetime) -> None:
        """These calls of the switch are over: free are the agents who had them."""
        with store_errors():
            await self.pool.execute(_TALKS_OVER, now, "given_back", switch, list(calls))

    async def board(self, switch: str) -> "tuple[list[Queued], dict[AgentId, Floor]]":
        """Who waits and who is on duty, as it is just now and without a lock."""
        with store_errors():
            async with self.pool.acquire() as connection:
                waiting = [_queued(row) for row in await connection.fetch(_QUEUE, switch)]
                rows = await connection.fetch(_CANDIDATES, switch)
        return waiting, {AgentId(row["id"]): _floor(row) for row in rows}

    async def queue(self, name: str = "") -> list[Queued]:
        """Who waits in a queue, or in all; those of one queue by when they came."""
        with store_errors():
            return [_queued(row) for row in await self.pool.fetch(_EVERY_QUEUE, name)]


def _queued(row: asyncpg.Record) -> Queued:
    waiting = Waiting(caller=CallerId(row["session_id"]), since=row["since"], vip=row["vip"])
    return Queued(
        waiting=waiting,
        queue=row["queue"],
        needs=Needs.model_validate_json(row["needs"]),
        tried=frozenset(map(AgentId, orjson.loads(row["tried"]))),
        calling=row["calling"],
        seen_at=row["seen_at"],
    )


def _floor(row: asyncpg.Record) -> Floor:
    since = [at for at in (row["status_at"], row["idle_since"]) if at is not None]
    hours = row["hours"]
    candidate = Candidate(
        agent_id=AgentId(row["id"]),
        skills=orjson.loads(row["skills"]),
        languages=frozenset(orjson.loads(row["languages"])),
        groups=orjson.loads(row["groups"]),
        free=row["free"],
        idle_since=max(since, default=None),
        hours=CallingHours.model_validate(hours) if hours else CallingHours.always(),
    )
    return Floor(candidate, row["address"], row["number"])
