"""The clean-up runs every night by itself, and never changes what a person made of its schedule."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from uuid import uuid4

from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.worker import Worker

from activities.contracts import Pruned
from activities.retention import RetentionActivities
from offhook.settings import RetentionSettings
from offhook.storage.retention import Keep, keep_by
from offhook.temporal.schedules import RETENTION, ensure_retention
from tests.support.builders import NOW
from workflows.retention import RetentionWorkflow


@dataclass
class _Broom:
    alive: Callable[[], object]

    async def prune(self, *, now: datetime) -> Pruned:
        self.alive()
        return Pruned(inbox_removed=now.year)


async def test_retention_prunes_and_says_how_much(temporal_client: Client) -> None:
    queue = f"test-{uuid4().hex[:8]}"
    activities = RetentionActivities(pruner=_Broom, clock=lambda: NOW)
    async with Worker(
        temporal_client,
        task_queue=queue,
        workflows=[RetentionWorkflow],
        activities=[activities.prune],
    ):
        done = await temporal_client.execute_workflow(
            RetentionWorkflow.run, id=uuid4().hex, task_queue=queue
        )
    assert done == Pruned(inbox_removed=NOW.year)


async def test_retention_is_scheduled_once_and_stays_as_a_person_left_it(
    temporal_client: Client,
) -> None:
    handle = temporal_client.get_schedule_handle(RETENTION)
    try:
        assert await ensure_retention(temporal_client, task_queue="nobody")
        await handle.pause(note="audit going on")
        assert not await ensure_retention(temporal_client, task_queue="nobody")
        described = await handle.describe()
        assert described.schedule.state.paused
        assert isinstance(described.schedule.action, ScheduleActionStartWorkflow)
        assert described.schedule.action.workflow == "Retention"
        following = described.info.next_action_times[0].astimezone(UTC)
        assert following.hour == 3
    finally:
        await handle.delete()


def test_zero_days_in_the_settings_keep_for_ever() -> None:
    never = dict.fromkeys(RetentionSettings.model_fields, 0)
    kept = keep_by(RetentionSettings.model_validate(never))
    assert [one.name for one in fields(Keep) if getattr(kept, one.name) is not None] == []
