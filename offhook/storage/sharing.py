"""What the campaigns of a switch have of it, kept in their lease rows.

One lock per switch puts the exchanges in order. A campaign's row always holds at least what its
engine goes by, so adding up the rows never gives less than what may be in use (ADR 6).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg
from pydantic import TypeAdapter

from activities.ports import Lease, LeaseLost, Shares
from dialer.agent import AgentState
from dialer.model import AgentId, AgentStatus, Trunk, TrunkId
from dialer.sharing import (
    RATE_UNIT,
    Demand,
    SharedAgent,
    TrunkDemand,
    assign_agents,
    lines_due,
    on_trunk,
    rate_due,
)
from offhook.storage import dial_reads, dial_sql, sharing_sql
from offhook.storage.pool import Connection

SILENT = timedelta(seconds=60)
"""A dial loop that said nothing for so long is fenced off when somebody lacks the lines it holds;
those in use by its open attempts stay taken."""
MOVED_AT_ONCE = 10
"""One agent in so many leaves at a time while his campaign needs him too."""
_BUSY = (AgentState.talking, AgentState.wrap_up, AgentState.reserved)

_DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the campaigns of a switch have told, by campaign and shard."""

    mine: str
    demands: dict[str, Demand]
    alive: frozenset[str]

    @property
    def shared(self) -> bool:
        """Somebody else dials through the switch, or still has calls on it."""
        return len(self.demands) > 1


def key_of(campaign: str, shard: int) -> str:
    """How demands name a campaign's part."""
    return f"{campaign}/{shard}"


async def exchange(
    connection: Connection, lease: Lease, demand: Demand, *, now: datetime
) -> Shares:
    """Tell and take, within a transaction that is the caller's."""
    await connection.execute(sharing_sql.LOCK, lease.switch_id)
    if not await connection.fetchval(dial_sql.HOLD, lease.campaign_id, lease.shard, lease.epoch):
        raise LeaseLost(lease.campaign_id)
    told = await _told(connection, lease, demand)
    trunks = await _trunks(connection, lease, told)
    if trunks.unsettled and told.shared and await _fence_silent(connection, lease, now):
        told = await _told(connection, lease, demand)
        trunks = await _trunks(connection, lease, told)
    await connection.execute(
        sharing_sql.TELL,
        lease.campaign_id,
        lease.shard,
        lease.epoch,
        _DEMAND.dump_json(trunks.demand).decode(),
        now,
    )
    leaving = await _share_agents(connection, lease, told, now)
    return Shares(
        trunks=trunks.trunks,
        agents=await dial_reads.agents(connection, lease),
        leaving=leaving,
        unsettled=trunks.unsettled,
    )


async def first_share(
    connection: Connection, lease: Lease, allowed: tuple[TrunkId, ...], now: datetime
) -> tuple[Trunk, ...]:
    """The trunks of an engine that is about to start: what its predecessor held stays its own
    only as far as calls use it.
    """
    used = await connection.fetch(sharing_sql.OPEN_BY_TRUNK, lease.campaign_id, lease.shard)
    demand = Demand(
        allowed=allowed,
        trunks=tuple(
            TrunkDemand(trunk_id=TrunkId(row["trunk_id"]), held=row["open"], used=row["open"])
            for row in used
        ),
    )
    settings = await connection.fetchrow(sharing_sql.RANK, lease.campaign_id)
    demand = replace(demand, priority=settings["priority"], weight=settings["weight"])
    told = await _told(connection, lease, demand)
    trunks = await _trunks(connection, lease, told)
    await connection.execute(
        sharing_sql.TELL,
        lease.campaign_id,
        lease.shard,
        lease.epoch,
        _DEMAND.dump_json(trunks.demand).decode(),
        now,
    )
    return trunks.trunks


async def _told(connection: Connection, lease: Lease, demand: Demand) -> _Told:
    mine = key_of(lease.campaign_id, lease.shard)
    demands, alive = {mine: demand}, {mine}
    for row in await connection.fetch(sharing_sql.DEMANDS, lease.switch_id):
        key = key_of(row["campaign_id"], row["shard"])
        if key == mine:
            continue
        if row["alive"]:
            demands[key] = _DEMAND.validate_json(row["demand"])
            alive.add(key)
        elif row["open"] is not None:
            demands[key] = _abandoned(json.loads(row["open"]))
    return _Told(mine, demands, frozenset(alive))


def _abandoned(calls: Mapping[str, int]) -> Demand:
    """Of a campaign that nobody dials for now: only what its calls use."""
    return Demand(
        active=False,
        trunks=tuple(
            TrunkDemand(trunk_id=TrunkId(trunk), held=count, used=count)
            for trunk, count in calls.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    trunks: tuple[Trunk, ...]
    demand: Demand
    """With what is held from now on."""
    unsettled: bool


async def _trunks(connection: Connection, lease: Lease, told: _Told) -> _Given:
    mine = told.demands[told.mine]
    given: list[Trunk] = []
    held = {trunk.trunk_id: trunk for trunk in mine.trunks}
    unsettled = False
    for trunk in await dial_reads.trunks(connection, lease, mine.allowed):
        before = on_trunk(mine, trunk.trunk_id)
        if trunk.enabled:
            lines, due = lines_due(trunk.trunk_id, trunk.lines, told.mine, told.demands)
            unsettled |= lines < due or lines < before.held
            trunk = replace(trunk, lines=lines)
        rate_held = 0
        if trunk.calls_per_second is not None:
            rate = round(trunk.calls_per_second * RATE_UNIT)
            rate_held = rate_due(trunk.trunk_id, rate, told.mine, told.demands)
            trunk = replace(trunk, calls_per_second=rate_held / RATE_UNIT)
        given.append(trunk)
        held[trunk.trunk_id] = replace(
            before,
            held=max(before.held, trunk.lines if trunk.enabled else 0),
            rate_held=max(before.rate_held, rate_held),
        )
    return _Given(tuple(given), replace(mine, trunks=tuple(held.values())), unsettled)


async def _fence_silent(connection: Connection, lease: Lease, now: datetime) -> bool:
    fenced = await connection.fetch(
        sharing_sql.FENCE, lease.switch_id, now - SILENT, lease.campaign_id, lease.shard
    )
    return bool(fenced)


async def _share_agents(
    connection: Connection, lease: Lease, told: _Told, now: datetime
) -> tuple[tuple[AgentId, str], ...]:
    """Take the free agents who are due to the campaign; who of its own are due elsewhere."""
    rows = await connection.fetch(
        sharing_sql.ROSTER, lease.switch_id, list(told.alive), lease.campaign_id, lease.shard
    )
    demands = {key: told.demands[key] for key in told.alive}
    able = [_shared_agent(row) for row in rows if row["status"] == AgentStatus.available]
    due = assign_agents(able, demands)
    wanted = [who for who, key in due.items() if key == told.mine]
    mine = {row["id"] for row in rows if row["holder"] == told.mine}
    taken = [who for who in wanted if who not in mine]
    if taken:
        await connection.execute(
            sharing_sql.TAKE_AGENTS,
            lease.campaign_id,
            lease.shard,
            lease.epoch,
            now,
            taken,
        )
    return _leaving(rows, told, due)


def _leaving(
    rows: Sequence[asyncpg.Record], told: _Told, due: Mapping[AgentId, str]
) -> tuple[tuple[AgentId, str], ...]:
    mine = [row for row in rows if row["holder"] == told.mine]
    removed = [(AgentId(row["id"]), "removed") for row in mine if told.mine not in row["keys"]]
    moved = [
        (AgentId(row["id"]), "needed elsewhere")
        for row in mine
        if told.mine in row["keys"] and due.get(row["id"], told.mine) != told.mine
    ]
    if told.demands[told.mine].active:
        # Calls that ring count on those who are here: not all of them go at once.
        moved = moved[: max(1, len(mine) // MOVED_AT_ONCE)]
    return (*removed, *moved)


def _shared_agent(row: asyncpg.Record) -> SharedAgent:
    return SharedAgent(
        agent_id=AgentId(row["id"]),
        campaigns=tuple(row["keys"]),
        holder=row["holder"] or "",
        busy=row["state"] in _BUSY,
        order=row["position"],
    )
