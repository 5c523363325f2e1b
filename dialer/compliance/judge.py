"""Whether the law lets a call be placed now; pure, so that the same question has the same answer.

Every rule in force for the number is asked and all must agree. A rule that forbids says until when,
where that is known; a contact whose zones are unknown may be in any of its country's, and a call is
placed only while it is allowed in each.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import assert_never

import holidays

from dialer.compliance.facts import (
    NOTHING_KNOWN,
    Counted,
    History,
    Limit,
    PastCall,
    debt_key,
    number_key,
    person_key,
)
from dialer.compliance.rules import (
    AbandonmentRule,
    CallerIdRule,
    CapRule,
    ConsentRule,
    HolidayRule,
    HoursRule,
    Key,
    LockoutRule,
    PatienceRule,
    RecordsRule,
    RingRule,
)
from dialer.compliance.scope import rules_for
from dialer.compliance.settings import NamedRule
from dialer.model import CampaignSettings, Dialable, Number
from dialer.numbers import InvalidNumber, zones_of
from dialer.records import record
from dialer.windows import CallingHours, zone_info

SENDING = timedelta(seconds=5)
"""A call must still be lawful so much later: it is written and sent before it rings."""
LOOK_AGAIN = timedelta(days=1)
"""When to ask again about what only a person can change."""
IN_CALL = timedelta(minutes=5)
"""When to ask again about a number that is being called."""
LONGEST_CALL = timedelta(hours=12)
"""A call that is open for longer has been forgotten by somebody."""

DO_NOT_CALL = "do_not_call"
NO_PROFILE = "no_profile"
NUMBER_IN_CALL = "number_in_call"


@record
class Finding:
    """What one rule says."""

    rule: str
    allowed: bool
    says: str = ""
    until: datetime | None = None
    """When it stops forbidding; None while it doesn't forbid, or for ever."""
    final: bool = False
    """It will forbid for ever: nothing is to be waited for."""
    reserved: bool = False
    """Allowed, but only with an agent kept for the call."""


@record
class Ruling:
    """What the law says of a call now."""

    allowed: bool
    reason: str = ""
    """The rule that forbids it for longest."""
    due_at: datetime | None = None
    """When to ask again; None if never."""
    reserved: bool = False
    limits: tuple[Limit, ...] = ()
    """What the record must agree to in the transaction that writes the call."""


def rule_call(
    contact: Dialable, number: Number, *, settings: CampaignSettings, now: datetime
) -> Ruling:
    """The law's decision on one call."""
    history = contact.history or NOTHING_KNOWN
    if not settings.compliance.asked and not history.listed:
        return LAWFUL
    found = findings(contact, number, settings=settings, now=now)
    against = [one for one in found if not one.allowed]
    if not against:
        reserved = any(one.reserved for one in found)
        return Ruling(
            allowed=True,
            reserved=reserved,
            limits=tuple(_limits(contact, number, settings, reserved=reserved)),
        )
    final = next((one for one in against if one.final), None)
    if final is not None:
        return Ruling(allowed=False, reason=final.rule)
    last = max(against, key=lambda one: one.until or now + LOOK_AGAIN)
    return Ruling(allowed=False, reason=last.rule, due_at=last.until or now + LOOK_AGAIN)


LAWFUL = Ruling(allowed=True)
"""Nothing speaks against the call, and nothing is attached to it."""


def findings(
    contact: Dialable, number: Number, *, settings: CampaignSettings, now: datetime
) -> list[Finding]:
    """What every rule in force says of the call, in order; for people who ask why."""
    history = contact.history or NOTHING_KNOWN
    found = [
        Finding(
            rule=DO_NOT_CALL,
            allowed=False,
            says=f"the number is on a do-not-call list{f' ({one.source})' if one.source else ''}",
            until=one.until,
            final=one.until is None,
        )
        for one in history.listed
        if one.number == number.number and (one.until is None or one.until > now)
    ]
    if not settings.compliance.asked:
        return found
    rules = rules_for(settings.compliance, number.number)
    if rules is None:
        says = f"none of the profiles {', '.join(settings.compliance.profiles)} covers the number"
        return [*found, Finding(rule=NO_PROFILE, allowed=False, says=says)]
    zones = possible_zones(number, settings)
    for named in rules:
        found += _ask(named, contact, number, zones=zones, settings=settings, now=now)
    if history.calls and _in_call(number).frees_at(history.calls, now) is not None:
        says = "the number is being called"
        found.append(Finding(rule=NUMBER_IN_CALL, allowed=False, says=says, until=now + IN_CALL))
    return found


def possible_zones(number: Number, settings: CampaignSettings) -> tuple[str, ...]:
    """Every zone that the number may be in; the campaign's own where nothing at all is known."""
    if number.zones:
        return number.zones
    try:
        return zones_of(number.number) or (settings.hours.zone,)
    except InvalidNumber:
        return (settings.hours.zone,)


def clock_findings(
    rules: Iterable[NamedRule], zones: tuple[str, ...], now: datetime
) -> Iterator[Finding]:
    """What the rules about hours and holidays say, which is the same for everybody there."""
    for name, rule in rules:
        match rule:
            case HoursRule():
                yield _within(name, rule.hours, zones, now, "outside the hours")
            case HolidayRule():
                year = now.astimezone(UTC).year
                hours = _working_days(rule.country, rule.subdivision, year)
                yield _within(name, hours, zones, now, "a public holiday")
            case _:
                pass


def _ask(
    named: NamedRule,
    contact: Dialable,
    number: Number,
    *,
    zones: tuple[str, ...],
    settings: CampaignSettings,
    now: datetime,
) -> Iterator[Finding]:
    name, rule = named
    match rule:
        case HoursRule() | HolidayRule():
            yield from clock_findings([named], zones, now)
        case CapRule() | LockoutRule():
            yield _counted(named, contact, number, now)
        case ConsentRule():
            yield _consent(name, rule, contact, zones, now)
        case CallerIdRule():
            yield _shown(
                name, rule, settings.compliance.caller_id(number.number, settings.caller_id)
            )
        case RingRule() | PatienceRule() | AbandonmentRule() | RecordsRule():
            pass  # kept by the settings: see `binding`
        case _:
            assert_never(rule)


def _within(
    name: str, hours: CallingHours, zones: tuple[str, ...], now: datetime, says: str
) -> Finding:
    if hours.contains(now, zones) and hours.contains(now + SENDING, zones):
        return Finding(rule=name, allowed=True)
    opens_at = hours.next_open(now + SENDING, zones)
    return Finding(rule=name, allowed=False, says=says, until=opens_at or now + LOOK_AGAIN)


@lru_cache(maxsize=64)
def _working_days(country: str, subdivision: str, year: int) -> CallingHours:
    """Every day but the public holidays, of a year and those beside it."""
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=range(year - 1, year + 3)
    )
    days: tuple[date, ...] = tuple(sorted(found))
    return CallingHours.always().model_copy(update={"holidays": days})


def _consent(
    name: str, rule: ConsentRule, contact: Dialable, zones: tuple[str, ...], now: datetime
) -> Finding:
    history = contact.history or NOTHING_KNOWN
    if history.consent:
        return Finding(rule=name, allowed=True)
    local = max((now + SENDING).astimezone(zone_info(zone)).date() for zone in zones)
    if rule.since is not None and local < rule.since:
        return Finding(rule=name, allowed=True)
    return Finding(
        rule=name, allowed=False, says="the list records no consent of the person", final=True
    )


def _shown(name: str, rule: CallerIdRule, caller_id: str) -> Finding:
    if not caller_id:
        return Finding(rule=name, allowed=False, says="the campaign shows no caller id")
    wrong = caller_id.startswith(rule.barred) if rule.barred else False
    if wrong or (rule.allowed and not caller_id.startswith(rule.allowed)):
        return Finding(
            rule=name, allowed=False, says=f"the caller id {caller_id} may not be shown there"
        )
    return Finding(rule=name, allowed=True)


# -- what is counted ---------------------------------------------------------------------------


def keys_of(contact: Dialable, number: Number) -> dict[Key, tuple[str, ...]]:
    """Under which keys a call is counted. Who isn't named is counted by contact and number, and a
    debt that isn't named by person, which can only err on the side of not calling.
    """
    history = contact.history or NOTHING_KNOWN
    numbers = (number_key(number.number),)
    own = person_key(history.person) if history.person else f"contact:{contact.contact_id}"
    person = (own, *numbers)
    return {
        Key.number: numbers,
        Key.person: person,
        Key.debt: (debt_key(history.debt),) if history.debt else person,
    }


def _in_call(number: Number) -> Limit:
    return Limit(
        rule=NUMBER_IN_CALL,
        key=number_key(number.number),
        counted=Counted.open,
        most=0,
        within=LONGEST_CALL,
    )


def _limits_of(
    named: NamedRule, keys: dict[Key, tuple[str, ...]], *, reserved: bool
) -> list[Limit]:
    name, rule = named
    match rule:
        case CapRule():
            counted, most, within = Counted.attempt, rule.most - 1, rule.within
        case LockoutRule():
            within = rule.locked if reserved else max(rule.locked, rule.reserved)
            counted, most = Counted(rule.after), 0
        case _:
            return []
    if not within:
        return []
    return [
        Limit(rule=name, key=key, counted=counted, most=most, within=within)
        for key in keys[rule.per]
    ]


def _limits(
    contact: Dialable, number: Number, settings: CampaignSettings, *, reserved: bool
) -> Iterator[Limit]:
    if not settings.compliance.asked:
        return
    yield _in_call(number)
    keys = keys_of(contact, number)
    for named in rules_for(settings.compliance, number.number) or ():
        yield from _limits_of(named, keys, reserved=reserved)


def _counted(named: NamedRule, contact: Dialable, number: Number, now: datetime) -> Finding:
    history = contact.history or NOTHING_KNOWN
    if not history.calls:
        return Finding(rule=named.name, allowed=True)
    keys = keys_of(contact, number)
    locked = _latest(_limits_of(named, keys, reserved=True), history, now)
    if locked is not None:
        says = "called too often" if isinstance(named.rule, CapRule) else "locked"
        if isinstance(named.rule, LockoutRule):
            says = f"locked after a call that was {named.rule.after}"
        return Finding(rule=named.name, allowed=False, says=says, until=locked)
    kept = _latest(_limits_of(named, keys, reserved=False), history, now)
    if kept is not None:
        says = "only with an agent kept for the call"
        return Finding(rule=named.name, allowed=True, reserved=True, says=says, until=kept)
    return Finding(rule=named.name, allowed=True)


def _latest(limits: Sequence[Limit], history: History, now: datetime) -> datetime | None:
    calls: tuple[PastCall, ...] = history.calls
    free = [at for one in limits if (at := one.frees_at(calls, now)) is not None]
    return max(free, default=None)
