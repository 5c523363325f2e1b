"""Activities of phonebooks and call reports, replaced by name, for workflow and replay tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.pbx_contracts import (
    CallCheckCounts,
    CallCheckResult,
    CheckCalls,
    PhonebookSyncInput,
    SyncCounts,
    SyncLeg,
    SyncLegResult,
)
from dialer.model import SwitchId
from workflows.call_check import ReconcileWorkflow
from workflows.phonebook_sync import PhonebookSyncWorkflow

DAY = date(2026, 3, 1)


@dataclass
class FakePbx:
    """A phonebook that takes `legs` legs to fill, and a report with nothing wrong in it."""

    legs: int = 1
    failures: list[Exception] = field(default_factory=list)
    """Raised one after the other before anything succeeds."""
    sent: list[SyncLeg] = field(default_factory=list)
    checked: list[CheckCalls] = field(default_factory=list)

    @activity.defn(name="phonebooks.sync")
    async def sync(self, leg: SyncLeg) -> SyncLegResult:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(leg)
        done = len(self.sent) >= self.legs
        counts = SyncCounts(total=self.legs * 10, sent=len(self.sent) * 10, chunks=len(self.sent))
        return SyncLegResult(counts=counts, done=done)

    @activity.defn(name="switches.check_calls")
    async def check(self, request: CheckCalls) -> CallCheckResult:
        if self.failures:
            raise self.failures.pop(0)
        self.checked.append(request)
        counts = CallCheckCounts(ours=3, theirs=3, matched=3)
        return CallCheckResult(switch=request.switch, day=request.day, counts=counts)


def sync_request(*, legs_per_run: int = 200) -> PhonebookSyncInput:
    """A synchronisation of a whole campaign."""
    return PhonebookSyncInput(
        sync_id="pbx-c1-offhook",
        switch=SwitchId("pbx"),
        campaign_id="c1",
        legs_per_run=legs_per_run,
    )


@asynccontextmanager
async def pbx_jobs_on(client: Client, pbx: FakePbx) -> AsyncIterator[str]:
    """A worker with these activities; yields its task queue."""
    queue = f"test-{uuid4().hex[:8]}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[PhonebookSyncWorkflow, ReconcileWorkflow],
        activities=[pbx.sync, pbx.check],
    ):
        yield queue
