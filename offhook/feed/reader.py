"""Reads facts behind a position, in an order that is safe to go on from.

There is no one counter over all journals: a campaign's steps are numbered by its own lease row, and
a counter shared by all would have every dial loop wait for the others. So a position holds a number
for each journal, and one for what is noted. A journal that a position doesn't name is read from the
position's time on.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from activities.ports import JournalEntry
from offhook.errors import OffhookError
from offhook.feed.facts import Fact, FactKind, Origin, of_entry
from offhook.storage.fact_log import CHANNEL
from offhook.storage.pool import Pool, store_errors

PAGE = 200
"""Entries of one journal that are read at a time."""
SLACK = timedelta(minutes=1)
"""By how much the clocks of workers may be apart, and an entry be later than the time it tells."""
MAX_TEXT = 8_000

Journal = tuple[str, int]
Place = tuple[int, int]

_HEADS = """
SELECT campaign_id, shard, epoch, seq, owner <> '' AS held FROM leases
WHERE owner <> '' OR renewed_at > now() - interval '1 day'
"""
_STARTS = """
SELECT c.campaign_id, c.shard, j.epoch, j.seq
FROM unnest($1::text[], $2::int[]) AS c(campaign_id, shard) CROSS JOIN LATERAL (
    SELECT epoch, seq FROM journal
    WHERE campaign_id = c.campaign_id AND shard = c.shard AND at <= $3
    ORDER BY epoch DESC, seq DESC LIMIT 1
) AS j
"""
_ENTRIES = """
SELECT c.campaign_id, c.shard, j.epoch, j.seq, j.at, j.event, j.commands
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) AS c(campaign_id, shard, epoch, seq)
CROSS JOIN LATERAL (
    SELECT epoch, seq, at, event, commands FROM journal
    WHERE campaign_id = c.campaign_id AND shard = c.shard AND (epoch, seq) > (c.epoch, c.seq)
    ORDER BY epoch, seq LIMIT $5
) AS j ORDER BY j.at, c.campaign_id, c.shard, j.epoch, j.seq
"""
_LAST_NOTED = "SELECT COALESCE(max(id), 0) FROM inbox WHERE channel = $1"
_NOTED = """
SELECT id, payload, received_at FROM inbox WHERE channel = $1 AND id > $2 ORDER BY id LIMIT $3
"""


class BadPosition(OffhookError):
    """A position is none that was given out here."""

    code = "position_invalid"

    def __init__(self) -> None:
        super().__init__(
            "the position is none that was given out here",
            hint="send the id of the last event that was heard, or none to begin with what is next",
        )


@dataclass(frozen=True)
class Position:
    """How far somebody has read."""

    at: datetime
    """From when on journals are read that aren't named."""
    noted: int
    journals: Mapping[Journal, Place] = field(default_factory=dict)
    held: frozenset[Journal] = frozenset()
    """Those of campaigns that dial: what `text` names."""

    def covers(self, origin: Origin) -> bool:
        """Whether a fact of there has been read; of a journal that isn't named, it has not."""
        if not origin.campaign_id:
            return origin.seq <= self.noted
        known = self.journals.get((origin.campaign_id, origin.shard))
        return known is not None and (origin.epoch, origin.seq) <= known

    def text(self) -> str:
        """The position as one word, as short as the campaigns that dial are few."""
        journals = [[*key, *self.journals[key]] for key in sorted(self.held)]
        plain = orjson.dumps([round(self.at.timestamp(), 3), self.noted, journals])
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")

    @classmethod
    def read(cls, word: str) -> "Position":
        """The position that a word says; raises `BadPosition`."""
        try:
            if len(word) > MAX_TEXT:
                raise BadPosition
            padded = word.encode() + b"=" * (-len(word) % 4)
            at, noted, journals = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
            places = {
                (str(campaign), int(shard)): (int(epoch), int(seq))
                for campaign, shard, epoch, seq in journals
            }
            return cls(
                at=datetime.fromtimestamp(float(at), UTC),
                noted=int(noted),
                journals=places,
                held=frozenset(places),
            )
        except (binascii.Error, ValueError, TypeError, OverflowError, OSError):
            raise BadPosition from None


@dataclass(frozen=True)
class Batch:
    """Facts that follow a position, in their order."""

    facts: Sequence[Fact]
    position: Position
    more: bool
    """Whether there was more than one batch holds."""


@dataclass(frozen=True)
class FactReader:
    """Reads facts; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def now(self, at: datetime) -> Position:
        """The position behind everything that there is."""
        with store_errors():
            async with self.pool.acquire() as connection:
                noted = await connection.fetchval(_LAST_NOTED, CHANNEL)
                heads = await connection.fetch(_HEADS)
        places = {_key(row): (row["epoch"], row["seq"]) for row in heads}
        return Position(at=at - SLACK, noted=noted, journals=places, held=_held(heads))

    async def read(self, after: Position, *, now: datetime) -> Batch:
        """The facts that follow; what is committed while this reads follows the next time."""
        with store_errors():
            heads = await self.pool.fetch(_HEADS)
            known = await self._known(heads, after)
            behind = [
                (key, known[key])
                for row in heads
                if known[key := _key(row)] < (row["epoch"], row["seq"])
            ]
            rows = await self._entries(behind)
            noted = await self.pool.fetch(_NOTED, CHANNEL, after.noted, PAGE)
        full = len(noted) == PAGE
        places = dict(known)
        counts: dict[Journal, int] = {}
        facts: list[Fact] = []
        for row in rows:
            key = _key(row)
            places[key] = (row["epoch"], row["seq"])
            counts[key] = counts.get(key, 0) + 1
            facts += of_entry(*key, row["epoch"], _entry(row))
        facts += [fact for row in noted if (fact := _of_note(row)) is not None]
        facts.sort(key=lambda fact: fact.at)
        more = full or any(count == PAGE for count in counts.values())
        return Batch(
            facts=facts,
            position=Position(
                at=after.at if more else max(after.at, now - SLACK),
                noted=noted[-1]["id"] if noted else after.noted,
                journals=places,
                held=_held(heads),
            ),
            more=more,
        )

    async def _known(self, heads: Sequence[Any], after: Position) -> dict[Journal, Place]:
        """Where each journal is to be read from."""
        known = {_key(row): after.journals.get(_key(row), (0, 0)) for row in heads}
        unnamed = [key for key in known if key not in after.journals]
        if unnamed:
            campaigns, shards = map(list, zip(*unnamed, strict=True))
            for row in await self.pool.fetch(_STARTS, campaigns, shards, after.at):
                known[_key(row)] = (row["epoch"], row["seq"])
        return known

    async def _entries(self, behind: Sequence[tuple[Journal, Place]]) -> Sequence[Any]:
        if not behind:
            return ()
        columns = map(list, zip(*((*key, *place) for key, place in behind), strict=True))
        rows: Sequence[Any] = await self.pool.fetch(_ENTRIES, *columns, PAGE)
        return rows


def _key(row: Any) -> Journal:
    return row["campaign_id"], row["shard"]


def _held(heads: Sequence[Any]) -> frozenset[Journal]:
    return frozenset(_key(row) for row in heads if row["held"])


def _entry(row: Any) -> JournalEntry:
    return JournalEntry(seq=row["seq"], at=row["at"], event=row["event"], commands=row["commands"])


def _of_note(row: Any) -> Fact | None:
    """A fact that was noted; None for one that only a newer release knows."""
    said = orjson.loads(row["payload"])
    if said["kind"] not in _KINDS:
        return None
    return Fact(
        id=f"noted.{row['id']}",
        kind=FactKind(said["kind"]),
        at=row["received_at"],
        campaign_id=said["campaign_id"],
        data=said["data"],
        origin=Origin("", 0, 0, row["id"]),
    )


_KINDS = frozenset(FactKind)
