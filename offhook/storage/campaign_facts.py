"""What the answer to "why is it not dialing?" depends on, read from the tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from dialer.compliance.binding import bound
from dialer.compliance.judge import Finding, findings
from dialer.model import CampaignPhase, CampaignSettings, ContactId, Dialable
from dialer.outcomes import Outcome
from dialer.rejections import CampaignUnknown
from dialer.why import Agents, CampaignFacts, ContactFacts, TriedNumber
from offhook.storage.campaign_records import store_session
from offhook.storage.compliance_reads import with_history
from offhook.storage.contacts import ContactHistory
from offhook.storage.database import Database

_CAMPAIGN = text("""
SELECT c.settings, c.phase, c.phase_reason, c.started_at, l.owner, l.renewed_at, l.pacing
FROM campaigns c LEFT JOIN leases l ON l.campaign_id = c.id AND l.shard = 0 WHERE c.id = :campaign
""")
_AGENTS = text("""
SELECT count(*) AS total,
    count(*) FILTER (WHERE a.status = 'logged_off') AS logged_off,
    count(*) FILTER (WHERE a.status = 'not_ready') AS not_ready,
    count(*) FILTER (WHERE a.status = 'available' AND NOT a.reachable) AS unreachable,
    count(*) FILTER (WHERE a.status = 'available' AND a.reachable AND h.campaign_id <> :campaign)
        AS elsewhere,
    count(*) FILTER (WHERE a.status = 'available' AND a.reachable
        AND COALESCE(h.campaign_id, :campaign) = :campaign) AS here
FROM campaign_agents m JOIN agents a ON a.id = m.agent_id
LEFT JOIN agent_leases h ON h.agent_id = a.id
WHERE m.campaign_id = :campaign
""")
_CONTACTS = text(
    "SELECT state, count(*) FROM contacts WHERE campaign_id = :campaign GROUP BY state"
)
_DUE = text("""
SELECT count(*) FILTER (WHERE due_at <= :now AND held IN ('', 'later')) AS due,
    count(*) FILTER (WHERE held NOT IN ('', 'later')) AS kept_out,
    min(due_at) FILTER (WHERE due_at > :now AND held IN ('', 'later')) AS next_due_at
FROM contacts WHERE campaign_id = :campaign AND state = 'ready'
""")
_LINES = text("""
SELECT COALESCE(sum(lines), 0)::int FROM trunks
WHERE switch_id = :switch AND enabled AND (id = ANY(:wanted) OR cardinality(:wanted) = 0)
""")
_CALLS = text("SELECT count(*) FROM attempts WHERE campaign_id = :campaign AND state <> 'ended'")
_NUMBERS = text("""
SELECT n.number, n.zones, n.last_outcome, (
    SELECT CASE WHEN d.scope = '' THEN 'for all campaigns' ELSE 'of this campaign' END
        || CASE WHEN d.source = '' THEN '' ELSE ', ' || d.source END
    FROM do_not_call d
    WHERE d.scope IN ('', :campaign) AND (d.expires_at IS NULL OR d.expires_at > :now)
        AND (d.number = n.number OR (d.is_prefix AND starts_with(n.number, d.number)))
    LIMIT 1
) AS listed_by
FROM numbers n WHERE n.contact_id = :contact ORDER BY n.position
""")
_UNREACHABLE = "the switch can't be reached"
"""How a pacer's reason begins while the link is down."""


@dataclass(frozen=True)
class FactFinder:
    """Finds the facts."""

    database: Database

    async def campaign(self, campaign: str, *, now: datetime) -> CampaignFacts:
        """The facts of a campaign, by its id."""
        asked = {"campaign": campaign}
        async with store_session(self.database) as session:
            row = (await session.execute(_CAMPAIGN, asked)).mappings().one_or_none()
            if row is None:
                raise CampaignUnknown(campaign)
            settings = CampaignSettings.model_validate(row["settings"])
            agents = (await session.execute(_AGENTS, asked)).mappings().one()
            states = await session.execute(_CONTACTS, asked)
            due = (await session.execute(_DUE, asked | {"now": now})).one()
            wanted = {"switch": settings.switch, "wanted": list(settings.trunks)}
            return CampaignFacts(
                settings=settings,
                phase=CampaignPhase(row["phase"]),
                phase_reason=row["phase_reason"],
                started=row["started_at"] is not None,
                owner=row["owner"] or "",
                renewed_at=row["renewed_at"],
                agents=Agents(**agents),
                contacts=dict(states.all()),
                due=due.due,
                kept_out=due.kept_out,
                next_due_at=due.next_due_at,
                lines=await _number(session, _LINES, wanted),
                in_progress=await _number(session, _CALLS, asked),
                link_down=_link_down(row),
                pacing_reason=(row["pacing"] or {}).get("reason", ""),
            )

    async def contact(
        self, told: ContactHistory, *, settings: CampaignSettings | None = None, now: datetime
    ) -> ContactFacts:
        """The facts of a contact, from its history; with settings, what the law says of it too."""
        asked = {
            "campaign": told.campaign_id,
            "contact": _id(told.contact_id),
            "now": now,
        }
        async with store_session(self.database) as session:
            rows = (await session.execute(_NUMBERS, asked)).mappings().all()
            law = await _law(session, told, settings, now) if settings else {}
        last = told.attempts[-1] if told.attempts else None
        refused = told.refusals[-1] if told.refusals else None
        if refused and last and last.ended_at and last.ended_at > refused.last_at:
            refused = None
        return ContactFacts(
            state=told.state,
            due_at=told.due_at,
            finished_reason=told.finished_reason,
            numbers=[
                TriedNumber(
                    zones=tuple(row["zones"]),
                    last_outcome=Outcome(row["last_outcome"]) if row["last_outcome"] else None,
                    listed_by=row["listed_by"] or "",
                    law=law.get(row["number"], ()),
                )
                for row in rows
            ],
            last_outcome=last.outcome if last else None,
            last_refusal=refused.reason if refused else "",
            attempts=len(told.attempts),
            ahead=told.ahead,
            held=told.held,
            inactive_list=told.inactive_list,
        )


async def _law(
    session: AsyncSession, told: ContactHistory, settings: CampaignSettings, now: datetime
) -> dict[str, tuple[Finding, ...]]:
    """What every rule says of each number, by what is on record now."""
    settings, _ = bound(settings)
    raw = await (await session.connection()).get_raw_connection()
    contact = Dialable(
        contact_id=told.contact_id, numbers=told.numbers, due_at=told.due_at, owner=told.owner
    )
    connection: Any = raw.driver_connection
    [known] = await with_history(connection, told.campaign_id, [contact], now)
    return {
        number.number: tuple(findings(known, number, settings=settings, now=now))
        for number in known.numbers
    }


def _id(contact: ContactId) -> int:
    return int(contact)


def _link_down(row: RowMapping) -> str:
    reason = (row["pacing"] or {}).get("reason", "")
    return reason if reason.startswith(_UNREACHABLE) else ""


async def _number(session: AsyncSession, question: Any, asked: dict[str, Any]) -> int:
    return int(await session.scalar(question, asked) or 0)
