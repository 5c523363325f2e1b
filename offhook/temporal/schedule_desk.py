"""Schedules of people as whoever makes them sees them, over Temporal's own.

What was asked for is the argument of the workflow that a schedule starts, whole: Temporal rewrites
cron lines, and keeps nothing else that could be shown as it was said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.options import TASK_QUEUE
from activities.schedule_contracts import DAYS, CalendarRule, Overlap, Plan
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage.errors import NotFound
from offhook.temporal.campaigns import OrderRefused
from workflows.scheduled_job import ScheduledJobWorkflow

PREFIX = "schedule/"
MOST = 500
"""Schedules that are listed."""
SHOWN = 10

_OVERLAPS: Mapping[Overlap, ScheduleOverlapPolicy] = {
    Overlap.skip: ScheduleOverlapPolicy.SKIP,
    Overlap.buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
    Overlap.buffer_all: ScheduleOverlapPolicy.BUFFER_ALL,
    Overlap.cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
    Overlap.allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
}


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    code = "schedule_not_found"
    noun = "schedule"
    listed_by = "`offhook schedule list` names them all"


class BadSchedule(OffhookError):
    """A schedule makes no sense."""

    code = "bad_schedule"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, hint="`offhook schedule add --help` shows examples")


class PastRun(BaseModel):
    """A run that was begun."""

    model_config = ConfigDict(frozen=True)

    due_at: AwareDatetime
    began_at: AwareDatetime
    workflow_id: str


class ScheduleView(BaseModel):
    """A schedule as it stands."""

    model_config = ConfigDict(frozen=True)

    plan: Plan
    paused: bool
    note: str
    """What was said with the last pause or resume."""
    next_at: tuple[AwareDatetime, ...]
    """The next ten runs; of a paused one, those that would be."""
    recent: tuple[PastRun, ...]
    runs: int
    running: int
    missed: int
    """Left out because Temporal was down for longer than the plan catches up."""
    overlapped: int
    """Left out because the run before went on."""


class Applied(BaseModel):
    """What came of applying a plan."""

    model_config = ConfigDict(frozen=True)

    schedule: ScheduleView
    new: bool
    changed: bool
    """False also where it was so already."""


@dataclass(frozen=True)
class ScheduleDesk:
    """Makes and changes schedules by id; an unknown one raises `ScheduleNotFound`."""

    client: Client
    task_queue: str = TASK_QUEUE

    async def apply(self, plan: Plan) -> Applied:
        """Have it so: made, changed or left alone; whether it is paused stays as it is."""
        schedule = _schedule(plan, self.task_queue)
        try:
            await self.client.create_schedule(f"{PREFIX}{plan.schedule_id}", schedule)
        except ScheduleAlreadyRunningError:
            before = await self.show(plan.schedule_id)
            if before.plan == plan:
                return Applied(schedule=before, new=False, changed=False)
            await self._replace(plan.schedule_id, schedule)
            note_change(f"schedule/{plan.schedule_id}", before.plan, plan)
            return Applied(schedule=await self.show(plan.schedule_id), new=False, changed=True)
        except RPCError as error:
            raise _refused(error, plan.schedule_id) from error
        note_change(f"schedule/{plan.schedule_id}", None, plan)
        return Applied(schedule=await self.show(plan.schedule_id), new=True, changed=True)

    async def show(self, schedule_id: str) -> ScheduleView:
        """A schedule with its next runs."""
        try:
            described = await self._handle(schedule_id).describe()
        except RPCError as error:
            raise _refused(error, schedule_id) from error
        return await self._view(described)

    async def all(self) -> list[ScheduleView]:
        """Every schedule that a person made, by id; Temporal may list a new one a second later."""
        found: list[ScheduleView] = []
        async for one in await self.client.list_schedules():
            if one.id.startswith(PREFIX) and len(found) < MOST:
                try:
                    found.append(await self.show(one.id.removeprefix(PREFIX)))
                except ScheduleNotFound:  # removed meanwhile
                    continue
        return sorted(found, key=lambda view: view.plan.schedule_id)

    async def pause(self, schedule_id: str, *, note: str = "") -> ScheduleView:
        """Begin no more runs until resumed."""
        return await self._told(schedule_id, lambda handle: handle.pause(note=note or "paused"))

    async def resume(self, schedule_id: str, *, note: str = "") -> ScheduleView:
        """Begin runs again; what was missed meanwhile is not made up for."""
        return await self._told(schedule_id, lambda handle: handle.unpause(note=note or "resumed"))

    async def trigger(self, schedule_id: str) -> ScheduleView:
        """Begin a run now, beside those that are due; its overlap policy counts."""
        return await self._told(schedule_id, lambda handle: handle.trigger())

    async def remove(self, schedule_id: str) -> None:
        """Begin no more runs at all; one that goes on, goes on."""
        before = await self.show(schedule_id)
        try:
            await self._handle(schedule_id).delete()
        except RPCError as error:
            raise _refused(error, schedule_id) from error
        note_change(f"schedule/{schedule_id}", before.plan, None)

    async def _told(self, schedule_id: str, tell: Any) -> ScheduleView:
        before = await self.show(schedule_id)
        try:
            await tell(self._handle(schedule_id))
        except RPCError as error:
            raise _refused(error, schedule_id) from error
        after = await self.show(schedule_id)
        note_change(f"schedule/{schedule_id}", {"paused": before.paused}, {"paused": after.paused})
        return after

    async def _replace(self, schedule_id: str, schedule: Schedule) -> None:
        def replaced(found: ScheduleUpdateInput) -> ScheduleUpdate:
            schedule.state = found.description.schedule.state
            return ScheduleUpdate(schedule=schedule)

        try:
            await self._handle(schedule_id).update(replaced)
        except RPCError as error:
            raise _refused(error, schedule_id) from error

    async def _view(self, described: ScheduleDescription) -> ScheduleView:
        action, info = described.schedule.action, described.info
        if not isinstance(action, ScheduleActionStartWorkflow):
            raise ScheduleNotFound(described.id)
        (plan,) = await self.client.data_converter.decode(list(action.args), [Plan])
        return ScheduleView(
            plan=plan,
            paused=described.schedule.state.paused,
            note=described.schedule.state.note or "",
            next_at=tuple(info.next_action_times[:SHOWN]),
            recent=tuple(
                PastRun(
                    due_at=run.scheduled_at,
                    began_at=run.started_at,
                    workflow_id=run.action.workflow_id,
                )
                for run in info.recent_actions[-SHOWN:]
                if isinstance(run.action, ScheduleActionExecutionStartWorkflow)
            ),
            runs=info.num_actions,
            running=len(info.running_actions),
            missed=info.num_actions_missed_catchup_window,
            overlapped=info.num_actions_skipped_overlap,
        )

    def _handle(self, schedule_id: str) -> ScheduleHandle:
        return self.client.get_schedule_handle(f"{PREFIX}{schedule_id}")


def _schedule(plan: Plan, task_queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            ScheduledJobWorkflow.run,
            plan,
            id=f"{PREFIX}{plan.schedule_id}",
            task_queue=task_queue,
        ),
        spec=ScheduleSpec(
            cron_expressions=list(plan.cron),
            calendars=[spec for rule in plan.calendar for spec in _calendars(rule)],
            time_zone_name=plan.zone,
            jitter=plan.jitter or None,
            end_at=plan.until.astimezone(UTC) if plan.until else None,
        ),
        policy=SchedulePolicy(overlap=_OVERLAPS[plan.overlap], catchup_window=plan.catch_up),
        state=ScheduleState(note=plan.note or None),
    )


def _calendars(rule: CalendarRule) -> Sequence[ScheduleCalendarSpec]:
    return [
        ScheduleCalendarSpec(
            hour=[ScheduleRange(at.hour)],
            minute=[ScheduleRange(at.minute)],
            day_of_week=[ScheduleRange(DAYS.index(day)) for day in rule.weekdays or DAYS],
            day_of_month=[ScheduleRange(day) for day in rule.days] or [ScheduleRange(1, 31)],
            month=[ScheduleRange(month) for month in rule.months] or [ScheduleRange(1, 12)],
        )
        for at in rule.at
    ]


def _refused(error: RPCError, schedule_id: str) -> OffhookError:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return ScheduleNotFound(schedule_id)
        case RPCStatusCode.INVALID_ARGUMENT:
            return BadSchedule(error.message[:300])
        case _:
            return OrderRefused("temporal", str(error))
