"""How fast a loop places calls: found by what it does to those who have answered."""

from datetime import timedelta
from random import Random

from activities.governor import FIRST, LEAST, LOOK_EVERY, MOST, Governor
from dialer.events import RateFound

LOOK_S = LOOK_EVERY.total_seconds()


def look(governor: Governor, *, took_s: float, placed: float | None = None) -> None:
    """Half a second in which so many were placed (as many as allowed), and took so long."""
    for _ in range(round((governor.rate if placed is None else placed) * LOOK_S)):
        governor.placed()
    for _ in range(20):
        governor.measured(timedelta(seconds=took_s))
    governor.look()


def told() -> tuple[Governor, list[float]]:
    """A governor, and what it says."""
    rates: list[float] = []

    def heard(event: RateFound) -> None:
        rates.append(event.calls_per_second)

    return Governor(heard), rates


def test_rate_goes_up_fast_while_nothing_takes_long_and_ends_at_the_most() -> None:
    governor, rates = told()
    for _ in range(6):
        look(governor, took_s=0.01)
    assert rates[-1] > FIRST * 5
    for _ in range(20):
        look(governor, took_s=0.01)
    assert governor.rate == MOST


def test_rate_that_is_not_used_stays() -> None:
    governor, rates = told()
    for took_s in (0.01, 3.0, 0.01):
        look(governor, took_s=took_s, placed=2.0)
    assert rates == []


def test_strain_takes_the_rate_back_once_until_it_can_have_shown() -> None:
    governor, rates = told()
    for _ in range(4):
        look(governor, took_s=0.01)
    before = governor.rate
    look(governor, took_s=1.0)
    assert governor.rate < before * 0.75
    first = governor.rate
    look(governor, took_s=1.0)
    assert governor.rate == first
    look(governor, took_s=1.0)
    assert governor.rate < first
    assert rates[-1] == round(governor.rate, 1)


def test_rate_goes_up_slowly_only_around_where_it_strained() -> None:
    governor, _ = told()
    for _ in range(3):
        look(governor, took_s=0.01)
    strained = governor.rate
    look(governor, took_s=1.0)
    grown = []
    for _ in range(20):
        before = governor.rate
        look(governor, took_s=0.01)
        grown.append((before / strained, governor.rate / before))
    assert all(by < 1.03 for at, by in grown if 0.91 < at < 1.09)
    assert all(1.07 < by < 1.09 for at, by in grown if not 0.89 < at < 1.11)
    assert governor.rate > strained * 1.4


def test_rate_is_never_under_the_least() -> None:
    governor, _ = told()
    look(governor, took_s=0.01)
    for _ in range(40):
        look(governor, took_s=1.0)
    assert governor.rate == LEAST
    look(governor, took_s=0.01)
    assert LEAST < governor.rate < LEAST * 1.1


def test_pbx_that_is_slow_by_nature_is_no_strain() -> None:
    governor, _ = told()
    for _ in range(4):
        look(governor, took_s=0.3)
    assert governor.rate > FIRST * 3


def test_burst_that_strains_when_it_is_over_counts_as_used() -> None:
    governor, _ = told()
    look(governor, took_s=0.01)
    before = governor.rate
    look(governor, took_s=1.0, placed=0.0)
    assert governor.rate < before


def test_rate_settles_near_what_a_machine_can_do_and_its_queue_stays_short() -> None:
    """A machine that does a hundred calls a second, asked for as many as it may be given."""
    random, queue, longest, done = Random(7), 0.0, 0.0, 0.0
    governor, _ = told()
    capacity = 100.0
    for number in range(240):
        placed = governor.rate * LOOK_S
        queue = max(0.0, queue + placed - capacity * LOOK_S)
        waits = queue / capacity
        for _ in range(round(placed)):
            governor.placed()
        for _ in range(20):
            governor.measured(timedelta(seconds=0.01 + waits * random.uniform(0.8, 1.2)))
        governor.look()
        if number >= 40:
            longest, done = max(longest, waits), done + min(placed, capacity * LOOK_S)
    assert longest < 0.6
    assert done / (200 * LOOK_S) > capacity * 0.75


def test_one_who_waited_too_long_for_anybody_is_strain() -> None:
    governor, _ = told()
    look(governor, took_s=0.01)
    before = governor.rate
    governor.measured(timedelta(seconds=1))
    look(governor, took_s=0.01)
    assert governor.rate < before
