"""The contacts of a campaign on their way into a PBX's phonebook, again and again if wanted.

Budget: 6 events for each leg of 2,000 contacts (10 chunks of 200), 200 legs a run, so at most 1,200
events a run whatever the list; then a new run with the counts.
"""

from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.pbx_contracts import (
        JobPhase,
        PhonebookSyncInput,
        PhonebookSyncResult,
        PhonebookSyncSnapshot,
        PhonebookSyncState,
        SyncLeg,
        SyncLegResult,
    )
    from dialer.rejections import Rejected


@workflow.defn(name="PhonebookSync", failure_exception_types=[Rejected])
class PhonebookSyncWorkflow:
    """Synchronises once. Id: `phonebook/<sync id>`; started again, it updates what it inserted."""

    @workflow.init
    def __init__(self, request: PhonebookSyncInput) -> None:
        self._request = request
        self._state = request.resume or PhonebookSyncState(run_key=workflow.info().run_id)
        self._phase = JobPhase.running
        self._reason = ""

    @workflow.run
    async def run(self, request: PhonebookSyncInput) -> PhonebookSyncResult:
        """Send leg after leg; fail with the code of what a person must put right."""
        done, legs = False, 0
        while not done:
            if legs == request.legs_per_run or workflow.info().is_continue_as_new_suggested():
                self._renew()
            leg = await self._leg()
            self._state = self._state.model_copy(update={"counts": leg.counts})
            done, legs = leg.done, legs + 1
        self._phase = JobPhase.completed
        return PhonebookSyncResult(sync_id=request.sync_id, counts=self._state.counts)

    def _renew(self) -> NoReturn:
        """Go on in a new run, with a short history."""
        state = self._state.model_copy(update={"runs": self._state.runs + 1})
        workflow.continue_as_new(self._request.model_copy(update={"resume": state}))

    async def _leg(self) -> SyncLegResult:
        leg = SyncLeg(
            sync=self._request.model_copy(update={"resume": None}), run_key=self._state.run_key
        )
        try:
            done: SyncLegResult = await workflow.execute_activity(
                options.SYNC_PHONEBOOK, leg, result_type=SyncLegResult, **options.PBX_JOB
            )
        except ActivityError as error:
            self._phase = JobPhase.failed
            if not isinstance(error.cause, ApplicationError):
                raise
            self._reason = error.cause.message
            raise ApplicationError(
                error.cause.message, type=error.cause.type, non_retryable=True
            ) from None
        return done

    @workflow.query
    def snapshot(self) -> PhonebookSyncSnapshot:
        """How far the synchronisation is, to the last leg."""
        return PhonebookSyncSnapshot(
            sync_id=self._request.sync_id,
            switch=self._request.switch,
            phase=self._phase,
            counts=self._state.counts,
            runs=self._state.runs,
            reason=self._reason,
        )
