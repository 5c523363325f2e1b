"""Contacts for an engine: from the heads of a campaign's lists, mixed by weight.

A claim looks at no more rows than it may give out, and at a bounded number more where a filter, a
full quota or closed hours keep contacts out; those leave the queue, so that nobody is looked at
twice for the same reason (`dialer.lists.queue`). What a claim costs doesn't depend on how long the
lists are (`python -m tests.bench.claim_cost`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby

import orjson

from activities.ports import Lease, LeaseLost
from dialer.compliance.opening import Opening
from dialer.lists import Turns, shares, turns
from dialer.lists.filter_text import parse_filter
from dialer.lists.next_number import NumberOrder
from dialer.lists.queue import QUOTA, Place, Rooms, Waiting, place_of
from dialer.model import CampaignSettings, Number
from offhook.storage import claim_sql
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.pool import Connection

LOOK_MOST = 2_000
"""Rows that one claim looks at beyond those it gives out; the next claim goes on from there."""
WAKE_MOST = 2_000
"""Contacts of a list that fall due and enter its queue, in one claim."""
ROOM_AGAIN = timedelta(seconds=5)
"""When to look again for room in a quota that everybody adds to."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Ids that were claimed, in the order in which they are to be dialed, and what is left."""

    ids: list[int]
    exhausted: bool
    next_due_at: datetime | None
    best_first: bool = False
    """Numbers where somebody answered before are to come first."""


@dataclass(frozen=True, slots=True)
class _List:
    list_id: int
    weight: int
    priority: int
    filter: str


@dataclass(frozen=True, slots=True)
class _Quota:
    name: str
    disposition: str
    most: int
    filter: str
    full: bool


@dataclass(slots=True)
class _Look:
    """A claim under way."""

    connection: Connection
    key: tuple[int, int, int]
    """Shard, epoch and token."""
    opening: Opening
    full: Sequence[_Quota]
    tight: Sequence[_Quota]
    rooms: Rooms
    left: int = LOOK_MOST
    held: list[Place] = field(default_factory=list)

    async def take(self, one: _List, wanted: int) -> list[int]:
        """Up to `wanted` contacts of a list; others that are met on the way are held."""
        taken: list[int] = []
        while len(taken) < wanted and self.left > 0:
            asked = wanted - len(taken)
            batch = asked if not self.held else min(self.left, max(asked, 500))
            rows = await self._head(one, batch)
            dialed, out = self._sort(rows, asked)
            if dialed:
                await self.connection.execute(claim_sql.TAKE, dialed, *self.key)
            taken += dialed
            await self._hold(out)
            self.left -= len(out)
            if len(rows) < batch or not out:
                break
        return taken

    def _sort(self, rows: Sequence[Waiting], asked: int) -> tuple[list[int], list[Place]]:
        """Who is dialed, `asked` at most, and who is held; the rest stay where they are."""
        dialed: list[int] = []
        out: list[Place] = []
        for row in rows:
            if len(dialed) == asked:
                break
            place = place_of(row, self.opening.now, opening=self.opening.of, rooms=self.rooms)
            if place.held:
                out.append(place)
            else:
                dialed.append(place.contact_id)
        return dialed, out

    async def _head(self, one: _List, limit: int) -> list[Waiting]:
        parameters = Parameters(one.list_id, limit)
        fits = condition(parse_filter(one.filter), parameters)
        full = "''"
        for quota in self.full:
            name, cell = _cell(quota, parameters)
            full = f"CASE WHEN {cell} THEN {name} ELSE {full} END"
        tight = ["NULL::text"]
        for quota in self.tight:
            name, cell = _cell(quota, parameters)
            tight.append(f"CASE WHEN {cell} THEN {name} END")
        names = f"array_remove(ARRAY[{', '.join(tight)}], NULL)"
        statement = claim_sql.LOOK.format(fits=fits, full=full, tight=names)
        rows = await self.connection.fetch(statement, *parameters.values)
        return [
            Waiting(
                contact_id=row["id"],
                due_at=row["due_at"],
                fits=row["fits"],
                full_quota=row["full_quota"],
                quotas=row["quotas"],
                numbers=[_number(text) for text in row["numbers"]],
            )
            for row in rows
        ]

    async def _hold(self, places: Sequence[Place]) -> None:
        """Take contacts out of the queue."""
        if not places:
            return
        self.held += places
        await self.connection.execute(
            claim_sql.HOLD,
            [place.contact_id for place in places],
            [place.held for place in places],
            [place.due_at for place in places],
        )


def _cell(quota: _Quota, parameters: Parameters) -> tuple[str, str]:
    """A quota's name and the condition for adding to it, as they stand in a statement."""
    name = parameters.add(quota.name, "text")
    return name, condition(parse_filter(quota.filter), parameters)


def _number(text: str) -> Number:
    number, *zones = text.split()
    return Number(number=number, zones=tuple(zones))


async def claim(
    connection: Connection, lease: Lease, *, limit: int, now: datetime, token: int, mix: Turns
) -> Claimed:
    """Claim up to `limit` due contacts, in one transaction of the caller's."""
    key = (lease.campaign_id, lease.shard, lease.epoch)
    if not await connection.fetchval(claim_sql.FENCE, *key):
        raise LeaseLost(lease.campaign_id)
    row = await connection.fetchrow(claim_sql.PLAN, lease.campaign_id)
    lists = [_List(**one) for one in orjson.loads(row["lists"])]
    settings = _settings(row["settings"])
    everything = [one.list_id for one in lists]
    await connection.execute(claim_sql.WAKE, everything, now, WAKE_MOST)
    quotas = [_Quota(**one) for one in orjson.loads(row["quotas"])]
    full, rooms = await _quotas(connection, lease, quotas, limit, now)
    tight = [one for one in quotas if one.name in rooms.left]
    # Of a quota that everybody adds to, nobody needs to be held one by one.
    wanted = min([limit, *(rooms.left[one.name] for one in tight if not one.filter)])
    claimer = (lease.shard, lease.epoch, token)
    look = _Look(connection, claimer, Opening(settings, now), full, tight, rooms)
    ids: list[int] = []
    by_priority = sorted(lists, key=lambda one: -one.priority)
    for _, group in groupby(by_priority, key=lambda one: one.priority):
        if len(ids) >= wanted:
            break
        ids += await _mixed(look, list(group), wanted - len(ids), mix)
    await _note_refused(connection, lease, look.held, now)
    best_first = settings.retry.numbers is NumberOrder.best_first
    if len(ids) >= limit:
        return Claimed(ids, exhausted=False, next_due_at=None, best_first=best_first)
    left = await connection.fetchrow(claim_sql.NEXT, everything)
    if left["waiting"]:
        soon = now if len(ids) < wanted else now + ROOM_AGAIN
        return Claimed(ids, exhausted=False, next_due_at=soon, best_first=best_first)
    return Claimed(ids, left["next_due_at"] is None, left["next_due_at"], best_first)


async def _note_refused(
    connection: Connection, lease: Lease, held: Sequence[Place], now: datetime
) -> None:
    """Keep on record why contacts who are due aren't called."""
    refused = [place for place in held if place.refused]
    if refused:
        ids, reasons = [one.contact_id for one in refused], [one.refused for one in refused]
        await connection.execute(claim_sql.REFUSED, lease.campaign_id, ids, now, reasons)


async def _mixed(look: _Look, lists: Sequence[_List], wanted: int, mix: Turns) -> list[int]:
    """Contacts of lists of the same priority; who has none left leaves his share to the others."""
    open_lists = {one.list_id: one for one in lists}
    parts: dict[int, list[int]] = {one: [] for one in open_lists}
    while wanted > 0 and open_lists and look.left > 0:
        weights = {one: found.weight for one, found in open_lists.items()}
        for list_id, share in shares(weights, wanted, mix.owed).items():
            found = await look.take(open_lists[list_id], share) if share else []
            parts[list_id] += found
            wanted -= len(found)
            if len(found) < share:
                del open_lists[list_id]
        if all(one in open_lists for one in weights):
            break
    return turns([parts[one] for one in parts])


async def _quotas(
    connection: Connection, lease: Lease, quotas: Sequence[_Quota], limit: int, now: datetime
) -> tuple[list[_Quota], Rooms]:
    """The quotas that are full, and the room in those that this claim could fill."""
    rooms, full = Rooms(), list[_Quota]()
    if quotas:
        await connection.execute(claim_sql.LOCK_QUOTAS, lease.campaign_id)
    for quota in quotas:
        had = await _had(connection, lease, quota, now)
        if had >= quota.most:
            full.append(quota)
            continue
        parameters = Parameters(lease.campaign_id)
        fits = condition(parse_filter(quota.filter), parameters)
        statement = claim_sql.MAY_ADD.format(fits=fits)
        may_add: int = await connection.fetchval(statement, *parameters.values)
        room = max(0, quota.most - had - may_add)
        if room < limit:
            rooms.left[quota.name] = room
    return full, rooms


async def _had(connection: Connection, lease: Lease, quota: _Quota, now: datetime) -> int:
    """How many a quota has, of those it wants; notes when it has become full, or no longer is."""
    parameters = Parameters(lease.campaign_id, quota.disposition, quota.most)
    statement = claim_sql.COUNT.format(fits=condition(parse_filter(quota.filter), parameters))
    had: int = await connection.fetchval(statement, *parameters.values)
    full = had >= quota.most
    if full and not quota.full:
        await connection.execute(claim_sql.FULL, lease.campaign_id, quota.name, now)
    elif quota.full and not full:
        held = QUOTA + quota.name
        await connection.execute(claim_sql.NOT_FULL, lease.campaign_id, quota.name, held)
    return had


@lru_cache(maxsize=64)
def _settings(text: str) -> CampaignSettings:
    return CampaignSettings.model_validate_json(text)
