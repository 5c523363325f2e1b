"""One contact file on its way into a campaign's list.

Budget: 10 events, however long the file; progress is in the activity's heartbeat.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.contracts import ImportInput, ImportPhase, ImportResult, ImportSnapshot
    from dialer.rejections import Rejected


@workflow.defn(name="ContactImport", failure_exception_types=[Rejected])
class ContactImportWorkflow:
    """Imports one file once. Id: `import/<id>`; asked again by id, it gives the same result."""

    @workflow.init
    def __init__(self, request: ImportInput) -> None:
        self._request = request
        self._phase = ImportPhase.running
        self._result: ImportResult | None = None
        self._reason = ""

    @workflow.run
    async def run(self, request: ImportInput) -> ImportResult:
        """Import the file; fail with the code of what makes it unreadable."""
        try:
            result: ImportResult = await workflow.execute_activity(
                options.IMPORT_CONTACTS, request, result_type=ImportResult, **options.IMPORT
            )
        except ActivityError as error:
            self._phase = ImportPhase.failed
            if not isinstance(error.cause, ApplicationError):
                raise
            self._reason = error.cause.message
            raise ApplicationError(
                error.cause.message, type=error.cause.type, non_retryable=True
            ) from None
        self._phase, self._result = ImportPhase.completed, result
        return result

    @workflow.query
    def snapshot(self) -> ImportSnapshot:
        """Where the import stands."""
        return ImportSnapshot(
            import_id=self._request.import_id,
            campaign_id=self._request.campaign_id,
            phase=self._phase,
            result=self._result,
            reason=self._reason,
        )
