"""Agents as people see them: who works where, what they chose, and in which campaigns they are.

Which campaign an agent works for now is decided by the campaigns' exchange of shares (ADR 6); what
is written here, who may work where and who wants to, is what that decision is made from.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.ports import campaign_channel, switch_channel
from dialer.events import AgentChanged, PreviewAnswered
from dialer.model import Agent, AgentId, AgentStatus, CampaignId, ContactId, SwitchId
from dialer.rejections import CampaignUnknown
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage.errors import AgentNotFound
from offhook.storage.fact_log import Noted, note_on
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, PoolOrConnection, store_errors

_AGENTS = """
SELECT a.id, a.switch_id, a.address, a.number, a.name, a.status, a.status_reason, a.reachable,
    a.status_at,
    COALESCE(h.campaign_id, '') AS works_for, COALESCE(s.state, '') AS state,
    ARRAY(SELECT m.campaign_id FROM campaign_agents m WHERE m.agent_id = a.id ORDER BY 1)
        AS campaigns,
    ARRAY(SELECT jsonb_object_keys(p.groups) ORDER BY 1) AS groups
FROM agents a
LEFT JOIN agent_profiles p ON p.agent_id = a.id
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
UPDATE agents SET status = $2, status_at = $3, status_reason = $4 WHERE id = $1
RETURNING id, switch_id, address, number, status, status_reason, reachable, position
"""

_ON_OFFER = """
SELECT p.agent_id, p.campaign_id AS campaign, c.id::text AS contact_id, c.external_id, c.name,
    ARRAY(SELECT n.number FROM numbers n WHERE n.contact_id = c.id ORDER BY n.position) AS numbers,
    c.attributes::text AS attributes, p.ends_at, p.skips_left
FROM previews p JOIN contacts c ON c.id = p.contact_id WHERE p.agent_id = $1
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
    status_reason: str = ""
    """Why he is not ready, where he said so."""
    reachable: bool
    status_at: AwareDatetime | None
    """Since when he has that status, for that reason."""
    campaigns: tuple[str, ...]
    works_for: str
    """The campaign that has him now, or nothing."""
    state: str
    """What he does there."""
    groups: tuple[str, ...] = ()
    """Whose calls he takes."""


class NothingOnOffer(OffhookError):
    """No contact is on offer to the agent."""

    code = "nothing_on_offer"

    def __init__(self, agent: str) -> None:
        super().__init__(
            f"no contact is on offer to agent {agent}",
            hint="contacts are offered in preview mode, to agents who are free",
        )


class SkipNotAllowed(OffhookError):
    """The agent has skipped as many contacts as he may."""

    code = "skip_not_allowed"

    def __init__(self, agent: str) -> None:
        super().__init__(
            f"agent {agent} may not skip this contact",
            hint="accept it, or change preview.skips: `offhook campaign set`",
        )


class PreviewRow(BaseModel):
    """What is on offer to an agent."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    campaign: str
    contact_id: str
    external_id: str
    name: str
    numbers: tuple[str, ...]
    attributes: dict[str, str | None]
    ends_at: AwareDatetime | None
    skips_left: int | None
    """None is any number."""


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

    async def set_status(
        self, agent: AgentRow, status: AgentStatus, *, reason: str = "", now: datetime
    ) -> None:
        """Store what an agent chose, and tell the campaign that has him and whoever listens.

        A reason goes with `not_ready` only.
        """
        chosen = {"status": status, "status_reason": reason}
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(_CHOOSE, agent.agent_id, status, now, reason)
                if row is None:
                    raise AgentNotFound(agent.agent_id)
                await post_on(
                    connection,
                    switch_channel(SwitchId(row["switch_id"])),
                    AgentChanged(agent=_as_agent(row)),
                    key=f"status {agent.agent_id} {now.isoformat()}",
                    now=now,
                )
                fact = Noted(
                    key=f"agent {agent.agent_id} status {now.isoformat()}",
                    kind="agent.status",
                    data={"agent_id": agent.agent_id, **chosen},
                )
                await note_on(connection, fact, now=now)
        before = {"status": agent.status, "status_reason": agent.status_reason}
        note_change(f"agent/{agent.agent_id}", before, chosen)

    async def on_offer(self, agent: AgentRow) -> PreviewRow:
        """The contact that an agent reads."""
        with store_errors():
            row = await self.pool.fetchrow(_ON_OFFER, agent.agent_id)
        if row is None:
            raise NothingOnOffer(agent.agent_id)
        return PreviewRow(**(dict(row) | {"attributes": orjson.loads(row["attributes"])}))

    async def answer(self, agent: AgentRow, *, dial: bool, now: datetime) -> PreviewRow:
        """Have the contact on offer dialed, or skip it; who may not skip is refused."""
        offered = await self.on_offer(agent)
        if not dial and offered.skips_left == 0:
            raise SkipNotAllowed(agent.agent_id)
        said = PreviewAnswered(
            agent_id=AgentId(agent.agent_id), contact_id=ContactId(offered.contact_id), dial=dial
        )
        channel = campaign_channel(CampaignId(offered.campaign))
        key = f"preview {agent.agent_id} {offered.contact_id} {now.isoformat()}"
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await post_on(connection, channel, said, key=key, now=now)
        return offered

    async def add(self, agent: AgentRow, *, campaign: CampaignId, now: datetime) -> None:
        """Let an agent work for a campaign too."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await _add(connection, agent, campaign, now)
        _note_campaigns(agent, {*agent.campaigns, campaign})

    async def remove(self, agent: AgentRow, *, campaign: CampaignId) -> None:
        """Have an agent leave a campaign, once he has finished what he is about."""
        with store_errors():
            if not await self.pool.fetchval(_REMOVE, campaign, agent.agent_id):
                raise AgentNotMember(agent.agent_id, campaign)
        _note_campaigns(agent, {*agent.campaigns} - {campaign})

    async def move(
        self, agent: AgentRow, *, source: CampaignId, target: CampaignId, now: datetime
    ) -> None:
        """Have an agent leave a campaign for another; he finishes what he is about first."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval(_REMOVE, source, agent.agent_id):
                    raise AgentNotMember(agent.agent_id, source)
                await _add(connection, agent, target, now)
        _note_campaigns(agent, {*agent.campaigns, target} - {source})


def _note_campaigns(agent: AgentRow, after: Set[str]) -> None:
    before = {"campaigns": sorted(agent.campaigns)}
    note_change(f"agent/{agent.agent_id}", before, {"campaigns": sorted(after)})


async def _add(
    database: PoolOrConnection, agent: AgentRow, campaign: CampaignId, now: datetime
) -> None:
    switch = await database.fetchval("SELECT switch_id FROM campaigns WHERE id = $1", campaign)
    if switch is None:
        raise CampaignUnknown(campaign)
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
        status_reason=row["status_reason"],
        reachable=row["reachable"],
        status_at=row["status_at"],
        campaigns=tuple(row["campaigns"]),
        works_for=row["works_for"],
        state=row["state"],
        groups=tuple(row["groups"]),
    )


def _as_agent(row: asyncpg.Record) -> Agent:
    return Agent(
        agent_id=AgentId(row["id"]),
        address=row["address"],
        number=row["number"],
        status=AgentStatus(row["status"]),
        reachable=row["reachable"],
        order=row["position"],
        status_reason=row["status_reason"],
    )
