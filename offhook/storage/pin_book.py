"""The vault and the ledger of PINs for one verdict, in one transaction under the policy's lock.

Two verdicts of a policy are never made at the same time, so a hundred tries that arrive together
get as many real verdicts as the limits allow and not one more. Every verdict runs the same
statements, whatever it is: what takes time (argon2id) happens before the lock is taken.
"""

import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from ivr.machine_words import PinAnswer, SecretRef
from ivr.pin import Attempt, Counts, Failures, PinPolicy, PinRecord, Verdict
from offhook.logging import mask_numbers
from offhook.storage.pool import Connection, Pool, store_errors

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('pin policy ' || $1, 13))"
_EARLIER = """
SELECT answer, reason, customer, failed, locked_until FROM pin_attempts WHERE ref = $1
"""
_REDEEM = "DELETE FROM ivr_secrets WHERE ref = $1 AND expires_at > $2 RETURNING true"
_FIND = """
SELECT id, customer, lookup, key_id, valid_from, valid_until, callers,
    revoked_at IS NOT NULL AS revoked
FROM pins WHERE policy = $1 AND lookup = ANY($2::bytea[])
"""
_FAILURES = """
SELECT k.over, ARRAY(
    SELECT f.at FROM pin_failures f
    WHERE f.policy = $1 AND f.over = k.over AND f.key = k.key AND f.at > $4
    ORDER BY f.at DESC LIMIT k.most
) AS times
FROM unnest($2::text[], $3::text[], $5::int[]) AS k(over, key, most)
"""
_RECORD = """
WITH attempt AS (
    INSERT INTO pin_attempts
        (at, policy, ref, call, calling, typed_customer, customer, answer, reason, failed,
        locked_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
), counted AS (
    INSERT INTO pin_failures (policy, over, key, at, attempt_id)
    SELECT $2, k.over, k.key, $1, attempt.id
    FROM attempt, unnest($12::text[], $13::text[]) AS k(over, key) WHERE $10
), alerted AS (
    INSERT INTO pin_alerts (at, policy, over, who)
    SELECT $1, $2, k.over, k.who FROM unnest($14::text[], $15::text[]) AS k(over, who)
)
UPDATE pins SET used_at = $1, key_id = $17, lookup = $18 WHERE id = $16
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a PIN is found by under one key of the ring."""

    key_id: str
    value: bytes


@dataclass
class PinBook:
    """Implements `ivr.pin.PinVault` and `ivr.pin.PinLedger` on a connection of its caller's."""

    connection: Connection
    name: str
    policy: PinPolicy
    reference: SecretRef
    ref: str
    """The reference as tables know it."""
    lookups: Sequence[Lookup]
    """Of what was typed, the active key's first."""
    now: datetime
    redeemed: bool = field(default=False, init=False)
    _found: asyncpg.Record | None = field(default=None, init=False)

    async def earlier(self) -> Verdict | None:
        """The verdict that this reference has had already."""
        row = await self.connection.fetchrow(_EARLIER, self.ref)
        if row is None:
            return None
        return Verdict(**(dict(row) | {"answer": PinAnswer(row["answer"])}))

    async def match(self, reference: SecretRef, *, customer: str | None) -> PinRecord | None:
        """Redeem the reference and tell whose PIN it is; `redeemed` tells if there was one.

        With customer numbers, the number is in the salt of the lookup, so that a PIN is found
        with its own customer only.
        """
        if reference != self.reference:
            raise ValueError("this book was opened for another reference")
        self.redeemed = bool(await self.connection.fetchval(_REDEEM, self.ref, self.now))
        values = [one.value for one in self.lookups]
        rows = await self.connection.fetch(_FIND, self.name, values)
        for row in rows:
            for value in values:
                if hmac.compare_digest(row["lookup"], value):
                    self._found = row
        if not self.redeemed or self._found is None:
            return None
        return _record(self._found)

    async def failures(self, attempt: Attempt, since: datetime) -> Sequence[Failures]:
        """The newest failures since then under each key, as many as any limit counts."""
        keys = _keys(attempt)
        most = [self._most(over) for over, _ in keys]
        rows = await self.connection.fetch(
            _FAILURES, self.name, [k for k, _ in keys], [k for _, k in keys], since, most
        )
        return [Failures(over=Counts(row["over"]), at=tuple(row["times"])) for row in rows]

    async def record(self, attempt: Attempt, verdict: Verdict, at: datetime) -> None:
        """Write the audit row, what counts from now on, and the alerts; all or nothing."""
        keys = _keys(attempt)
        used = self._found if verdict.answer is PinAnswer.ok else None
        active = self.lookups[0]
        await self.connection.execute(
            _RECORD,
            at,
            self.name,
            self.ref,
            attempt.call,
            attempt.calling,
            attempt.customer,
            verdict.customer,
            verdict.answer.value,
            verdict.reason,
            verdict.failed,
            verdict.locked_until,
            [over for over, _ in keys],
            [key for _, key in keys],
            [over.value for over in verdict.alerts],
            [masked_key(over, attempt.key(over)) for over in verdict.alerts],
            None if used is None else used["id"],
            active.key_id,
            active.value,
        )

    def _most(self, over: Counts) -> int:
        return max((one.failures for one in self.policy.limits if one.over is over), default=0)


@asynccontextmanager
async def open_book(
    pool: Pool,
    *,
    name: str,
    policy: PinPolicy,
    reference: SecretRef,
    ref: str,
    lookups: Sequence[Lookup],
    now: datetime,
) -> AsyncIterator[PinBook]:
    """A book under the policy's lock; what was written counts when the block ends well."""
    with store_errors():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, name)
            yield PinBook(connection, name, policy, reference, ref, lookups, now)


def masked_key(over: Counts, key: str | None) -> str:
    """Whom an alert is about, as far as it may be told: a number by its last two digits."""
    text = key or ""
    if over is Counts.caller and any(map(str.isdigit, text)):
        return f"…{text[-2:]}"
    return mask_numbers(text)


def _keys(attempt: Attempt) -> list[tuple[Counts, str]]:
    return [(over, key) for over in Counts if (key := attempt.key(over)) is not None]


def _record(row: asyncpg.Record) -> PinRecord:
    return PinRecord(
        customer=row["customer"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        callers=frozenset(row["callers"]),
        revoked=row["revoked"],
    )
