"""A PBX's call report of one day against our attempts.

Budget: 10 events; how far it is stands in the activity's heartbeat, what it found in the database.
"""

from datetime import date

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.pbx_contracts import (
        CallCheckInput,
        CallCheckResult,
        CallCheckSnapshot,
        CheckCalls,
        JobPhase,
    )
    from dialer.call_check import day_before
    from dialer.rejections import Rejected

_DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="CallReportCheck", failure_exception_types=[Rejected])
class ReconcileWorkflow:
    """Checks a day. Id: `reconcile/<switch>/<date>`; a repetition replaces what was found."""

    @workflow.init
    def __init__(self, request: CallCheckInput) -> None:
        self._request = request
        self._day = request.day or self._night_of(request)
        self._phase = JobPhase.running
        self._result: CallCheckResult | None = None
        self._reason = ""

    @workflow.run
    async def run(self, request: CallCheckInput) -> CallCheckResult:
        """Compare the day; fail with the code of what a person must put right."""
        check = CheckCalls(
            switch=request.switch,
            day=self._day,
            zone=request.zone,
            tolerance=request.tolerance,
            run_key=workflow.info().run_id,
        )
        try:
            result: CallCheckResult = await workflow.execute_activity(
                options.CHECK_CALLS, check, result_type=CallCheckResult, **options.CALL_CHECK
            )
        except ActivityError as error:
            self._phase = JobPhase.failed
            if not isinstance(error.cause, ApplicationError):
                raise
            self._reason = error.cause.message
            raise ApplicationError(
                error.cause.message, type=error.cause.type, non_retryable=True
            ) from None
        self._phase, self._result = JobPhase.completed, result
        return result

    @workflow.query
    def snapshot(self) -> CallCheckSnapshot:
        """Where the check stands."""
        return CallCheckSnapshot(
            switch=self._request.switch,
            day=self._day,
            phase=self._phase,
            counts=self._result.counts if self._result else None,
            reason=self._reason,
        )

    def _night_of(self, request: CallCheckInput) -> date:
        """The day before the one that the schedule meant, however late its action runs."""
        info = workflow.info()
        due_at = info.typed_search_attributes.get(_DUE_AT)
        return day_before(due_at or info.start_time, request.zone)
