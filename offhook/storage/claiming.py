"""Contacts for an engine: from the heads of a campaign's lists, mixed by weight.

A claim looks at no more rows than it may give out, and at a bounded number more where a filter, a
full quota or closed hours keep contacts out; those leave the queue, so that nobody is looked at
twice for the same reason (`dialer.lists.queue`). What a claim costs doesn't depend on how long the
lists are (`python -m tests.bench.claim_cost`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import groupby

import orjson

from activities.ports import Lease, LeaseLost
from dialer.lists import Turns, shares, turns
from dialer.lists.filter_text import parse_filter
from dialer.lists.next_number import NumberOrder
from dialer.lists.queue import QUOTA, Place, Waiting, place_of
from dialer.model import CampaignSettings
from offhook.storage import claim_sql
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.pool import Connection

LOOK_MOST = 2_000
"""Rows that one claim looks at beyond those it gives out; the next claim goes on from there."""
WAKE_MOST = 2_000
"""Contacts of a list that fall due and enter its queue, in one claim."""


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
    settings: CampaignSettings
    now: datetime
    full: Sequence[_Quota]
    left: int = LOOK_MOST
    held: list[Place] = field(default_factory=list)

    async def take(self, one: _List, wanted: int) -> list[int]:
        """Up to `wanted` contacts of a list; others that are met on the way are held."""
        taken: list[int] = []
        while len(taken) < wanted and self.left > 0:
            asked = wanted - len(taken)
            batch = asked if not self.held else min(self.left, max(asked, 500))
            rows = await self._head(one, batch)
            places = [
                place_of(row, self.settings.contact_hours, self.now, own_zone=self._zone)
                for row in rows
            ]
            dialed = [place.contact_id for place in places if not place.held][:asked]
            if dialed:
                await self.connection.execute(claim_sql.TAKE, dialed, *self.key)
            taken += dialed
            out = [place for place in places if place.held]
            await self._hold(out)
            self.left -= len(out)
            if len(rows) < batch or not out:
                break
        return taken

    @property
    def _zone(self) -> str:
        return self.settings.hours.zone

    async def _head(self, one: _List, limit: int) -> list[Waiting]:
        parameters = Parameters(one.list_id, limit)
        fits = condition(parse_filter(one.filter), parameters)
        full = "''"
        for quota in self.full:
            name = parameters.add(quota.name, "text")
            cell = condition(parse_filter(quota.filter), parameters)
            full = f"CASE WHEN {cell} THEN {name} ELSE {full} END"
        statement = claim_sql.LOOK.format(fits=fits, full=full)
        rows = await self.connection.fetch(statement, *parameters.values)
        return [
            Waiting(
                contact_id=row["id"],
                due_at=row["due_at"],
                fits=row["fits"],
                full_quota=row["full_quota"],
                zones=[tuple(zones.split()) for zones in row["zones"]],
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


async def claim(
    connection: Connection, lease: Lease, *, limit: int, now: datetime, token: int, mix: Turns
) -> Claimed:
    """Claim up to `limit` due contacts, in one transaction of the caller's."""
    key = (lease.campaign_id, lease.shard, lease.epoch)
    if not await connection.fetchval(claim_sql.FENCE, *key):
        raise LeaseLost(lease.campaign_id)
    row = await connection.fetchrow(claim_sql.PLAN, lease.campaign_id)
    lists = [_List(**one) for one in orjson.loads(row["lists"])]
    quotas = [_Quota(**one) for one in orjson.loads(row["quotas"])]
    everything = [one.list_id for one in lists]
    await connection.execute(claim_sql.WAKE, everything, now, WAKE_MOST)
    full = [one for one in quotas if await _is_full(connection, lease, one, now)]
    claimer = (lease.shard, lease.epoch, token)
    look = _Look(connection, claimer, _settings(row["settings"]), now, full)
    ids: list[int] = []
    by_priority = sorted(lists, key=lambda one: -one.priority)
    for _, group in groupby(by_priority, key=lambda one: one.priority):
        ids += await _mixed(look, list(group), limit - len(ids), mix)
        if len(ids) >= limit:
            break
    closed = [place.contact_id for place in look.held if place.closed]
    if closed:
        await connection.execute(claim_sql.REFUSED, lease.campaign_id, closed, now)
    best_first = look.settings.retry.numbers is NumberOrder.best_first
    if len(ids) >= limit:
        return Claimed(ids, exhausted=False, next_due_at=None, best_first=best_first)
    left = await connection.fetchrow(claim_sql.NEXT, everything)
    next_due_at = now if left["waiting"] else left["next_due_at"]
    return Claimed(ids, next_due_at is None, next_due_at, best_first)


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


async def _is_full(connection: Connection, lease: Lease, quota: _Quota, now: datetime) -> bool:
    """Whether a quota has what it wants; notes when that has changed."""
    parameters = Parameters(lease.campaign_id, quota.disposition, quota.most)
    statement = claim_sql.COUNT.format(fits=condition(parse_filter(quota.filter), parameters))
    full: bool = await connection.fetchval(statement, *parameters.values) >= quota.most
    if full and not quota.full:
        await connection.execute(claim_sql.FULL, lease.campaign_id, quota.name, now)
    elif quota.full and not full:
        held = QUOTA + quota.name
        await connection.execute(claim_sql.NOT_FULL, lease.campaign_id, quota.name, held)
    return full


@lru_cache(maxsize=64)
def _settings(text: str) -> CampaignSettings:
    return CampaignSettings.model_validate_json(text)
