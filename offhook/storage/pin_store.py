"""Enrolled PINs, and what operations look at: who has one, verdicts, alerts, locks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ivr.machine_words import PinAnswer
from ivr.pin import Counts
from offhook.storage.pin_book import Lookup
from offhook.storage.pool import Connection, Pool, store_errors

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('pin policy ' || $1, 13))"
_TAKEN = "SELECT revoked_at IS NOT NULL AS revoked FROM pins WHERE lookup = ANY($1::bytea[])"
_FORGET = "DELETE FROM pins WHERE lookup = ANY($1::bytea[]) AND revoked_at IS NOT NULL"
_HAS = """
SELECT true FROM pins WHERE policy = $1 AND customer = $2 AND revoked_at IS NULL
"""
_ADD = """
INSERT INTO pins
    (policy, customer, lookup, key_id, valid_from, valid_until, callers, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_REVOKE = """
UPDATE pins SET revoked_at = $3 WHERE policy = $1 AND customer = $2 AND revoked_at IS NULL
RETURNING valid_from, valid_until, callers
"""
_LIST = """
SELECT policy, customer, valid_from, valid_until, callers, created_at, used_at, revoked_at, key_id
FROM pins
WHERE ($1 = '' OR policy = $1) AND ($2 = '' OR customer = $2)
    AND ($3 OR revoked_at IS NULL) AND (policy, customer) > ($4, $5)
ORDER BY policy, customer, created_at LIMIT $6
"""
_COUNT = "SELECT count(*) FROM pins WHERE policy = $1"
_BY_KEY = """
SELECT key_id, count(*) AS pins FROM pins WHERE revoked_at IS NULL GROUP BY key_id ORDER BY key_id
"""
_UNLOCK = """
DELETE FROM pin_failures WHERE policy = $1 AND over = $2 AND key = $3
"""
_ALERTS = """
SELECT id, at, policy, over, who, acknowledged_at FROM pin_alerts
WHERE $1 OR acknowledged_at IS NULL ORDER BY id DESC LIMIT $2
"""
_ACKNOWLEDGE = """
UPDATE pin_alerts SET acknowledged_at = $2
WHERE acknowledged_at IS NULL AND ($1::bigint[] IS NULL OR id = ANY($1))
"""
_AUDIT = """
SELECT id, at, policy, call, calling, typed_customer, customer, answer, reason, failed,
    locked_until
FROM pin_attempts
WHERE ($1 = '' OR policy = $1) AND ($2 = '' OR $2 IN (customer, typed_customer))
    AND ($3 = '' OR calling = $3) AND ($4 = '' OR answer = $4) AND at >= $5
ORDER BY id DESC LIMIT $6
"""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class PinRow(_Row):
    """Who has a PIN, and on which terms; never the PIN."""

    policy: str
    customer: str
    valid_from: AwareDatetime | None
    valid_until: AwareDatetime | None
    callers: tuple[str, ...]
    created_at: AwareDatetime
    used_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    key_id: str
    """The key of the ring that it is found under."""


class AlertRow(_Row):
    """A limit that was reached."""

    id: int
    at: AwareDatetime
    policy: str
    over: Counts
    who: str
    acknowledged_at: AwareDatetime | None


class AuditRow(_Row):
    """One verdict."""

    id: int
    at: AwareDatetime
    policy: str
    call: str
    calling: str
    typed_customer: str | None
    customer: str | None
    answer: PinAnswer
    reason: str
    failed: bool
    locked_until: AwareDatetime | None


class KeyUse(_Row):
    """How many PINs are found under a key."""

    key_id: str
    pins: int


@dataclass(frozen=True)
class Terms:
    """On which terms a PIN is right."""

    valid_from: datetime | None = None
    valid_until: datetime | None = None
    callers: Sequence[str] = ()


@dataclass(frozen=True)
class Enrolling:
    """Changes to the PINs of one policy, while nobody else judges or changes any."""

    connection: Connection
    policy: str
    now: datetime

    async def is_taken(self, lookups: Sequence[Lookup]) -> bool:
        """Whether somebody has this PIN; one that was revoked is free again, and forgotten."""
        values = [one.value for one in lookups]
        rows = await self.connection.fetch(_TAKEN, values)
        if any(not row["revoked"] for row in rows):
            return True
        await self.connection.execute(_FORGET, values)
        return False

    async def has(self, customer: str) -> bool:
        """Whether the customer has a PIN that isn't revoked."""
        return bool(await self.connection.fetchval(_HAS, self.policy, customer))

    async def add(self, customer: str, lookup: Lookup, terms: Terms) -> None:
        """Enrol the customer."""
        await self.connection.execute(
            _ADD,
            self.policy,
            customer,
            lookup.value,
            lookup.key_id,
            terms.valid_from,
            terms.valid_until,
            list(terms.callers),
            self.now,
        )

    async def revoke(self, customer: str) -> Terms | None:
        """Revoke the customer's PIN and tell its terms; None if there is none."""
        row = await self.connection.fetchrow(_REVOKE, self.policy, customer, self.now)
        return None if row is None else Terms(**row)

    async def count(self) -> int:
        """How many PINs there are, revoked ones included."""
        return int(await self.connection.fetchval(_COUNT, self.policy))


@dataclass(frozen=True)
class PinStore:
    """A database that is away raises `StoreUnavailable`."""

    pool: Pool

    @asynccontextmanager
    async def enrolling(self, policy: str, *, now: datetime) -> AsyncIterator[Enrolling]:
        """Changes that count when the block ends well."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(_LOCK, policy)
                yield Enrolling(connection, policy, now)

    async def pins(
        self,
        *,
        policy: str = "",
        customer: str = "",
        revoked: bool = False,
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
    ) -> list[PinRow]:
        """Who has a PIN, in order of policy and customer, behind `after`."""
        with store_errors():
            rows = await self.pool.fetch(_LIST, policy, customer, revoked, *after, limit)
        return [PinRow(**row) for row in rows]

    async def key_use(self) -> list[KeyUse]:
        """How many PINs are found under each key: one that has some must stay in the ring."""
        with store_errors():
            return [KeyUse(**row) for row in await self.pool.fetch(_BY_KEY)]

    async def unlock(self, policy: str, over: Counts, key: str) -> int:
        """Forget the failed tries that count under a key; how many there were."""
        with store_errors():
            done = await self.pool.execute(_UNLOCK, policy, over.value, key)
        return int(done.rpartition(" ")[2])

    async def alerts(self, *, everything: bool = False, limit: int = 100) -> list[AlertRow]:
        """Alerts nobody has acknowledged, or all; the newest first."""
        with store_errors():
            return [AlertRow(**row) for row in await self.pool.fetch(_ALERTS, everything, limit)]

    async def acknowledge(self, ids: Sequence[int] | None, *, now: datetime) -> int:
        """Mark alerts as seen, all of them without ids; how many were new."""
        with store_errors():
            wanted = None if ids is None else list(ids)
            done = await self.pool.execute(_ACKNOWLEDGE, wanted, now)
        return int(done.rpartition(" ")[2])

    async def audit(
        self,
        *,
        since: datetime,
        policy: str = "",
        customer: str = "",
        calling: str = "",
        answer: PinAnswer | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Verdicts, the newest first."""
        wanted = (policy, customer, calling, answer.value if answer else "", since, limit)
        with store_errors():
            rows: list[asyncpg.Record] = await self.pool.fetch(_AUDIT, *wanted)
        return [AuditRow(**row) for row in rows]
