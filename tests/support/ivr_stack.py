"""A menu with everything real but the telephone: Temporal, PostgreSQL, the hook on a socket, and
the simulator's responders with people in them.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import insert
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from dialer.model import SwitchId
from ivr.tree import plant
from offhook.api.hooks import Hooks
from offhook.api.ivr_hook import IVR_PREFIX, IvrHook
from offhook.health import Health
from offhook.ivr.talks import TalkEnds
from offhook.link_watch import Links
from offhook.links import make_app
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.keys import PinKeys
from offhook.pins.stretching import Stretcher
from offhook.settings import Settings
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import Simulator, running_simulator
from offhook.simulator.voispeed_ivr import CallerRecord, CallerScript
from offhook.storage import ivr_tables, tables
from offhook.storage.agent_routing import RoutingStore
from offhook.storage.database import Database
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.ivr_store import IvrStore, SessionView
from offhook.storage.link_store import LinkStore
from offhook.storage.pin_store import Terms
from offhook.storage.pool import Pool, open_pool
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.codec import KeyRing
from offhook.temporal.ivr import IvrDesk
from offhook.temporal.ivr_services import ivr_activities, secret_store
from tests.support.serving import serving
from workflows.ivr_session import IvrSessionWorkflow

SWITCH = SwitchId("pbx")
SECRET = "s3cret-of-the-link"
PIN = "591734"
TUTORIAL = Path("docs/tutorial/ivr-pin/support.yaml")


@dataclass
class IvrStack:
    """Everything that a caller meets."""

    simulator: Simulator
    store: IvrStore
    pool: Pool
    desk: IvrDesk
    script_url: str
    hook: IvrHook
    switch: SwitchId
    """One of the test's own: sessions of the same calls of other tests may live on the server."""

    @property
    def agent(self) -> str:
        """The one who answers support."""
        return f"{self.switch}-101"

    def workflow(self, record: CallerRecord) -> WorkflowHandle[Any, Any]:
        """The workflow of a call."""
        return self.desk.client.get_workflow_handle(f"ivr/{self.switch}/{record.call_id}")

    async def call(self, *keys: str, **more: object) -> CallerRecord:
        """Somebody calls, and goes on until the call has left the tree."""
        record = self.simulator.responders.call(
            CallerScript.model_validate(
                {"script_url": self.script_url, "keys": keys, "called": "800123456", **more}
            )
        )
        await self.simulator.responders.idle()
        return record

    async def publish(self, text: str, name: str = "support") -> int:
        """Publish a tree and have it answer everything."""
        now = datetime.now(UTC)
        version, _ = await self.store.publish(name, plant([("tree.yaml", text)]), now=now)
        await self.store.set_route(
            self.switch,
            name,
            ivr_id="",
            called="",
            hold_audio="hold.wav",
            callback_list="",
            now=now,
        )
        return version

    async def session(self, record: CallerRecord) -> SessionView:
        """The session of a call, once it has ended."""
        async with asyncio.timeout(20):
            while True:
                found = await self.store.sessions(live=False, tree="", limit=500)
                mine = [one for one in found if one.call_id == record.call_id]
                if mine and mine[0].ended is not None:
                    return mine[0]
                await asyncio.sleep(0.05)


@asynccontextmanager
async def ivr_stack(
    settings: Settings, database: Database, url: str, client: Client, *, speed: float = 20
) -> AsyncIterator[IvrStack]:
    """A worker, links and a PBX with one support agent, and one PIN, of customer C7."""
    queue, switch = f"ivr-{uuid4()}", SwitchId(f"{SWITCH}-{uuid4().hex[:8]}")
    async with AsyncExitStack() as stack:
        pool = await open_pool(url, size=10)
        stack.push_async_callback(pool.close)
        over = TalkEnds(RoutingStore(pool), lambda: datetime.now(UTC))
        hook = IvrHook(IvrDesk(client, queue), secret_store(settings, pool), call_over=over.ended)
        inbox = PostgresInbox(pool, url)
        links = Links(
            store=LinkStore(database),
            inbox=inbox,
            hooks=Hooks(InboxWriter(pool), heard=hook.heard),
            scripts=hook,
        )
        base = await stack.enter_async_context(serving(make_app(links, Health("links"))))
        simulator = await stack.enter_async_context(
            running_simulator(
                SimulatorConfig(speed=speed, events_urls=(f"{base}/hooks/voispeed/{SECRET}",))
            )
        )
        await add_switch(database, simulator, switch)
        await stack.enter_async_context(links.watching())
        await links.reload()
        acts = await stack.enter_async_context(
            ivr_activities(settings, client, database, pool, task_queue=queue)
        )
        threads = stack.enter_context(ThreadPoolExecutor(2))
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=queue,
                workflows=[IvrSessionWorkflow],
                activities=acts.all(),
                activity_executor=threads,
            )
        )
        await enrol(settings, pool)
        script_url = f"{base}{IVR_PREFIX}voispeed/{SECRET}"
        desk = IvrDesk(client, queue)
        yield IvrStack(simulator, IvrStore(pool), pool, desk, script_url, hook, switch)


async def add_switch(database: Database, simulator: Simulator, switch: SwitchId) -> None:
    """Store the simulated PBX, with its first user as the one agent of the support group."""
    config = SwitchConfig(
        switch_id=switch,
        family="voispeed",
        name="pbx",
        settings={"base_url": simulator.url, "reception_ivr": "1", "hold_ivr": "2", "zone": "UTC"},
        secret=simulator.config.token,
        hook_secret=SECRET,
    )
    opened = open_switch(config)
    now = datetime.now(UTC)
    await LinkStore(database).save(config, await opened.inventory(), replace=False, now=now)
    await opened.adapter.aclose()
    async with database.transaction() as session:
        await session.execute(
            tables.agents.update().values(status="available", reachable=True, status_at=now)
        )
        await session.execute(
            insert(ivr_tables.agent_profiles).values(
                agent_id=f"{switch}-101",
                skills={"support": 5},
                groups={"Group_support": 0},
                changed_at=now,
            )
        )


async def enrol(settings: Settings, pool: Pool) -> None:
    """Give customer C7 the PIN."""
    stretcher = Stretcher()
    try:
        keys = PinKeys.of(KeyRing.load(settings))
        office = PinOffice(pool, keys, stretcher, lambda: datetime.now(UTC))
        await office.enrol("C7", HiddenDigits(PIN), Terms())
    finally:
        stretcher.close()
