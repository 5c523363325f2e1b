"""The claim check of what a caller typed: sealed, redeemed once, gone after a minute and a half.

A reference is 128 random bits; the table knows only its hash, and the seal is bound to both. So
neither the table alone, nor a workflow's history alone, nor both together without the key ring give
a digit away.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.machine_words import SecretRef
from offhook.pins.digits import HiddenDigits
from offhook.pins.keys import PinKeys, Sealed
from offhook.storage.pool import Pool, store_errors

LIFE = timedelta(seconds=90)
"""Long enough for a worker that is killed and started again, short enough to be worth nothing."""
_REFERENCE_BYTES = 16

_KEEP = """
INSERT INTO ivr_secrets (ref, sealed, key_id, call, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_PEEK = "SELECT sealed, key_id FROM ivr_secrets WHERE ref = $1 AND expires_at > $2"
_PURGE = "DELETE FROM ivr_secrets WHERE expires_at <= $1"


def name_of(reference: SecretRef) -> str:
    """What the tables call a reference: its hash."""
    return hashlib.sha256(reference.encode()).hexdigest()


@dataclass(frozen=True)
class PostgresSecrets:
    """Implements `activities.ivr.Secrets`."""

    pool: Pool
    keys: PinKeys
    clock: Callable[[], datetime]
    life: timedelta = LIFE

    async def keep(self, digits: str, *, call: str) -> SecretRef:
        """Store what was typed and return what stands for it; purges what has expired."""
        hidden = HiddenDigits(digits)
        reference = SecretRef(secrets.token_urlsafe(_REFERENCE_BYTES))
        sealed = self.keys.seal(hidden.reveal().encode(), bound=reference.encode())
        now = self.clock()
        row = (name_of(reference), sealed.data, sealed.key_id, call, now, now + self.life)
        with store_errors():
            await self.pool.execute(_PURGE, now)
            await self.pool.execute(_KEEP, *row)
        return reference

    async def peek(self, reference: SecretRef) -> HiddenDigits | None:
        """The digits, which stay until a verdict on them is written; None once they are gone."""
        with store_errors():
            row = await self.pool.fetchrow(_PEEK, name_of(reference), self.clock())
        if row is None:
            return None
        sealed = Sealed(row["key_id"], row["sealed"])
        plain = self.keys.open(sealed, bound=reference.encode())
        return None if plain is None else HiddenDigits(plain.decode())

    async def purge(self) -> int:
        """Delete what nobody redeemed in time; how many there were."""
        with store_errors():
            done = await self.pool.execute(_PURGE, self.clock())
        return int(done.rpartition(" ")[2])
