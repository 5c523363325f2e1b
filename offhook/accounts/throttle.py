"""How long the next login waits after some have failed: pure.

A login is waited for after a handful of failures, an address after more, as many people may share
one. Waits double up to a quarter of an hour: an attacker gets about a hundred tries a day, and
whoever the login belongs to is never shut out for longer than that. Failures are forgotten when
nothing failed for a day.
"""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from offhook.accounts.errors import LoginThrottled

FREE_FOR_LOGIN = 5
FREE_FOR_ADDRESS = 20
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


class Failures(NamedTuple):
    """What is known of a login or an address."""

    failures: int
    failed_at: datetime
    blocked_until: datetime


def wait_after(failures: int, free: int) -> timedelta:
    """How long to wait after so many failures in a row, of which some are free."""
    over = failures - free
    return timedelta(0) if over < 0 else min(timedelta(seconds=2 ** min(over, 30)), LONGEST_WAIT)


def reserve(
    known: Mapping[str, Failures], limits: Mapping[str, int], *, now: datetime
) -> dict[str, Failures]:
    """The failures with one more; raises `LoginThrottled` while one of the keys has to wait."""
    wait = max((one.blocked_until - now for one in known.values()), default=timedelta(0))
    if wait > timedelta(0):
        raise LoginThrottled(wait)
    counted = {}
    for key, one in known.items():
        fresh = now - one.failed_at >= FORGOTTEN_AFTER
        failures = 1 if fresh else one.failures + 1
        counted[key] = Failures(failures, now, now + wait_after(failures, limits[key]))
    return counted


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or a network of 64 bits in IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
