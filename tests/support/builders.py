"""Rows to test against: say what matters to the test, the rest is made up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import insert

from dialer.commands import ContactState
from dialer.model import (
    AgentId,
    AgentStatus,
    CampaignId,
    CampaignSettings,
    ContactId,
    Mode,
    SwitchId,
    TrunkId,
)
from offhook.storage import tables
from offhook.storage.database import Database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SWITCH = SwitchId("pbx")
TRUNK = TrunkId("trunk-1")


def at(seconds: float) -> datetime:
    """So many seconds after the tests' `NOW`."""
    return NOW + timedelta(seconds=seconds)


@dataclass
class Rows:
    """Puts rows into a test's database."""

    database: Database
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def switch(self, switch: SwitchId = SWITCH, *, lines: int = 30) -> SwitchId:
        """A switch with one trunk."""
        async with self.database.transaction() as session:
            await session.execute(
                insert(tables.switches).values(
                    id=switch, family="voispeed", name=str(switch), created_at=NOW
                )
            )
            await session.execute(
                insert(tables.trunks).values(
                    id=TRUNK if switch == SWITCH else f"{switch}-{TRUNK}",
                    switch_id=switch,
                    address="gw1",
                    lines=lines,
                )
            )
        return switch

    async def campaign(
        self,
        campaign: str = "c1",
        *,
        switch: SwitchId = SWITCH,
        agents: Iterable[AgentId] = (),
        mode: Mode = Mode.predictive,
    ) -> CampaignId:
        """A campaign with one empty list, worked by these agents."""
        settings = CampaignSettings(name=campaign, mode=mode, switch=switch)
        async with self.database.transaction() as session:
            await session.execute(
                insert(tables.campaigns).values(
                    id=campaign,
                    name=campaign,
                    switch_id=switch,
                    settings=settings.model_dump(mode="json"),
                    created_at=NOW,
                )
            )
            await session.execute(
                insert(tables.lists).values(campaign_id=campaign, name="all", created_at=NOW)
            )
            for agent in agents:
                await session.execute(
                    insert(tables.campaign_agents).values(
                        campaign_id=campaign, agent_id=agent, added_at=NOW
                    )
                )
        return CampaignId(campaign)

    async def agents(self, *agents: str, switch: SwitchId = SWITCH) -> list[AgentId]:
        """Agents who are available, in this order."""
        async with self.database.transaction() as session:
            for position, agent in enumerate(agents):
                await session.execute(
                    insert(tables.agents).values(
                        id=agent,
                        switch_id=switch,
                        address=f"user-{agent}",
                        number=f"{200 + position}",
                        status=AgentStatus.available,
                        position=position,
                    )
                )
        return [AgentId(agent) for agent in agents]

    async def contact(
        self,
        campaign: CampaignId,
        *,
        numbers: tuple[str, ...] | None = None,
        due_at: datetime = NOW,
        priority: int = 0,
        state: ContactState = ContactState.ready,
        external_id: str = "",
    ) -> ContactId:
        """A contact with its numbers; without any given, with one of its own."""
        listed = (f"+39055{next(self._numbers):06d}",) if numbers is None else numbers
        async with self.database.transaction() as session:
            of_campaign = tables.lists.c.campaign_id == campaign
            list_id = await session.scalar(tables.lists.select().where(of_campaign))
            contact = await session.scalar(
                insert(tables.contacts)
                .values(
                    campaign_id=campaign,
                    list_id=list_id,
                    due_at=due_at,
                    priority=priority,
                    state=state,
                    external_id=external_id,
                )
                .returning(tables.contacts.c.id)
            )
            for position, number in enumerate(listed):
                await session.execute(
                    insert(tables.numbers).values(
                        contact_id=contact,
                        position=position,
                        list_id=list_id,
                        number=number,
                        zones=["Europe/Rome"],
                    )
                )
        return ContactId(str(contact))

    async def contacts(self, campaign: CampaignId, amount: int) -> list[ContactId]:
        """So many contacts, due one second after the other."""
        return [
            await self.contact(campaign, due_at=at(number - amount)) for number in range(amount)
        ]
