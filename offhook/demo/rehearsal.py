"""A whole stack with a simulated PBX on it: what the demo, the bench and the crash tests run on."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import update
from temporalio.client import Client

from dialer.model import AgentStatus, SwitchId
from offhook.demo.pbx import SimulatedPbx, simulated_pbx
from offhook.home import Home
from offhook.links import hook_url
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
    ring_timeout: timedelta = timedelta(seconds=30)
    """How long the PBX lets a call ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A running stack, its simulated PBX, and what is needed to command both."""

    stack: RunningStack
    pbx: SimulatedPbx
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
        population = folder / "population.json"
        population.write_bytes(orjson.dumps(cast.population.model_dump(mode="json")))
        pbx = await closing.enter_async_context(
            simulated_pbx(
                agents=cast.agents,
                lines=cast.lines,
                seed=cast.seed,
                ring_timeout=cast.ring_timeout,
                population=population,
                token=secrets.token_urlsafe(16),
            )
        )
        database = await closing.enter_async_context(Database.open(_url(stack)))
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


def _url(stack: RunningStack) -> str:
    if stack.database_url is None:
        raise RuntimeError("a rehearsal needs a database")
    return stack.database_url


async def _add_switch(database: Database, pbx: SimulatedPbx) -> SwitchConfig:
    """Store the PBX as a person would with `offhook switch add`, and have its agents sit down."""
    config = SwitchConfig(
        switch_id=SWITCH,
        family="voispeed",
        name=SWITCH,
        settings={
            "base_url": pbx.said.url,
            "reception_ivr": pbx.said.ivrs["reception"],
            "hold_ivr": pbx.said.ivrs["hold"],
            "message_ivr": pbx.said.ivrs["message"],
            "allow": ["127.0.0.0/8"],
        },
        secret=pbx.token,
        hook_secret=secrets.token_urlsafe(24),
    )
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
            .values(status=AgentStatus.available, status_at=now)
        )
    return config
