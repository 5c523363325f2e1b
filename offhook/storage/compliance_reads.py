"""What the law needs to know of claimed contacts, and what the record did not agree to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from dialer.compliance.facts import History, Listed, PastCall
from dialer.compliance.rules import CapRule, LockoutRule
from dialer.compliance.settings import ComplianceSettings, all_rules
from dialer.events import CallForbidden
from dialer.model import AttemptId, CampaignId, ContactId, Dialable
from offhook.storage import compliance_sql
from offhook.storage.pool import Connection

LONGEST_CALL = timedelta(hours=12)
"""A lockout counts from a call's end, and calls are found by their beginning."""

Calls = dict[str, list[PastCall]]


def forbidden(rows: Iterable[asyncpg.Record]) -> tuple[CallForbidden, ...]:
    """The calls that were not agreed to, from the rows that say so."""
    return tuple(
        CallForbidden(
            attempt_id=AttemptId(row["attempt_id"]),
            contact_id=ContactId(str(row["contact_id"])),
            number=row["number"],
            reason=row["rule"],
            until=row["until"],
        )
        for row in rows
        if row["attempt_id"] is not None
    )


async def with_history(
    connection: Connection, campaign: CampaignId, contacts: Sequence[Dialable], now: datetime
) -> list[Dialable]:
    """The contacts with what is on record of them; those of whom nothing is, as they are."""
    if not contacts:
        return []
    stored = await connection.fetchval(compliance_sql.LAW, campaign)
    law = ComplianceSettings.model_validate_json(stored) if stored else ComplianceSettings()
    ids = [int(contact.contact_id) for contact in contacts]
    named = {
        row["id"]: row
        for row in await connection.fetch(
            compliance_sql.KEYS, ids, law.person_attribute, law.debt_attribute
        )
    }
    numbers = list({one.number for contact in contacts for one in contact.numbers})
    listed = {
        row["number"]: Listed(number=row["number"], source=row["source"], until=row["expires_at"])
        for row in await connection.fetch(compliance_sql.LISTED, numbers, campaign, now)
    }
    calls: Calls = {}
    if law.asked:
        calls = await _calls(connection, law, list(named.values()), numbers, now)
    found = []
    for contact in contacts:
        row = named[int(contact.contact_id)]
        keys = [f"contact:{contact.contact_id}", *(f"number:{n.number}" for n in contact.numbers)]
        keys += [f"{kind}:{row[kind]}" for kind in ("person", "debt") if row[kind]]
        history = History(
            person=row["person"],
            debt=row["debt"],
            consent=row["consent"],
            calls=tuple(call for key in keys for call in calls.get(key, ())),
            listed=tuple(listed[n.number] for n in contact.numbers if n.number in listed),
        )
        found.append(contact if history == History() else replace(contact, history=history))
    return found


def horizon(law: ComplianceSettings) -> timedelta:
    """How far back calls can matter."""
    spans = [LONGEST_CALL]
    for _, rule in all_rules(law):
        match rule:
            case CapRule(within=within):
                spans.append(within)
            case LockoutRule(locked=locked, reserved=reserved):
                spans.append(max(locked, reserved))
            case _:
                pass
    return max(spans) + LONGEST_CALL


async def _calls(
    connection: Connection,
    law: ComplianceSettings,
    named: Sequence[asyncpg.Record],
    numbers: Sequence[str],
    now: datetime,
) -> Calls:
    rows = await connection.fetch(
        compliance_sql.CALLS,
        numbers,
        [row["person"] for row in named if row["person"]],
        [row["debt"] for row in named if row["debt"]],
        [row["id"] for row in named],
        now - horizon(law),
    )
    found: Calls = defaultdict(list)
    for row in rows:
        found[row["key"]].append(
            PastCall(
                keys=(row["key"],),
                at=row["opened_at"],
                ended_at=row["ended_at"],
                outcome=row["outcome"],
                talked=row["talked"],
                refused=row["refused"],
            )
        )
    for calls in found.values():
        calls.sort(key=lambda call: call.at)
    return found
