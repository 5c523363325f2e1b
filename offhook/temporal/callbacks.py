"""Orders to callbacks by id, whether or not a workflow is awake for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.callback_contracts import (
    AgentLeft,
    CallbackAnswer,
    CallbackInput,
    CallbackOrder,
    CancelCallback,
    ListDeleted,
    MirrorCallback,
    MirrorLists,
    ReleaseCallback,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
    WakeInput,
)
from activities.options import TASK_QUEUE
from dialer.callbacks import CallbackId
from dialer.model import AgentId, SwitchId
from offhook.temporal.campaigns import ORDER_TIMEOUT, NobodyAnswers, OrderRefused, refused
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow, CallbackWakeWorkflow

WAKE = "callbacks/wake"
"""Id of the schedule, and of its workflow."""
WAKE_EVERY = timedelta(hours=1)

TOLD_AT_ONCE = 20

UPDATES: dict[type[CallbackOrder], str] = {
    TakeCallback: "take",
    StartCallback: "start",
    TicketCallback: "ticket",
    ReleaseCallback: "release",
    RescheduleCallback: "reschedule",
    CancelCallback: "cancel",
    MirrorCallback: "mirror",
}


def callback_workflow_id(callback: str) -> str:
    """The workflow of a callback, while it has one."""
    return f"callback/{callback}"


@dataclass(frozen=True)
class CallbackDesk:
    """Gives orders to callbacks by id; one that is asleep is woken by its order."""

    client: Client
    task_queue: str = TASK_QUEUE

    async def order(self, callback: CallbackId, order: CallbackOrder) -> CallbackAnswer:
        """Give an order and wait until it is carried out; raise `OrderRefused` with its code.

        Repeated with the same `request_id`, it has the answer that it had.
        """
        begin = WithStartWorkflowOperation(
            CallbackWorkflow.run,
            CallbackInput(callback_id=callback),
            id=callback_workflow_id(callback),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        try:
            answer: CallbackAnswer = await self.client.execute_update_with_start_workflow(
                UPDATES[type(order)],
                order,
                id=order.request_id,
                start_workflow_operation=begin,
                result_type=CallbackAnswer,
                rpc_timeout=ORDER_TIMEOUT,
            )
        except WorkflowUpdateFailedError as error:
            raise refused(error.cause) from error
        except RPCError as error:
            if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
                raise NobodyAnswers(f"callback {callback}") from error
            raise OrderRefused("temporal", str(error)) from error
        return answer

    async def start(self, callback: CallbackId) -> bool:
        """Have a workflow keep it; False when one does.

        Implements `activities.callbacks.CallbackStarter`.
        """
        try:
            await self.client.start_workflow(
                CallbackWorkflow.run,
                CallbackInput(callback_id=callback),
                id=callback_workflow_id(callback),
                task_queue=self.task_queue,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def list_deleted(self, callbacks: Sequence[CallbackId]) -> int:
        """Tell callbacks that their list is deleted, so that they end; how many were told."""
        limit = asyncio.Semaphore(TOLD_AT_ONCE)

        async def tell(callback: CallbackId) -> bool:
            handle = self.client.get_workflow_handle(callback_workflow_id(callback))
            async with limit:
                try:
                    await handle.signal(CallbackWorkflow.list_deleted, ListDeleted())
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise
                    return False
            return True

        return sum(await asyncio.gather(*map(tell, callbacks)))

    async def agent_left(self, agent: AgentId, callbacks: Sequence[CallbackId]) -> int:
        """Tell the callbacks that an agent has that he is gone; how many were told.

        One without a workflow is not told: the hourly waking finds that its lease has run out.
        """
        told = 0
        for callback in callbacks:
            handle = self.client.get_workflow_handle(callback_workflow_id(callback))
            try:
                await handle.signal(CallbackWorkflow.agent_left, AgentLeft(agent_id=agent))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                told += 1
        return told


async def ensure_mirror(client: Client, switch: SwitchId, *, task_queue: str = TASK_QUEUE) -> bool:
    """Have a switch's own callback lists followed; False when they are."""
    try:
        await client.start_workflow(
            CallbackMirrorWorkflow.run,
            MirrorLists(switch=switch),
            id=f"callbacks/mirror/{switch}",
            task_queue=task_queue,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def ensure_waking(client: Client, *, task_queue: str = TASK_QUEUE) -> bool:
    """Have callbacks woken every hour; False when a schedule is there, which stays as it is."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            CallbackWakeWorkflow.run, WakeInput(), id=WAKE, task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=WAKE_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=WAKE_EVERY),
    )
    try:
        await client.create_schedule(WAKE, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
