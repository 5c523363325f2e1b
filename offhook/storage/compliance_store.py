"""Do-not-call lists: entries for all campaigns or one, for a number or a prefix, with an expiry.

A change counts at once: the record refuses every call from the moment of its commit, and engines
that hold a contact none of whose numbers may be called any more are told to drop it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.ports import campaign_channel
from dialer.events import ContactRemoved
from dialer.model import CampaignId, ContactId
from offhook.change_notes import note_change, notes_kept
from offhook.storage.inbox import post_on
from offhook.storage.pool import Connection, Pool, store_errors

BATCH = 20_000
"""Entries that one transaction of an import takes."""

_ADD = """
INSERT INTO do_not_call (number, scope, is_prefix, source, added_at, expires_at)
SELECT x.number, $2, $3, $4, $5, $6 FROM unnest($1::text[]) AS x(number)
ON CONFLICT (number, scope) DO UPDATE SET is_prefix = EXCLUDED.is_prefix OR do_not_call.is_prefix,
    source = EXCLUDED.source,
    expires_at = CASE WHEN EXCLUDED.expires_at IS NULL OR do_not_call.expires_at IS NULL THEN NULL
        ELSE GREATEST(EXCLUDED.expires_at, do_not_call.expires_at) END
"""
_CHANGE = """
INSERT INTO do_not_call_changes (at, action, scope, source, entries, fingerprint, is_prefix)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING version
"""
_REMOVE = "DELETE FROM do_not_call WHERE number = $1 AND scope = $2"
_LIST = """
SELECT number, scope, is_prefix, source, added_at, expires_at FROM do_not_call
WHERE ($1::text IS NULL OR scope = $1) AND number > $2 ORDER BY number, scope LIMIT $3
"""
_SAME = """
SELECT number, scope, is_prefix, source, added_at, expires_at FROM do_not_call
WHERE number = ANY($1::text[]) AND scope = $2 ORDER BY number
"""
_CHECK = """
SELECT number, scope, is_prefix, source, added_at, expires_at FROM do_not_call d
WHERE d.number = ANY (ARRAY(SELECT left($1, n) FROM generate_series(2, length($1)) AS n))
    AND (d.is_prefix OR d.number = $1) ORDER BY length(d.number) DESC, d.scope
"""
_VERSION = "SELECT COALESCE(max(version), 0) FROM do_not_call_changes WHERE at <= $1"

# Contacts in the hands of an engine who have a number that is listed now and none that isn't.
_HELD = """
SELECT c.id, c.campaign_id FROM contacts c
WHERE c.state IN ('claimed', 'dialing') AND ($3 = '' OR c.campaign_id = $3)
    AND EXISTS (SELECT FROM numbers n WHERE n.contact_id = c.id AND CASE WHEN $2
        THEN EXISTS (
            SELECT FROM unnest($1::text[]) AS p(prefix) WHERE starts_with(n.number, prefix))
        ELSE n.number = ANY($1::text[]) END)
    AND NOT EXISTS (SELECT FROM numbers n WHERE n.contact_id = c.id AND NOT EXISTS (
        SELECT FROM generate_series(2, length(n.number)) AS i
        JOIN do_not_call d ON d.number = left(n.number, i)
        WHERE (d.is_prefix OR d.number = n.number) AND d.scope IN ('', c.campaign_id)
            AND (d.expires_at IS NULL OR d.expires_at > $4)))
"""


class Entry(BaseModel):
    """One entry of a do-not-call list."""

    model_config = ConfigDict(frozen=True)

    number: str
    scope: str = ""
    """A campaign's id; empty for all campaigns."""
    is_prefix: bool = False
    source: str = ""
    added_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class Change(NamedTuple):
    """What a change did."""

    entries: int
    version: int
    told: int
    """Contacts that engines were told to drop."""


@dataclass(frozen=True)
class DoNotCall:
    """Adds, removes, looks up."""

    pool: Pool

    async def add(
        self,
        numbers: Sequence[str],
        *,
        now: datetime,
        scope: str = "",
        source: str = "",
        is_prefix: bool = False,
        expires_at: datetime | None = None,
        action: str = "add",
    ) -> Change:
        """List numbers (E.164), or prefixes of them; an entry that is there never gets shorter."""
        before = await self._noted(numbers, scope)
        done = await self._add(
            numbers, now, scope, source, is_prefix, expires_at, action=action, fingerprint=""
        )
        _note(scope, before, await self._noted(numbers, scope))
        return done

    async def import_(
        self,
        numbers: Iterable[str],
        *,
        now: datetime,
        scope: str = "",
        source: str,
        expires_at: datetime | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Change:
        """List the numbers of a file, some at a time; safe to repeat, and to interrupt anywhere."""
        total = told = version = 0
        digest = hashlib.sha256()
        for batch in _batches(numbers):
            digest.update("\n".join(batch).encode())
            done = await self._add(
                batch, now, scope, source, False, expires_at, action="import",
                fingerprint=digest.hexdigest(),
            )  # fmt: skip
            total, told, version = total + done.entries, told + done.told, done.version
            progress(total)
        return Change(total, version, told)

    async def remove(self, number: str, *, scope: str = "", now: datetime) -> bool:
        """Take an entry off; whether there was one."""
        before = await self._noted((number,), scope)
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                gone = str(await connection.execute(_REMOVE, number, scope)) != "DELETE 0"
                if gone:
                    await connection.fetchval(_CHANGE, now, "remove", scope, "", 1, "", False)
        if gone:
            _note(scope, before, ())
        return gone

    async def entries(
        self, *, scope: str | None = None, after: str = "", limit: int = 100
    ) -> list[Entry]:
        """Entries in order of number, from behind `after`."""
        with store_errors():
            rows = await self.pool.fetch(_LIST, scope, after, limit)
        return [Entry(**dict(row)) for row in rows]

    async def check(self, number: str) -> list[Entry]:
        """Every entry that a number falls under, of any campaign, expired ones included."""
        with store_errors():
            rows = await self.pool.fetch(_CHECK, number)
        return [Entry(**dict(row)) for row in rows]

    async def version(self, at: datetime) -> int:
        """Which state the lists were in at an instant; 0 before the first change."""
        with store_errors():
            return int(await self.pool.fetchval(_VERSION, at))

    async def _noted(self, numbers: Sequence[str], scope: str) -> Sequence[Entry]:
        """The entries of just these numbers and prefixes, where somebody wants to know."""
        if notes_kept() is None:
            return ()
        with store_errors():
            rows = await self.pool.fetch(_SAME, sorted(set(numbers)), scope)
        return [Entry(**dict(row)) for row in rows]

    async def _add(
        self,
        numbers: Sequence[str],
        now: datetime,
        scope: str,
        source: str,
        is_prefix: bool,
        expires_at: datetime | None,
        *,
        action: str,
        fingerprint: str,
    ) -> Change:
        unique = sorted(set(numbers))
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(_ADD, unique, scope, is_prefix, source, now, expires_at)
                version = await connection.fetchval(
                    _CHANGE, now, action, scope, source, len(unique), fingerprint, is_prefix
                )
                held = await connection.fetch(_HELD, unique, is_prefix, scope, now)
                for row in held:
                    await _drop(connection, row["campaign_id"], row["id"], version, now)
        return Change(len(unique), version, len(held))


def _note(scope: str, before: Sequence[Entry], after: Sequence[Entry]) -> None:
    kept = [[one.model_dump(mode="json") for one in entries] for entries in (before, after)]
    note_change(f"dnc/{scope}".rstrip("/"), {"entries": kept[0]}, {"entries": kept[1]})


async def _drop(
    connection: Connection, campaign: str, contact: int, version: int, now: datetime
) -> None:
    removed = ContactRemoved(contact_id=ContactId(str(contact)), reason="do_not_call")
    channel = campaign_channel(CampaignId(campaign))
    await post_on(connection, channel, removed, key=f"dnc-{version}-{contact}", now=now)


def _batches(numbers: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(numbers)
    while batch := list(islice(rest, BATCH)):
        yield batch
