"""The purse: what may be abandoned, and what risk that buys."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.events import Tally
from dialer.pacing.base import Abandoned, MachineFound, Observation, Placed, Served
from dialer.pacing.budget import PURSE, SAFE_RISK, Budget
from tests.support.dialing import at


def fate(*, lost: bool) -> Observation:
    return Abandoned(wait_s=2.0) if lost else Served(wait_s=0.1)


def test_budget_buys_only_safe_calls_until_one_abandoned_call_is_paid_for() -> None:
    budget = Budget(0.03, Tally())
    for _ in range(39):
        budget.observe(Served(wait_s=0.0), at(0))
    assert budget.risk_limit == SAFE_RISK
    budget.observe(Served(wait_s=0.0), at(0))
    assert budget.risk_limit > 10 * SAFE_RISK


def test_budget_buys_nothing_while_the_cap_is_well_broken() -> None:
    assert Budget(0.03, Tally(answered=100, abandoned=6)).risk_limit == 0.0


def test_budget_of_an_earlier_run_goes_on_where_it_was() -> None:
    whole = Budget(0.03, Tally())
    for number in range(100):
        whole.observe(fate(lost=number == 50), at(0))
    resumed = Budget(0.03, Tally(answered=100, abandoned=1))
    assert abs(resumed.balance - whole.balance) < 1e-9


def test_budget_counts_persons_only() -> None:
    budget = Budget(0.03, Tally())
    budget.observe(Placed(), at(0))
    assert budget.answered == 0


def test_budget_grows_with_a_higher_cap() -> None:
    budget = Budget(0.01, Tally(answered=100, abandoned=1))
    budget.retarget(0.05)
    assert budget.credit == 4.0
    assert budget.balance > 3.0


def test_limit_falls_with_the_debt_but_not_to_nothing_while_the_list_will_pay() -> None:
    budget = Budget(0.03, Tally())
    budget.lend(1_000.0)
    limits = [budget.risk_limit]
    for _ in range(2):
        budget.observe(fate(lost=True), at(0))
        limits.append(budget.risk_limit)
    assert limits[0] > 2.0 * limits[1] > 4.0 * SAFE_RISK
    assert limits[2] == SAFE_RISK, "more than will surely be paid back"
    budget.observe(fate(lost=True), at(0))
    assert budget.risk_limit == 0.0


@pytest.mark.parametrize(
    ("window", "debts"), [(None, 2), (timedelta(days=30), 2), (timedelta(hours=24), 1)]
)
def test_no_more_goes_into_debt_than_the_window_will_see_paid(
    window: timedelta | None, debts: int
) -> None:
    budget = Budget(0.03, Tally(), window=window)
    budget.lend(1_000.0)
    spent = 0
    while budget.risk_limit > SAFE_RISK:
        budget.observe(fate(lost=True), at(0))
        spent += 1
    assert spent == debts


def test_limit_starts_lower_under_a_lower_cap_whenever_that_was_set() -> None:
    low, high, changed = Budget(0.01, Tally()), Budget(0.03, Tally()), Budget(0.03, Tally())
    changed.retarget(0.01)
    for budget in (low, high, changed):
        budget.lend(1_000.0)
    assert 2.0 < high.risk_limit / low.risk_limit < 3.0
    assert abs(changed.risk_limit - low.risk_limit) < 1e-9


@given(st.lists(st.booleans(), max_size=400))
def test_purse_never_holds_more_than_its_size_nor_more_than_was_earned(fates: list[bool]) -> None:
    budget = Budget(0.03, Tally())
    for lost in fates:
        budget.observe(fate(lost=lost), at(0))
        assert budget.balance <= min(PURSE, budget.credit) + 1e-9


def test_budget_lends_what_the_list_will_earn_and_takes_it_back_at_its_end() -> None:
    budget = Budget(0.03, Tally())
    budget.lend(1_000.0)
    assert budget.may_spend
    budget.lend(10.0)
    assert budget.risk_limit == SAFE_RISK


def test_budget_forgets_what_the_window_has_passed_by() -> None:
    budget = Budget(0.03, Tally(), window=timedelta(hours=24))
    for hour in range(30):
        for _ in range(10):
            budget.observe(fate(lost=hour == 0), at(3_600 * hour))
        expected = 10.0 if hour <= 24 else 0.0
        assert budget.abandoned == expected, "the hour on the edge counts against the cap"
    assert budget.answered == 240.0


def test_budget_goes_on_from_the_hours_of_an_earlier_run() -> None:
    tally = Tally(answered=500, abandoned=30, hours=((at(-90_000), 200, 25), (at(-3_600), 100, 1)))
    assert Budget(0.03, tally).abandoned == 30.0
    day = Budget(0.03, tally, window=timedelta(hours=23))
    assert (day.answered, day.abandoned) == (100.0, 1.0)
    day.retarget(0.03)
    assert day.abandoned == 30.0


def test_budget_counts_a_share_of_machines_as_persons_abandoned() -> None:
    budget = Budget(0.03, Tally(answered=100), false_machines=0.25)
    for _ in range(8):
        budget.observe(MachineFound(after_s=2.0), at(0))
    assert (budget.answered, budget.abandoned) == (102.0, 2.0)


def test_slack_is_what_a_thousand_answers_may_still_lose() -> None:
    budget = Budget(0.03, Tally())
    assert budget.slack == 32
    for number in range(1_500):
        budget.observe(fate(lost=number in (10, 800, 900)), at(0))
    assert budget.slack == 30, "the loss that no window with the next answer holds is forgotten"


@given(seed=st.integers(0, 1 << 32), share=st.floats(0.0, 0.06))
def test_slack_bounds_the_window_that_the_next_answer_ends(seed: int, share: float) -> None:
    rng = random.Random(seed)
    fates = [rng.random() < share for _ in range(1_100)]
    budget = Budget(0.03, Tally())
    for lost in fates:
        budget.observe(fate(lost=lost), at(0))
    assert budget.slack == max(0, 32 - sum(fates[-999:]))


def test_slack_of_an_earlier_run_counts_its_last_hours() -> None:
    hours = ((at(-7_200), 900, 40), (at(-3_600), 600, 20))
    tally = Tally(answered=1_500, abandoned=60, hours=hours)
    # 399 answers of the older hour are among the last 999, with 17 or 18 of its abandoned calls.
    assert Budget(0.08, tally).slack in {84 - 37, 84 - 38}
    assert Budget(0.03, tally).slack == 0


def test_limit_is_not_learnt_upwards_while_the_last_thousand_answers_hold_calls_back() -> None:
    """Or all that is saved meanwhile would be spent in one burst."""

    def growth(*, lately: int) -> float:
        hours = ((at(-3_600), 999, lately),)
        budget = Budget(0.03, Tally(answered=9_999, abandoned=100, hours=hours))
        assert budget.balance == PURSE
        before = budget.risk_limit
        for _ in range(10):
            budget.observe(fate(lost=False), at(0))
        return budget.risk_limit / before

    assert growth(lately=27) > 1.01
    assert growth(lately=28) == 1.0
