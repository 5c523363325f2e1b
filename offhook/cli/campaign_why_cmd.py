"""`offhook campaign why`: the verdict in plain words, then the evidence."""

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.compliance.judge import Finding
from dialer.model import CampaignId
from dialer.numbers import InvalidNumber, resolve
from dialer.why import CampaignFacts, Verdict, campaign_verdict, contact_verdict
from offhook.cli.campaign_office import Key, Office, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.errors import OffhookError
from offhook.logging import mask_numbers
from offhook.storage.campaign_facts import FactFinder
from offhook.storage.contacts import ContactHistory, Contacts
from offhook.storage.errors import ContactNotFound

WELL = ("dialing", "due", "in_progress")
SHOWN_ATTEMPTS = 10


class SeveralContacts(OffhookError):
    """More than one contact of the campaign fits."""

    code = "contact_ambiguous"

    def __init__(self, key: str, ids: list[str]) -> None:
        super().__init__(
            f"{len(ids)} contacts fit {mask_numbers(key)}", hint=f"give an id: {', '.join(ids[:5])}"
        )


def why(
    campaign: Key,
    contact: Annotated[
        str | None,
        typer.Argument(metavar="[CONTACT]", help="Its id, your own key of it, or a number."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Say why a campaign, or one contact of it, is being dialed or not.

    Examples:

    offhook campaign why Spring

    offhook campaign why Spring "+39 347 1234567"
    """

    async def work() -> dict[str, Any]:
        async with open_office() as office:
            row = await office.views.find(campaign)
            now = datetime.now(UTC)
            facts = await FactFinder(office.database).campaign(row.campaign_id, now=now)
            told: dict[str, Any] = {
                "campaign": row.campaign_id,
                "name": row.name,
                "facts": _evidence(facts, now),
            }
            if contact is None:
                return told | asdict(campaign_verdict(facts, now))
            history = await _find(office, CampaignId(row.campaign_id), contact, facts, now)
            of_contact = await FactFinder(office.database).contact(
                history, settings=facts.settings, now=now
            )
            verdict = contact_verdict(of_contact, facts, now)
            return told | asdict(verdict) | {"contact": _story(history, of_contact, facts, now)}

    emit(run_async(work()), json_output, _shown)


async def _find(
    office: Office, campaign: CampaignId, key: str, facts: CampaignFacts, now: datetime
) -> ContactHistory:
    contacts = Contacts(office.database)
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
        "attempts": [
            {
                "attempt_id": attempt.attempt_id,
                "opened_at": attempt.opened_at,
                "outcome": attempt.outcome,
                "state": attempt.state,
                "reason": attempt.reason,
                "cause": attempt.cause,
                "disposition": attempt.disposition,
                "agent_id": attempt.agent_id,
            }
            for attempt in told.attempts[-SHOWN_ATTEMPTS:]
        ],
        "not_placed": [
            {"reason": refused.reason, "times": refused.count, "last_at": refused.last_at}
            for refused in told.refusals
        ],
    }


def _rule(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "allowed": found.allowed,
        "says": found.says,
        "until": found.until,
        "agent_kept": found.reserved,
    }


def _shown(found: dict[str, Any]) -> RenderableType:
    verdict = Verdict(
        code=found["code"], says=found["says"], then=found["then"], until=found["until"]
    )
    head = Text(verdict.says, style="bold green" if verdict.code in WELL else "bold yellow")
    lines: list[RenderableType] = [head]
    if verdict.then:
        lines.append(Text(f"next: {verdict.then}"))
    grid = Table.grid(padding=(0, 2))
    contact = found.get("contact")
    if contact is not None:
        for name, value in contact.items():
            if isinstance(value, list):
                for one in value:
                    grid.add_row(name.replace("_", " "), _line(one))
            else:
                grid.add_row(name.replace("_", " "), _plain(value))
        grid.add_row("", "")
    for name, value in found["facts"].items():
        grid.add_row(name.replace("_", " "), _plain(value))
    return Group(*lines, Text(), grid)


def _line(values: dict[str, Any]) -> str:
    return "  ".join(
        f"{name.replace('_', ' ')} {_plain(value)}"
        for name, value in values.items()
        if value not in (None, "", ())
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "  ".join(f"{name.replace('_', ' ')} {inner}" for name, inner in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
