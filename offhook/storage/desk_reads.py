"""What an agent has before them: the talk, or the one that has just ended, and whom it is with."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import text

from dialer.agent import AgentState
from dialer.model import CampaignSettings
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

LONGEST_CALL = timedelta(hours=4)
"""A talk that began longer before its wrap-up than this is not looked for."""

_NOW = text("""
SELECT s.campaign_id, s.state, s.since, s.correlator
FROM agent_leases h
JOIN agent_activity s ON s.agent_id = h.agent_id AND s.campaign_id = h.campaign_id
WHERE h.agent_id = :agent
""")
_BY_ID = "a.id = :attempt"
_LAST = """
a.id = (
    SELECT l.id FROM attempts l
    WHERE l.campaign_id = :campaign AND l.opened_at > :since AND l.agent_id = :agent
        AND l.joined_at IS NOT NULL
    ORDER BY l.opened_at DESC LIMIT 1)
"""
_CALL = """
SELECT a.id AS attempt_id, a.campaign_id, a.number, a.joined_at, a.ended_at, a.disposition,
    c.id::text AS contact_id, c.name, c.external_id, c.attributes, k.settings
FROM attempts a JOIN contacts c ON c.id = a.contact_id JOIN campaigns k ON k.id = a.campaign_id
WHERE a.agent_id = :agent AND """
_TALK, _ENDED = text(_CALL + _BY_ID), text(_CALL + _LAST)
_WITH_CUSTOMER = (AgentState.talking, AgentState.reserved, AgentState.ringing)


class DeskCall(BaseModel):
    """A call at an agent's desk."""

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    campaign_id: str
    number: str
    joined_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    disposition: str | None
    contact_id: str
    name: str
    external_id: str
    attributes: dict[str, str | None]
    settings: CampaignSettings
    state: AgentState
    since: AwareDatetime


@dataclass(frozen=True)
class DeskReads:
    """Reads desks; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def call(self, agent: str) -> DeskCall | None:
        """The agent's talk, or the one that they wrap up; None while there is neither."""
        async with store_session(self.database) as session:
            found = await session.execute(_NOW, {"agent": agent})
            now = found.mappings().one_or_none()
            if now is None:
                return None
            state = AgentState(now["state"])
            if state in _WITH_CUSTOMER and now["correlator"]:
                asked = {"agent": agent, "attempt": now["correlator"]}
                row = (await session.execute(_TALK, asked)).mappings().one_or_none()
            elif state is AgentState.wrap_up:
                asked = {
                    "agent": agent,
                    "campaign": now["campaign_id"],
                    "since": now["since"] - LONGEST_CALL,
                }
                row = (await session.execute(_ENDED, asked)).mappings().one_or_none()
            else:
                return None
        if row is None:
            return None
        return DeskCall.model_validate(dict(row) | {"state": state, "since": now["since"]})
