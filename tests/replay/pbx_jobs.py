"""What to record of the jobs beside dialing."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.pbx_contracts import CallCheckInput
from dialer.model import SwitchId
from offhook.temporal.client import data_converter
from tests.support.campaigns import trouble
from tests.support.pbx_jobs import DAY, FakePbx, pbx_jobs_on, sync_request
from tests.support.stack import time_skipping_server
from workflows.call_check import ReconcileWorkflow
from workflows.phonebook_sync import PhonebookSyncWorkflow

Start = Callable[[Client, str], Awaitable[WorkflowHandle[Any, Any]]]


def _sync(legs_per_run: int) -> Start:
    async def start(client: Client, queue: str) -> WorkflowHandle[Any, Any]:
        return await client.start_workflow(
            PhonebookSyncWorkflow.run,
            sync_request(legs_per_run=legs_per_run),
            id="phonebook/pbx-c1-offhook",
            task_queue=queue,
        )

    return start


async def _check(client: Client, queue: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        ReconcileWorkflow.run,
        CallCheckInput(switch=SwitchId("pbx"), day=DAY, zone="Europe/Rome"),
        id=f"reconcile/pbx/{DAY}",
        task_queue=queue,
    )


async def _nightly(client: Client, queue: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        ReconcileWorkflow.run,
        CallCheckInput(switch=SwitchId("pbx"), zone="Europe/Rome"),
        id="reconcile/pbx/nightly",
        task_queue=queue,
    )


JOBS: dict[str, tuple[Callable[[], FakePbx], Start]] = {
    "phonebook-synced": (lambda: FakePbx(legs=3), _sync(200)),
    "phonebook-renewed": (lambda: FakePbx(legs=3), _sync(2)),
    "phonebook-refused": (
        lambda: FakePbx(failures=[trouble("switch_refused", final=True)]),
        _sync(200),
    ),
    "call-check-completed": (FakePbx, _check),
    "call-check-nightly": (FakePbx, _nightly),
    "call-check-refused": (
        lambda: FakePbx(failures=[trouble("switch_refused", final=True)]),
        _check,
    ),
}


async def record_job(name: str) -> dict[str, Any]:
    """Live through one job and return the history of its first run."""
    make_pbx, start = JOBS[name]
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
    ) as environment:
        client = environment.client
        async with pbx_jobs_on(client, make_pbx()) as queue:
            handle = await start(client, queue)
            first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
            history: dict[str, Any] = json.loads((await first.fetch_history()).to_json())
            return history
