"""What goes on around callbacks: waking those that are due soon, following a PBX's own lists."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.callback_contracts import MirrorLists, WakeInput, WakeResult
    from dialer.rejections import Rejected

RUNS = 20
"""Activities of a mirror in one run of its workflow."""
BETWEEN = timedelta(seconds=1)


@workflow.defn(name="CallbackWake", failure_exception_types=[Rejected])
class CallbackWakeWorkflow:
    """Starts the workflows of callbacks that are due soon. Id: `callbacks/wake`, hourly."""

    @workflow.run
    async def run(self, request: WakeInput) -> WakeResult:
        """Wake them, page by page."""
        woken: WakeResult = await workflow.execute_activity(
            options.WAKE_CALLBACKS, request, result_type=WakeResult, **options.PBX_JOB
        )
        return woken


@workflow.defn(name="CallbackMirror", failure_exception_types=[Rejected])
class CallbackMirrorWorkflow:
    """Follows the callback lists that a switch keeps itself. Id: `callbacks/mirror/<switch>`.

    Ends when the switch is gone, or is of a family that keeps none.
    """

    @workflow.run
    async def run(self, request: MirrorLists) -> None:
        """Follow them, one activity after the other."""
        for _ in range(RUNS):
            await workflow.execute_activity(
                options.MIRROR_CALLBACKS, request, result_type=type(None), **options.MIRROR
            )
            await workflow.sleep(BETWEEN)
        workflow.continue_as_new(request)
