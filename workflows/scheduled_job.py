"""One run of a schedule: it lasts as long as what it starts, so that overlaps can be told.

Budget: 10 events. A campaign outlives the run that starts it: that it goes on already is no overlap
of the schedule's runs, but of the campaign's, which says so.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.contracts import ImportInput
    from activities.schedule_contracts import (
        CallCheckJob,
        CampaignJob,
        ImportJob,
        JobDone,
        PhonebookJob,
        Plan,
        ScheduledOrder,
    )
    from dialer.call_check import day_before
    from dialer.rejections import Rejected
    from workflows.call_check import ReconcileWorkflow
    from workflows.contact_import import ContactImportWorkflow
    from workflows.phonebook_sync import PhonebookSyncWorkflow

_DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="ScheduledJob", failure_exception_types=[Rejected])
class ScheduledJobWorkflow:
    """Does what is due. Id: `schedule/<id>` and the time that it was due at."""

    @workflow.run
    async def run(self, plan: Plan) -> JobDone:
        """Do it; fail with the code of what a person must put right."""
        key = workflow.info().workflow_id[-100:]
        match plan.job:
            case CampaignJob():
                done: JobDone = await workflow.execute_activity(
                    options.SCHEDULED_ORDER,
                    ScheduledOrder(job=plan.job, key=key),
                    result_type=JobDone,
                    **options.SCHEDULED,
                )
                return done
            case ImportJob():
                return await _import(plan.job, key)
            case PhonebookJob():
                return await _sync(plan.job)
            case CallCheckJob():
                return await _check(plan.job)


async def _import(job: ImportJob, key: str) -> JobDone:
    request = ImportInput(
        import_id=key,
        campaign_id=job.campaign_id,
        ref=job.ref,
        list_name=job.list_name,
        columns=job.columns,
        default_region=job.default_region,
        refused_path=job.refused_path,
    )
    result = await workflow.execute_child_workflow(
        ContactImportWorkflow.run,
        request,
        id=f"import/{key}",
    )
    told = result.progress
    return JobDone(did="imported", detail=f"{told.imported} contacts, {told.refused} rows refused")


async def _sync(job: PhonebookJob) -> JobDone:
    try:
        result = await workflow.execute_child_workflow(
            PhonebookSyncWorkflow.run, job.request, id=f"phonebook/{job.request.sync_id}"
        )
    except WorkflowAlreadyStartedError:
        return JobDone(did="nothing", detail="the same synchronisation goes on already")
    return JobDone(did="synced", detail=f"{result.counts.sent} contacts")


async def _check(job: CallCheckJob) -> JobDone:
    day = job.request.day or day_before(_due_at(), job.request.zone)
    request = job.request.model_copy(update={"day": day})
    try:
        await workflow.execute_child_workflow(
            ReconcileWorkflow.run, request, id=f"reconcile/{request.switch}/{day.isoformat()}"
        )
    except WorkflowAlreadyStartedError:
        return JobDone(did="nothing", detail=f"the check of {day} goes on already")
    return JobDone(did="checked", detail=day.isoformat())


def _due_at() -> datetime:
    """When the schedule meant this run to be, however late it is."""
    info = workflow.info()
    return info.typed_search_attributes.get(_DUE_AT) or info.start_time
