"""Whether a PBX's clock and this machine's agree, whatever its family."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from offhook.switches.base import CheckResult

_SKEW_LIMIT = timedelta(seconds=30)


def check_date(date: datetime | None) -> CheckResult:
    """By the time that a PBX's answer, which has just come, says it was sent at."""
    return check_skew(None if date is None else date - datetime.now(UTC))


def check_skew(skew: timedelta | None, *, whose: str = "the PBX") -> CheckResult:
    """By how far its clock is ahead of ours; None where it doesn't tell."""
    if skew is None:
        return CheckResult(name="clock", ok=True, detail=f"{whose} does not tell its time")
    ok = abs(skew) <= _SKEW_LIMIT
    return CheckResult(
        name="clock",
        ok=ok,
        detail=f"{whose} is {round(skew.total_seconds()):+d} s off this machine",
        advice="" if ok else "synchronise both clocks (NTP)",
    )
