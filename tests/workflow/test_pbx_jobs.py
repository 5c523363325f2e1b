"""Phonebook synchronisations and call checks, with their activities replaced."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.pbx_contracts import (
    CallCheckInput,
    CallCheckResult,
    JobPhase,
    PhonebookSyncInput,
    PhonebookSyncResult,
)
from dialer.call_check import day_before
from dialer.model import SwitchId
from tests.support.campaigns import trouble
from tests.support.pbx_jobs import DAY, FakePbx, pbx_jobs_on, sync_request
from workflows.call_check import ReconcileWorkflow
from workflows.phonebook_sync import PhonebookSyncWorkflow

SWITCH = SwitchId("pbx")


def phonebook_job(
    client: Client, workflow_id: str
) -> "WorkflowHandle[PhonebookSyncWorkflow, PhonebookSyncResult]":
    """The synchronisation of this id."""
    return client.get_workflow_handle_for(PhonebookSyncWorkflow.run, workflow_id)


async def synchronise(
    client: Client, queue: str, request: PhonebookSyncInput
) -> PhonebookSyncResult:
    return await client.execute_workflow(
        PhonebookSyncWorkflow.run, request, id=f"phonebook/{request.sync_id}", task_queue=queue
    )


async def check(client: Client, queue: str, request: CallCheckInput) -> CallCheckResult:
    return await client.execute_workflow(
        ReconcileWorkflow.run, request, id=f"reconcile/pbx/{uuid4()}", task_queue=queue
    )


async def test_phonebook_is_synchronised_leg_by_leg(time_skipping: WorkflowEnvironment) -> None:
    pbx = FakePbx(legs=3)
    async with pbx_jobs_on(time_skipping.client, pbx) as queue:
        result = await synchronise(time_skipping.client, queue, sync_request())
    assert (result.counts.sent, len(pbx.sent)) == (30, 3)
    assert len({leg.run_key for leg in pbx.sent}) == 1


@pytest.mark.parametrize("legs_per_run", [1, 2, 5])
async def test_long_synchronisation_goes_on_in_new_runs_as_one(
    time_skipping: WorkflowEnvironment, legs_per_run: int
) -> None:
    pbx = FakePbx(legs=5)
    request = sync_request(legs_per_run=legs_per_run)
    client = time_skipping.client
    async with pbx_jobs_on(client, pbx) as queue:
        result = await synchronise(client, queue, request)
        handle = phonebook_job(client, f"phonebook/{request.sync_id}")
        snapshot = await handle.query(PhonebookSyncWorkflow.snapshot)
        events = len((await handle.fetch_history()).events)
    assert result.counts.sent == 50
    assert (snapshot.phase, snapshot.runs) == (JobPhase.completed, (5 - 1) // legs_per_run)
    assert len({leg.run_key for leg in pbx.sent}) == 1
    assert all(leg.sync.resume is None for leg in pbx.sent)
    assert events <= 6 * legs_per_run + 6


async def test_repeated_synchronisation_starts_from_nothing(
    time_skipping: WorkflowEnvironment,
) -> None:
    pbx = FakePbx()
    async with pbx_jobs_on(time_skipping.client, pbx) as queue:
        await synchronise(time_skipping.client, queue, sync_request())
        await synchronise(time_skipping.client, queue, sync_request())
    first, second = pbx.sent
    assert first.run_key != second.run_key


async def test_synchronisation_outlasts_a_pbx_that_is_away(
    time_skipping: WorkflowEnvironment,
) -> None:
    pbx = FakePbx(failures=[trouble("switch_unavailable") for _ in range(20)])
    async with pbx_jobs_on(time_skipping.client, pbx) as queue:
        result = await synchronise(time_skipping.client, queue, sync_request())
    assert result.counts.sent == 10


@pytest.mark.parametrize("code", ["switch_refused", "not_offered_by_switch"])
async def test_job_that_a_person_must_mend_fails_with_its_code(
    time_skipping: WorkflowEnvironment, code: str
) -> None:
    pbx = FakePbx(failures=[trouble(code, final=True), trouble(code, final=True)])
    client = time_skipping.client
    async with pbx_jobs_on(client, pbx) as queue:
        for job in (
            synchronise(client, queue, sync_request()),
            check(client, queue, CallCheckInput(switch=SWITCH, day=DAY, zone="UTC")),
        ):
            with pytest.raises(WorkflowFailureError) as failed:
                await job
            assert isinstance(failed.value.cause, ApplicationError)
            assert failed.value.cause.type == code
        handle = phonebook_job(client, "phonebook/pbx-c1-offhook")
        snapshot = await handle.query(PhonebookSyncWorkflow.snapshot)
    assert (snapshot.phase, snapshot.reason) == (JobPhase.failed, f"no luck: {code}")


async def test_check_compares_the_day_it_was_asked_for(time_skipping: WorkflowEnvironment) -> None:
    pbx = FakePbx()
    request = CallCheckInput(
        switch=SWITCH, day=DAY, zone="Europe/Rome", tolerance=timedelta(seconds=5)
    )
    async with pbx_jobs_on(time_skipping.client, pbx) as queue:
        result = await check(time_skipping.client, queue, request)
    (asked,) = pbx.checked
    assert (asked.day, asked.zone, asked.tolerance) == (DAY, "Europe/Rome", timedelta(seconds=5))
    assert (result.day, result.counts.matched) == (DAY, 3)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_nightly_check_compares_the_day_before_in_its_zone(
    time_skipping: WorkflowEnvironment, zone: str
) -> None:
    pbx = FakePbx()
    client = time_skipping.client
    async with pbx_jobs_on(client, pbx) as queue:
        handle = await client.start_workflow(
            ReconcileWorkflow.run,
            CallCheckInput(switch=SWITCH, zone=zone),
            id=f"reconcile/pbx/{uuid4()}",
            task_queue=queue,
        )
        await handle.result()
        started = (await handle.describe()).start_time
        snapshot = await handle.query(ReconcileWorkflow.snapshot)
    expected: date = day_before(started, zone)
    assert [request.day for request in pbx.checked] == [expected]
    assert (snapshot.day, snapshot.phase) == (expected, JobPhase.completed)
