"""When a contact is tried again, and why not.

The decision: limits are counted per outcome and over all attempts, and the first limit that is
reached ends the contact. An outcome nobody can vouch for (`unknown`: the switch may or may not have
rung the customer) is not redialed by itself, because calling somebody twice is worse than once too
few; a campaign may allow it, after the lockout.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple, assert_never

from pydantic import BaseModel, ConfigDict, Field

from dialer.outcomes import Outcome

Delay = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=90))]


class RetryReason(StrEnum):
    """Why a contact is, or is not, tried again."""

    retry = "retry"
    """At the time given: the delay of the outcome, or its lockout, has passed then."""
    next_number = "next_number"
    """At once, at another number: this one can't reach a person."""
    finished = "finished"
    """A person was spoken to."""
    not_retried = "not_retried"
    """This outcome is never retried."""
    outcome_limit = "outcome_limit"
    """The outcome was had as often as it may be."""
    contact_limit = "contact_limit"
    """The contact was tried as often as it may be."""
    needs_review = "needs_review"
    """Nobody knows what happened; a person decides."""


class NextTry(NamedTuple):
    """When to try again, or None for never, and why."""

    at: datetime | None
    reason: RetryReason


class OutcomeRule(BaseModel):
    """What one outcome means for the next try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay: Delay | None
    """Time from the end of the attempt to the next one; None for never."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 100
    """How often the outcome may be had before the contact is given up."""


def _rule(*, attempts: int = 100, **delay: float) -> OutcomeRule:
    return OutcomeRule(delay=timedelta(**delay) if delay else None, attempts=attempts)


class RetryRules(BaseModel):
    """Delay and limit per outcome, and the limit over all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    busy: OutcomeRule = _rule(minutes=5)
    no_answer: OutcomeRule = _rule(hours=1)
    machine: OutcomeRule = _rule(hours=4)
    rejected: OutcomeRule = _rule(hours=24, attempts=2)
    unavailable: OutcomeRule = _rule(minutes=30)
    failed: OutcomeRule = _rule(minutes=5)
    abandoned: OutcomeRule = _rule(hours=72)
    unknown: OutcomeRule = _rule(hours=24)
    redial_unknown: bool = False
    """Whether an attempt of unknown outcome may be repeated after its lockout."""

    def rule(self, outcome: Outcome) -> OutcomeRule:
        """The rule of an outcome; an outcome that ends the number or the contact has no delay."""
        match outcome:
            case Outcome.answered | Outcome.invalid | Outcome.fax:
                return _NEVER
            case Outcome.busy:
                return self.busy
            case Outcome.no_answer:
                return self.no_answer
            case Outcome.machine:
                return self.machine
            case Outcome.rejected:
                return self.rejected
            case Outcome.unavailable:
                return self.unavailable
            case Outcome.failed:
                return self.failed
            case Outcome.abandoned:
                return self.abandoned
            case Outcome.unknown:
                return self.unknown
            case _:
                assert_never(outcome)


_NEVER = OutcomeRule(delay=None)
_SPENT = frozenset({Outcome.invalid, Outcome.fax})
"""Outcomes that say that the number, not the person, is the trouble."""


def next_try(
    outcome: Outcome,
    attempts: Mapping[Outcome, int],
    *,
    now: datetime,
    rules: RetryRules,
    numbers_left: int = 0,
) -> NextTry:
    """When the contact is next due after an attempt that ended `now` with `outcome`.

    `attempts` counts the contact's attempts by outcome, this one included; `numbers_left` are its
    other numbers that aren't spent. Calling hours are not looked at: the time is the earliest.
    """
    if outcome is Outcome.answered:
        return NextTry(None, RetryReason.finished)
    if sum(attempts.values()) >= rules.max_attempts:
        return NextTry(None, RetryReason.contact_limit)
    if outcome in _SPENT and numbers_left > 0:
        return NextTry(now, RetryReason.next_number)
    if outcome is Outcome.unknown and not rules.redial_unknown:
        return NextTry(None, RetryReason.needs_review)
    rule = rules.rule(outcome)
    if rule.delay is None:
        return NextTry(None, RetryReason.not_retried)
    if attempts.get(outcome, 0) >= rule.attempts:
        return NextTry(None, RetryReason.outcome_limit)
    return NextTry(now + rule.delay, RetryReason.retry)
