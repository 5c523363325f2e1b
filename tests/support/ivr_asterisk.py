"""A menu on a real Asterisk with everything real behind it: Temporal, PostgreSQL, the links."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import insert
from temporalio.client import Client
from temporalio.worker import Worker

from ivr.tree import plant
from offhook.api.hooks import Hooks
from offhook.inbound import caller_desk
from offhook.link_watch import Links
from offhook.pbx import callers
from offhook.pbx.install import Installed
from offhook.settings import Settings
from offhook.storage import ivr_tables, tables
from offhook.storage.agent_routing import RoutingStore
from offhook.storage.database import Database
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.ivr_store import IvrStore, SessionView
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import Pool, open_pool
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.ivr import IvrDesk
from offhook.temporal.ivr_services import ivr_activities, secret_store
from tests.support.asterisk import RealPbx, real_pbx
from tests.support.ivr_stack import SWITCH, TUTORIAL, enrol
from workflows.ivr_session import IvrSessionWorkflow

NUMBER = "0733999"


@dataclass
class AsteriskMenu:
    """What a caller meets, and a way to call."""

    installed: Installed
    pbx: RealPbx
    store: IvrStore
    pool: Pool
    links: Links

    async def call(self, keys: str, *, calling: str, number: str = NUMBER) -> None:
        """Somebody calls, presses the keys and stays a little."""
        script = callers.Script(keys=keys, calling=calling, stay_s=6)
        port = self.pbx.asterisk.plan.sip_port
        await callers.call(self.installed, sip_port=port, number=number, script=script)

    async def session(self, calling: str) -> SessionView:
        """The session of a caller."""
        found = await self.store.sessions(live=False, tree="", limit=100)
        (mine,) = [one for one in found if one.calling == calling]
        return mine

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Links that answer, for the length of the block."""
        async with self.links.watching():
            await self.links.reload()
            yield


@asynccontextmanager
async def asterisk_menu(
    installed: Installed, settings: Settings, database: Database, url: str, client: Client
) -> AsyncIterator[AsteriskMenu]:
    """The tutorial's tree at a number; agent1 is of the support group, 100 leads to agent2."""
    queue = f"ivr-{uuid4()}"
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(real_pbx(installed, agents=2, phones=0))
        pool = await open_pool(url, size=10)
        stack.push_async_callback(pool.close)
        store = IvrStore(pool)
        await _add_switch(database, store, pbx)
        inbox = await stack.enter_async_context(PostgresInbox(pool, url))
        desk = IvrDesk(client, queue, RoutingStore(pool))
        links = Links(
            store=LinkStore(database),
            inbox=inbox,
            hooks=Hooks(InboxWriter(pool)),
            events=inbox,
            desk=caller_desk(settings, desk, secret_store(settings, pool), store),
            look_every=timedelta(seconds=1),
        )
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
        yield AsteriskMenu(installed, pbx, store, pool, links)


async def _add_switch(database: Database, store: IvrStore, pbx: RealPbx) -> None:
    config = SwitchConfig(
        switch_id=SWITCH,
        family="asterisk",
        name="pbx",
        settings={
            "base_url": pbx.asterisk.ari_url,
            "username": pbx.asterisk.user,
            "trunks": [{"address": "PJSIP/{number}@carrier", "lines": 30}],
            "destinations": {"100": "PJSIP/agent2"},
        },
        secret=pbx.asterisk.password,
        hook_secret="unused",
    )
    opened = open_switch(config)
    now = datetime.now(UTC)
    await LinkStore(database).save(config, await opened.inventory(), replace=False, now=now)
    await opened.adapter.aclose()
    async with database.transaction() as session:
        agents = tables.agents
        await session.execute(
            agents.update()
            .where(agents.c.address == "PJSIP/agent1")
            .values(status="available", reachable=True, status_at=now)
        )
        await session.execute(
            insert(ivr_tables.agent_profiles).values(
                agent_id=f"{SWITCH}-PJSIP/agent1",
                skills={"support": 5},
                groups={"Group_support": 0},
                changed_at=now,
            )
        )
    text = await asyncio.to_thread(TUTORIAL.read_text)
    await store.publish("support", plant([("support.yaml", text)]), now=now)
    await store.set_route(
        SWITCH, "support", ivr_id="", called=NUMBER, hold_audio="", callback_list="", now=now
    )
