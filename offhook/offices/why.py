"""Why a campaign, or one contact of it, is being dialed or not: a verdict, and the evidence."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dialer.compliance.judge import Finding
from dialer.model import CampaignId
from dialer.numbers import InvalidNumber, resolve
from dialer.why import CampaignFacts, campaign_verdict, contact_verdict
from offhook.errors import OffhookError
from offhook.logging import mask_numbers
from offhook.storage.campaign_facts import FactFinder
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.contacts import AttemptRecord, ContactHistory, Contacts
from offhook.storage.database import Database
from offhook.storage.errors import ContactNotFound

SHOWN_ATTEMPTS = 10


class SeveralContacts(OffhookError):
    """More than one contact of the campaign fits."""

    code = "contact_ambiguous"

    def __init__(self, key: str, ids: list[str]) -> None:
        super().__init__(
            f"{len(ids)} contacts fit {mask_numbers(key)}", hint=f"give an id: {', '.join(ids[:5])}"
        )


@dataclass(frozen=True)
class WhyOffice:
    """Answers with the verdict's `code`, `says`, `then` and `until`, and `facts` beside them."""

    database: Database

    async def campaign(self, campaign: str, *, now: datetime) -> dict[str, Any]:
        """Why the campaign, by id or name, is being dialed or not."""
        told, facts = await self._told(campaign, now)
        return told | asdict(campaign_verdict(facts, now))

    async def contact(self, campaign: str, key: str, *, now: datetime) -> dict[str, Any]:
        """Why one contact is; by id, by your own key of it, or by a number."""
        told, facts = await self._told(campaign, now)
        history = await self.find(CampaignId(told["campaign"]), key, facts, now)
        known = await FactFinder(self.database).contact(history, settings=facts.settings, now=now)
        verdict = contact_verdict(known, facts, now)
        return told | asdict(verdict) | {"contact": _story(history, known, facts, now)}

    async def find(
        self, campaign: CampaignId, key: str, facts: CampaignFacts, now: datetime
    ) -> ContactHistory:
        """The one contact that a key means."""
        contacts = Contacts(self.database)
        found = await contacts.find(campaign, key.strip())
        if not found:
            with suppress(InvalidNumber):
                number = resolve(key, facts.settings.default_region).number
                found = await contacts.find(campaign, number)
        if not found:
            raise ContactNotFound(mask_numbers(key))
        if len(found) > 1:
            raise SeveralContacts(key, list(found))
        return await contacts.history(found[0], now=now)

    async def _told(self, campaign: str, now: datetime) -> tuple[dict[str, Any], CampaignFacts]:
        row = await CampaignViews(self.database).find(campaign)
        facts = await FactFinder(self.database).campaign(row.campaign_id, now=now)
        told = {
            "campaign": row.campaign_id,
            "name": row.name,
            "facts": _evidence(facts, now),
        }
        return told, facts


def _evidence(facts: CampaignFacts, now: datetime) -> dict[str, Any]:
    hours = facts.settings.hours
    return {
        "phase": facts.phase,
        "phase_reason": facts.phase_reason,
        "mode": facts.settings.mode,
        "switch": facts.settings.switch,
        "hours": hours.render(),
        "hours_open": hours.contains(now),
        "worker": facts.owner,
        "worker_heard_at": facts.renewed_at,
        "agents": asdict(facts.agents),
        "lines": facts.lines,
        "calls_in_progress": facts.in_progress,
        "contacts": dict(facts.contacts),
        "due_now": facts.due,
        "kept_out": facts.kept_out,
        "next_due_at": facts.next_due_at,
        "pacer": facts.pacing_reason,
    }


def _story(told: ContactHistory, known: Any, facts: CampaignFacts, now: datetime) -> dict[str, Any]:
    hours, own = facts.settings.contact_hours, facts.settings.hours.zone
    return {
        "contact_id": told.contact_id,
        "external_id": told.external_id,
        "state": told.state,
        "finished_reason": told.finished_reason,
        "due_at": told.due_at,
        "priority": told.priority,
        "ahead": told.ahead,
        "owner": told.owner,
        "attempts_made": len(told.attempts),
        "attempts_allowed": facts.settings.retry.max_attempts,
        "numbers": [
            {
                "number": mask_numbers(number.number),
                "label": number.label,
                "zones": number.zones,
                "open_now": hours.contains(now, number.zones or (own,)),
                "opens_at": hours.next_open(now, number.zones or (own,)),
                "last_outcome": tried.last_outcome,
                "do_not_call": tried.listed_by,
                "law": [_rule(found) for found in tried.law],
            }
            for number, tried in zip(told.numbers, known.numbers, strict=True)
        ],
        "attempts": [_attempt(one) for one in told.attempts[-SHOWN_ATTEMPTS:]],
        "not_placed": [
            {"reason": refused.reason, "times": refused.count, "last_at": refused.last_at}
            for refused in told.refusals
        ],
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    return {
        "attempt_id": attempt.attempt_id,
        "opened_at": attempt.opened_at,
        "outcome": attempt.outcome,
        "state": attempt.state,
        "reason": attempt.reason,
        "cause": attempt.cause,
        "disposition": attempt.disposition,
        "agent_id": attempt.agent_id,
    }


def _rule(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "allowed": found.allowed,
        "says": found.says,
        "until": found.until,
        "agent_kept": found.reserved,
    }
