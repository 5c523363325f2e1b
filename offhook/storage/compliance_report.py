"""What a regulator may ask of a campaign: the law it kept, its figures per window, the evidence."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from dialer.compliance.binding import abandonment_rules, bound, kept_for
from dialer.compliance.rules import AbandonmentRule
from dialer.compliance.settings import ComplianceSettings, all_rules
from dialer.compliance.words import says
from dialer.model import CampaignSettings
from offhook.storage.campaign_records import store_session
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database

_DAY = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

_SPAN = text("""
SELECT min(opened_at) AS first_at, max(opened_at) AS last_at, count(*) AS calls FROM calls_made
WHERE campaign_id = :campaign AND opened_at >= :since AND opened_at < :until
""")
_WINDOWS = text("""
SELECT date_bin(:window, opened_at, :origin) AS begins, count(*) AS attempts,
    count(*) FILTER (WHERE outcome IN ('answered', 'abandoned')) AS answered,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
    count(*) FILTER (WHERE joined_at IS NOT NULL) AS joined
FROM calls_made
WHERE campaign_id = :campaign AND opened_at >= :since AND opened_at < :until
GROUP BY 1 ORDER BY 1
""")
_OUTCOMES = text("""
SELECT COALESCE(outcome, 'in_progress') AS name, count(*) AS times FROM calls_made
WHERE campaign_id = :campaign AND opened_at >= :since AND opened_at < :until
GROUP BY 1 ORDER BY 1
""")
# Where a number may be in several zones it is not known which hour it was there.
_HOURS = text("""
SELECT EXTRACT(hour FROM c.opened_at AT TIME ZONE n.zones[1])::int AS hour, count(*) AS times
FROM calls_made c JOIN numbers n ON n.contact_id = c.contact_id AND n.number = c.number
WHERE c.campaign_id = :campaign AND c.opened_at >= :since AND c.opened_at < :until
    AND cardinality(n.zones) = 1
GROUP BY 1 ORDER BY 1
""")
_REFUSED = text("""
SELECT reason, count(DISTINCT contact_id) AS contacts, sum(count) AS times FROM refusals
WHERE campaign_id = :campaign AND last_at >= :since AND first_at < :until
GROUP BY 1 ORDER BY 1
""")
_FORBIDDEN = text("""
SELECT rule AS reason, count(DISTINCT contact_id) AS contacts, count(*) AS times
FROM forbidden_calls WHERE campaign_id = :campaign AND at >= :since AND at < :until
GROUP BY 1 ORDER BY 1
""")
_EVIDENCE = text("""
SELECT count(*) FILTER (WHERE joined_at - answered_at > :patience) AS joined_late,
    EXTRACT(epoch FROM max(joined_at - answered_at))::float8 AS longest_wait_s,
    EXTRACT(epoch FROM min(ended_at - opened_at) FILTER (WHERE outcome = 'no_answer'))::float8
        AS shortest_ring_s,
    COALESCE((SELECT max(day.calls) FROM (
        SELECT count(*) OVER (PARTITION BY number ORDER BY opened_at
            RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW) AS calls
        FROM calls_made WHERE campaign_id = :campaign
            AND opened_at >= :since AND opened_at < :until) AS day), 0) AS most_calls_in_a_day
FROM calls_made
WHERE campaign_id = :campaign AND opened_at >= :since AND opened_at < :until
""")
_DNC = text("""
SELECT version, at, action, source, entries FROM do_not_call_changes
WHERE at < :until AND scope IN ('', :campaign) ORDER BY version DESC LIMIT 1
""")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class KeptRule(_Part):
    """A rule that the campaign keeps."""

    rule: str
    says: str
    source: str
    evidence: str


class Waived(_Part):
    """A rule that it does not keep, and why it need not."""

    rule: str
    justification: str


class Window(_Part):
    """The figures of one of a rule's windows."""

    rule: str
    """Empty where no rule sets a window: then it is a day, and the cap is the campaign's."""
    begins: AwareDatetime
    ends: AwareDatetime
    attempts: int
    answered: int
    """By a person, abandoned ones included: the denominator."""
    joined: int
    abandoned: int
    rate: float
    cap: float
    kept: bool


class NotPlaced(_Part):
    """Calls that were not placed for one reason."""

    reason: str
    contacts: int
    times: int


class Evidence(_Part):
    """The extremes among the calls; `offhook compliance calls` has each of them."""

    joined_late: int
    """Talks that began later after the answer than the campaign's patience."""
    longest_wait_s: float | None
    """From an answer until an agent was there."""
    shortest_ring_s: float | None
    """Of calls that nobody answered; those that the person or the network ended are among them."""
    most_calls_in_a_day: int
    """To one number, by this campaign, in any 24 hours."""


class DncState(_Part):
    """The do-not-call lists as the calls met them."""

    version: int
    changed_at: AwareDatetime
    action: str
    source: str
    entries: int


class ComplianceReport(_Part):
    """One campaign, over one span of time."""

    campaign_id: str
    name: str
    made_at: AwareDatetime
    since: AwareDatetime | None
    until: AwareDatetime
    profiles: tuple[str, ...]
    rules: tuple[KeptRule, ...]
    waived: tuple[Waived, ...]
    caller_id: str
    patience_s: float
    ring_timeout_s: float
    target_abandonment: float
    false_machines: float
    """Share of the calls taken for machines that are thought to be persons: the reasoned estimate
    that some regulators want added to the abandoned calls."""
    records_kept_days: float | None
    """What the law demands; None where no profile says."""
    attempts: int
    outcomes: dict[str, int]
    windows: tuple[Window, ...]
    evidence: Evidence
    calls_by_local_hour: dict[int, int]
    """Only of numbers that can be in one zone alone."""
    not_placed: tuple[NotPlaced, ...]
    """Refused by the engine before a call was decided on."""
    forbidden: tuple[NotPlaced, ...]
    """Decided on, and not agreed to by the record."""
    do_not_call: DncState | None


@dataclass(frozen=True)
class ComplianceReports:
    """Makes the reports."""

    database: Database

    async def report(
        self, campaign: str, *, now: datetime, since: datetime | None, until: datetime | None
    ) -> ComplianceReport:
        """The report on a campaign, by its id or name, on calls from `since` until `until`."""
        views = CampaignViews(self.database)
        row = await views.find(campaign)
        settings, _ = bound(await views.settings(row.campaign_id))
        asked: dict[str, Any] = {
            "campaign": row.campaign_id,
            "since": since or _EVER,
            "until": until or now + _DAY,
        }
        law = settings.compliance
        async with store_session(self.database) as session:
            whole = (await session.execute(_SPAN, asked)).mappings().one()
            dnc = (await session.execute(_DNC, asked)).mappings().one_or_none()
            keep = kept_for(settings)
            return ComplianceReport(
                campaign_id=row.campaign_id,
                name=row.name,
                made_at=now,
                since=since or whole["first_at"],
                until=until or now,
                profiles=tuple(one.name for one in law.known_profiles),
                rules=_rules(law),
                waived=tuple(
                    Waived(rule=one.rule, justification=one.justification) for one in law.waivers
                ),
                caller_id=settings.caller_id,
                patience_s=settings.patience.total_seconds(),
                ring_timeout_s=settings.ring_timeout.total_seconds(),
                target_abandonment=settings.pacing.target_abandonment,
                false_machines=settings.pacing.false_machines,
                records_kept_days=None if keep is None else keep / _DAY,
                attempts=whole["calls"],
                outcomes=await _counts(session, _OUTCOMES, asked),
                windows=await _windows(session, settings, asked, whole),
                evidence=await _evidence(session, asked | {"patience": settings.patience}),
                calls_by_local_hour=await _counts(session, _HOURS, asked),
                not_placed=await _not_placed(session, _REFUSED, asked),
                forbidden=await _not_placed(session, _FORBIDDEN, asked),
                do_not_call=_dnc(dnc),
            )


def _rules(law: ComplianceSettings) -> tuple[KeptRule, ...]:
    return tuple(
        KeptRule(rule=name, says=says(rule), source=rule.source.text, evidence=rule.source.evidence)
        for name, rule in all_rules(law)
    )


async def _evidence(session: AsyncSession, asked: dict[str, Any]) -> Evidence:
    return Evidence(**dict((await session.execute(_EVIDENCE, asked)).mappings().one()))


async def _counts(session: AsyncSession, question: Any, asked: dict[str, Any]) -> dict[Any, int]:
    found = await session.execute(question, asked)
    return {row[0]: row[1] for row in found}


async def _not_placed(
    session: AsyncSession, question: Any, asked: dict[str, Any]
) -> tuple[NotPlaced, ...]:
    rows = (await session.execute(question, asked)).mappings()
    return tuple(NotPlaced(**dict(row)) for row in rows)


async def _windows(
    session: AsyncSession, settings: CampaignSettings, asked: dict[str, Any], whole: RowMapping
) -> tuple[Window, ...]:
    """Each rule's windows, one after the other from the first day of the campaign's calls."""
    if whole["first_at"] is None:
        return ()
    origin = whole["first_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    rules: list[tuple[str, AbandonmentRule | None]] = [*abandonment_rules(settings)]
    found: list[Window] = []
    for name, rule in rules or [("", None)]:
        length = rule.window if rule else _DAY
        cap = rule.cap if rule else settings.pacing.target_abandonment
        rows = await session.execute(_WINDOWS, asked | {"window": length, "origin": origin})
        found += [_window(name, row, length, cap) for row in rows.mappings()]
    return tuple(found)


def _window(rule: str, row: RowMapping, length: timedelta, cap: float) -> Window:
    rate = row["abandoned"] / row["answered"] if row["answered"] else 0.0
    return Window(
        rule=rule,
        begins=row["begins"],
        ends=row["begins"] + length,
        attempts=row["attempts"],
        answered=row["answered"],
        joined=row["joined"],
        abandoned=row["abandoned"],
        rate=round(rate, 6),
        cap=cap,
        kept=rate <= cap,
    )


def _dnc(row: RowMapping | None) -> DncState | None:
    if row is None:
        return None
    return DncState(
        version=row["version"],
        changed_at=row["at"],
        action=row["action"],
        source=row["source"],
        entries=row["entries"],
    )
