"""Callbacks for tests: a request, and its activities on a record in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.callback_contracts import CallbackResult, DriveCallback, RecordMove
from activities.callbacks import CallbackActivities
from activities.errors import NotConfigured
from dialer.appointments import Period
from dialer.callback_refusals import CallbackTaken, CallbackUnknown
from dialer.callbacks import (
    CallbackId,
    CallbackListId,
    CallbackRequest,
    CallbackRules,
    Promise,
    TicketId,
)
from dialer.model import AgentId, SwitchId
from dialer.rejections import Rejected
from dialer.switching import SwitchRefused
from offhook.temporal.callbacks import CallbackDesk, callback_workflow_id
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow, CallbackWakeWorkflow

AFTERNOON = Period(period_id="p2", name="Afternoon", start=time(14), end=time(17), default=True)
MORNING = Period(period_id="p1", name="Morning", start=time(9), end=time(12))
ANNA, BRUNO = AgentId("anna"), AgentId("bruno")
NUMBER, MOBILE = "+390230210082", "+393489654123"


def a_request(
    due_on: date, *, period: Period = AFTERNOON, owner: AgentId | None = None
) -> CallbackRequest:
    """Alice's, in Rome."""
    return CallbackRequest(
        callback_id=CallbackId(f"cb-{uuid4().hex[:12]}"),
        list_id=CallbackListId("support"),
        numbers=(NUMBER, MOBILE),
        first_name="Alice",
        due_on=due_on,
        period=period,
        zone="Europe/Rome",
        owner=owner,
    )


class OutsideHours(Rejected):
    """What the law says in these tests."""

    code = "outside_hours"


@dataclass
class CallbackWorld:
    """Record, law and switch of callbacks, in memory."""

    promises: dict[CallbackId, Promise] = field(default_factory=dict)
    moves: list[RecordMove] = field(default_factory=list)
    calls: list[tuple[AgentId, str, TicketId]] = field(default_factory=list)
    forbidden: bool = False
    switch_refuses: bool = False
    started: list[CallbackId] = field(default_factory=list)
    driven: list[DriveCallback] = field(default_factory=list)
    pbx_refuses: bool = False

    def promise(self, request: CallbackRequest, **rules: timedelta | None) -> CallbackId:
        """Record a promise and return its id."""
        promise = Promise(request=request, rules=CallbackRules.model_validate(rules))
        self.promises[request.callback_id] = promise
        return request.callback_id

    async def read(self, callback: CallbackId) -> Promise | None:
        return self.promises.get(callback)

    async def record(self, move: RecordMove) -> None:
        callback = move.promise.request.callback_id
        if callback not in self.promises:
            raise CallbackUnknown(callback)
        if any(done.request_id == move.request_id for done in self.moves):
            return
        assert move.promise.version == self.promises[callback].version + 1
        self.promises[callback] = move.promise
        self.moves.append(move)

    async def asleep(
        self, *, due_before: datetime, after: CallbackId | None, limit: int
    ) -> list[CallbackId]:
        found = sorted(key for key, p in self.promises.items() if p.opens_at < due_before)
        return [key for key in found if after is None or key > after][:limit]

    async def permit(self, _promise: Promise, _number: str, _now: datetime) -> None:
        if self.forbidden:
            raise OutsideHours("outside the hours of France, which open at 10:00")

    async def call(
        self, _promise: Promise, *, agent: AgentId, number: str, correlator: TicketId
    ) -> None:
        if self.switch_refuses:
            raise SwitchRefused("the agent's telephone is busy")
        self.calls.append((agent, number, correlator))

    async def start(self, callback: CallbackId) -> bool:
        self.started.append(callback)
        return True

    async def follow_switches(self) -> int:
        return 0

    async def drive(self, order: DriveCallback) -> None:
        if self.pbx_refuses:
            raise CallbackTaken(order.promise.request.callback_id, "bruno", None)
        self.driven.append(order)

    async def follow(self, switch: SwitchId, *, alive: Callable[[], None]) -> None:
        alive()
        raise NotConfigured(f"switch {switch} is gone", code="switch_not_found")


@asynccontextmanager
async def callback_desk(client: Client, world: CallbackWorld) -> AsyncIterator[CallbackDesk]:
    """A worker on a queue of its own."""
    queue = f"callbacks-{uuid4()}"
    acts = CallbackActivities(
        records=world,
        law=world,
        calls=world,
        starter=world,
        lists=world,
        clock=lambda: datetime.now(UTC),
    )
    async with Worker(
        client,
        task_queue=queue,
        workflows=[CallbackWorkflow, CallbackWakeWorkflow, CallbackMirrorWorkflow],
        activities=[
            acts.begin,
            acts.record,
            acts.permit,
            acts.call,
            acts.wake,
            acts.drive,
            acts.mirror,
        ],
    ):
        yield CallbackDesk(client, queue)


async def result_of(desk: CallbackDesk, callback: CallbackId) -> CallbackResult:
    """Wait for the end of a callback's newest workflow."""
    handle: WorkflowHandle[CallbackWorkflow, CallbackResult] = desk.client.get_workflow_handle_for(
        CallbackWorkflow.run, callback_workflow_id(callback)
    )
    return await handle.result()
