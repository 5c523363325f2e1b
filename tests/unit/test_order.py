"""The order of tests over workers: none is lost, and slow ones stand where nobody takes them."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import dealt

counts = st.integers(0, 40)


@given(stacks=counts, slow=counts, quick=st.integers(0, 400), workers=st.integers(1, 8))
def test_order_holds_every_test_once(stacks: int, slow: int, quick: int, workers: int) -> None:
    first, second, third = range(stacks), range(100, 100 + slow), range(200, 200 + quick)
    assert sorted(dealt(first, second, third, workers)) == [*first, *second, *third]


@given(workers=st.sampled_from([2, 4, 8]))
def test_half_of_the_workers_begin_with_stacks_and_the_others_with_slow_tests(workers: int) -> None:
    order = dealt(["stack"] * 16, ["slow"] * 32, ["quick"] * 752, workers)
    first = [order[number * len(order) // workers] for number in range(workers)]
    assert first == ["stack"] * (workers // 2) + ["slow"] * (workers // 2)
