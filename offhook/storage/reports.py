"""What came of a campaign: figures that take more than the live view's counting."""

from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import func, select, text

from offhook.storage.campaign_records import store_session
from offhook.storage.campaign_views import CampaignView, CampaignViews
from offhook.storage.database import Database
from offhook.storage.tables import contacts, oddities, refusals

_ANSWER_TO_AGENT = text("""
SELECT count(*) AS joined, COALESCE(percentile_disc(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (
    ORDER BY 1000 * EXTRACT(epoch FROM joined_at - answered_at)::float8
), ARRAY[0, 0, 0, 0]::float8[]) AS waits
FROM attempts WHERE campaign_id = :campaign AND joined_at >= answered_at
""")


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class AnswerToAgent(_Figures):
    """How long people who answered waited for an agent, in milliseconds; zero where none did."""

    joined: int
    p50: float
    p95: float
    p99: float
    max: float


class Refused(_Figures):
    """Calls that were not placed for one reason."""

    reason: str
    contacts: int
    times: int


class Oddity(_Figures):
    """Something the engine found strange, and how often."""

    code: str
    times: int
    last_at: AwareDatetime
    last_detail: str


class CampaignReport(CampaignView):
    """The view, and what explains it."""

    answer_to_agent_ms: AnswerToAgent
    finished: dict[str, int]
    """Contacts that are not tried again, by the reason."""
    not_placed: tuple[Refused, ...]
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True)
class Reports:
    """Reports on campaigns."""

    database: Database

    async def report(self, campaign: str) -> CampaignReport:
        """What came of a campaign, by its id or name."""
        view = await CampaignViews(self.database).view(campaign)
        key = view.campaign.campaign_id
        reason, code = refusals.c.reason, contacts.c.finished_reason
        async with store_session(self.database) as session:
            ended = await session.execute(
                select(code, func.count())
                .where(contacts.c.campaign_id == key, contacts.c.state == "finished")
                .group_by(code)
            )
            refused = await session.execute(
                select(
                    reason, func.count(refusals.c.contact_id.distinct()), func.sum(refusals.c.count)
                )
                .where(refusals.c.campaign_id == key)
                .group_by(reason)
                .order_by(reason)
            )
            odd = await session.execute(
                select(oddities).where(oddities.c.campaign_id == key).order_by(oddities.c.code)
            )
            return CampaignReport(
                **dict(view),
                answer_to_agent_ms=await self.answer_to_agent(key),
                finished=dict(ended.all()),
                not_placed=tuple(
                    Refused(reason=name, contacts=people, times=times)
                    for name, people, times in refused
                ),
                oddities=tuple(
                    Oddity(
                        code=row.code,
                        times=row._mapping["count"],
                        last_at=row.last_at,
                        last_detail=row.last_detail,
                    )
                    for row in odd
                ),
            )

    async def answer_to_agent(self, campaign: str) -> AnswerToAgent:
        """The waits of everybody whom the campaign joined with an agent."""
        async with store_session(self.database) as session:
            row = (await session.execute(_ANSWER_TO_AGENT, {"campaign": campaign})).one()
        p50, p95, p99, longest = (round(wait, 1) for wait in row.waits)
        return AnswerToAgent(joined=row.joined, p50=p50, p95=p95, p99=p99, max=longest)
