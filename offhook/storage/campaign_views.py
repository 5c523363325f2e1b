"""What people see of campaigns: lists, the live view and the report, read from the tables.

Nothing here is on the way of a call: each question is a few aggregates over one campaign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Row, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from dialer.agent import AgentState
from dialer.compliance.binding import bound
from dialer.model import AgentId, CampaignId, CampaignPhase, CampaignSettings
from dialer.outcomes import Outcome
from dialer.rejections import CampaignUnknown
from offhook.errors import OffhookError
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import AgentNotFound
from offhook.storage.tables import (
    agent_activity,
    agent_leases,
    agents,
    attempts,
    campaign_agents,
    campaigns,
    contacts,
    leases,
)

LISTED_AT_MOST = 1_000
_UTILISED = (AgentState.talking, AgentState.wrap_up)


class AmbiguousCampaign(OffhookError):
    """Several campaigns have that name."""

    code = "campaign_ambiguous"

    def __init__(self, name: str, ids: list[str]) -> None:
        super().__init__(
            f"{len(ids)} campaigns are named {name}", hint=f"give an id: {', '.join(ids[:5])}"
        )


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class CampaignRow(_View):
    """One line of a list of campaigns."""

    campaign_id: str
    name: str
    switch: str
    mode: str
    phase: CampaignPhase
    reason: str
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class CampaignView(_View):
    """How a campaign does, now or at its end."""

    campaign: CampaignRow
    contacts: dict[str, int]
    """By state; `total` beside them."""
    agents: dict[str, int]
    """By what they do now."""
    calls: dict[str, int]
    """In progress, by state."""
    attempts: int
    answered: int
    """By a person, abandoned ones included."""
    connected: int
    abandoned: int
    abandonment_rate: float
    abandonment_cap: float
    agent_utilisation: float
    """Share of agents' time in the campaign that they talked or wrapped up."""
    outcomes: dict[str, int]
    dispositions: dict[str, int]
    talk: timedelta
    pacing: dict[str, Any]
    """The pacer's last word: what it wanted, what it saw, and why."""


@dataclass(frozen=True)
class CampaignViews:
    """Reads campaigns, and creates them."""

    database: Database

    async def create(
        self,
        campaign: CampaignId,
        settings: CampaignSettings,
        *,
        agent_ids: tuple[AgentId, ...] = (),
        request_key: str | None = None,
        now: datetime,
    ) -> CampaignRow:
        """Store a campaign with its agents; without any named, all of the switch.

        A request whose key was used before gets the campaign that was made then, unchanged. What
        the campaign's law bounds takes the stricter value.
        """
        settings, _ = bound(settings)
        async with store_session(self.database) as session:
            known = await session.scalars(
                select(agents.c.id).where(agents.c.switch_id == settings.switch)
            )
            present = set(known)
            for agent in agent_ids:
                if agent not in present:
                    raise AgentNotFound(agent)
            made = await session.scalar(
                insert(campaigns)
                .values(
                    id=campaign,
                    request_key=request_key,
                    name=settings.name,
                    switch_id=settings.switch,
                    settings=settings.model_dump(mode="json"),
                    created_at=now,
                )
                .on_conflict_do_nothing(index_elements=["request_key"])
                .returning(campaigns.c.id)
            )
            if made is None:
                earlier = await session.scalars(
                    select(campaigns.c.id).where(campaigns.c.request_key == request_key)
                )
                return await self.find(earlier.one())
            members = agent_ids or tuple(AgentId(agent) for agent in sorted(present))
            if members:
                await session.execute(
                    insert(campaign_agents),
                    [
                        {"campaign_id": campaign, "agent_id": agent, "added_at": now}
                        for agent in members
                    ],
                )
        return await self.find(campaign)

    async def find(self, key: str) -> CampaignRow:
        """The campaign of this id, else the one of this name."""
        async with store_session(self.database) as session:
            found = await session.execute(
                select(campaigns)
                .where(or_(campaigns.c.id == key, campaigns.c.name == key))
                .order_by(campaigns.c.created_at)
            )
            rows = [_row(row) for row in found]
        by_id = [row for row in rows if row.campaign_id == key]
        if by_id:
            return by_id[0]
        if not rows:
            raise CampaignUnknown(key)
        if len(rows) > 1:
            raise AmbiguousCampaign(key, [row.campaign_id for row in rows])
        return rows[0]

    async def settings(self, campaign: str) -> CampaignSettings:
        """The settings in force."""
        return (await self.versioned(campaign))[0]

    async def versioned(self, campaign: str) -> tuple[CampaignSettings, int]:
        """The settings in force, and their version."""
        async with store_session(self.database) as session:
            stored = (
                await session.execute(
                    select(campaigns.c.settings, campaigns.c.version).where(
                        campaigns.c.id == campaign
                    )
                )
            ).one_or_none()
        if stored is None:
            raise CampaignUnknown(campaign)
        return CampaignSettings.model_validate(stored.settings), stored.version

    async def has_contacts(self, campaign: str) -> bool:
        """Whether anybody is in the campaign's lists, in whatever state."""
        anybody = select(contacts.c.id).where(contacts.c.campaign_id == campaign).limit(1)
        async with store_session(self.database) as session:
            return await session.scalar(anybody) is not None

    async def all(self) -> list[CampaignRow]:
        """The newest campaigns, newest first."""
        async with store_session(self.database) as session:
            found = await session.execute(
                select(campaigns).order_by(campaigns.c.created_at.desc()).limit(LISTED_AT_MOST)
            )
            return [_row(row) for row in found]

    async def page(
        self,
        *,
        after: tuple[datetime, str] | None = None,
        limit: int = 50,
        phases: Sequence[CampaignPhase] = (),
        only: Sequence[str] | None = None,
    ) -> list[CampaignRow]:
        """Campaigns, newest first, behind one of them; `only` those of these ids."""
        wanted = (
            select(campaigns)
            .order_by(campaigns.c.created_at.desc(), campaigns.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            wanted = wanted.where(tuple_(campaigns.c.created_at, campaigns.c.id) < after)
        if phases:
            wanted = wanted.where(campaigns.c.phase.in_(phases))
        if only is not None:
            wanted = wanted.where(campaigns.c.id.in_(only))
        async with store_session(self.database) as session:
            return [_row(row) for row in await session.execute(wanted)]

    async def view(self, campaign: str) -> CampaignView:
        """How a campaign does."""
        row = await self.find(campaign)
        settings = await self.settings(row.campaign_id)
        key = row.campaign_id
        async with store_session(self.database) as session:
            by_state = await _counts(session, contacts, contacts.c.state, key)
            outcomes = await _counts(session, attempts, attempts.c.outcome, key)
            open_calls = await _counts(session, attempts, attempts.c.state, key)
            doing = await _doing(session, key)
            connected, talk = (
                await session.execute(
                    select(func.count(attempts.c.joined_at), func.sum(attempts.c.talk)).where(
                        attempts.c.campaign_id == key
                    )
                )
            ).one()
            said = await session.execute(
                select(attempts.c.disposition, func.count())
                .where(attempts.c.campaign_id == key, attempts.c.disposition.is_not(None))
                .group_by(attempts.c.disposition)
            )
            spent = await _spent(session, key)
            pacing = await session.scalar(
                select(leases.c.pacing).where(leases.c.campaign_id == key, leases.c.shard == 0)
            )
        ended = open_calls.pop("ended", 0)
        abandoned = outcomes.get(Outcome.abandoned, 0)
        answered = outcomes.get(Outcome.answered, 0) + abandoned
        total = sum(spent.values())
        return CampaignView(
            campaign=row,
            contacts=by_state | {"total": sum(by_state.values())},
            agents=doing,
            calls=open_calls,
            attempts=ended + sum(open_calls.values()),
            answered=answered,
            connected=connected,
            abandoned=abandoned,
            abandonment_rate=abandoned / answered if answered else 0.0,
            abandonment_cap=settings.pacing.target_abandonment,
            agent_utilisation=sum(spent[state] for state in _UTILISED) / total if total else 0.0,
            outcomes=outcomes,
            dispositions=dict(said.all()),
            talk=talk or timedelta(0),
            pacing=pacing or {},
        )


def _row(row: Row[Any]) -> CampaignRow:
    return CampaignRow(
        campaign_id=row.id,
        name=row.name,
        switch=row.switch_id,
        mode=row.settings["mode"],
        phase=CampaignPhase(row.phase),
        reason=row.phase_reason,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


async def _doing(session: AsyncSession, campaign: str) -> dict[str, int]:
    """What the agents do who work for the campaign now; none is lent to it once it has ended."""
    state = func.coalesce(agent_activity.c.state, AgentState.idle)
    found = await session.execute(
        select(state, func.count())
        .select_from(agent_leases)
        .outerjoin(
            agent_activity,
            (agent_activity.c.agent_id == agent_leases.c.agent_id)
            & (agent_activity.c.campaign_id == agent_leases.c.campaign_id),
        )
        .where(agent_leases.c.campaign_id == campaign)
        .group_by(state)
    )
    return {str(value): count for value, count in found}


async def _counts(session: AsyncSession, table: Any, column: Any, campaign: str) -> dict[str, int]:
    found = await session.execute(
        select(column, func.count()).where(table.c.campaign_id == campaign).group_by(column)
    )
    return {str(value): count for value, count in found if value is not None}


async def _spent(session: AsyncSession, campaign: str) -> Mapping[AgentState, float]:
    """Seconds that agents spent in each state before the one that they are in."""
    columns = [func.coalesce(func.sum(agent_activity.c[f"{state}_s"]), 0.0) for state in AgentState]
    row = (
        await session.execute(select(*columns).where(agent_activity.c.campaign_id == campaign))
    ).one()
    return {state: float(value) for state, value in zip(AgentState, row, strict=True)}
