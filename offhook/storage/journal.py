"""The journal for those who replay it, and the end of what has been kept long enough.

A journal is read in pages by its key, so that an audit of a week's campaign neither holds a
transaction open nor fills memory.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from activities.ports import JournalEntry
from dialer.model import CampaignId
from offhook.storage.pool import Pool, store_errors

PAGE = 1_000
BATCH = 5_000
"""Rows that one deletion takes, so that it never holds a live call up."""

_EPOCHS = """
SELECT epoch, count(*) AS entries, min(at) AS first_at, max(at) AS last_at
FROM journal WHERE campaign_id = $1 AND shard = $2 GROUP BY epoch ORDER BY epoch
"""

_ENTRIES = """
SELECT seq, at, event, commands, inbox_id FROM journal
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 AND seq > $4 ORDER BY seq LIMIT $5
"""

# A whole epoch goes or stays: half of one can't be replayed. So does the newest of a campaign that
# is not over, however old.
_OLD_EPOCHS = """
SELECT j.campaign_id, j.shard, j.epoch FROM journal j
LEFT JOIN campaigns c ON c.id = j.campaign_id
LEFT JOIN leases l ON l.campaign_id = j.campaign_id AND l.shard = j.shard
GROUP BY j.campaign_id, j.shard, j.epoch, c.ended_at, c.id, l.epoch
HAVING max(j.at) < $1 AND (c.id IS NULL OR c.ended_at IS NOT NULL OR j.epoch < l.epoch)
"""

_DELETE_ENTRIES = """
DELETE FROM journal WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journal WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 LIMIT $4
))
"""

# What a campaign that may still dial has not read stays. The cursor of one that has ended, or of a
# channel that nobody reads, holds nothing back.
_DELETE_INBOX = """
DELETE FROM inbox WHERE id IN (
    SELECT i.id FROM inbox i WHERE i.received_at < $1 AND NOT EXISTS (
        SELECT FROM leases l JOIN campaigns c ON c.id = l.campaign_id
        WHERE c.ended_at IS NULL AND (l.cursors ->> i.channel)::bigint < i.id
    ) LIMIT $2
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The journal of one holder of a campaign's lease."""

    epoch: int
    entries: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How many rows a clean-up took away."""

    journal: int
    inbox: int


@dataclass(frozen=True)
class Journals:
    """Reads journals, and clears away what is older than it needs to be."""

    pool: Pool

    async def epochs(self, campaign: CampaignId, *, shard: int = 0) -> list[Epoch]:
        """The campaign's journals, oldest first: each is replayed by an engine of its own."""
        with store_errors():
            rows = await self.pool.fetch(_EPOCHS, campaign, shard)
        return [Epoch(**dict(row)) for row in rows]

    async def entries(
        self, campaign: CampaignId, *, epoch: int, shard: int = 0
    ) -> AsyncIterator[JournalEntry]:
        """One journal from its first entry on."""
        last = 0
        while True:
            with store_errors():
                rows = await self.pool.fetch(_ENTRIES, campaign, shard, epoch, last, PAGE)
            for row in rows:
                yield JournalEntry(**dict(row))
            if len(rows) < PAGE:
                return
            last = rows[-1]["seq"]

    async def remove(self, *, before: datetime) -> Removed:
        """Delete journals and inbox rows from before an instant, in batches; may be repeated."""
        journal = 0
        with store_errors():
            for row in await self.pool.fetch(_OLD_EPOCHS, before):
                journal += await self._until_none(_DELETE_ENTRIES, *row.values())
            inbox = await self._until_none(_DELETE_INBOX, before)
        return Removed(journal=journal, inbox=inbox)

    async def _until_none(self, statement: str, *arguments: object) -> int:
        total = 0
        while True:
            deleted = int((await self.pool.execute(statement, *arguments, BATCH)).split()[-1])
            total += deleted
            if deleted < BATCH:
                return total
