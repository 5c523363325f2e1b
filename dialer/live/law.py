"""Whether a contact may be called at this number now; asked at the moment of origination.

A rule gives a verdict with its reason, so that every call that is not placed has one on record. The
campaign's hours for contacts and the law that it keeps are always asked; more rules can be handed
to the engine.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dialer.compliance.facts import Limit
from dialer.compliance.judge import LAWFUL, rule_call
from dialer.compliance.opening import NEVER_OPEN_PAUSE, OUTSIDE_HOURS
from dialer.model import CampaignSettings, Dialable, Number
from dialer.records import record


@record
class Verdict:
    """Yes; or no, with the reason and when to ask again."""

    allowed: bool
    reason: str = ""
    due_at: datetime | None = None
    reserved: bool = False
    """Yes, but only with an agent kept for the call from the start."""
    limits: tuple[Limit, ...] = ()
    """What the record must agree to before the call is placed."""


YES = Verdict(allowed=True)


class Rule(Protocol):
    """One reason why a call may not be placed. Pure: the same question has the same answer."""

    def __call__(
        self, contact: Dialable, number: Number, *, settings: CampaignSettings, now: datetime
    ) -> Verdict: ...


def in_hours(
    contact: Dialable, number: Number, *, settings: CampaignSettings, now: datetime
) -> Verdict:
    """The contact's hours are open in every zone that the number may be in."""
    if settings.contact_hours.is_always:
        return YES
    zones = number.zones or (settings.hours.zone,)
    if settings.contact_hours.contains(now, zones):
        return YES
    due_at = settings.contact_hours.next_open(now, zones) or now + NEVER_OPEN_PAUSE
    return Verdict(allowed=False, reason=OUTSIDE_HOURS, due_at=due_at)


def lawful(
    contact: Dialable, number: Number, *, settings: CampaignSettings, now: datetime
) -> Verdict:
    """No do-not-call list has the number, and every rule of the campaign's profiles agrees."""
    ruling = rule_call(contact, number, settings=settings, now=now)
    if ruling is LAWFUL:
        return YES
    return Verdict(
        allowed=ruling.allowed,
        reason=ruling.reason,
        due_at=ruling.due_at,
        reserved=ruling.reserved,
        limits=ruling.limits,
    )


def judge(
    contact: Dialable,
    number: Number,
    *,
    settings: CampaignSettings,
    rules: Sequence[Rule],
    now: datetime,
) -> Verdict:
    """The first refusal; else yes, with what the law attaches to it."""
    law = YES
    for rule in (lawful, in_hours, *rules):
        verdict = rule(contact, number, settings=settings, now=now)
        if not verdict.allowed:
            return verdict
        if verdict.reserved or verdict.limits:
            law = verdict
    return law
