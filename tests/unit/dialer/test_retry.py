"""Retry rules: every outcome, every limit, every reason."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dialer.outcomes import Outcome
from dialer.retry import NextTry, OutcomeRule, RetryReason, RetryRules, next_try

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
RULES = RetryRules()


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [
        (Outcome.busy, timedelta(minutes=5)),
        (Outcome.no_answer, timedelta(hours=1)),
        (Outcome.machine, timedelta(hours=4)),
        (Outcome.rejected, timedelta(hours=24)),
        (Outcome.unavailable, timedelta(minutes=30)),
        (Outcome.failed, timedelta(minutes=5)),
        (Outcome.abandoned, timedelta(hours=72)),
    ],
)
def test_contact_is_retried_after_the_delay_of_the_outcome(
    outcome: Outcome, delay: timedelta
) -> None:
    again = next_try(outcome, {outcome: 1}, now=NOW, rules=RULES)
    assert again == NextTry(NOW + delay, RetryReason.retry)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_reads_its_own_rule(outcome: Outcome) -> None:
    if outcome.value in RetryRules.model_fields:
        own = OutcomeRule(delay=timedelta(minutes=77))
        rules = RetryRules.model_validate({outcome.value: own})
        assert rules.rule(outcome) == own
    else:
        assert outcome in {Outcome.answered, Outcome.invalid, Outcome.fax}
        assert RULES.rule(outcome).delay is None


def test_contact_who_answered_is_finished_even_at_the_limit() -> None:
    tried = {Outcome.busy: 4, Outcome.answered: 1}
    assert next_try(Outcome.answered, tried, now=NOW, rules=RULES) == NextTry(
        None, RetryReason.finished
    )


def test_contact_is_given_up_at_the_limit_over_all_outcomes() -> None:
    tried = {Outcome.busy: 1, Outcome.no_answer: 1, Outcome.failed: 1}
    assert next_try(Outcome.failed, tried, now=NOW, rules=RULES) == NextTry(
        None, RetryReason.contact_limit
    )


def test_contact_is_given_up_at_the_limit_of_one_outcome() -> None:
    assert next_try(Outcome.rejected, {Outcome.rejected: 2}, now=NOW, rules=RULES) == NextTry(
        None, RetryReason.outcome_limit
    )


@pytest.mark.parametrize("outcome", [Outcome.invalid, Outcome.fax])
def test_spent_number_sends_the_dialer_to_the_next_number(outcome: Outcome) -> None:
    tried = {outcome: 1}
    assert next_try(outcome, tried, now=NOW, rules=RULES, numbers_left=1) == NextTry(
        NOW, RetryReason.next_number
    )
    assert next_try(outcome, tried, now=NOW, rules=RULES) == NextTry(None, RetryReason.not_retried)


def test_unknown_outcome_waits_for_a_person_unless_redialing_is_allowed() -> None:
    tried = {Outcome.unknown: 1}
    assert next_try(Outcome.unknown, tried, now=NOW, rules=RULES) == NextTry(
        None, RetryReason.needs_review
    )
    allowed = RetryRules(redial_unknown=True)
    assert next_try(Outcome.unknown, tried, now=NOW, rules=allowed) == NextTry(
        NOW + timedelta(hours=24), RetryReason.retry
    )


def test_rule_without_delay_never_retries() -> None:
    rules = RetryRules(machine=OutcomeRule(delay=None))
    assert next_try(Outcome.machine, {Outcome.machine: 1}, now=NOW, rules=rules) == NextTry(
        None, RetryReason.not_retried
    )


def test_rules_survive_json_and_refuse_keys_that_nobody_knows() -> None:
    assert RetryRules.model_validate_json(RULES.model_dump_json()) == RULES
    with pytest.raises(ValidationError):
        RetryRules.model_validate({"engaged": {"delay": 5}})
    with pytest.raises(ValidationError):
        OutcomeRule(delay=timedelta(seconds=-1))


@given(
    st.lists(st.sampled_from([o for o in Outcome if o is not Outcome.answered]), min_size=1),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_history_of_outcomes_exceeds_the_limit_over_all(
    outcomes: list[Outcome], limit: int, redial: bool
) -> None:
    rules = RetryRules(max_attempts=limit, redial_unknown=redial)
    tried: Counter[Outcome] = Counter()
    now = NOW
    for outcome in outcomes:
        tried[outcome] += 1
        again = next_try(outcome, tried, now=now, rules=rules, numbers_left=1)
        assert (again.at is not None) == (
            again.reason in {RetryReason.retry, RetryReason.next_number}
        )
        if again.at is None:
            break
        assert again.at >= now
        now = again.at
    assert tried.total() <= limit
