"""Rules in plain words, for people who must answer for them."""

from datetime import timedelta
from typing import assert_never

from dialer.compliance.rules import (
    AbandonmentRule,
    CallerIdRule,
    CapRule,
    ConsentRule,
    HolidayRule,
    HoursRule,
    LockoutRule,
    PatienceRule,
    RecordsRule,
    RingRule,
    Rule,
)


def says(rule: Rule) -> str:
    """What a rule demands, in one sentence."""
    match rule:
        case HoursRule():
            return f"calls only {rule.hours.render()}, on the clock where the person is"
        case HolidayRule():
            return f"no calls on public holidays of {rule.country}{rule.subdivision}"
        case CapRule():
            return f"at most {rule.most} calls in {span(rule.within)} per {rule.per}"
        case LockoutRule():
            return _lockout(rule)
        case ConsentRule():
            since = f", from {rule.since}" if rule.since else ""
            return f"only people who have agreed to be called{since}"
        case RingRule():
            return f"ring for at least {span(rule.least)}"
        case PatienceRule():
            message = "; then a message says who called" if rule.message else ""
            return f"an agent within {span(rule.most)} of the answer{message}"
        case AbandonmentRule():
            within = f"in every {span(rule.window)} of a campaign"
            return f"at most {rule.cap:.1%} of calls answered by a person abandoned, {within}"
        case CallerIdRule():
            return _caller_id(rule)
        case RecordsRule():
            return f"records of every call are kept for {span(rule.keep)}"
        case _:
            assert_never(rule)


def _lockout(rule: LockoutRule) -> str:
    parts = []
    if rule.locked:
        parts.append(f"none for {span(rule.locked)}")
    if rule.reserved > rule.locked:
        parts.append(f"until {span(rule.reserved)} have passed only with an agent kept for it")
    return f"after a call that ended in {rule.after}, per {rule.per}: {', '.join(parts)}"


def _caller_id(rule: CallerIdRule) -> str:
    text = "a caller id is shown"
    if rule.allowed:
        text += f" that begins with {', '.join(rule.allowed)}"
    if rule.barred:
        text += f" that doesn't begin with {', '.join(rule.barred)}"
    return text


def span(value: timedelta) -> str:
    """A duration in its largest whole unit."""
    seconds = value.total_seconds()
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {name}"
    return f"{seconds:g} seconds"
