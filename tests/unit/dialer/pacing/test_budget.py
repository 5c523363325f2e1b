"""The purse: what may be abandoned, and what risk that buys."""

from datetime import timedelta

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
