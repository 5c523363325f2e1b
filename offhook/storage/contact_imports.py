"""Contact files on their way into a campaign's list: one batch, one transaction, counted once.

A number is in a list once. Who is there already is found before a batch is copied in, under a lock
on the list, so that two imports at once can't both miss him.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
import orjson

from activities.contracts import ImportInput, ImportResult
from activities.imports import ImportBegun, Merged
from activities.ports import StoreUnavailable, campaign_channel
from dialer.contacts_csv import Batch, ParsedContact, ParsedNumber
from dialer.events import ContactsAdded
from dialer.model import CampaignId
from dialer.rejections import CampaignUnknown
from offhook.storage.inbox import post_on
from offhook.storage.pool import store_errors
from offhook.storage.sifting import sift_new
from offhook.storage.tables import ImportState

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

Fresh = tuple[ParsedContact, tuple[ParsedNumber, ...]]

LIST_NAME = "imported"
MAX_ERROR = 500

_LIST = """
INSERT INTO lists (campaign_id, name, created_at) SELECT id, $2, $3 FROM campaigns WHERE id = $1
ON CONFLICT (campaign_id, name) DO UPDATE SET name = excluded.name RETURNING id
"""
_BEGIN = """
INSERT INTO imports (id, list_id, campaign_id, source, started_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET state = 'running', error = '', ended_at = NULL
RETURNING checkpoint, accepted, duplicates, fingerprint
"""
_LIST_OF = "SELECT id FROM lists WHERE campaign_id = $1 AND name = $2"
_LOCK = """
SELECT i.checkpoint, i.list_id, i.campaign_id
FROM imports i JOIN lists l ON l.id = i.list_id WHERE i.id = $1 FOR UPDATE
"""
# The next batch need not wait for the disk: the checkpoint is lost together with its batch, which
# is noticed, and the end of an import waits for all that came before.
_DONT_WAIT = "SET LOCAL synchronous_commit = off"
_KNOWN = "SELECT number FROM numbers WHERE list_id = $1 AND number = ANY($2::text[])"
_IDS = "SELECT nextval(pg_get_serial_sequence('contacts', 'id')) FROM generate_series(1, $1)"
_STEP = """
UPDATE imports SET checkpoint = $2, fingerprint = $3, rows = $4, accepted = accepted + $5,
    refused = refused + $6, duplicates = duplicates + $7
WHERE id = $1
"""
_END = """
UPDATE imports SET state = $2, error = $3, ended_at = $4 WHERE id = $1 RETURNING campaign_id
"""
_CONTACTS = (
    "id", "campaign_id", "list_id", "external_id", "name", "attributes", "priority", "due_at",
)  # fmt: skip
_NUMBERS = ("contact_id", "position", "list_id", "number", "zones", "label")
_REFUSALS = ("import_id", "line", "code", "reason", "raw")


@dataclass(frozen=True)
class PostgresContactImports:
    """Implements `activities.imports.ContactImports`."""

    pool: "asyncpg.Pool[asyncpg.Record]"

    async def begin(self, request: ImportInput, *, now: datetime) -> ImportBegun:
        """Note that an import begins, or find how far it came."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                name = request.list_name or LIST_NAME
                list_id = await connection.fetchval(_LIST, request.campaign_id, name, now)
                if list_id is None:
                    raise CampaignUnknown(request.campaign_id)
                row = await connection.fetchrow(
                    _BEGIN, request.import_id, list_id, request.campaign_id, request.ref, now
                )
        return ImportBegun(
            batches=row["checkpoint"],
            imported=row["accepted"],
            duplicates=row["duplicates"],
            fingerprint=row["fingerprint"],
        )

    async def preview(self, request: ImportInput, *, batch: Batch) -> Merged:
        """What a merge would do; writes nothing."""
        with store_errors():
            async with self.pool.acquire() as connection:
                name = request.list_name or LIST_NAME
                list_id = await connection.fetchval(_LIST_OF, request.campaign_id, name)
                fresh, listed = await self._split(connection, list_id, batch)
        return Merged(imported=len(fresh), duplicates=listed)

    async def merge(self, import_id: str, *, number: int, batch: Batch, now: datetime) -> Merged:
        """Write batch `number` once; whoever is in the list is a duplicate."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(_DONT_WAIT)
                place = await connection.fetchrow(_LOCK, import_id)
                if place["checkpoint"] >= number:
                    return Merged(imported=0, duplicates=0)
                if place["checkpoint"] < number - 1:
                    raise StoreUnavailable("the database has crashed and lost the last batches")
                fresh, listed = await self._split(connection, place["list_id"], batch)
                await self._copy(connection, place, fresh, now)
                refusals = [
                    (import_id, row.line, row.code, row.reason, list(row.raw))
                    for row in batch.refused
                ]
                await connection.copy_records_to_table(
                    "import_refusals", records=refusals, columns=_REFUSALS
                )
                await connection.execute(
                    _STEP,
                    import_id,
                    number,
                    batch.fingerprint,
                    batch.rows_seen,
                    len(fresh),
                    len(refusals),
                    listed,
                )
                if fresh:
                    await _tell(connection, place["campaign_id"], f"{import_id} {number}", now)
        return Merged(imported=len(fresh), duplicates=listed)

    async def finish(self, result: ImportResult, *, now: datetime) -> None:
        """Note that an import is complete."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                campaign = await connection.fetchval(
                    _END, result.import_id, ImportState.completed, "", now
                )
                if campaign is not None:
                    await _tell(connection, campaign, result.import_id, now)

    async def fail(self, import_id: str, *, reason: str, now: datetime) -> None:
        """Note that the file can't be imported."""
        with store_errors():
            await self.pool.execute(_END, import_id, ImportState.failed, reason[:MAX_ERROR], now)

    async def _split(
        self, connection: Connection, list_id: int | None, batch: Batch
    ) -> tuple[list[Fresh], int]:
        """Contacts with the numbers that the list doesn't have, and how many it has altogether."""
        wanted = [entry.number for contact in batch.contacts for entry in contact.numbers]
        known = {row["number"] for row in await connection.fetch(_KNOWN, list_id, wanted)}
        if not known:
            return [(contact, contact.numbers) for contact in batch.contacts], 0
        fresh = list[Fresh]()
        for contact in batch.contacts:
            numbers = tuple(entry for entry in contact.numbers if entry.number not in known)
            if numbers:
                fresh.append((contact, numbers))
        return fresh, len(batch.contacts) - len(fresh)

    async def _copy(
        self, connection: Connection, place: asyncpg.Record, fresh: Sequence[Fresh], now: datetime
    ) -> None:
        list_id, campaign = place["list_id"], place["campaign_id"]
        ids = [row[0] for row in await connection.fetch(_IDS, len(fresh))]
        await connection.copy_records_to_table(
            "contacts",
            records=[
                (
                    contact_id,
                    campaign,
                    list_id,
                    contact.external_id,
                    contact.name,
                    _attributes(contact),
                    contact.priority,
                    contact.due_at or now,
                )
                for contact_id, (contact, _) in zip(ids, fresh, strict=True)
            ],
            columns=_CONTACTS,
        )
        await connection.copy_records_to_table(
            "numbers",
            records=[
                # What the file says of a contact is better than what a prefix tells.
                (
                    contact_id,
                    position,
                    list_id,
                    entry.number,
                    [contact.zone] if contact.zone else entry.zones,
                    entry.label,
                )
                for contact_id, (contact, numbers) in zip(ids, fresh, strict=True)
                for position, entry in enumerate(numbers)
            ],
            columns=_NUMBERS,
        )
        await sift_new(connection, list_id, ids)


async def _tell(connection: Connection, campaign: str, what: str, now: datetime) -> None:
    """Have whoever dials look for more: a file's first contacts needn't wait for its last."""
    channel = campaign_channel(CampaignId(campaign))
    await post_on(connection, channel, ContactsAdded(), key=f"import {what}", now=now)


def _attributes(contact: ParsedContact) -> str:
    """The other columns, and the language under a name that none of them has."""
    attributes = dict(contact.attributes)
    if contact.language:
        attributes.setdefault("language", contact.language)
    return orjson.dumps(attributes).decode() if attributes else "{}"
