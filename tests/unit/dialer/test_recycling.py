"""What an agent says of a contact, and which of his numbers comes next."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.commands import ContactState, NoteOddity, RecycleContact
from dialer.events import Disposed, PastTalk
from dialer.lists import ListOrder, shares, turns
from dialer.lists.next_number import NumberOrder, answer_score, in_turn
from dialer.model import AttemptId, Number
from dialer.outcomes import Outcome
from dialer.retry import DispositionRule, RetryReason, RetryRules, after_disposition
from tests.support.floor import START, Floor, agent, at, contact, settings, started

HOUR = timedelta(hours=1)
RULES = RetryRules(
    max_attempts=5,
    dispositions={
        "callback": DispositionRule(delay=HOUR, attempts=2),
        "not_interested": DispositionRule(),
        "wrong_number": DispositionRule(wrong_number=True),
    },
)


@pytest.mark.parametrize(
    ("code", "said", "left", "due_at", "reason"),
    [
        ("callback", 1, 0, START + HOUR, RetryReason.disposition),
        ("callback", 2, 0, None, RetryReason.disposition_limit),
        ("not_interested", 1, 3, None, RetryReason.disposition),
        ("wrong_number", 1, 1, START, RetryReason.next_number),
        ("wrong_number", 1, 0, None, RetryReason.not_retried),
    ],
)
def test_disposition_decides_when_a_contact_is_due(
    code: str, said: int, left: int, due_at: datetime | None, reason: RetryReason
) -> None:
    again = after_disposition(
        code, {Outcome.answered: 1}, {code: said}, now=START, rules=RULES, numbers_left=left
    )
    assert again == (due_at, reason)


def test_disposition_without_a_rule_decides_nothing_and_the_limit_of_tries_holds() -> None:
    tried = {Outcome.busy: 5}
    assert after_disposition("sale", tried, {}, now=START, rules=RULES) is None
    again = after_disposition("callback", tried, {}, now=START, rules=RULES)
    assert again == (None, RetryReason.contact_limit)


@pytest.mark.parametrize("while_talking", [True, False])
def test_contact_of_whom_an_agent_says_callback_is_called_again(while_talking: bool) -> None:
    first = started(settings=settings(retry=RULES), agents=(agent(0),))
    floor = Floor(first, contacts=[contact(1)])
    floor.start().run(20 if while_talking else 300)
    [attempt] = floor.record.attempts or floor.record.closed
    said = Disposed(agent_id=agent(0).agent_id, attempt_id=AttemptId(attempt), code="callback")
    before = floor.now
    floor.give(said)
    if while_talking:
        assert not floor.of(RecycleContact)
        floor.run(280)
    [again] = floor.of(RecycleContact)
    assert again.contact_state is ContactState.ready
    assert again.due_at is not None
    assert again.due_at >= before + HOUR


def test_talk_of_before_a_take_over_is_acted_upon_when_an_agent_says_what_came_of_it() -> None:
    who, attempt = contact(1), AttemptId("spring-1-1")
    talk = PastTalk(attempt_id=attempt, contact=who, number=who.numbers[0], ended_at=at(-60))
    floor = Floor(started(epoch=2, settings=settings(retry=RULES), talks=(talk,))).start()
    floor.give(Disposed(agent_id=agent(1).agent_id, attempt_id=attempt, code="callback"))
    [again] = floor.of(RecycleContact)
    assert (again.contact_id, again.due_at) == (who.contact_id, START + HOUR)
    assert not floor.of(NoteOddity)


def test_wrong_number_is_finished_and_the_contact_goes_on() -> None:
    numbers = (Number(number="+39055000001"), Number(number="+39055000002"))
    first = started(settings=settings(retry=RULES), agents=(agent(0),))
    floor = Floor(first, contacts=[replace(contact(1), numbers=numbers)])
    floor.start().run(300)
    [attempt] = floor.record.closed
    who = agent(0).agent_id
    said = Disposed(agent_id=who, attempt_id=AttemptId(attempt), code="wrong_number")
    [*_, again] = [c for c in floor.give(said) if isinstance(c, RecycleContact)]
    assert again.wrong_number == "+39055000001"
    assert (again.contact_state, again.due_at) == (ContactState.ready, floor.now)


def tried(number: str, attempts: int, last: Outcome | None = None, score: float = 0.0) -> Number:
    return Number(number=number, attempts=attempts, last_outcome=last, score=score)


def order(*numbers: Number, rules: RetryRules) -> list[str]:
    asked = replace(contact(1), numbers=numbers, attempts=sum(one.attempts for one in numbers))
    return [one.number for one in in_turn(asked, rules)]


def test_every_number_has_its_turn_before_one_is_tried_twice() -> None:
    found = order(tried("a", 2), tried("b", 1, Outcome.busy), tried("c", 2), rules=RULES)
    assert found == ["b", "a", "c"]


def test_number_is_tried_again_after_an_outcome_that_is_no_reason_to_go_on() -> None:
    rules = RetryRules(next_number_on=(Outcome.no_answer,))
    assert order(tried("a", 1, Outcome.busy), tried("b", 0), rules=rules)[0] == "a"
    assert order(tried("a", 1, Outcome.no_answer), tried("b", 0), rules=rules)[0] == "b"


def test_best_number_comes_first_among_those_tried_as_often() -> None:
    rules = RetryRules(numbers=NumberOrder.best_first)
    found = order(tried("a", 0, score=0.1), tried("b", 0, score=0.6), rules=rules)
    assert found == ["b", "a"]
    assert order(tried("a", 0), tried("b", 1, score=0.9), rules=rules) == ["a", "b"]


def test_answer_at_this_hour_tells_more_than_one_at_another() -> None:
    near, far = [(at(0), Outcome.answered)], [(at(-8 * 3600), Outcome.answered)]
    nothing = answer_score([], at(0), ())
    assert answer_score(near, at(0), ()) > answer_score(far, at(0), ()) > nothing
    missed = [(at(0), Outcome.no_answer)]
    assert answer_score(missed, at(0), ("Europe/Rome",)) < nothing


@given(
    weights=st.dictionaries(st.integers(1, 9), st.integers(1, 1_000), min_size=1, max_size=6),
    claims=st.lists(st.integers(1, 400), min_size=1, max_size=30),
)
def test_lists_give_by_their_weights_however_claims_are_cut(
    weights: dict[int, int], claims: list[int]
) -> None:
    owed: dict[int, float] = {}
    given_so_far = dict.fromkeys(weights, 0)
    for wanted in claims:
        parts = shares(weights, wanted, owed)
        assert sum(parts.values()) == wanted
        assert min(parts.values()) >= 0
        for one, part in parts.items():
            given_so_far[one] += part
    total = sum(weights.values())
    for one, weight in weights.items():
        assert abs(given_so_far[one] - sum(claims) * weight / total) <= len(weights)


@given(st.lists(st.integers(0, 30), max_size=5))
def test_mixed_lists_keep_their_own_order_and_alternate(sizes: list[int]) -> None:
    parts = [[(which, number) for number in range(size)] for which, size in enumerate(sizes)]
    mixed = turns(parts)
    assert sorted(mixed) == sorted(entry for part in parts for entry in part)
    for which, size in enumerate(sizes):
        assert [n for w, n in mixed if w == which] == list(range(size))
        half = sum(1 for w, _ in mixed[: len(mixed) // 2] if w == which)
        assert abs(half - size / 2) <= len(sizes)


def test_orders_of_a_list_are_those_of_the_database() -> None:
    assert [order.value for order in ListOrder] == ["due", "newest", "random", "attribute"]
