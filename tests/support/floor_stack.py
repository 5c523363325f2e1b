"""A floor in one process: simulator, hook, inbox, store and loops, on real sockets and tables."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from activities.dial_loop import DialLoop
from dialer.commands import SwitchCommand
from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.api.hooks import Hooks
from offhook.demo.truth import Comparison, OurAttempt, RecordedCall, compare
from offhook.links import route
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import Simulator
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.pool import open_pool
from offhook.switches.registry import SwitchConfig, open_switch
from tests.support.serving import serving

SWITCH = SwitchId("pbx")
CAMPAIGN = CampaignId("c1")


def utc_now() -> datetime:
    """The clock of a floor."""
    return datetime.now(UTC)


@dataclass
class Watched:
    """A `DialObserver` that remembers."""

    lags: dict[str, list[timedelta]] = field(default_factory=dict)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    sent_commands: list[SwitchCommand] = field(default_factory=list)

    def step(self, *, events: int, commands: int, took: timedelta) -> None:
        """Steps are of no interest here."""

    def sent(self, command: SwitchCommand, *, lag: timedelta) -> None:
        """Keep the command and its lag."""
        self.lags.setdefault(command.kind, []).append(lag)
        self.sent_commands.append(command)

    def failed(self, action: str, error: Exception) -> None:
        """Keep the failure."""
        self.failures.append((action, error))

    def untranslatable(self, channel: str, error: Exception) -> None:
        """Keep the failure."""
        self.failures.append(("translate", error))


@dataclass
class FloorStack:
    """What a test of the live layer needs."""

    simulator: Simulator
    database: Database
    inbox: PostgresInbox
    store: PostgresDialStore
    config: SwitchConfig
    observer: Watched = field(default_factory=Watched)

    async def dial(self, *, owner: str = "test") -> str:
        """Dial as a worker that has just started would, until drained; returns the reason."""
        adapter = open_switch(self.config).adapter
        loop = DialLoop(
            store=self.store,
            inbox=self.inbox,
            switch=adapter,
            clock=utc_now,
            observer=self.observer,
        )
        try:
            return await loop.run(CAMPAIGN, owner=owner)
        finally:
            await adapter.aclose()

    async def create(self, settings: CampaignSettings, numbers: Iterable[str]) -> None:
        """A campaign with every agent of the simulator, and one contact a number."""
        users = self.simulator.config.users
        now = utc_now()
        async with self.database.transaction() as session:
            await session.execute(
                insert(tables.campaigns).values(
                    id=CAMPAIGN,
                    name=settings.name,
                    switch_id=SWITCH,
                    settings=settings.model_dump(mode="json"),
                    created_at=now,
                )
            )
            list_id = await session.scalar(
                insert(tables.lists)
                .values(campaign_id=CAMPAIGN, name="all", created_at=now)
                .returning(tables.lists.c.id)
            )
            for position, user in enumerate(users):
                await session.execute(
                    insert(tables.agents).values(
                        id=f"agent-{user.id}",
                        switch_id=SWITCH,
                        address=user.id,
                        number=user.extension,
                        status="available",
                        position=position,
                    )
                )
                await session.execute(
                    insert(tables.campaign_agents).values(
                        campaign_id=CAMPAIGN, agent_id=f"agent-{user.id}", added_at=now
                    )
                )
            for number in numbers:
                contact = await session.scalar(
                    insert(tables.contacts)
                    .values(campaign_id=CAMPAIGN, list_id=list_id, due_at=now)
                    .returning(tables.contacts.c.id)
                )
                await session.execute(
                    insert(tables.numbers).values(
                        contact_id=contact,
                        position=0,
                        list_id=list_id,
                        number=number,
                        zones=["Europe/Rome"],
                    )
                )

    async def attempts(self) -> list[OurAttempt]:
        """Every attempt as offhook recorded it."""
        async with self.database.transaction() as session:
            found = await session.execute(
                select(tables.attempts.c.id, tables.attempts.c.number, tables.attempts.c.outcome)
            )
            return [OurAttempt(attempt_id=a, number=n, outcome=o) for a, n, o in found]

    async def judge(self, settings: CampaignSettings) -> Comparison:
        """Our outcomes against the simulator's record."""
        calls = [
            RecordedCall.model_validate(record.as_json())
            for record in self.simulator.face.pbx.recorder.calls.values()
        ]
        return compare(calls, await self.attempts(), patience=settings.patience)


@asynccontextmanager
async def floor_stack(database_url: str, config: SimulatorConfig) -> AsyncIterator[FloorStack]:
    """Simulator, hook and storage for the length of the block."""
    async with AsyncExitStack() as closing:
        pool = await open_pool(database_url)
        closing.push_async_callback(pool.close)
        database = await closing.enter_async_context(Database.open(database_url))
        simulator = Simulator(config)
        await simulator.start()
        closing.push_async_callback(simulator.stop)
        switch = _switch(simulator)
        opened = open_switch(switch)
        closing.push_async_callback(opened.adapter.aclose)
        hooks = Hooks(InboxWriter(pool))
        hooks.serve([route(opened)])
        inbox = await closing.enter_async_context(PostgresInbox(pool, database_url))
        url = await closing.enter_async_context(serving(hooks))
        await simulator.set_events_urls([f"{url}/hooks/voispeed/{switch.hook_secret}"])
        await _add_switch(database, config)
        yield FloorStack(
            simulator=simulator,
            database=database,
            inbox=inbox,
            store=PostgresDialStore(pool),
            config=switch,
        )


def _switch(simulator: Simulator) -> SwitchConfig:
    ivrs = {ivr.role.value: ivr.id for ivr in simulator.config.ivrs}
    return SwitchConfig(
        switch_id=SWITCH,
        family="voispeed",
        name="pbx",
        settings={
            "base_url": simulator.url,
            "reception_ivr": ivrs["reception"],
            "hold_ivr": ivrs["hold"],
            "message_ivr": ivrs["message"],
        },
        secret=simulator.config.token,
        hook_secret="s3cret",
    )


async def _add_switch(database: Database, config: SimulatorConfig) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(tables.switches).values(
                id=SWITCH, family="voispeed", name="pbx", created_at=utc_now()
            )
        )
        for gateway in config.gateways:
            await session.execute(
                insert(tables.trunks).values(
                    id=f"trunk-{gateway.id}",
                    switch_id=SWITCH,
                    address=gateway.id,
                    lines=gateway.lines,
                )
            )
