"""Queues: who is next, who may join, when waiting has been enough."""

from datetime import UTC, datetime, timedelta

from ivr.routing import (
    CallerId,
    QueuePolicy,
    Waiting,
    admits,
    expected_wait,
    gives_up_at,
    in_order,
    position,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = QueuePolicy(vip_bonus=10 * MINUTE, max_length=2)


def waiting(name: str, minutes: int, *, vip: bool = False) -> Waiting:
    return Waiting(caller=CallerId(name), since=NOW - minutes * MINUTE, vip=vip)


def test_queue_is_by_waiting_with_a_bonus_for_important_callers() -> None:
    queue = in_order(
        [waiting("c", 3), waiting("b", 3), waiting("v", 1, vip=True), waiting("a", 12)], POLICY
    )
    assert [one.caller for one in queue] == ["a", "v", "b", "c"]
    assert [position(CallerId(name), queue) for name in ("a", "c", "x")] == [1, 4, None]


def test_queue_that_is_full_admits_nobody() -> None:
    assert [admits(length, POLICY) for length in (0, 1, 2)] == [True, True, False]


def test_caller_gives_up_after_the_longest_wait() -> None:
    assert gives_up_at(waiting("a", 2), POLICY) == NOW + 3 * MINUTE


def test_expected_wait_is_unknown_when_nobody_is_on_duty() -> None:
    assert expected_wait(4, 2, 3 * MINUTE) == 6 * MINUTE
    assert expected_wait(1, 0, MINUTE) is None
