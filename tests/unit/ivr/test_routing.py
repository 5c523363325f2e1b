"""Queues: who is next, and who may join."""

from datetime import UTC, datetime, timedelta

from ivr.routing import (
    CallerId,
    QueuePolicy,
    Waiting,
    admits,
    in_order,
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


def test_queue_that_is_full_admits_nobody() -> None:
    assert [admits(length, POLICY) for length in (0, 1, 2)] == [True, True, False]
