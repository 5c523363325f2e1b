"""Policies of PINs by name."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from ivr.pin import PinPolicy
from offhook.storage.pool import Connection, Pool, store_errors

DEFAULT = "default"
SALT_BYTES = 16

_ALL = "SELECT name, policy, salt, changed_at FROM pin_policies ORDER BY name"
_FIND = "SELECT name, policy, salt, changed_at FROM pin_policies WHERE name = $1"
_MAKE = """
INSERT INTO pin_policies (name, policy, salt, changed_at) VALUES ($1, $2::jsonb, $3, $4)
ON CONFLICT (name) DO NOTHING
"""
_CHANGE = "UPDATE pin_policies SET policy = $2::jsonb, changed_at = $3 WHERE name = $1"


@dataclass(frozen=True)
class StoredPolicy:
    """A policy and the salt of its PINs."""

    name: str
    policy: PinPolicy
    salt: bytes
    changed_at: datetime | None = None
    is_missing: bool = False

    @classmethod
    def missing(cls, name: str) -> "StoredPolicy":
        """What is worked with where a tree names a policy that nobody made: finds nothing."""
        return cls(name, PinPolicy(), bytes(SALT_BYTES), is_missing=True)


@dataclass(frozen=True)
class PinPolicies:
    """Reads and writes policies; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def all(self) -> Sequence[StoredPolicy]:
        """Every policy, by name."""
        with store_errors():
            return [_stored(row) for row in await self.pool.fetch(_ALL)]

    async def find(self, name: str) -> StoredPolicy | None:
        """The policy of this name."""
        with store_errors():
            row = await self.pool.fetchrow(_FIND, name)
        return None if row is None else _stored(row)

    async def make(self, name: str, policy: PinPolicy, *, now: datetime) -> StoredPolicy:
        """Store a new policy with a salt of its own; one that exists stays as it is."""
        row = (name, policy.model_dump_json(), secrets.token_bytes(SALT_BYTES), now)
        with store_errors():
            await self.pool.execute(_MAKE, *row)
        found = await self.find(name)
        if found is None:
            raise RuntimeError(f"the PIN policy {name} was deleted while it was made")
        return found


async def change_policy(
    connection: Connection, name: str, policy: PinPolicy, *, now: datetime
) -> None:
    """Replace what a policy says, within a transaction of the caller's; the salt stays."""
    await connection.execute(_CHANGE, name, policy.model_dump_json(), now)


def _stored(row: asyncpg.Record) -> StoredPolicy:
    return StoredPolicy(
        name=row["name"],
        policy=PinPolicy.model_validate_json(row["policy"]),
        salt=row["salt"],
        changed_at=row["changed_at"],
    )
