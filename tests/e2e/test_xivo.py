"""A progressive campaign on XiVO, its connections cut again and again: real sockets and tables."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from activities.dial_loop import DialLoop
from dialer.model import CampaignId, CampaignSettings, Mode, SwitchId, TrunkId
from dialer.outcomes import Outcome
from offhook.api.hooks import Hooks
from offhook.link_watch import Links
from offhook.simulator.config import UserConfig, make_users
from offhook.simulator.population import Population, RandomTime
from offhook.simulator.xivo_config import QueueSetup, XivoConfig, agent_id_of, login_of
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.switches.xivo import wire
from offhook.switches.xivo.events import CORRELATOR
from offhook.switches.xivo.wire_commands import DialFromQueue
from tests.support.floor_stack import Watched, utc_now

SWITCH = SwitchId("xivo")
PEOPLE = Population(
    answer_probability=0.6,
    busy_probability=0,
    rejected_probability=0,
    invalid_probability=0,
    unavailable_probability=0,
    ring=RandomTime(mean_s=0.3),
    talk=RandomTime(mean_s=0.4),
)

CUTS = 10


def agent_of(user: UserConfig) -> str:
    """The agent that a user became when the switch was added."""
    return f"{SWITCH}-{agent_id_of(user)}"


@dataclass
class Floor:
    """A XiVO, its links, and what is needed to dial through it."""

    simulator: XivoSimulator
    database: Database
    inbox: PostgresInbox
    store: PostgresDialStore
    config: SwitchConfig
    observer: Watched

    async def campaign(self, name: str, queue: int, numbers: Sequence[str]) -> CampaignId:
        """A campaign that dials from one queue, with the queue's members as its agents."""
        campaign, now = CampaignId(name), utc_now()
        settings = CampaignSettings(
            name=name,
            mode=Mode.progressive,
            switch=SWITCH,
            trunks=(TrunkId(f"xivo-trunk-{queue}"),),
            wrap_up=timedelta(0),
            ring_timeout=timedelta(seconds=15),
            retry={"max_attempts": 1},
        )
        setup = self.simulator.face.acd.queues[queue]
        async with self.database.transaction() as session:
            await session.execute(
                insert(tables.campaigns).values(
                    id=campaign,
                    name=name,
                    switch_id=SWITCH,
                    settings=settings.model_dump(mode="json"),
                    created_at=now,
                )
            )
            list_id = await session.scalar(
                insert(tables.lists)
                .values(campaign_id=campaign, name="all", created_at=now)
                .returning(tables.lists.c.id)
            )
            for user in self.simulator.config.users:
                if user.id in setup.members:
                    await session.execute(
                        insert(tables.campaign_agents).values(
                            campaign_id=campaign, agent_id=agent_of(user), added_at=now
                        )
                    )
            for number in numbers:
                contact = await session.scalar(
                    insert(tables.contacts)
                    .values(campaign_id=campaign, list_id=list_id, due_at=now)
                    .returning(tables.contacts.c.id)
                )
                await session.execute(
                    insert(tables.numbers).values(
                        contact_id=contact,
                        position=0,
                        list_id=list_id,
                        number=number,
                        zones=["Europe/Paris"],
                    )
                )
        return campaign

    async def dial(self, campaign: CampaignId) -> str:
        """Dial as a worker would, until drained."""
        adapter = open_switch(self.config).adapter
        loop = DialLoop(
            store=self.store,
            inbox=self.inbox,
            switch=adapter,
            clock=utc_now,
            observer=self.observer,
        )
        try:
            return await loop.run(campaign, owner=f"worker {campaign}")
        finally:
            await adapter.aclose()

    async def outcomes(self) -> dict[str, Outcome]:
        """Attempt -> what offhook says came of it."""
        known = tables.attempts.c
        async with self.database.transaction() as session:
            found = await session.execute(select(known.id, known.outcome))
            return {row.id: Outcome(row.outcome) for row in found}


@asynccontextmanager
async def xivo_floor(database_url: str, config: XivoConfig) -> AsyncIterator[Floor]:
    """Simulator, links and storage for the length of the block."""
    async with AsyncExitStack() as closing:
        pool = await open_pool(database_url)
        closing.push_async_callback(pool.close)
        database = await closing.enter_async_context(Database.open(database_url))
        simulator = await closing.enter_async_context(running_xivo(config))
        inbox = await closing.enter_async_context(PostgresInbox(pool, database_url))
        switch = SwitchConfig(
            switch_id=SWITCH,
            family="xivo",
            name=SWITCH,
            settings={
                "base_url": simulator.url,
                "login": "admin",
                "agent_logins": [login_of(user) for user in config.users],
                "number_format": "e164",
                "time_zone": "UTC",
                "reconnect_first": "PT0.05S",
            },
            secret=config.token,
            hook_secret="",
        )
        await _store(database, switch)
        links = Links(
            store=LinkStore(database),
            inbox=inbox,
            hooks=Hooks(InboxWriter(pool)),
            events=inbox,
            look_every=timedelta(seconds=1),
        )
        await closing.enter_async_context(links.watching())
        async with asyncio.timeout(20):
            while len(simulator.face.connections) <= len(config.users):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        store = PostgresDialStore(pool)
        yield Floor(simulator, database, inbox, store, switch, Watched())


async def _store(database: Database, switch: SwitchConfig) -> None:
    opened = open_switch(switch)
    try:
        inventory = await opened.inventory()
    finally:
        await opened.adapter.aclose()
    await LinkStore(database).save(switch, inventory, replace=False, now=utc_now())
    async with database.transaction() as session:
        await session.execute(update(tables.agents).values(status="available"))


def swallowed_requests(floor: Floor) -> Counter[str]:
    """Attempts whose request to dial the simulator never read, by its own record of the cuts."""
    commands = map(wire.parse_command, floor.simulator.swallowed)
    return Counter(c.variables[CORRELATOR] for c in commands if isinstance(c, DialFromQueue))


def judge(floor: Floor, outcomes: dict[str, Outcome], contacts: int) -> None:
    """Nothing lost, nothing done twice, and both sides tell the same story.

    Only a request that a cut swallowed ends as unknown: nobody can tell it from one that was read.
    """
    recorder = floor.simulator.face.pbx.recorder
    assert recorder.summary()["double_dialled"] == 0
    assert max(recorder.times_dialled.values()) == 1
    assert len(outcomes) == contacts
    swallowed = swallowed_requests(floor)
    calls = {call.extid: call for call in recorder.calls.values()}
    assert set(outcomes) - set(calls) == set(swallowed)
    assert max(swallowed.values(), default=1) == 1
    assert {key for key, said in outcomes.items() if said is Outcome.unknown} == set(swallowed)
    assert len(recorder.times_dialled) == contacts - len(swallowed)
    assert set(calls) <= set(outcomes)
    wrong = Counter(
        (call.fate.value, outcomes[extid or ""])
        for extid, call in calls.items()
        if (call.fate.value == "joined") is not (outcomes[extid or ""] == Outcome.answered)
    )
    assert not wrong, wrong


async def test_a_contact_is_dialed_from_the_queue_and_meets_its_agent(database_url: str) -> None:
    users = make_users(1)
    queue = QueueSetup(id=1, name="sales", members=("101",))
    people = PEOPLE.model_copy(update={"answer_probability": 1.0})
    config = XivoConfig(users=users, queues=(queue,), population=people)
    async with xivo_floor(database_url, config) as floor:
        campaign = await floor.campaign("one", 1, ["+33612345678"])
        async with asyncio.timeout(25):
            assert await floor.dial(campaign) == "exhausted"
        judge(floor, await floor.outcomes(), 1)
        assert not floor.simulator.swallowed
        async with floor.database.transaction() as session:
            (agent,) = (await session.scalars(select(tables.attempts.c.agent_id))).all()
        assert agent == agent_of(users[0])
        assert not floor.observer.failures


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_three_queues_dial_everybody_once_while_connections_are_cut(
    database_url: str,
) -> None:
    users = make_users(12)
    queues = tuple(
        QueueSetup(
            id=number,
            name=f"queue{number}",
            members=tuple(user.id for user in users[4 * number - 4 : 4 * number]),
        )
        for number in (1, 2, 3)
    )
    config = XivoConfig(
        users=users, queues=queues, population=PEOPLE, ring_timeout_s=0.8, auto_answer_s=(0.02, 0.1)
    )
    everybody = [f"+336{index:08}" for index in range(200)]
    async with xivo_floor(database_url, config) as floor:
        names = [
            await floor.campaign(f"queue-{number}", number, everybody[number - 1 :: 3])
            for number in (1, 2, 3)
        ]

        async def cut() -> None:
            for _ in range(CUTS):
                await asyncio.sleep(1.0)
                floor.simulator.cut()

        cutting = asyncio.create_task(cut())
        async with asyncio.timeout(100):
            reasons = await asyncio.gather(*(floor.dial(name) for name in names))
            await cutting
        assert reasons == ["exhausted"] * 3
        judge(floor, await floor.outcomes(), len(everybody))
