"""The configured switches with their trunks and agents, for the links and `offhook switch`."""

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.ports import StoreUnavailable, switch_channel
from dialer.model import Agent, AgentId, AgentStatus, SwitchId, Trunk, TrunkId
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage import tables
from offhook.storage.database import Database, Sealing, Unsealed
from offhook.storage.errors import SwitchNotFound
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig


class SwitchExists(OffhookError):
    """A switch of that name is stored already."""

    code = "switch_exists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a switch {name} already",
            hint="choose another name, or give --replace to change it",
        )


class SwitchInUse(OffhookError):
    """A switch can't be removed while campaigns name it."""

    code = "switch_in_use"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"switch {name} belongs to campaigns that were run or will be",
            hint="keep it: its campaigns' records need it; or delete those campaigns first",
        )


@dataclass(frozen=True)
class LinkStore:
    """Every method is one transaction; a database that is away raises `StoreUnavailable`."""

    database: Database

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self.database.transaction() as session:
                yield session
        except (OSError, OperationalError, InterfaceError, TimeoutError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: the database is away") from error

    async def switches(self) -> Sequence[SwitchConfig]:
        """All configured switches, by name."""
        async with self._session() as session:
            rows = await session.execute(select(tables.switches).order_by(tables.switches.c.name))
            return [_config(row, self.database.seals) for row in rows]

    async def find(self, name: str) -> SwitchConfig:
        """The switch of this name; `SwitchNotFound` when there is none."""
        async with self._session() as session:
            found = await session.execute(
                select(tables.switches).where(tables.switches.c.name == name)
            )
            row = found.one_or_none()
        if row is None:
            raise SwitchNotFound(name)
        return _config(row, self.database.seals)

    async def get(self, switch: SwitchId) -> SwitchConfig:
        """The switch with this id; `SwitchNotFound` when there is none."""
        async with self._session() as session:
            found = await session.execute(
                select(tables.switches).where(tables.switches.c.id == switch)
            )
            row = found.one_or_none()
        if row is None:
            raise SwitchNotFound(switch)
        return _config(row, self.database.seals)

    async def save(
        self, config: SwitchConfig, inventory: Inventory, *, replace: bool, now: datetime
    ) -> None:
        """Store a switch with its trunks and agents.

        Agents that are known keep their status. Trunks that the inventory leaves out are
        forgotten; an empty inventory leaves everything as it is.
        """
        values = {
            "family": config.family,
            "settings": dict(config.settings),
            **_sealed(config, self.database.seals),
        }
        row = insert(tables.switches).values(
            id=config.switch_id, name=config.name, created_at=now, **values
        )
        if replace:
            row = row.on_conflict_do_update(index_elements=["id"], set_=values)
        try:
            async with self._session() as session:
                before = await _known(session, tables.switches.c.id == config.switch_id)
                await session.execute(row)
                await _save_trunks(session, config.switch_id, inventory)
                await _save_agents(session, config.switch_id, inventory, now)
        except IntegrityError as error:
            raise SwitchExists(config.name) from error
        note_change(f"switch/{config.switch_id}", before, _shown(config))

    async def reseal(self) -> int:
        """Seal the secrets of all switches with the active key; of how many switches."""
        known, seals = tables.switches.c, self.database.seals
        async with self._session() as session:
            rows = await session.execute(select(tables.switches).with_for_update())
            every = [_config(row, seals) for row in rows]
            for config in every:
                again = _sealed(config, seals)
                await session.execute(
                    update(tables.switches).where(known.id == config.switch_id).values(again)
                )
        return len(every)

    async def remove(self, name: str) -> None:
        """Delete a switch with its trunks and agents; `SwitchInUse` when campaigns name it."""
        try:
            async with self._session() as session:
                before = await _known(session, tables.switches.c.name == name)
                gone = await session.execute(
                    delete(tables.switches)
                    .where(tables.switches.c.name == name)
                    .returning(tables.switches.c.id)
                )
                if gone.scalar_one_or_none() is None:
                    raise SwitchNotFound(name)
        except IntegrityError as error:
            raise SwitchInUse(name) from error
        note_change(f"switch/{name}", before, None)

    async def agents(self, switch: SwitchId) -> Sequence[Agent]:
        """The agents of a switch."""
        known = tables.agents.c
        async with self._session() as session:
            rows = await session.execute(
                select(tables.agents).where(known.switch_id == switch).order_by(known.id)
            )
            return [_agent(row) for row in rows]

    async def trunks(self, switch: SwitchId) -> Sequence[Trunk]:
        """The trunks of a switch."""
        known = tables.trunks.c
        async with self._session() as session:
            rows = await session.execute(
                select(tables.trunks).where(known.switch_id == switch).order_by(known.id)
            )
            return [
                Trunk(
                    trunk_id=TrunkId(row.id),
                    address=row.address,
                    lines=row.lines,
                    enabled=row.enabled,
                    calls_per_second=row.calls_per_second,
                )
                for row in rows
            ]

    async def limit_rate(
        self, switch: SwitchId, calls_per_second: float | None, *, trunk: str | None = None
    ) -> Sequence[Trunk]:
        """Limit calls per second on the trunk with this address, or on all; the trunks that are
        limited now. None lifts the limit.
        """
        known = tables.trunks.c
        chosen = update(tables.trunks).where(known.switch_id == switch)
        if trunk is not None:
            chosen = chosen.where(known.address == trunk)
        before = await self.trunks(switch)
        async with self._session() as session:
            await session.execute(chosen.values(calls_per_second=calls_per_second))
        found = await self.trunks(switch)
        note_change(f"switch/{switch}", _limits(before), _limits(found))
        return [one for one in found if trunk is None or one.address == trunk]

    async def save_reachable(self, switch: SwitchId, reachable: Mapping[str, bool]) -> None:
        """Write whether the agents at these addresses can be called."""
        known = tables.agents.c
        async with self._session() as session:
            for value in (True, False):
                addresses = [address for address, said in reachable.items() if said is value]
                if addresses:
                    await session.execute(
                        update(tables.agents)
                        .where(known.switch_id == switch, known.address.in_(addresses))
                        .values(reachable=value)
                    )

    async def save_trunks(self, switch: SwitchId, trunks: Sequence[Trunk]) -> None:
        """Write lines and `enabled` of these trunks."""
        known = tables.trunks.c
        async with self._session() as session:
            for trunk in trunks:
                await session.execute(
                    update(tables.trunks)
                    .where(known.switch_id == switch, known.id == trunk.trunk_id)
                    .values(lines=trunk.lines, enabled=trunk.enabled)
                )

    async def open_correlators(self, switch: SwitchId) -> Set[str]:
        """The attempts and parks on a switch that are not over, as far as anybody knows."""
        attempts, activity = tables.attempts.c, tables.agent_activity.c
        running = (
            select(attempts.id)
            .join(tables.campaigns, tables.campaigns.c.id == attempts.campaign_id)
            .where(tables.campaigns.c.switch_id == switch, attempts.state != "ended")
        )
        parked = (
            select(activity.park_correlator)
            .join(tables.agents, tables.agents.c.id == activity.agent_id)
            .where(tables.agents.c.switch_id == switch, activity.park_correlator != "")
        )
        async with self._session() as session:
            return set(await session.scalars(running.union(parked)))

    async def last_event_at(self, switch: SwitchId) -> datetime | None:
        """When the switch last delivered an event of its own."""
        known = tables.inbox.c
        async with self._session() as session:
            newest = (
                select(known.received_at)
                .where(known.channel == switch_channel(switch), known.payload.is_not(None))
                .order_by(known.id.desc())
                .limit(1)
            )
            return await session.scalar(newest)


async def _save_trunks(session: AsyncSession, switch: SwitchId, inventory: Inventory) -> None:
    known = tables.trunks.c
    if inventory.trunks:
        kept = [trunk.address for trunk in inventory.trunks]
        await session.execute(
            delete(tables.trunks).where(known.switch_id == switch, known.address.not_in(kept))
        )
    for trunk in inventory.trunks:
        row = insert(tables.trunks).values(
            id=f"{switch}-trunk-{trunk.address}",
            switch_id=switch,
            address=trunk.address,
            name=trunk.name,
            lines=trunk.lines,
            enabled=trunk.enabled,
        )
        new = row.excluded
        await session.execute(
            row.on_conflict_do_update(
                index_elements=["switch_id", "address"],
                set_={"name": new.name, "lines": new.lines, "enabled": new.enabled},
            )
        )


async def _save_agents(
    session: AsyncSession, switch: SwitchId, inventory: Inventory, now: datetime
) -> None:
    known = tables.agents.c
    last = await session.scalar(
        select(func.coalesce(func.max(known.position), 0)).where(known.switch_id == switch)
    )
    for position, seat in enumerate(inventory.seats, start=(last or 0) + 1):
        row = insert(tables.agents).values(
            id=AgentId(f"{switch}-{seat.address}"),
            switch_id=switch,
            address=seat.address,
            number=seat.number,
            name=seat.name,
            status=AgentStatus.logged_off,
            reachable=seat.reachable,
            position=position,
            status_at=now,
        )
        new = row.excluded
        await session.execute(
            row.on_conflict_do_update(
                index_elements=["switch_id", "address"],
                set_={"number": new.number, "name": new.name, "reachable": new.reachable},
            )
        )


async def _known(session: AsyncSession, which: ColumnElement[bool]) -> Mapping[str, object] | None:
    row = (await session.execute(select(tables.switches).where(which))).one_or_none()
    return None if row is None else _shown(_config(row, Unsealed()))


def _shown(config: SwitchConfig) -> Mapping[str, object]:
    """What may be told of a switch; never its secrets."""
    return {"name": config.name, "family": config.family, "settings": dict(config.settings)}


def _limits(trunks: Sequence[Trunk]) -> Mapping[str, object]:
    return {f"calls_per_second of {one.address}": one.calls_per_second for one in trunks}


def _sealed(config: SwitchConfig, seals: Sealing) -> dict[str, str]:
    secret, hook = _owners(config.switch_id)
    return {
        "secret": seals.seal(config.secret, owner=secret),
        "hook_secret": seals.seal(config.hook_secret, owner=hook),
    }


def _owners(switch: str) -> tuple[str, str]:
    """For what the two secrets of a switch are sealed: one is of no use in place of the other."""
    return f"switch/{switch}", f"switch/{switch}/hook"


def _config(row: Row[tuple[object, ...]], seals: Sealing) -> SwitchConfig:
    secret, hook = _owners(row.id)
    return SwitchConfig(
        switch_id=SwitchId(row.id),
        family=row.family,
        name=row.name,
        settings=row.settings,
        secret=seals.open(row.secret, owner=secret),
        hook_secret=seals.open(row.hook_secret, owner=hook),
    )


def _agent(row: Row[tuple[object, ...]]) -> Agent:
    return Agent(
        agent_id=AgentId(row.id),
        address=row.address,
        number=row.number,
        status=AgentStatus(row.status),
        reachable=row.reachable,
        order=row.position,
        status_reason=row.status_reason,
    )
