"""Schedules that belong to the installation, not to a person: made by whichever worker starts."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from activities.options import TASK_QUEUE
from workflows.retention import RetentionWorkflow

RETENTION = "retention"
"""Id of the schedule, and of its workflow."""
AT_HOUR, AT_MINUTE = 3, 30
JITTER = timedelta(minutes=10)
CATCH_UP = timedelta(hours=12)


async def ensure_retention(client: Client, *, task_queue: str = TASK_QUEUE) -> bool:
    """Have the clean-up run every night; False when a schedule is there, which stays as it is.

    Whoever pauses it, or moves it to another hour, is right.
    """
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            RetentionWorkflow.run, id=RETENTION, task_queue=task_queue
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(
                    hour=[ScheduleRange(AT_HOUR)], minute=[ScheduleRange(AT_MINUTE)]
                )
            ],
            jitter=JITTER,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
    try:
        await client.create_schedule(RETENTION, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
