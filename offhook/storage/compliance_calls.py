"""Every call of a campaign, one by one: what a regulator asks for beside the figures."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import RowMapping, text

from dialer.windows import zone_info
from offhook.storage.campaign_records import store_session
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database

PAGE = 5_000
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_CALLS = text("""
SELECT c.id, c.number, c.person, c.debt, c.caller_id, c.opened_at, c.answered_at, c.joined_at,
    c.ended_at, c.agent_id, c.outcome, c.disposition, COALESCE((
        SELECT n.zones FROM numbers n WHERE n.contact_id = c.contact_id AND n.number = c.number
        LIMIT 1), '{}') AS zones
FROM calls_made c
WHERE c.campaign_id = :campaign AND c.opened_at >= :since AND c.opened_at < :until
    AND (c.opened_at, c.id) > (:after, :after_id)
ORDER BY c.opened_at, c.id LIMIT :page
""")


class CallEvidence(BaseModel):
    """One call, as it was placed and as it ended."""

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    number: str
    placed_at: AwareDatetime
    placed_local: str
    """Wall-clock times, one for each zone that the number may be in."""
    caller_id: str
    rang_s: float | None
    """Until somebody answered, or the call ended."""
    answered_at: AwareDatetime | None
    waited_s: float | None
    """From the answer until an agent was there, or the call ended."""
    joined_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    outcome: str
    disposition: str
    agent_id: str
    person: str
    debt: str


@dataclass(frozen=True)
class ComplianceCalls:
    """Reads the calls, those of deleted contacts too."""

    database: Database

    async def calls(
        self, campaign: str, *, now: datetime, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[CallEvidence]:
        """The calls of a campaign, by its id or name, placed from `since` until `until`, in order.

        A page at a time, so that a year of calls needs no more memory than a minute of them.
        """
        found = await CampaignViews(self.database).find(campaign)
        asked: dict[str, Any] = {
            "campaign": found.campaign_id,
            "since": since or _EVER,
            "until": until or now + timedelta(days=1),
            "after": _EVER,
            "after_id": "",
            "page": PAGE,
        }
        while True:
            async with store_session(self.database) as session:
                rows = (await session.execute(_CALLS, asked)).mappings().all()
            for row in rows:
                yield _evidence(row)
            if len(rows) < PAGE:
                return
            asked |= {"after": rows[-1]["opened_at"], "after_id": rows[-1]["id"]}


def _evidence(row: RowMapping) -> CallEvidence:
    placed, answered, ended = row["opened_at"], row["answered_at"], row["ended_at"]
    return CallEvidence(
        attempt_id=row["id"],
        number=row["number"],
        placed_at=placed,
        placed_local=" ".join(_local(placed, zone) for zone in row["zones"]),
        caller_id=row["caller_id"],
        rang_s=_between(placed, answered or ended),
        answered_at=answered,
        waited_s=_between(answered, row["joined_at"] or ended),
        joined_at=row["joined_at"],
        ended_at=ended,
        outcome=row["outcome"] or "in_progress",
        disposition=row["disposition"] or "",
        agent_id=row["agent_id"] or "",
        person=row["person"],
        debt=row["debt"],
    )


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zone_info(zone)):%Y-%m-%dT%H:%M:%S%z} {zone}"


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    if begin is None or end is None:
        return None
    return round((end - begin).total_seconds(), 3)
