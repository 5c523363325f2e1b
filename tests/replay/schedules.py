"""Runs of schedules to be recorded: an order, one that a person must mend, and a whole import."""

import contextlib
import json
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import ImportInput, ImportProgress, ImportResult
from activities.schedule_contracts import JobDone, Plan, ScheduledOrder
from offhook.temporal.client import data_converter
from tests.support.stack import time_skipping_server
from workflows.contact_import import ContactImportWorkflow
from workflows.scheduled_job import ScheduledJobWorkflow

RUNS: dict[str, dict[str, Any]] = {
    "schedule-ordered": {"kind": "stop", "campaign_id": "c1"},
    "schedule-refused": {"kind": "start", "campaign_id": "c1"},
    "schedule-imported": {"kind": "import", "campaign_id": "c1", "ref": "/srv/leads.csv"},
}


@activity.defn(name="schedules.order")
async def _order(request: ScheduledOrder) -> JobDone:
    if request.job.kind == "start":
        raise ApplicationError("nobody to call", type="campaign_empty", non_retryable=True)
    return JobDone(did=request.job.kind)


@activity.defn(name="contacts.import")
async def _import(request: ImportInput) -> ImportResult:
    return ImportResult(import_id=request.import_id, progress=ImportProgress(rows=1, imported=1))


async def record_run(name: str) -> dict[str, Any]:
    """Live through one run and return its history."""
    plan = Plan.model_validate(
        {"schedule_id": "recorded", "job": RUNS[name], "cron": ["0 9 * * *"]}
    )
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
    ) as environment:
        queue = f"record-{uuid4().hex[:8]}"
        async with Worker(
            environment.client,
            task_queue=queue,
            workflows=[ScheduledJobWorkflow, ContactImportWorkflow],
            activities=[_order, _import],
        ):
            handle = await environment.client.start_workflow(
                ScheduledJobWorkflow.run,
                plan,
                id=name,  # the id of its child is made of it
                task_queue=queue,
            )
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
            history: dict[str, Any] = json.loads((await handle.fetch_history()).to_json())
            return history
