"""Campaigns and imports as whoever commands them sees them: start, order, ask."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from pydantic import BaseModel
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import (
    CampaignInput,
    CampaignResult,
    CampaignSnapshot,
    ChangeSettings,
    ImportInput,
    ImportProgress,
    ImportResult,
    ImportSnapshot,
    OrderAnswer,
    PauseCampaign,
    ResumeCampaign,
    StopCampaign,
)
from activities.options import TASK_QUEUE
from dialer.model import CampaignId, CampaignPhase, SwitchId
from offhook.errors import OffhookError
from workflows import search_attributes
from workflows.campaign import CampaignWorkflow
from workflows.contact_import import ContactImportWorkflow

ORDER_TIMEOUT = timedelta(seconds=30)
RUN_KEY = "run_key"

Order = PauseCampaign | ResumeCampaign | StopCampaign | ChangeSettings
_UPDATES: dict[type[Order], str] = {
    PauseCampaign: "pause",
    ResumeCampaign: "resume",
    StopCampaign: "stop",
    ChangeSettings: "change_settings",
}


class OrderRefused(OffhookError):
    """A campaign or an import refused; `code` is the refusal's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # of the instance: each refusal has its own

    code: ClassVar[str] = "order_refused"


class CampaignNotRunning(OffhookError):
    """Nothing runs that could obey."""

    code = "campaign_not_running"

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"campaign {campaign} has no run going on",
            hint="start it with `offhook campaign start`",
        )


class NobodyAnswers(OffhookError):
    """The run is there, but no worker is."""

    code = "no_worker"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} got no answer within {ORDER_TIMEOUT.total_seconds():g} s",
            hint="check that a worker runs: `offhook doctor`, or start one with `offhook worker`",
        )


class Started(BaseModel):
    """What came of a start."""

    campaign_id: str
    workflow_id: str
    run_id: str
    run_key: str
    started: bool
    """False when a run with the same key, or another that is going on, was found instead."""
    ended: CampaignPhase | None = None
    """How the run of this key ended before; nothing is started then."""


def campaign_workflow_id(campaign: str) -> str:
    """The workflow of a campaign."""
    return f"campaign/{campaign}"


def import_workflow_id(import_id: str) -> str:
    """The workflow of an import."""
    return f"import/{import_id}"


@dataclass(frozen=True)
class CampaignDesk:
    """Gives orders to campaigns by id."""

    client: Client
    task_queue: str = TASK_QUEUE

    async def start(self, campaign: CampaignId, *, switch: SwitchId, run_key: str) -> Started:
        """Start a run, or find the one that goes on; repeating it by key starts nothing."""
        before = await self._running_key(campaign)
        handle = await self.client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(campaign_id=campaign, run_key=run_key),
            id=campaign_workflow_id(campaign),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            memo={RUN_KEY: run_key},
            search_attributes=search_attributes.of_campaign(campaign, switch),
        )
        return Started(
            campaign_id=campaign,
            workflow_id=handle.id,
            run_id=handle.first_execution_run_id or "",
            run_key=before or run_key,
            started=before is None,
        )

    async def order(self, campaign: str, order: Order) -> OrderAnswer:
        """Give an order and wait until it is carried out; raise `OrderRefused` with its code."""
        update = _UPDATES[type(order)]
        try:
            answer: OrderAnswer = await self._handle(campaign).execute_update(
                update,
                order,
                id=order.request_id,
                result_type=OrderAnswer,
                rpc_timeout=ORDER_TIMEOUT,
            )
        except WorkflowUpdateFailedError as error:
            raise refused(error.cause) from error
        except RPCError as error:
            raise _unheard(error, campaign) from error
        return answer

    async def snapshot(self, campaign: str) -> CampaignSnapshot:
        """What the campaign's newest run says of itself."""
        try:
            return await self._handle(campaign).query(
                CampaignWorkflow.snapshot, rpc_timeout=ORDER_TIMEOUT
            )
        except RPCError as error:
            raise _unheard(error, campaign) from error

    async def result(self, campaign: str) -> CampaignResult:
        """Wait for the end of the newest run."""
        try:
            return await self._handle(campaign).result()
        except WorkflowFailureError as error:
            raise refused(error.cause) from error

    async def start_import(
        self, request: ImportInput
    ) -> "WorkflowHandle[ContactImportWorkflow, ImportResult]":
        """Start an import, or find the one of this id, under way or complete."""
        workflow_id = import_workflow_id(request.import_id)
        try:
            return await self.client.start_workflow(
                ContactImportWorkflow.run,
                request,
                id=workflow_id,
                task_queue=self.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                search_attributes=search_attributes.of_import(request.campaign_id),
            )
        except WorkflowAlreadyStartedError:
            return self.client.get_workflow_handle_for(ContactImportWorkflow.run, workflow_id)

    async def import_progress(self, import_id: str) -> ImportProgress | None:
        """How far a running import is; None before it reads and after it has ended."""
        handle = self.client.get_workflow_handle(import_workflow_id(import_id))
        described = (await handle.describe()).raw_description
        for pending in described.pending_activities:
            started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            if pending.state == started and pending.HasField("heartbeat_details"):
                values = await self.client.data_converter.decode(
                    pending.heartbeat_details.payloads, [ImportProgress]
                )
                return ImportProgress.model_validate(values[0])
        return None

    async def import_snapshot(self, import_id: str) -> ImportSnapshot | None:
        """What an import's workflow says of itself; None when there is none."""
        handle: WorkflowHandle[ContactImportWorkflow, ImportResult] = (
            self.client.get_workflow_handle_for(
                ContactImportWorkflow.run, import_workflow_id(import_id)
            )
        )
        try:
            return await handle.query(ContactImportWorkflow.snapshot, rpc_timeout=ORDER_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _unheard(error, import_id) from error

    async def import_result(
        self, handle: "WorkflowHandle[ContactImportWorkflow, ImportResult]"
    ) -> ImportResult:
        """Wait for an import's end; raise `OrderRefused` when its file can't be read."""
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise refused(error.cause) from error

    def _handle(self, campaign: str) -> "WorkflowHandle[CampaignWorkflow, CampaignResult]":
        return self.client.get_workflow_handle_for(
            CampaignWorkflow.run, campaign_workflow_id(campaign)
        )

    async def _running_key(self, campaign: str) -> str | None:
        """The key of the run that goes on, if any."""
        try:
            described = await self._handle(campaign).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        if described.status is not WorkflowExecutionStatus.RUNNING:
            return None
        return str(await described.memo_value(RUN_KEY, default=""))


def refused(cause: BaseException | None) -> OffhookError:
    """What a workflow's failure means for whoever asked."""
    if isinstance(cause, ApplicationError):
        return OrderRefused(cause.type or "failed", cause.message)
    return OrderRefused("failed", str(cause))


def _unheard(error: RPCError, campaign: str) -> OffhookError:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return CampaignNotRunning(campaign)
        case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED:
            return NobodyAnswers(f"campaign {campaign}")
        case _:
            return OrderRefused("temporal", str(error))
