"""XiVO's own callbacks, taken and ticketed by offhook while the connections are cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.callback_contracts import (
    CallbackOrder,
    StartCallback,
    TakeCallback,
    TicketCallback,
)
from dialer.callbacks import CallbackId, CallbackPhase, TicketStatus
from dialer.model import AgentId, SwitchId
from offhook.callback_mirror import SwitchCallbackLists
from offhook.open_switches import OpenSwitches
from offhook.settings import CallbackSettings
from offhook.simulator.config import make_users
from offhook.simulator.xivo_config import (
    CallbackListSetup,
    CallbackSetup,
    XivoConfig,
    agent_id_of,
    login_of,
)
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.storage import tables
from offhook.storage.callback_lists import CallbackLists, CallbackRow
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.callback_services import callback_activities
from offhook.temporal.callbacks import CallbackDesk, ensure_mirror
from offhook.temporal.campaigns import NobodyAnswers, OrderRefused
from tests.support.campaigns import until
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow

SWITCH = SwitchId("xivo")
CUTS = 10


def requests(count: int) -> tuple[CallbackSetup, ...]:
    """People in France who asked to be called back, long due."""
    name = uuid4().hex
    return tuple(
        CallbackSetup(uuid=f"{name}-{n}", phone_number=f"+336{n:08}", first_name=f"P{n}")
        for n in range(count)
    )


@dataclass
class Desk:
    """A XiVO, and offhook beside it."""

    simulator: XivoSimulator
    database: Database
    desk: CallbackDesk
    agents: tuple[AgentId, ...]

    async def rows(self) -> list[CallbackRow]:
        """The callbacks as the record has them."""
        return await CallbackLists(self.database).rows(None, limit=500)

    async def mirrored(self, count: int) -> list[CallbackRow]:
        """The rows, once XiVO's requests are all here."""

        async def there() -> bool:
            return len(await self.rows()) == count

        await until(there)
        return await self.rows()

    async def insist(self, callback: CallbackId, order: CallbackOrder) -> None:
        """Give an order as somebody who tries again while he gets no answer."""
        while True:
            try:
                await self.desk.order(callback, order)
            except (NobodyAnswers, RPCError):
                continue
            return


@asynccontextmanager
async def callback_floor(
    client: Client, database_url: str, config: XivoConfig
) -> AsyncIterator[Desk]:
    """Simulator, storage, and a worker of callbacks."""
    async with AsyncExitStack() as closing:
        pool = await open_pool(database_url)
        closing.push_async_callback(pool.close)
        database = await closing.enter_async_context(Database.open(database_url))
        simulator = await closing.enter_async_context(running_xivo(config))
        switch = SwitchConfig(
            switch_id=SWITCH,
            family="xivo",
            name=SWITCH,
            settings={
                "base_url": simulator.url,
                "login": "admin",
                "agent_logins": [login_of(user) for user in config.users],
                "number_format": "e164",
                "reconnect_first": "PT0.05S",
            },
            secret=config.token,
            hook_secret="",
        )
        opened = open_switch(switch)
        try:
            inventory = await opened.inventory()
        finally:
            await opened.adapter.aclose()
        now = datetime.now(UTC)
        await LinkStore(database).save(switch, inventory, replace=False, now=now)
        async with database.transaction() as session:
            await session.execute(update(tables.agents).values(status="available"))
        switches = OpenSwitches(LinkStore(database).get)
        closing.push_async_callback(switches.aclose)
        queue = f"callbacks-{uuid4()}"
        acts = callback_activities(
            client, database, pool, switches, CallbackSettings(), task_queue=queue
        )
        assert isinstance(acts.lists, SwitchCallbackLists)
        await closing.enter_async_context(
            Worker(
                client,
                task_queue=queue,
                workflows=[CallbackWorkflow, CallbackMirrorWorkflow],
                activities=[
                    acts.begin, acts.record, acts.permit, acts.call, acts.drive, acts.mirror,
                ],
                graceful_shutdown_timeout=timedelta(seconds=0),
            )
        )  # fmt: skip
        await ensure_mirror(client, SWITCH, task_queue=queue)
        agents = tuple(AgentId(f"{SWITCH}-{agent_id_of(user)}") for user in config.users)
        try:
            yield Desk(simulator, database, CallbackDesk(client, queue), agents)
        finally:
            await client.get_workflow_handle(f"callbacks/mirror/{SWITCH}").terminate()


def a_pbx(people: tuple[CallbackSetup, ...]) -> XivoConfig:
    """Two agents, and these requests on one list."""
    lists = (CallbackListSetup(uuid="list-1", name="Support", callbacks=people),)
    return XivoConfig(users=make_users(2), callback_lists=lists, speed=25)


async def test_agents_move_at_the_xivo_is_seen_here_and_wins(
    temporal_client: Client, database_url: str
) -> None:
    (person,) = requests(1)
    async with callback_floor(temporal_client, database_url, a_pbx((person,))) as floor:
        (row,) = await floor.mirrored(1)
        book = floor.simulator.face.callbacks
        other = int(floor.agents[1].rpartition("-")[2])
        book.take(person.uuid, other)

        async def taken() -> bool:
            (now,) = await floor.rows()
            return now.promise.holder == floor.agents[1]

        await until(taken)
        order = TakeCallback(request_id="take", agent_id=floor.agents[0])
        with pytest.raises(OrderRefused) as refused:
            await floor.desk.order(row.callback_id, order)
        assert refused.value.code == "callback_taken"
        assert book.requests[person.uuid].agent_id == other


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_callbacks_are_kept_once_each_while_connections_are_cut_ten_times(
    temporal_client: Client, database_url: str
) -> None:
    people = requests(20)
    async with callback_floor(temporal_client, database_url, a_pbx(people)) as floor:
        rows = await floor.mirrored(len(people))
        done = asyncio.Event()

        async def cut() -> None:
            for _ in range(CUTS):
                await asyncio.sleep(0.5)
                floor.simulator.cut()
            done.set()

        async def keep(row: CallbackRow, agent: AgentId) -> None:
            callback = row.callback_id
            await floor.insist(callback, TakeCallback(request_id="take", agent_id=agent))
            start = StartCallback(request_id="start", agent_id=agent)
            await floor.insist(callback, start)
            ticket = TicketCallback(
                request_id="ticket", agent_id=agent, status=TicketStatus.answered
            )
            await floor.insist(callback, ticket)

        async def work(agent: AgentId, mine: list[CallbackRow]) -> None:
            for row in mine:
                await keep(row, agent)

        cutting = asyncio.create_task(cut())
        shares = (rows[::2], rows[1::2])
        async with asyncio.timeout(150):
            await asyncio.gather(
                *(work(agent, mine) for agent, mine in zip(floor.agents, shares, strict=True))
            )
            await cutting
        assert done.is_set()
        book = floor.simulator.face.callbacks
        ticketed = [uuid for uuid, _, _ in book.tickets]
        assert sorted(ticketed) == sorted(request.uuid for request in people)
        assert not book.requests
        assert {row.promise.phase for row in await floor.rows()} == {CallbackPhase.closed}
        rung = floor.simulator.face.pbx.recorder.times_dialled
        assert max(rung.values(), default=0) <= 1
