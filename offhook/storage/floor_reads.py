"""The floor as it stands, over all campaigns: agents, calls in progress, what pacers say.

Asked every second by whoever shows it, whatever the size of the lists: everything here reads rows
of what is open now, or of the last minutes. Totals of a campaign count all its attempts and are
asked for seldom (`totals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import RowMapping, text

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.model import AgentStatus, CampaignPhase
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

MOST_CAMPAIGNS = 200
MOST_AGENTS = 2_000
BUCKET = timedelta(seconds=10)
"""Width of a step of a campaign's history."""

_CAMPAIGNS = text("""
SELECT c.id, c.name, c.switch_id, c.phase, c.phase_reason, c.started_at,
    c.settings->>'mode' AS mode,
    COALESCE((c.settings->'pacing'->>'target_abandonment')::float8, 0.03) AS cap,
    COALESCE(l.owner, '') AS owner, l.renewed_at, COALESCE(l.pacing, '{}'::jsonb) AS pacing
FROM campaigns c LEFT JOIN leases l ON l.campaign_id = c.id AND l.shard = 0
WHERE c.phase IN ('running', 'paused', 'draining')
    OR (c.phase = 'scheduled' AND c.started_at IS NOT NULL)
ORDER BY c.created_at DESC LIMIT :most
""")
_AGENTS = text("""
SELECT a.id, a.name, a.number, a.switch_id, a.status, a.status_reason, a.reachable, a.status_at,
    h.campaign_id AS works_for, s.state, s.since, v.contact_id AS reads,
    ARRAY(SELECT jsonb_object_keys(p.groups)) AS groups,
    COALESCE(m.campaigns, '{}') AS campaigns
FROM agents a
LEFT JOIN (SELECT agent_id, array_agg(campaign_id) AS campaigns FROM campaign_agents
    GROUP BY agent_id) m ON m.agent_id = a.id
LEFT JOIN agent_profiles p ON p.agent_id = a.id
LEFT JOIN agent_leases h ON h.agent_id = a.id
LEFT JOIN agent_activity s ON s.agent_id = a.id AND s.campaign_id = h.campaign_id
LEFT JOIN previews v ON v.agent_id = a.id AND v.campaign_id = h.campaign_id
ORDER BY a.switch_id, a.position, a.id LIMIT :most
""")
_CALLS = text("""
SELECT campaign_id, state, count(*) AS calls, min(answered_at) AS first_answered
FROM attempts WHERE campaign_id = ANY(:campaigns) AND state <> 'ended' GROUP BY campaign_id, state
""")
_TOTALS = text("""
SELECT campaign_id, count(*) AS attempts, count(joined_at) AS connected,
    count(*) FILTER (WHERE outcome IN ('answered', 'abandoned') OR joined_at IS NOT NULL)
        AS answered,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned
FROM attempts WHERE campaign_id = ANY(:campaigns) GROUP BY campaign_id
""")
_HISTORY = text("""
SELECT date_bin(:bucket, opened_at, 'epoch') AS at, count(*) AS dials,
    count(*) FILTER (WHERE outcome IN ('answered', 'abandoned') OR joined_at IS NOT NULL)
        AS answers,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned
FROM attempts WHERE campaign_id = :campaign AND opened_at >= :since GROUP BY 1 ORDER BY 1
""")


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class FloorAgent(_Read):
    """An agent now."""

    agent_id: str
    name: str
    number: str
    switch: str
    status: AgentStatus
    status_reason: str = ""
    """Why the agent is not ready, where they said so."""
    reachable: bool
    status_at: AwareDatetime | None
    works_for: str
    """The campaign that has the agent, or nothing."""
    state: AgentState | None
    """What the engine has the agent do; None where no campaign has them."""
    since: AwareDatetime | None
    groups: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    """Those that he is in."""
    reads: int | None = None
    """The contact on offer in preview mode."""


class PacerWord(_Read):
    """The pacer's last word, and the floor it saw."""

    place: int = 0
    wanted: int = 0
    reason: str = ""
    free: int = 0
    ringing: int = 0
    waiting: int = 0
    talking: int = 0
    abandonment: float = 0.0


class FloorCampaign(_Read):
    """A campaign that is under way."""

    campaign_id: str
    name: str
    switch: str
    mode: str
    phase: CampaignPhase
    phase_reason: str
    started_at: AwareDatetime | None
    cap: float
    """Of the abandonment rate."""
    owner: str
    """Who dials; empty for nobody."""
    renewed_at: AwareDatetime | None
    pacer: PacerWord
    calls: dict[CallState, int] = {}
    waiting_since: AwareDatetime | None = None
    """When the one who waits longest for an agent answered."""


class Totals(_Read):
    """All of a campaign's attempts."""

    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0

    @property
    def abandonment_rate(self) -> float:
        """Abandoned of those answered by a person."""
        return self.abandoned / self.answered if self.answered else 0.0


class Floor(_Read):
    """Everything that goes on, at one moment."""

    at: AwareDatetime
    campaigns: tuple[FloorCampaign, ...] = ()
    agents: tuple[FloorAgent, ...] = ()


class Bucket(_Read):
    """What began in one step of a campaign's history."""

    at: AwareDatetime
    dials: int
    answers: int
    abandoned: int


_WAITING = (CallState.answered, CallState.held)


@dataclass(frozen=True)
class FloorReads:
    """Reads the floor; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def floor(self, *, now: datetime) -> Floor:
        """The floor as it stands."""
        async with store_session(self.database) as session:
            rows = (await session.execute(_CAMPAIGNS, {"most": MOST_CAMPAIGNS})).mappings().all()
            agents = (await session.execute(_AGENTS, {"most": MOST_AGENTS})).mappings().all()
            ids = [row["id"] for row in rows]
            open_calls = await session.execute(_CALLS, {"campaigns": ids})
            calls = open_calls.mappings().all() if ids else []
        return Floor(
            at=now,
            campaigns=tuple(_campaign(row, calls) for row in rows),
            agents=tuple(_agent(row) for row in agents),
        )

    async def totals(self, campaigns: Sequence[str]) -> dict[str, Totals]:
        """Totals of campaigns; counts every attempt of theirs."""
        async with store_session(self.database) as session:
            found = (await session.execute(_TOTALS, {"campaigns": list(campaigns)})).mappings()
            return {
                row["campaign_id"]: Totals.model_validate(
                    {name: row[name] for name in Totals.model_fields}
                )
                for row in found
            }

    async def history(self, campaign: str, *, since: datetime) -> list[Bucket]:
        """What was dialed since then, in steps; steps without a call are left out."""
        asked = {"campaign": campaign, "since": since, "bucket": BUCKET}
        async with store_session(self.database) as session:
            found = (await session.execute(_HISTORY, asked)).mappings()
            return [Bucket.model_validate(dict(row)) for row in found]


def _campaign(row: RowMapping, calls: Sequence[RowMapping]) -> FloorCampaign:
    own = [call for call in calls if call["campaign_id"] == row["id"]]
    waiting = [
        call["first_answered"]
        for call in own
        if call["state"] in _WAITING and call["first_answered"] is not None
    ]
    known: dict[str, Any] = row["pacing"]
    return FloorCampaign(
        campaign_id=row["id"],
        name=row["name"],
        switch=row["switch_id"],
        mode=row["mode"] or "",
        phase=CampaignPhase(row["phase"]),
        phase_reason=row["phase_reason"],
        started_at=row["started_at"],
        cap=row["cap"],
        owner=row["owner"],
        renewed_at=row["renewed_at"],
        pacer=PacerWord.model_validate(
            {name: known[name] for name in PacerWord.model_fields if name in known}
        ),
        calls={CallState(call["state"]): call["calls"] for call in own},
        waiting_since=min(waiting, default=None),
    )


def _agent(row: RowMapping) -> FloorAgent:
    return FloorAgent(
        agent_id=row["id"],
        name=row["name"],
        number=row["number"],
        switch=row["switch_id"],
        status=AgentStatus(row["status"]),
        status_reason=row["status_reason"],
        reachable=row["reachable"],
        status_at=row["status_at"],
        works_for=row["works_for"] or "",
        state=AgentState(row["state"]) if row["state"] else None,
        since=row["since"],
        groups=tuple(row["groups"] or ()),
        campaigns=tuple(row["campaigns"]),
        reads=row["reads"],
    )
