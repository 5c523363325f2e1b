"""Figures of a campaign that take more than counting."""

from dataclasses import dataclass

from dialer.model import CampaignId
from offhook.storage.pool import Pool, store_errors

_ANSWER_TO_AGENT = """
SELECT count(*) AS joined, COALESCE(percentile_disc(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (
    ORDER BY 1000 * EXTRACT(epoch FROM joined_at - answered_at)::float8
), ARRAY[0, 0, 0, 0]::float8[]) AS waits
FROM attempts WHERE campaign_id = $1 AND joined_at >= answered_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToAgent:
    """How long people who answered waited for an agent, in milliseconds; zero where none did."""

    joined: int
    p50: float
    p95: float
    p99: float
    max: float


async def answer_to_agent(pool: Pool, campaign: CampaignId) -> AnswerToAgent:
    """The waits of everybody whom the campaign joined with an agent."""
    with store_errors():
        row = await pool.fetchrow(_ANSWER_TO_AGENT, campaign)
    p50, p95, p99, longest = row["waits"]
    return AnswerToAgent(joined=row["joined"], p50=p50, p95=p95, p99=p99, max=longest)
