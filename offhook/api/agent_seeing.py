"""Agents as somebody with a scope sees them: those of it, and of them nothing that is outside."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from offhook.accounts.principal import Principal
from offhook.storage.agent_profiles import Profile
from offhook.storage.agent_store import AgentRow
from offhook.storage.campaign_records import store_session
from offhook.storage.contacts import ContactHistory
from offhook.storage.database import Database
from offhook.storage.ivr_tables import agent_profiles

_NAMING = frozenset({"agent_id", "owner"})
"""Fields of a contact's story that name an agent."""


def agent_as_seen(who: Principal, row: AgentRow) -> AgentRow | None:
    """The agent without the campaigns and groups that are out of scope.

    None for an agent who is in no campaign, or no group, of a scope that names some.
    """
    campaigns = _within(row.campaigns, who.scope.campaigns)
    groups = _within(row.groups, who.scope.groups)
    if (who.scope.campaigns is not None and not campaigns) or not is_of_groups(who, row):
        return None
    works_for = row.works_for if who.scope.has(campaign=row.works_for) else ""
    return row.model_copy(update={"campaigns": campaigns, "groups": groups, "works_for": works_for})


def is_of_groups(who: Principal, row: AgentRow) -> bool:
    """Whether an agent is in one of the groups that somebody sees, whatever the campaign."""
    return who.scope.groups is None or bool(_within(row.groups, who.scope.groups))


def profile_as_seen(who: Principal, profile: Profile) -> Profile:
    """What an agent can do, without the groups that are out of scope."""
    groups = _within(tuple(profile.groups), who.scope.groups)
    return profile.model_copy(update={"groups": {name: profile.groups[name] for name in groups}})


async def agents_in_scope(database: Database, who: Principal) -> frozenset[str] | None:
    """The agents of the groups that somebody sees; None is all."""
    if who.scope.groups is None:
        return None
    wanted = set(who.scope.groups)
    rows = select(agent_profiles.c.agent_id, agent_profiles.c.groups)
    async with store_session(database) as session:
        known = await session.execute(rows)
        return frozenset(row.agent_id for row in known if wanted & set(row.groups))


def history_as_seen(told: ContactHistory, agents: frozenset[str] | None) -> ContactHistory:
    """A contact's history, in which agents who are none of these have no name."""
    if agents is None:
        return told
    attempts = tuple(
        one if one.agent_id in agents else replace(one, agent_id=None) for one in told.attempts
    )
    return replace(told, attempts=attempts, owner=told.owner if told.owner in agents else None)


async def story_as_seen(database: Database, who: Principal, told: Any) -> Any:
    """A contact's story, in which agents who are out of scope have no name."""
    agents = await agents_in_scope(database, who)
    return told if agents is None else _without(told, agents)


def _without(told: Any, agents: frozenset[str]) -> Any:
    if isinstance(told, dict):
        return {
            name: None if name in _NAMING and value not in agents else _without(value, agents)
            for name, value in told.items()
        }
    return [_without(one, agents) for one in told] if isinstance(told, list) else told


def _within(names: tuple[str, ...], seen: tuple[str, ...] | None) -> tuple[str, ...]:
    return names if seen is None else tuple(name for name in names if name in seen)
