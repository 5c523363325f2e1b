"""The purse: what may be abandoned, and what risk that buys."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.events import Tally
from dialer.pacing.base import Abandoned, Observation, Placed, Served
from dialer.pacing.budget import PURSE, SAFE_RISK, Budget


def fate(*, lost: bool) -> Observation:
    return Abandoned(wait_s=2.0) if lost else Served(wait_s=0.1)


def test_budget_buys_only_safe_calls_until_one_abandoned_call_is_paid_for() -> None:
    budget = Budget(0.03, Tally())
    for _ in range(39):
        budget.observe(Served(wait_s=0.0))
    assert budget.risk_limit == SAFE_RISK
    budget.observe(Served(wait_s=0.0))
    assert budget.risk_limit > 10 * SAFE_RISK


def test_budget_buys_nothing_while_the_cap_is_well_broken() -> None:
    assert Budget(0.03, Tally(answered=100, abandoned=6)).risk_limit == 0.0


def test_budget_of_an_earlier_run_goes_on_where_it_was() -> None:
    whole = Budget(0.03, Tally())
    for number in range(100):
        whole.observe(fate(lost=number == 50))
    resumed = Budget(0.03, Tally(answered=100, abandoned=1))
    assert abs(resumed.balance - whole.balance) < 1e-9


def test_budget_counts_persons_only() -> None:
    budget = Budget(0.03, Tally())
    budget.observe(Placed())
    assert budget.answered == 0


def test_budget_grows_with_a_higher_cap() -> None:
    budget = Budget(0.01, Tally(answered=100, abandoned=1))
    budget.retarget(0.05)
    assert budget.credit == 4.0
    assert budget.balance > 3.0


@given(st.lists(st.booleans(), max_size=400))
def test_purse_never_holds_more_than_its_size_nor_more_than_was_earned(fates: list[bool]) -> None:
    budget = Budget(0.03, Tally())
    for lost in fates:
        budget.observe(fate(lost=lost))
        assert budget.balance <= min(PURSE, budget.credit) + 1e-9
