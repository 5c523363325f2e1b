"""Phonebook synchronisations and call checks as whoever orders them sees them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.options import TASK_QUEUE
from activities.pbx_contracts import (
    CallCheckInput,
    CallCheckResult,
    PhonebookSyncInput,
    PhonebookSyncResult,
    PhonebookSyncSnapshot,
)
from offhook.temporal.campaigns import ORDER_TIMEOUT, NobodyAnswers, OrderRefused, refused
from workflows.call_check import ReconcileWorkflow
from workflows.phonebook_sync import PhonebookSyncWorkflow

NIGHTLY_JITTER = timedelta(minutes=10)
CATCH_UP = timedelta(hours=12)
"""A check that was due while the server was down is made up for within this time."""

SyncHandle = WorkflowHandle[PhonebookSyncWorkflow, PhonebookSyncResult]
CheckHandle = WorkflowHandle[ReconcileWorkflow, CallCheckResult]


def sync_workflow_id(sync_id: str) -> str:
    """The workflow of a phonebook synchronisation."""
    return f"phonebook/{sync_id}"


def check_workflow_id(switch: str, day: date) -> str:
    """The workflow of a check of call reports."""
    return f"reconcile/{switch}/{day.isoformat()}"


def nightly_schedule_id(switch: str) -> str:
    """The schedule of a switch's nightly check."""
    return f"reconcile/{switch}"


@dataclass(frozen=True)
class PbxDesk:
    """Starts jobs by id; one that runs is found instead of started again."""

    client: Client
    task_queue: str = TASK_QUEUE

    async def start_sync(self, request: PhonebookSyncInput) -> SyncHandle:
        """Start a synchronisation, or find the one of this id that goes on."""
        return await self.client.start_workflow(
            PhonebookSyncWorkflow.run,
            request,
            id=sync_workflow_id(request.sync_id),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def sync_snapshot(self, sync_id: str) -> PhonebookSyncSnapshot:
        """What the newest run of a synchronisation says of itself."""
        handle: SyncHandle = self.client.get_workflow_handle_for(
            PhonebookSyncWorkflow.run, sync_workflow_id(sync_id)
        )
        try:
            return await handle.query(PhonebookSyncWorkflow.snapshot, rpc_timeout=ORDER_TIMEOUT)
        except RPCError as error:
            if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
                raise NobodyAnswers(f"synchronisation {sync_id}") from error
            raise OrderRefused("temporal", str(error)) from error

    async def sync_result(self, handle: SyncHandle) -> PhonebookSyncResult:
        """Wait for the end; raise `OrderRefused` with the code of what went wrong."""
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise refused(error.cause) from error

    async def start_check(self, request: CallCheckInput, day: date) -> CheckHandle:
        """Start the check of a day, or find the one that goes on."""
        return await self.client.start_workflow(
            ReconcileWorkflow.run,
            request.model_copy(update={"day": day}),
            id=check_workflow_id(request.switch, day),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def check_result(self, handle: CheckHandle) -> CallCheckResult:
        """Wait for the end; raise `OrderRefused` with the code of what went wrong."""
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise refused(error.cause) from error

    async def check_nightly(self, request: CallCheckInput, *, at: time) -> datetime | None:
        """Check every day at this time of the request's zone, in place of any time before.

        Returns when the first check is due. A check that is still going on makes the next be left
        out.
        """
        schedule = _nightly(request, at, self.task_queue)
        schedule_id = nightly_schedule_id(request.switch)
        handle = self.client.get_schedule_handle(schedule_id)
        try:
            handle = await self.client.create_schedule(schedule_id, schedule)
        except ScheduleAlreadyRunningError:

            def replaced(found: ScheduleUpdateInput) -> ScheduleUpdate:
                # Whether it is paused is a person's word, and stays.
                schedule.state = found.description.schedule.state
                return ScheduleUpdate(schedule=schedule)

            await handle.update(replaced)
        due = (await handle.describe()).info.next_action_times
        return due[0] if due else None

    async def stop_nightly(self, switch: str) -> bool:
        """Check no more by itself; False when that was so before."""
        try:
            await self.client.get_schedule_handle(nightly_schedule_id(switch)).delete()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True


def _nightly(request: CallCheckInput, at: time, task_queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            ReconcileWorkflow.run,
            request.model_copy(update={"day": None}),
            id=f"{nightly_schedule_id(request.switch)}/nightly",
            task_queue=task_queue,
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(
                    hour=[ScheduleRange(at.hour)], minute=[ScheduleRange(at.minute)]
                )
            ],
            time_zone_name=request.zone,
            jitter=NIGHTLY_JITTER,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
