"""Agents as people see them: who works where, what they chose, and in which campaigns they are.

Which campaign an agent works for now is decided by the campaigns' exchange of shares (ADR 6); what
is written here, who may work where and who wants to, is what that decision is made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.ports import switch_channel
from dialer.events import AgentChanged
from dialer.model import Agent, AgentId, AgentStatus, CampaignId, SwitchId
from offhook.errors import OffhookError
from offhook.storage.errors import AgentNotFound, CampaignNotFound
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, PoolOrConnection, store_errors

_AGENTS = """
SELECT a.id, a.switch_id, a.address, a.number, a.name, a.status, a.reachable, a.status_at,
    COALESCE(h.campaign_id, '') AS works_for, COALESCE(s.state, '') AS state,
    ARRAY(SELECT m.campaign_id FROM campaign_agents m WHERE m.agent_id = a.id ORDER BY 1)
        AS campaigns
FROM agents a
LEFT JOIN agent_leases h ON h.agent_id = a.id
LEFT JOIN agent_activity s ON s.agent_id = a.id AND s.campaign_id = h.campaign_id
"""
_ORDER = " ORDER BY a.switch_id, a.position, a.id"
_ALL = f"{_AGENTS} WHERE $1 IN ('', a.switch_id) {_ORDER}"
_OF_CAMPAIGN = f"""{_AGENTS} WHERE EXISTS (
    SELECT FROM campaign_agents m WHERE m.agent_id = a.id AND m.campaign_id = $1) {_ORDER}"""
_BY_KEY = f"{_AGENTS} WHERE $1 IN (a.id, a.address, a.number, a.name) {_ORDER}"

# Locked, so that two choices of one agent are told in the order in which they are written.
_CHOOSE = """
UPDATE agents SET status = $2, status_at = $3 WHERE id = $1
RETURNING id, switch_id, address, number, status, reachable, position
"""

_ADD = """
INSERT INTO campaign_agents (campaign_id, agent_id, added_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
_REMOVE = "DELETE FROM campaign_agents WHERE campaign_id = $1 AND agent_id = $2 RETURNING 1"


class AmbiguousAgent(OffhookError):
    """Several agents are called that."""

    code = "agent_ambiguous"

    def __init__(self, key: str, ids: Sequence[str]) -> None:
        super().__init__(
            f"{len(ids)} agents are called {key}", hint=f"give an id: {', '.join(ids[:5])}"
        )


class AgentElsewhere(OffhookError):
    """An agent's telephone is on another switch than the campaign."""

    code = "agent_on_other_switch"

    def __init__(self, agent: str, switch: str, campaign: str) -> None:
        super().__init__(
            f"agent {agent} is on the switch {switch}, campaign {campaign} on another",
            hint="add agents of the campaign's own switch; `offhook agent list` tells who they are",
        )


class AgentNotMember(OffhookError):
    """An agent isn't in the campaign that he should leave."""

    code = "agent_not_in_campaign"

    def __init__(self, agent: str, campaign: str) -> None:
        super().__init__(
            f"agent {agent} isn't in campaign {campaign}",
            hint=f"`offhook campaign agents {campaign}` lists who is",
        )


class AgentRow(BaseModel):
    """One line of a list of agents."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    switch: str
    name: str
    number: str
    status: AgentStatus
    reachable: bool
    status_at: AwareDatetime | None
    campaigns: tuple[str, ...]
    works_for: str
    """The campaign that has him now, or nothing."""
    state: str
    """What he does there."""


@dataclass(frozen=True)
class AgentStore:
    """Every method is one transaction; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def all(self, *, switch: str = "") -> list[AgentRow]:
        """The agents, of a switch or of all."""
        with store_errors():
            return [_row(row) for row in await self.pool.fetch(_ALL, switch)]

    async def find(self, key: str) -> AgentRow:
        """The agent of this id, else the one of this address, extension or name."""
        with store_errors():
            rows = [_row(row) for row in await self.pool.fetch(_BY_KEY, key)]
        found = [row for row in rows if row.agent_id == key] or rows
        if not found:
            raise AgentNotFound(key)
        if len(found) > 1:
            raise AmbiguousAgent(key, [row.agent_id for row in found])
        return found[0]

    async def members(self, campaign: CampaignId) -> list[AgentRow]:
        """The agents of a campaign."""
        with store_errors():
            return [_row(row) for row in await self.pool.fetch(_OF_CAMPAIGN, campaign)]

    async def set_status(self, agent: AgentRow, status: AgentStatus, *, now: datetime) -> None:
        """Store what an agent chose, and tell the campaign that has him."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(_CHOOSE, agent.agent_id, status, now)
                if row is None:
                    raise AgentNotFound(agent.agent_id)
                await post_on(
                    connection,
                    switch_channel(SwitchId(row["switch_id"])),
                    AgentChanged(agent=_as_agent(row)),
                    key=f"status {agent.agent_id} {now.isoformat()}",
                    now=now,
                )

    async def add(self, agent: AgentRow, *, campaign: CampaignId, now: datetime) -> None:
        """Let an agent work for a campaign too."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await _add(connection, agent, campaign, now)

    async def remove(self, agent: AgentRow, *, campaign: CampaignId) -> None:
        """Have an agent leave a campaign, once he has finished what he is about."""
        with store_errors():
            if not await self.pool.fetchval(_REMOVE, campaign, agent.agent_id):
                raise AgentNotMember(agent.agent_id, campaign)

    async def move(
        self, agent: AgentRow, *, source: CampaignId, target: CampaignId, now: datetime
    ) -> None:
        """Have an agent leave a campaign for another; he finishes what he is about first."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval(_REMOVE, source, agent.agent_id):
                    raise AgentNotMember(agent.agent_id, source)
                await _add(connection, agent, target, now)


async def _add(
    database: PoolOrConnection, agent: AgentRow, campaign: CampaignId, now: datetime
) -> None:
    switch = await database.fetchval("SELECT switch_id FROM campaigns WHERE id = $1", campaign)
    if switch is None:
        raise CampaignNotFound(campaign)
    if switch != agent.switch:
        raise AgentElsewhere(agent.agent_id, agent.switch, campaign)
    await database.execute(_ADD, campaign, agent.agent_id, now)


def _row(row: asyncpg.Record) -> AgentRow:
    return AgentRow(
        agent_id=row["id"],
        switch=row["switch_id"],
        name=row["name"],
        number=row["number"],
        status=AgentStatus(row["status"]),
        reachable=row["reachable"],
        status_at=row["status_at"],
        campaigns=tuple(row["campaigns"]),
        works_for=row["works_for"],
        state=row["state"],
    )


def _as_agent(row: asyncpg.Record) -> Agent:
    return Agent(
        agent_id=AgentId(row["id"]),
        address=row["address"],
        number=row["number"],
        status=AgentStatus(row["status"]),
        reachable=row["reachable"],
        order=row["position"],
    )
