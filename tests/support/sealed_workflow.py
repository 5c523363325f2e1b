"""The smallest workflow that puts a person's data into a history: as input, result and failure."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError


@activity.defn(name="tests.refuse")
async def refuse(number: str) -> None:
    """Fail with a message that names the number."""
    raise ApplicationError(f"the line {number} is dead", type="dead_line", non_retryable=True)


@workflow.defn(name="Sealed")
class SealedWorkflow:
    """Receives a number, fails to use it, and returns it."""

    @workflow.run
    async def run(self, number: str) -> str:
        """Return what the activity's failure said."""
        try:
            await workflow.execute_activity(
                refuse,
                number,
                start_to_close_timeout=timedelta(seconds=10),
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            return str(error.cause)
        return "no failure"
