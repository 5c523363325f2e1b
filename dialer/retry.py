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

from dialer.lists.next_number import NumberOrder
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
    disposition = "disposition"
    """An agent's word says so."""
    disposition_limit = "disposition_limit"
    """Agents said it as often as it may be said."""
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


class DispositionRule(BaseModel):
    """What an agent's word means for a contact who was spoken to; without a rule he is finished."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay: Delay | None = None
    """Time until the contact is called again; None for never."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 100
    """How often it may be said before the contact is given up."""
    wrong_number: bool = False
    """The number reaches somebody else: it is finished, and the contact goes on with the next."""


Code = Annotated[str, Field(min_length=1, max_length=60)]


class RetryRules(BaseModel):
    """Delay and limit per outcome and disposition, the limit over all, and the next number."""

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
    dispositions: Annotated[Mapping[Code, DispositionRule], Field(max_length=100)] = {}
    """What agents' words mean; a word without a rule finishes the contact."""
    numbers: NumberOrder = NumberOrder.listed
    """Which of a contact's numbers comes first."""
    next_number_on: tuple[Outcome, ...] | None = None
    """Outcomes after which the contact's next number is dialed; None for after each."""

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


def after_disposition(
    code: str,
    tried: Mapping[Outcome, int],
    said: Mapping[str, int],
    *,
    now: datetime,
    rules: RetryRules,
    numbers_left: int = 0,
) -> NextTry | None:
    """When a contact is due after an agent said `code` of him; None where no rule speaks of it.

    `tried` and `said` count what was had before and this time; `numbers_left` are the contact's
    other numbers that aren't spent.
    """
    rule = rules.dispositions.get(code)
    if rule is None:
        return None
    if rule.wrong_number and numbers_left <= 0:
        return NextTry(None, RetryReason.not_retried)
    if rule.delay is None and not rule.wrong_number:
        return NextTry(None, RetryReason.disposition)
    if sum(tried.values()) >= rules.max_attempts:
        return NextTry(None, RetryReason.contact_limit)
    if said.get(code, 0) >= rule.attempts:
        return NextTry(None, RetryReason.disposition_limit)
    if rule.wrong_number:
        return NextTry(now + (rule.delay or timedelta(0)), RetryReason.next_number)
    return NextTry(now + (rule.delay or timedelta(0)), RetryReason.disposition)
