"""The journal for those who replay it.

A journal is read in pages by its key, so that an audit of a week's campaign neither holds a
transaction open nor fills memory. Its older part may be packed (`offhook.storage.retention`): what
is read is the same.
"""

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from activities.ports import JournalEntry
from dialer.model import CampaignId
from offhook.storage.pool import Pool, store_errors

PAGE = 1_000

_EPOCHS = """
SELECT epoch, sum(entries)::bigint AS entries, min(first_at) AS first_at, max(last_at) AS last_at
FROM (
    SELECT epoch, count(*) AS entries, min(at) AS first_at, max(at) AS last_at
    FROM journal WHERE campaign_id = $1 AND shard = $2 GROUP BY epoch
    UNION ALL
    SELECT epoch, entries, first_at, last_at FROM journal_packs
    WHERE campaign_id = $1 AND shard = $2
) AS parts GROUP BY epoch ORDER BY epoch
"""

_PACK = """
SELECT last_seq, data FROM journal_packs
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 AND last_seq > $4 ORDER BY first_seq LIMIT 1
"""

_ENTRIES = """
SELECT seq, at, event, commands, inbox_id FROM journal
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 AND seq > $4 ORDER BY seq LIMIT $5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The journal of one holder of a campaign's lease."""

    epoch: int
    entries: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Journals:
    """Reads journals."""

    pool: Pool

    async def epochs(self, campaign: CampaignId, *, shard: int = 0) -> list[Epoch]:
        """The campaign's journals, oldest first: each is replayed by an engine of its own."""
        with store_errors():
            rows = await self.pool.fetch(_EPOCHS, campaign, shard)
        return [Epoch(**dict(row)) for row in rows]

    async def entries(
        self, campaign: CampaignId, *, epoch: int, shard: int = 0
    ) -> AsyncIterator[JournalEntry]:
        """One journal from its first entry on, packed or not."""
        last = 0
        while True:
            page = await self._page(campaign, shard, epoch, last)
            if not page:
                return
            for entry in page:
                yield entry
            last = page[-1].seq

    async def _page(
        self, campaign: CampaignId, shard: int, epoch: int, last: int
    ) -> Sequence[JournalEntry]:
        """The entries that follow. Rows are packed from the first on: a pack comes before any row,
        and both are looked at together, as a page may be packed while it is read.
        """
        with store_errors():
            async with (
                self.pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                pack = await connection.fetchrow(_PACK, campaign, shard, epoch, last)
                if pack is None:
                    rows = await connection.fetch(_ENTRIES, campaign, shard, epoch, last, PAGE)
                    return [JournalEntry(**dict(row)) for row in rows]
        return [entry for entry in unpacked(pack["data"]) if entry.seq > last]


def packed(entries: Sequence[JournalEntry]) -> bytes:
    """Entries as one piece; `unpacked` gives back every byte of them."""
    rows = [
        (entry.seq, entry.at, entry.event.decode(), entry.commands.decode(), entry.inbox_id)
        for entry in entries
    ]
    return zlib.compress(orjson.dumps(rows), level=6)


def unpacked(data: bytes) -> list[JournalEntry]:
    """The entries in a pack."""
    return [
        JournalEntry(
            seq=seq,
            at=datetime.fromisoformat(at),
            event=event.encode(),
            commands=commands.encode(),
            inbox_id=inbox_id,
        )
        for seq, at, event, commands, inbox_id in orjson.loads(zlib.decompress(data))
    ]
