"""A whole stack with a PBX on it, simulated or real: for the demo, the bench and crash tests."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import update
from temporalio.client import Client

from dialer.model import AgentStatus, SwitchId
from offhook.demo.asterisk import asterisk_pbx
from offhook.demo.kinds import PbxKind
from offhook.demo.pbx import StagePbx, simulated_pbx
from offhook.home import Home
from offhook.links import hook_url
from offhook.pbx.install import install
from offhook.pbx.numbers import Mixture
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.simulator.population import Population
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.supervisor.stack import RunningStack, running_stack
from offhook.supervisor.supervisor import PartEvent
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.client import connect

SWITCH = SwitchId("demo-pbx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part: the people who are called, and those who call them."""

    agents: int
    lines: int
    seed: int
    population: Population
    """Of a simulated PBX."""
    mixture: Mixture = field(default_factory=Mixture)
    """Of a real one."""
    pbx: PbxKind = PbxKind.voispeed
    ring_timeout: timedelta = timedelta(seconds=30)
    """How long the simulated PBX lets a call ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A running stack, its PBX, and what is needed to command both."""

    stack: RunningStack
    pbx: StagePbx
    database: Database
    client: Client
    switch: SwitchConfig
    folder: Path
    """For files of this run; inside the home."""


@asynccontextmanager
async def rehearsal(
    home: Home,
    settings: Settings,
    cast: Cast,
    *,
    on_event: Callable[[PartEvent], None] | None = None,
) -> AsyncIterator[Rehearsal]:
    """Run everything for the length of the block; every agent of the PBX is available."""
    async with AsyncExitStack() as closing:
        stack = await closing.enter_async_context(running_stack(home, settings, on_event=on_event))
        folder = stack.home.path / "rehearsal"
        folder.mkdir(exist_ok=True)
        pbx = await closing.enter_async_context(_pbx(cast, folder))
        database = await closing.enter_async_context(
            Database.open(_url(stack), seals=Seals.of(stack.settings))
        )
        switch = await _add_switch(database, pbx)
        await pbx.send_events_to(hook_url(stack.settings, switch.family, switch.hook_secret))
        yield Rehearsal(
            stack=stack,
            pbx=pbx,
            database=database,
            client=await connect(stack.settings, role="rehearsal"),
            switch=switch,
            folder=folder,
        )


@asynccontextmanager
async def _pbx(cast: Cast, folder: Path) -> AsyncIterator[StagePbx]:
    if cast.pbx is PbxKind.asterisk:
        # Beside the home, not in it: a path of a control socket may be a hundred letters long.
        with tempfile.TemporaryDirectory(prefix="offhook-pbx-") as run:
            installed = await asyncio.to_thread(install)
            async with asterisk_pbx(
                installed, Path(run), agents=cast.agents, lines=cast.lines, mixture=cast.mixture
            ) as real:
                yield real
        return
    population = folder / "population.json"
    population.write_bytes(orjson.dumps(cast.population.model_dump(mode="json")))
    async with simulated_pbx(
        agents=cast.agents,
        lines=cast.lines,
        seed=cast.seed,
        ring_timeout=cast.ring_timeout,
        population=population,
        token=secrets.token_urlsafe(16),
    ) as simulated:
        yield simulated


def _url(stack: RunningStack) -> str:
    if stack.database_url is None:
        raise RuntimeError("a rehearsal needs a database")
    return stack.database_url


async def _add_switch(database: Database, pbx: StagePbx) -> SwitchConfig:
    """Store the PBX as a person would with `offhook switch add`, and have its agents sit down."""
    config = pbx.config(SWITCH)
    opened = open_switch(config)
    try:
        inventory = await opened.inventory()
    finally:
        await opened.adapter.aclose()
    now = datetime.now(UTC)
    await LinkStore(database).save(config, inventory, replace=True, now=now)
    async with database.transaction() as session:
        await session.execute(
            update(tables.agents)
            .where(tables.agents.c.switch_id == SWITCH)
            .values(status=AgentStatus.available, status_reason="", status_at=now)
        )
    return config
