"""A campaign's surroundings for workflow tests: activities replaced by name, and a driver."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.contracts import (
    BeginCampaign,
    CampaignBegun,
    CampaignInput,
    CampaignOrder,
    CampaignResult,
    CampaignSnapshot,
    DialInput,
    DialReason,
    DialResult,
)
from dialer.events import DrainRequested, Event
from dialer.model import CampaignId, CampaignPhase, CampaignSettings, SwitchId
from dialer.windows import CallingHours
from workflows.campaign import CampaignWorkflow

NOTHING = timedelta(milliseconds=20)


def campaign_settings(hours: str = "always", *, switch: str = "pbx") -> CampaignSettings:
    """Settings with the campaign's own hours in the compact form."""
    return CampaignSettings(name="Spring", switch=SwitchId(switch), hours=CallingHours.parse(hours))


@dataclass
class FakeFloor:
    """Stands in for database, inbox and dial loop: a dial activity ends when its script says so,
    or when it reads an order to drain.
    """

    settings: CampaignSettings = field(default_factory=campaign_settings)
    script: list[DialReason | Exception | None] = field(default_factory=list)
    """What each dial activity does at once; None or nothing left: dial until told otherwise."""
    ended: CampaignPhase | None = None
    refuse: Exception | None = None
    """Raised for the next order that carries settings."""
    events: list[Event] = field(default_factory=list)
    phases: list[CampaignPhase] = field(default_factory=list)
    orders: dict[str, CampaignOrder] = field(default_factory=dict)
    dials: int = 0
    dialing: int = 0
    at_once: int = 0
    """Most dial activities that ever ran at once."""
    handed_over: int = 0
    drains: bool = True
    """Whether a dial activity ends when it reads an order to drain."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Activity -> what it waits for before it does anything."""
    reached: set[str] = field(default_factory=set)
    _finish: DialReason | None = None
    _read: int = 0

    def finish(self, reason: DialReason = DialReason.exhausted) -> None:
        """Let the running dial activity, or the next, end for this reason."""
        self._finish = reason

    def close(self, name: str) -> asyncio.Event:
        """Hold an activity until the event that is returned is set."""
        return self.gates.setdefault(name, asyncio.Event())

    async def _gate(self, name: str) -> None:
        self.reached.add(name)
        if name in self.gates:
            await self.gates[name].wait()

    @activity.defn(name="campaigns.begin")
    async def begin(self, request: BeginCampaign) -> CampaignBegun:
        await self._gate("begin")
        return CampaignBegun(settings=self.settings, settings_version=1, ended=self.ended)

    @activity.defn(name="campaigns.order")
    async def order(self, request: CampaignOrder) -> None:
        await self._gate("order")
        if request.settings is not None and self.refuse is not None:
            raise self.refuse
        self.phases.append(request.phase)
        if request.key not in self.orders:
            self.orders[request.key] = request
            if request.event is not None:
                self.events.append(request.event)

    @activity.defn(name="campaigns.dial")
    async def dial(self, request: DialInput) -> DialResult:
        self.dials += 1
        self.dialing += 1
        self.at_once = max(self.at_once, self.dialing)
        try:
            return DialResult(reason=await self._dial())
        except asyncio.CancelledError:
            self.handed_over += 1
            raise
        finally:
            self.dialing -= 1

    async def _dial(self) -> DialReason:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            if step is not None:
                return step
        while True:
            activity.heartbeat()
            for event in self.events[self._read :]:
                self._read += 1
                if isinstance(event, DrainRequested) and self.drains:
                    return DialReason(event.reason)
            if self._finish is not None:
                reason, self._finish = self._finish, None
                return reason
            await asyncio.sleep(NOTHING.total_seconds())

    def kinds(self) -> list[str]:
        """What was posted, by kind."""
        return [event.kind for event in self.events]


def trouble(code: str, *, final: bool = False) -> ApplicationError:
    """An error as the one mapper of activities makes it."""
    return ApplicationError(f"no luck: {code}", type=code, non_retryable=final)


@dataclass
class Campaigns:
    """Starts campaigns on a worker of the test's own."""

    client: Client
    queue: str
    floor: FakeFloor

    async def start(
        self, *, run_key: str = "run", campaign: str | None = None, renew_after: int = 1_000
    ) -> WorkflowHandle[CampaignWorkflow, CampaignResult]:
        """Start a campaign, or find the one that runs."""
        name = campaign or f"c{uuid4().hex[:8]}"
        return await self.client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(campaign_id=CampaignId(name), run_key=run_key, renew_after=renew_after),
            id=f"campaign/{name}",
            task_queue=self.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


@asynccontextmanager
async def campaigns_on(
    client: Client, floor: FakeFloor, *, workflow_type: type = CampaignWorkflow
) -> AsyncIterator[Campaigns]:
    """A worker with the floor's activities; ends with the test."""
    queue = f"test-{uuid4().hex[:8]}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[workflow_type],
        activities=[floor.begin, floor.order, floor.dial],
        max_heartbeat_throttle_interval=timedelta(milliseconds=50),
        default_heartbeat_throttle_interval=timedelta(milliseconds=50),
    ):
        yield Campaigns(client, queue, floor)


async def until(condition: Callable[[], bool | Awaitable[bool]], *, limit: float = 10) -> None:
    """Return when the condition holds; fail when it doesn't within `limit` seconds."""
    async with asyncio.timeout(limit):
        while True:
            holds = condition()
            if holds is True or (not isinstance(holds, bool) and await holds):
                return
            await asyncio.sleep(NOTHING.total_seconds())


async def in_phase(
    handle: WorkflowHandle[CampaignWorkflow, CampaignResult], phase: CampaignPhase
) -> CampaignSnapshot:
    """The campaign's snapshot once it is in this phase."""

    async def holds() -> bool:
        return (await handle.query(CampaignWorkflow.snapshot)).phase is phase

    await until(holds)
    return await handle.query(CampaignWorkflow.snapshot)
