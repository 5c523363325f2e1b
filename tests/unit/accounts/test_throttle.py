"""How long logins wait after some have failed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.accounts.errors import LoginThrottled
from offhook.accounts.throttle import (
    FORGOTTEN_AFTER,
    LONGEST_WAIT,
    Failures,
    network_of,
    reserve,
    wait_after,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LIMITS = {"login:x": 5, "address:y": 20}


def _fresh() -> dict[str, Failures]:
    return {key: Failures(0, NOW, NOW) for key in LIMITS}


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_a_wait_never_shrinks_and_never_passes_the_longest(failures: int, free: int) -> None:
    wait = wait_after(failures, free)
    assert timedelta(0) <= wait <= wait_after(failures + 1, free) <= LONGEST_WAIT
    assert (wait == timedelta(0)) == (failures < free)


def test_guessing_at_full_speed_is_about_a_hundred_tries_a_day() -> None:
    known, now, tries = _fresh(), NOW, 0
    while now < NOW + timedelta(days=1):
        known = reserve(known, LIMITS, now=now)
        now = max(one.blocked_until for one in known.values())
        tries += 1
    assert 90 < tries < 130


@given(st.lists(st.integers(0, 2_000), max_size=60))
def test_nobody_is_let_try_while_a_wait_lasts(pauses: list[int]) -> None:
    known, now = _fresh(), NOW
    for seconds in pauses:
        now += timedelta(seconds=seconds)
        blocked = max(one.blocked_until for one in known.values())
        if now < blocked:
            with pytest.raises(LoginThrottled) as caught:
                reserve(known, LIMITS, now=now)
            assert caught.value.wait == blocked - now
        else:
            known = reserve(known, LIMITS, now=now)
            assert all(one.failed_at == now for one in known.values())


def test_failures_are_forgotten_after_a_day_without_one() -> None:
    known = {key: Failures(50, NOW, NOW + LONGEST_WAIT) for key in LIMITS}
    later = reserve(known, LIMITS, now=NOW + FORGOTTEN_AFTER)
    assert {one.failures for one in later.values()} == {1}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
