"""A floor in one process: simulator, hook, inbox, store and loops, on real sockets and tables."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from activities.dial_loop import DialLoop
from activities.ports import campaign_channel
from dialer.commands import NotePacing, SwitchCommand
from dialer.events import Event
from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.api.guarded import GuardedProtocol
from offhook.api.hooks import Hooks
from offhook.demo.truth import Comparison, OurAttempt, RecordedCall, compare
from offhook.links import route
from offhook.simulator.config import SimulatorConfig, UserConfig
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

    def paced(self, note: NotePacing) -> None:
        """Of no interest here."""

    def untranslatable(self, channel: str, error: Exception) -> None:
        """Keep the failure."""
        self.failures.append(("translate", error))

    def watched(self, switch: SwitchId, since: datetime | None) -> None:
        """Of no interest here."""


@dataclass
class FloorStack:
    """What a test of the live layer needs."""

    simulator: Simulator
    database: Database
    inbox: PostgresInbox
    store: PostgresDialStore
    config: SwitchConfig
    hooks: Hooks
    observer: Watched = field(default_factory=Watched)

    async def dial(self, *, campaign: CampaignId = CAMPAIGN, owner: str = "test") -> str:
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
            return await loop.run(campaign, owner=owner)
        finally:
            await adapter.aclose()

    async def create(
        self,
        settings: CampaignSettings,
        numbers: Iterable[str],
        *,
        campaign: CampaignId = CAMPAIGN,
        users: Sequence[UserConfig] | None = None,
    ) -> None:
        """A campaign with one contact a number, and these users, or all, as its agents."""
        users = self.simulator.config.users if users is None else users
        switch = self.config.switch_id
        now = utc_now()
        async with self.database.transaction() as session:
            await session.execute(
                insert(tables.campaigns).values(
                    id=campaign,
                    name=settings.name,
                    switch_id=switch,
                    settings=settings.model_dump(mode="json"),
                    created_at=now,
                )
            )
            list_id = await session.scalar(
                insert(tables.lists)
                .values(campaign_id=campaign, name="all", created_at=now)
                .returning(tables.lists.c.id)
            )
            for position, user in enumerate(users):
                await session.execute(
                    insert(tables.agents)
                    .values(
                        id=self.agent_id(user),
                        switch_id=switch,
                        address=user.id,
                        number=user.extension,
                        status="available",
                        position=position,
                    )
                    .on_conflict_do_nothing()
                )
                await session.execute(
                    insert(tables.campaign_agents).values(
                        campaign_id=campaign, agent_id=self.agent_id(user), added_at=now
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
                        zones=["Europe/Rome"],
                    )
                )

    def agent_id(self, user: UserConfig) -> str:
        """The agent that a user of the simulator is."""
        prefix = "" if self.config.switch_id == SWITCH else f"{self.config.switch_id}-"
        return f"agent-{prefix}{user.id}"

    async def limit(self, *, lines: int, calls_per_second: float | None = None) -> None:
        """Have offhook go by less than the gateways could carry."""
        async with self.database.transaction() as session:
            await session.execute(
                update(tables.trunks)
                .where(tables.trunks.c.switch_id == self.config.switch_id)
                .values(lines=lines, calls_per_second=calls_per_second)
            )

    async def order(self, campaign: CampaignId, event: Event) -> None:
        """Have a person order something of a campaign."""
        now = utc_now()
        channel = campaign_channel(campaign)
        await self.inbox.post(channel, event=event, key=f"test {now.isoformat()}", now=now)

    @property
    def most_lines(self) -> int:
        """Lines that were in use at once, as the simulator counted them."""
        return max(self.simulator.face.pbx.recorder.lines_high_water.values(), default=0)

    async def attempts(self, campaign: CampaignId | None = None) -> list[OurAttempt]:
        """Every attempt, of this switch or of a campaign, as offhook recorded it."""
        known = tables.attempts.c
        wanted = select(known.id, known.number, known.outcome).join(
            tables.campaigns, tables.campaigns.c.id == known.campaign_id
        )
        wanted = wanted.where(tables.campaigns.c.switch_id == self.config.switch_id)
        if campaign is not None:
            wanted = wanted.where(known.campaign_id == campaign)
        async with self.database.transaction() as session:
            found = await session.execute(wanted)
            return [OurAttempt(attempt_id=a, number=n, outcome=o) for a, n, o in found]

    async def judge(self, settings: CampaignSettings) -> Comparison:
        """Our outcomes against the simulator's record."""
        calls = [
            RecordedCall.model_validate(record.as_json())
            for record in self.simulator.face.pbx.recorder.calls.values()
        ]
        return compare(calls, await self.attempts(), patience=settings.patience)


@asynccontextmanager
async def floor_stack(
    database_url: str, config: SimulatorConfig, *, switch_id: SwitchId = SWITCH
) -> AsyncIterator[FloorStack]:
    """Simulator, hook and storage for the length of the block."""
    async with AsyncExitStack() as closing:
        pool = await open_pool(database_url)
        closing.push_async_callback(pool.close)
        database = await closing.enter_async_context(Database.open(database_url))
        simulator = Simulator(config)
        await simulator.start()
        closing.push_async_callback(simulator.stop)
        switch = _switch(simulator, switch_id)
        opened = open_switch(switch)
        closing.push_async_callback(opened.adapter.aclose)
        hooks = Hooks(InboxWriter(pool))
        hooks.serve([route(opened)])
        inbox = await closing.enter_async_context(PostgresInbox(pool, database_url))
        url = await closing.enter_async_context(serving(hooks, http=GuardedProtocol))
        await simulator.set_events_urls([f"{url}/hooks/voispeed/{switch.hook_secret}"])
        await _add_switch(database, config, switch_id)
        yield FloorStack(
            simulator=simulator,
            database=database,
            inbox=inbox,
            store=PostgresDialStore(pool),
            config=switch,
            hooks=hooks,
        )


def _switch(simulator: Simulator, switch_id: SwitchId) -> SwitchConfig:
    ivrs = {ivr.role.value: ivr.id for ivr in simulator.config.ivrs}
    return SwitchConfig(
        switch_id=switch_id,
        family="voispeed",
        name=switch_id,
        settings={
            "base_url": simulator.url,
            "reception_ivr": ivrs["reception"],
            "hold_ivr": ivrs["hold"],
            "message_ivr": ivrs["message"],
        },
        secret=simulator.config.token,
        hook_secret="s3cret",
    )


async def _add_switch(database: Database, config: SimulatorConfig, switch_id: SwitchId) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(tables.switches).values(
                id=switch_id, family="voispeed", name=switch_id, created_at=utc_now()
            )
        )
        prefix = "trunk" if switch_id == SWITCH else switch_id
        for gateway in config.gateways:
            await session.execute(
                insert(tables.trunks).values(
                    id=f"{prefix}-{gateway.id}",
                    switch_id=switch_id,
                    address=gateway.id,
                    lines=gateway.lines,
                )
            )
