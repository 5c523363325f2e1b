"""The nightly clean-up of the system of record.

Budget: 5 events.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.contracts import Pruned


@workflow.defn(name="Retention")
class RetentionWorkflow:
    """Prunes once. Id: `retention`, with the time that its schedule adds."""

    @workflow.run
    async def run(self) -> Pruned:
        """Pack and remove what is old enough; how much that was."""
        result: Pruned = await workflow.execute_activity(
            options.PRUNE, result_type=Pruned, **options.PRUNING
        )
        return result
