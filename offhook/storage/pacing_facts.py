"""What a campaign's calls so far say about its list and its agents, for forecasts."""

from dataclasses import dataclass

from sqlalchemy import text

from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

MEASURED = text(
    """
    SELECT count(*) FILTER (WHERE outcome NOT IN ('failed', 'unavailable', 'unknown')) AS calls,
        count(*) AS attempts,
        count(*) FILTER (WHERE outcome IN ('answered', 'abandoned')) AS answered,
        count(*) FILTER (WHERE outcome IN ('machine', 'fax')) AS machines,
        count(*) FILTER (WHERE outcome = 'busy') AS busy,
        count(answered_at) AS picked_up,
        COALESCE(avg(EXTRACT(epoch FROM answered_at - opened_at)), 0)::float8 AS ring_s,
        count(talk) AS talks,
        COALESCE(avg(EXTRACT(epoch FROM talk)), 0)::float8 AS talk_s,
        COALESCE(stddev_samp(EXTRACT(epoch FROM talk)), 0)::float8 AS talk_deviation_s
    FROM attempts WHERE campaign_id = :campaign AND outcome IS NOT NULL
    """
)
CONTACTS = text(
    """
    SELECT count(*) FILTER (WHERE state <> 'finished') AS left_over,
        count(*) FILTER (WHERE state = 'finished') AS finished
    FROM contacts WHERE campaign_id = :campaign
    """
)
AGENTS = text("SELECT count(*) FROM campaign_agents WHERE campaign_id = :campaign")
LINES = text("SELECT id, lines FROM trunks WHERE switch_id = :switch AND enabled")
WRAPS = text(
    """
    SELECT COALESCE(sum(wrap_up_s), 0)::float8, COALESCE(sum(talks), 0)::bigint
    FROM agent_activity WHERE campaign_id = :campaign
    """
)


@dataclass(frozen=True, kw_only=True)
class PacingFacts:
    """Counts, and mean durations in seconds; a mean of nothing is 0."""

    calls: int
    """That reached the network: failed ones say nothing about people."""
    attempts: int
    answered: int
    """By persons, abandoned ones included."""
    machines: int
    busy: int
    picked_up: int
    ring_s: float
    talks: int
    talk_s: float
    talk_deviation_s: float
    wraps: int
    wrap_s: float
    left: int
    """Contacts that aren't finished."""
    finished: int
    agents: int
    lines: int
    """Of the trunks that the campaign may use; 0 where the switch names none."""


async def pacing_facts(
    database: Database, campaign: str, switch: str, trunks: tuple[str, ...]
) -> PacingFacts:
    """Read what a forecast needs, of a campaign on a switch that uses `trunks` (all if empty)."""
    async with store_session(database) as session:
        of = {"campaign": campaign}
        measured = (await session.execute(MEASURED, of)).mappings().one()
        contacts = (await session.execute(CONTACTS, of)).mappings().one()
        agents = await session.scalar(AGENTS, of)
        lines = await session.execute(LINES, {"switch": switch})
        wrapped, talks = (await session.execute(WRAPS, of)).one()
        return PacingFacts(
            **dict(measured),
            left=contacts["left_over"],
            finished=contacts["finished"],
            agents=agents or 0,
            lines=sum(row.lines for row in lines if not trunks or row.id in trunks),
            wraps=talks,
            wrap_s=wrapped / talks if talks else 0.0,
        )
