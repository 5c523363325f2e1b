"""A day of a PBX's call report against our attempts, an hour at a time.

Each hour is noted when it is compared, so that a check which is interrupted goes on behind it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.errors import bounded, coded_errors, is_final
from activities.pbx_contracts import (
    CallCheckCounts,
    CallCheckProgress,
    CallCheckResult,
    CheckCalls,
)
from dialer.call_check import Comparison, OurCall, PbxCall, compare, day_bounds
from dialer.model import SwitchId

SLICE = timedelta(hours=1)
MARGIN = timedelta(minutes=5)
"""How far apart our clock and the PBX's may be, the time an order waits included."""


class CallReports(Protocol):
    """The history of a PBX. Failures are `dialer.switching.SwitchError`s."""

    async def customer_calls(self, start: datetime, end: datetime) -> Sequence[PbxCall]:
        """Calls to customers that started in a period, as far as they carry a correlator."""
        ...

    async def aclose(self) -> None: ...


class CallReportDirectory(Protocol):
    """Finds the history of a configured switch."""

    async def open_reports(self, switch: SwitchId) -> CallReports:
        """Raises `NotConfigured` for a switch that has none."""
        ...


class CallCheckRecords(Protocol):
    """Checks, and the attempts they are about. Raises `StoreUnavailable` as `DialStore` does."""

    async def begin(self, request: CheckCalls, *, now: datetime) -> CallCheckProgress | None:
        """How far this check is; None for one that starts. A new `run_key` starts from nothing."""
        ...

    async def our_calls(
        self, switch: SwitchId, start: datetime, end: datetime
    ) -> Sequence[OurCall]:
        """Attempts through a switch that were opened in a period."""
        ...

    async def known(self, correlators: Iterable[str]) -> frozenset[str]:
        """Those of them that are attempts of ours."""
        ...

    async def record(
        self, request: CheckCalls, *, until: datetime, comparison: Comparison
    ) -> CallCheckCounts:
        """Note what came of the period that ends at `until`, once."""
        ...

    async def finish(self, request: CheckCalls, *, error: str, now: datetime) -> None:
        """Note that a check is complete, or with `error` that it can't be."""
        ...


@dataclass(frozen=True)
class CallCheckActivities:
    """Holds call reports against attempts."""

    records: CallCheckRecords
    reports: CallReportDirectory
    clock: Callable[[], datetime]

    @activity.defn(name="switches.check_calls")
    async def check_calls(self, request: CheckCalls) -> CallCheckResult:
        """Compare a day, from the last hour that was noted."""
        with coded_errors():
            try:
                counts = await self._check(request)
                await self.records.finish(request, error="", now=self.clock())
            except Exception as error:
                if is_final(error):
                    await self.records.finish(request, error=bounded(error), now=self.clock())
                raise
        return CallCheckResult(switch=request.switch, day=request.day, counts=counts)

    async def _check(self, request: CheckCalls) -> CallCheckCounts:
        start, end = day_bounds(request.day, request.zone)
        begun = await self.records.begin(request, now=self.clock())
        counts = begun.counts if begun else CallCheckCounts()
        at = begun.checked_until if begun else start
        reports = await self.reports.open_reports(request.switch)
        try:
            while at < end:
                until = min(at + SLICE, end)
                comparison = await self._compare(request, reports, at, until)
                counts = await self.records.record(request, until=until, comparison=comparison)
                activity.heartbeat(CallCheckProgress(checked_until=until, counts=counts))
                at = until
        finally:
            await reports.aclose()
        return counts

    async def _compare(
        self, request: CheckCalls, reports: CallReports, start: datetime, end: datetime
    ) -> Comparison:
        theirs = await reports.customer_calls(start - MARGIN, end + MARGIN)
        ours = await self.records.our_calls(request.switch, start, end)
        unmatched = {call.correlator for call in theirs} - {call.attempt_id for call in ours}
        return compare(
            ours,
            theirs,
            known=await self.records.known(unmatched) if unmatched else frozenset(),
            start=start,
            end=end,
            tolerance=request.tolerance,
        )
