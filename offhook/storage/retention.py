"""The end of what has been kept long enough.

Journals are by far the most of what a day leaves behind, and nobody reads them but an audit. So
a journal to which nothing is added any more is packed first, a thousand entries to a row and
compressed, which loses nothing; much later it is deleted, whole epochs at a time, since half of one
can't be replayed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activities.contracts import Pruned
from activities.ports import JournalEntry
from offhook.settings import RetentionSettings
from offhook.storage.journal import packed
from offhook.storage.pool import Pool, store_errors

BATCH = 5_000
"""Rows that one deletion takes, so that it never holds a live call up."""
PACK = 1_000

EraseRecordings = Callable[[datetime, bool], Awaitable[int]]

# An epoch is over when somebody else has the lease, or when its campaign has ended or is gone.
_OVER = """
FROM {source} j
LEFT JOIN campaigns c ON c.id = j.campaign_id
LEFT JOIN leases l ON l.campaign_id = j.campaign_id AND l.shard = j.shard
GROUP BY j.campaign_id, j.shard, j.epoch, c.ended_at, c.id, l.epoch
HAVING max(j.{at}) < $1 AND (c.id IS NULL OR c.ended_at IS NOT NULL OR j.epoch < l.epoch)
"""
_OLD_EPOCHS = "SELECT j.campaign_id, j.shard, j.epoch, count(*) AS entries" + _OVER.format(
    source="journal", at="at"
)
_OLD_PACKS = "SELECT j.campaign_id, j.shard, j.epoch, sum(j.entries)::bigint AS entries" + (
    _OVER.format(source="journal_packs", at="last_at")
)

_FIRST = """
SELECT seq, at, event, commands, inbox_id FROM journal
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 ORDER BY seq LIMIT $4
"""
_WRITE_PACK = """
INSERT INTO journal_packs
    (campaign_id, shard, epoch, first_seq, last_seq, entries, first_at, last_at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_DELETE_PACKED = """
DELETE FROM journal WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 AND seq <= $4
"""
_DELETE_ENTRIES = """
DELETE FROM journal WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journal WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 LIMIT $4
))
"""
_DELETE_PACKS = "DELETE FROM journal_packs WHERE campaign_id = $1 AND shard = $2 AND epoch = $3"

# What a campaign that may still dial has not read stays. The cursor of one that has ended, or of a
# channel that nobody reads, holds nothing back.
_READ = """
FROM inbox i WHERE i.received_at < $1 AND NOT EXISTS (
    SELECT FROM leases l JOIN campaigns c ON c.id = l.campaign_id
    WHERE c.ended_at IS NULL AND (l.cursors ->> i.channel)::bigint < i.id
)
"""
_COUNT_INBOX = f"SELECT count(*) {_READ}"
_DELETE_INBOX = f"""
DELETE FROM inbox WHERE (channel, id) IN (SELECT i.channel, i.id {_READ} LIMIT $2)
"""  # noqa: S608 - ours

_REFUSED = """
FROM import_refusals r JOIN imports i ON i.id = r.import_id WHERE i.ended_at < $1
"""
_COUNT_REFUSED = f"SELECT count(*) {_REFUSED}"
_DELETE_REFUSED = f"DELETE FROM import_refusals WHERE id IN (SELECT r.id {_REFUSED} LIMIT $2)"  # noqa: S608 - ours

# A session whose end nobody wrote is over too after so long.
_SESSIONS = """
FROM ivr_sessions s WHERE COALESCE(s.ended_at, s.started_at + interval '2 days') < $1
"""
_COUNT_SESSIONS = f"SELECT count(*) {_SESSIONS}"
_DELETE_SESSIONS = f"DELETE FROM ivr_sessions WHERE id IN (SELECT s.id {_SESSIONS} LIMIT $2)"  # noqa: S608 - ours
_DELETE_OFFERS = """
DELETE FROM agent_offer_log WHERE id IN (
    SELECT id FROM agent_offer_log WHERE offered_at < $1 LIMIT $2
)
"""

# What a lock may still be counted from is no older than the longest limit of any policy.
_VERDICTS = """
FROM pin_attempts a WHERE a.at < $1::timestamptz - (
    SELECT COALESCE(max((one ->> 'within')::interval + (one ->> 'lock')::interval), interval '0')
    FROM pin_policies, jsonb_array_elements(policy -> 'limits') AS one
)
"""
_COUNT_VERDICTS = f"SELECT count(*) {_VERDICTS}"
_DELETE_VERDICTS = f"DELETE FROM pin_attempts WHERE id IN (SELECT a.id {_VERDICTS} LIMIT $2)"  # noqa: S608 - ours
_ALERTS = "FROM pin_alerts a WHERE a.acknowledged_at < $1"
_COUNT_ALERTS = f"SELECT count(*) {_ALERTS}"
_DELETE_ALERTS = f"DELETE FROM pin_alerts WHERE id IN (SELECT a.id {_ALERTS} LIMIT $2)"  # noqa: S608 - ours
_DELETE_SECRETS = """
DELETE FROM ivr_secrets WHERE ref IN (SELECT ref FROM ivr_secrets WHERE expires_at < $1 LIMIT $2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long each kind of row is kept; None is for ever."""

    journal: timedelta | None
    unpacked: timedelta | None
    """Journals are packed after this."""
    inbox: timedelta | None
    import_refusals: timedelta | None
    ivr_sessions: timedelta | None = None
    pin_audit: timedelta | None = None


def keep_by(settings: RetentionSettings) -> Keep:
    """What the settings say; 0 days are for ever."""

    def kept(days: float) -> timedelta | None:
        return timedelta(days=days) if days else None

    return Keep(
        journal=kept(settings.journal_days),
        unpacked=kept(settings.journal_pack_days),
        inbox=kept(settings.inbox_days),
        import_refusals=kept(settings.import_refusals_days),
        ivr_sessions=kept(settings.ivr_sessions_days),
        pin_audit=kept(settings.pin_audit_days),
    )


@dataclass(frozen=True)
class Retention:
    """Packs and deletes, a little at a time; safe to repeat, and to interrupt anywhere."""

    pool: Pool
    keep: Keep
    alive: Callable[[], object] = lambda: None
    """Called after each little."""
    erase_recordings: EraseRecordings | None = None
    """Deletes the files whose time is over, or counts them; the number of them."""

    async def prune(self, *, now: datetime, dry_run: bool = False) -> Pruned:
        """Remove and pack what is older than it is kept; with `dry_run` only count it."""
        keep = self.keep
        with store_errors():
            removed = await self._remove_journals(keep.journal, now, dry_run)
            return Pruned(
                journal_removed=removed,
                journal_packed=await self._pack_journals(keep, now, dry_run),
                inbox_removed=await self._remove(
                    _COUNT_INBOX, _DELETE_INBOX, keep.inbox, now, dry_run
                ),
                import_refusals_removed=await self._remove(
                    _COUNT_REFUSED, _DELETE_REFUSED, keep.import_refusals, now, dry_run
                ),
                recordings_removed=0
                if self.erase_recordings is None
                else await self.erase_recordings(now, dry_run),
                ivr_sessions_removed=await self._remove_sessions(keep.ivr_sessions, now, dry_run),
                pin_audit_removed=await self._remove_pin_audit(keep.pin_audit, now, dry_run),
                dry_run=dry_run,
            )

    async def _remove_sessions(self, kept: timedelta | None, now: datetime, dry_run: bool) -> int:
        """Sessions with all that is theirs; what was typed and never asked for goes at once."""
        if not dry_run:
            await self._until_none(_DELETE_SECRETS, now)
            if kept is not None:
                await self._until_none(_DELETE_OFFERS, now - kept)
        return await self._remove(_COUNT_SESSIONS, _DELETE_SESSIONS, kept, now, dry_run)

    async def _remove_pin_audit(self, kept: timedelta | None, now: datetime, dry_run: bool) -> int:
        verdicts = await self._remove(_COUNT_VERDICTS, _DELETE_VERDICTS, kept, now, dry_run)
        return verdicts + await self._remove(_COUNT_ALERTS, _DELETE_ALERTS, kept, now, dry_run)

    async def _remove_journals(self, kept: timedelta | None, now: datetime, dry_run: bool) -> int:
        if kept is None:
            return 0
        total = 0
        for *key, entries in await self.pool.fetch(_OLD_PACKS, now - kept):
            total += entries
            if not dry_run:
                await self.pool.execute(_DELETE_PACKS, *key)
                self.alive()
        for *key, entries in await self.pool.fetch(_OLD_EPOCHS, now - kept):
            total += entries if dry_run else await self._until_none(_DELETE_ENTRIES, *key)
        return total

    async def _pack_journals(self, keep: Keep, now: datetime, dry_run: bool) -> int:
        if keep.unpacked is None:
            return 0
        total = 0
        gone = None if keep.journal is None or not dry_run else now - keep.journal
        removable = set()
        if gone is not None:
            removable = {tuple(key) for *key, _ in await self.pool.fetch(_OLD_EPOCHS, gone)}
        for *key, entries in await self.pool.fetch(_OLD_EPOCHS, now - keep.unpacked):
            if dry_run:
                total += 0 if tuple(key) in removable else entries
                continue
            while packed_now := await self._pack_some(key):
                total += packed_now
                self.alive()
        return total

    async def _pack_some(self, key: list[Any]) -> int:
        """Move the first entries of an epoch into a pack, both in one transaction."""
        async with self.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_FIRST, *key, PACK)
            if not rows:
                return 0
            entries = [JournalEntry(**dict(row)) for row in rows]
            first, last = entries[0], entries[-1]
            await connection.execute(
                _WRITE_PACK,
                *key,
                first.seq,
                last.seq,
                len(entries),
                min(entry.at for entry in entries),
                max(entry.at for entry in entries),
                packed(entries),
            )
            await connection.execute(_DELETE_PACKED, *key, last.seq)
            return len(entries)

    async def _remove(
        self, count: str, delete: str, kept: timedelta | None, now: datetime, dry_run: bool
    ) -> int:
        if kept is None:
            return 0
        if dry_run:
            return int(await self.pool.fetchval(count, now - kept))
        return await self._until_none(delete, now - kept)

    async def _until_none(self, statement: str, *arguments: object) -> int:
        total = 0
        while True:
            deleted = int((await self.pool.execute(statement, *arguments, BATCH)).split()[-1])
            total += deleted
            self.alive()
            if deleted < BATCH:
                return total
