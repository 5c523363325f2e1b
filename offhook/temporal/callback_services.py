"""What the activities of callbacks see of the world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from activities.callbacks import CallbackActivities
from activities.ports import StoreUnavailable
from dialer.callbacks import CallbackId
from dialer.compliance.settings import ComplianceSettings
from offhook.callback_calls import SwitchAgentCalls
from offhook.callback_mirror import SwitchCallbackLists
from offhook.open_switches import OpenSwitches
from offhook.settings import CallbackSettings
from offhook.storage.callback_law import PostgresCallbackLaw
from offhook.storage.callback_store import PostgresCallbacks
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import Pool
from offhook.switches.registry import KEEPS_CALLBACKS
from offhook.temporal.callbacks import CallbackDesk, ensure_mirror, ensure_waking

log = structlog.get_logger()

LOOK_FOR_LEAVERS = timedelta(seconds=5)


def callback_activities(
    client: Client,
    database: Database,
    pool: Pool,
    switches: OpenSwitches,
    settings: CallbackSettings,
    *,
    task_queue: str,
) -> CallbackActivities:
    """The activities on PostgreSQL, the configured switches and this Temporal."""
    desk = CallbackDesk(client, task_queue)
    law = PostgresCallbackLaw(
        pool,
        default=ComplianceSettings(profiles=tuple(settings.profiles.split())),
        caller_id=settings.caller_id,
    )
    return CallbackActivities(
        records=PostgresCallbacks(database),
        law=law,
        calls=SwitchAgentCalls(pool, law, switches),
        starter=Starter(desk, database),
        lists=SwitchCallbackLists(database, desk, switches),
        clock=lambda: datetime.now(UTC),
    )


@dataclass(frozen=True)
class Starter:
    """Implements `activities.callbacks.CallbackStarter`."""

    desk: CallbackDesk
    database: Database

    async def start(self, callback: CallbackId) -> bool:
        """Have a workflow keep it."""
        return await self.desk.start(callback)

    async def follow_switches(self) -> int:
        """Have the lists followed of every switch that keeps some."""
        return await ensure_mirrors(self.desk.client, self.database, self.desk.task_queue)


async def ensure_mirrors(client: Client, database: Database, task_queue: str) -> int:
    """Have the lists followed of every switch whose family keeps some; how many are new."""
    new = 0
    for config in await LinkStore(database).switches():
        if config.family in KEEPS_CALLBACKS:
            new += await ensure_mirror(client, config.switch_id, task_queue=task_queue)
    return new


async def tell_of_leavers(desk: CallbackDesk, database: Database) -> int:
    """Tell callbacks of agents who logged off, by whatever way; how many were told."""
    told = 0
    for agent, held in (await PostgresCallbacks(database).left_behind()).items():
        found = await desk.agent_left(agent, held)
        log.info("callbacks_of_leaver_released", agent=agent, callbacks=found)
        told += found
    return told


@asynccontextmanager
async def watching_leavers(desk: CallbackDesk, database: Database) -> AsyncIterator[None]:
    """Look for such agents for the length of the block."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_FOR_LEAVERS.total_seconds())
            try:
                await tell_of_leavers(desk, database)
            except (StoreUnavailable, RPCError) as error:
                log.warning("cannot_look_for_leavers", error=str(error)[:200])

    task = asyncio.create_task(watch(), name="callbacks of leavers")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ensure_callbacks(client: Client, database: Database, *, task_queue: str) -> None:
    """What a worker sees to when it starts: waking, and the lists of the PBXs' own."""
    await ensure_waking(client, task_queue=task_queue)
    mirrors = await ensure_mirrors(client, database, task_queue)
    log.info("callbacks_kept", mirrors_started=mirrors)
