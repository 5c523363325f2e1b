"""Reads facts behind a position, in an order that is safe to go on from.

There is no one counter over all journals: a campaign's steps are numbered by its own lease row, and
a counter shared by all would have every dial loop wait for the others. So a position holds a number
for each journal that moves, and one for what is noted. A journal that a position doesn't name has
not moved shortly before the position's time, and is read from that time on.

Facts of different journals are told by their time, those of one journal always by its numbers,
whatever the clocks of its workers did meanwhile: so each fact has a position behind it.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import itemgetter
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
Told = tuple[Fact, "Position"]
"""A fact, and the position behind it."""

_HEADS = """
SELECT campaign_id, shard, epoch, seq FROM leases WHERE owner <> '' OR renewed_at > $1
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
) AS j ORDER BY c.campaign_id, c.shard, j.epoch, j.seq
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
    begun: Mapping[Journal, int] = field(default_factory=dict)
    """How many facts were told of the entry that follows a journal's place."""

    def covers(self, origin: Origin) -> bool:
        """Whether a fact of there has been read; of a journal that isn't named, it has not."""
        if not origin.campaign_id:
            return origin.seq <= self.noted
        key = (origin.campaign_id, origin.shard)
        epoch, seq = self.journals.get(key, (0, 0))
        if (origin.epoch, origin.seq) == (epoch, seq + 1):
            return origin.number < self.begun.get(key, 0)
        return (origin.epoch, origin.seq) <= (epoch, seq)

    def joined(self, other: "Position") -> "Position":
        """Behind what either is behind; the same object where that is this one."""
        if self is other:
            return self
        journals, begun = dict(self.journals), dict(self.begun)
        for key, place in other.journals.items():
            theirs = (place, other.begun.get(key, 0))
            if theirs > (journals.get(key, (0, 0)), begun.get(key, 0)):
                journals[key], begun[key] = theirs
        if journals == self.journals and begun == self.begun and other.noted <= self.noted:
            return self
        return Position(max(self.at, other.at), max(self.noted, other.noted), journals, begun)

    @cached_property
    def word(self) -> str:
        """The position as one word, as short as the journals that move are few."""
        journals = [
            [*key, *self.journals[key], self.begun.get(key, 0)] for key in sorted(self.journals)
        ]
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
            places: dict[Journal, Place] = {}
            begun: dict[Journal, int] = {}
            for campaign, shard, epoch, seq, told in journals:
                key = (str(campaign), _bounded(shard, 15))
                places[key] = (_bounded(epoch, 31), _bounded(seq, 62))
                begun[key] = _bounded(told, 31)
            moment = datetime.fromtimestamp(float(at), UTC)
            return cls(at=moment, noted=_bounded(noted, 62), journals=places, begun=begun)
        except (binascii.Error, ValueError, TypeError, OverflowError, OSError):
            raise BadPosition from None


def _bounded(number: object, bits: int) -> int:
    if not isinstance(number, int) or not 0 <= number < 2**bits:
        raise BadPosition
    return number


@dataclass(frozen=True)
class Batch:
    """Facts that follow a position, in their order."""

    facts: Sequence[Fact]
    position: Position
    more: bool
    """Whether there was more than one batch holds."""
    before: Position
    """Behind what was told before."""

    @cached_property
    def told(self) -> Sequence[Told]:
        """Each fact with the position behind it; the same for everybody who hears of it."""
        journals, begun = dict(self.before.journals), dict(self.before.begun)
        noted, at = self.before.noted, self.before.at
        found: list[Told] = []
        for fact in self.facts:
            origin = fact.origin
            if origin.campaign_id:
                key = (origin.campaign_id, origin.shard)
                journals[key] = (origin.epoch, origin.seq - 1)
                begun[key] = origin.number + 1
            else:
                noted = origin.seq
            found.append((fact, Position(at, noted, dict(journals), dict(begun))))
        return found


@dataclass(frozen=True)
class FactReader:
    """Reads facts; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def now(self, at: datetime) -> Position:
        """The position behind everything that there is."""
        begin = at - SLACK
        with store_errors():
            async with self.pool.acquire() as connection:
                noted = await connection.fetchval(_LAST_NOTED, CHANNEL)
                heads = await connection.fetch(_HEADS, begin - SLACK)
        return Position(begin, noted, {_key(row): (row["epoch"], row["seq"]) for row in heads})

    async def read(self, after: Position, *, now: datetime) -> Batch:
        """The facts that follow; what is committed while this reads follows the next time."""
        with store_errors():
            heads = await self.pool.fetch(_HEADS, after.at - SLACK)
            known = await self._known(heads, after)
            behind = [
                (key, known[key])
                for row in heads
                if known[key := _key(row)] < (row["epoch"], row["seq"])
            ]
            rows = await self._entries(behind)
            noted = await self.pool.fetch(_NOTED, CHANNEL, after.noted, PAGE)
        order = _Order(Position(after.at, after.noted, known, after.begun))
        for key, entries in groupby(rows, key=_key):
            order.journal(key, list(entries))
        order.noted(noted)
        return Batch(
            facts=order.facts(),
            position=order.after(now - SLACK),
            more=order.full,
            before=order.before,
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


class _Order:
    """Puts what journals and notes tell into one order, which is that of each of them too."""

    def __init__(self, before: Position) -> None:
        self.before = before
        self.full = False
        """Whether there is more than was read."""
        self._found: list[tuple[datetime, Fact]] = []
        self._places = dict(before.journals)
        self._noted = before.noted

    def journal(self, key: Journal, entries: Sequence[Any]) -> None:
        """Facts of a journal's entries, without those that were told before."""
        at = entries[0]["at"]
        for row in entries:
            at = max(at, row["at"])
            for fact in of_entry(*key, row["epoch"], _entry(row)):
                if not self.before.covers(fact.origin):
                    self._found.append((at, fact))
        self._places[key] = (entries[-1]["epoch"], entries[-1]["seq"])
        self.full = self.full or len(entries) == PAGE

    def noted(self, rows: Sequence[Any]) -> None:
        """Facts that were noted."""
        at = datetime.min.replace(tzinfo=UTC)
        for row in rows:
            at = max(at, row["received_at"])
            fact = _of_note(row)
            if fact is not None:
                self._found.append((at, fact))
            self._noted = row["id"]
        self.full = self.full or len(rows) == PAGE

    def facts(self) -> list[Fact]:
        """All of them; those of the same time stay as they were added."""
        self._found.sort(key=itemgetter(0))
        return [fact for _, fact in self._found]

    def after(self, at: datetime) -> Position:
        """Behind all that was read; others begin at that time, if all was read."""
        before = self.before
        return Position(
            at=before.at if self.full else max(before.at, at),
            noted=self._noted,
            journals=self._places,
            begun={
                key: told
                for key, told in before.begun.items()
                if key in self._places and self._places[key] == before.journals.get(key)
            },
        )


def _key(row: Any) -> Journal:
    return row["campaign_id"], row["shard"]


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
