"""Schedules on a real Temporal server: applied by id, on their zone's clock, carried out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from activities.errors import NotConfigured
from activities.schedule_contracts import CalendarRule, CampaignJob, JobDone, Plan, ScheduledOrder
from activities.schedules import ScheduleActivities
from dialer.model import CampaignId
from offhook.offices.schedules import ScheduleOffice
from offhook.storage.database import Database
from offhook.temporal.schedule_desk import BadSchedule, ScheduleDesk, ScheduleNotFound, ScheduleView
from offhook.temporal.schedule_services import schedule_activities
from tests.support.backend import served
from tests.support.builders import Rows
from tests.support.campaigns import FakeFloor
from tests.support.campaigns import until as settled
from workflows.campaign import CampaignWorkflow
from workflows.scheduled_job import ScheduledJobWorkflow

ROME = ZoneInfo("Europe/Rome")
LAST_WEEK = tuple(range(25, 32))


@dataclass
class Orders:
    """Notes what is ordered."""

    given: list[ScheduledOrder] = field(default_factory=list)
    refuse: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def give(self, order: ScheduledOrder) -> JobDone:
        self.given.append(order)
        if self.refuse:
            raise NotConfigured("nobody to call", code="campaign_empty")
        await self.gate.wait()
        return JobDone(did=order.job.kind)


@asynccontextmanager
async def clearing(desk: ScheduleDesk, schedule: str) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with suppress(ScheduleNotFound):
            await desk.remove(schedule)


def a_plan(schedule: str, /, **changes: object) -> Plan:
    values: dict[str, object] = {
        "schedule_id": schedule,
        "job": {"kind": "start", "campaign_id": "c1"},
        "calendar": [{"at": ["09:00"], "weekdays": ["mon", "wed"]}],
        "zone": "Europe/Rome",
    }
    return Plan.model_validate(values | changes)


async def until(
    look: Callable[[], Awaitable[ScheduleView]], holds: Callable[[ScheduleView], bool]
) -> ScheduleView:
    async with asyncio.timeout(15):
        while True:
            view = await look()
            if holds(view):
                return view
            await asyncio.sleep(0.05)


@pytest.fixture
def name() -> str:
    return f"s-{uuid4().hex[:10]}"


async def test_a_schedule_applied_twice_is_one_and_stays_paused(
    temporal_client: Client, name: str
) -> None:
    desk = ScheduleDesk(temporal_client, "nobody")
    async with clearing(desk, name):
        first = await desk.apply(a_plan(name))
        assert (first.new, first.changed) == (True, True)
        again = await desk.apply(a_plan(name))
        assert (again.new, again.changed) == (False, False)

        await desk.pause(name, note="holidays")
        other = await desk.apply(a_plan(name, cron=["0 7 * * *"], calendar=[]))
        assert (other.new, other.changed) == (False, True)
        assert other.schedule.paused
        assert other.schedule.note == "holidays"
        assert other.schedule.plan.cron == ("0 7 * * *",)
        assert not (await desk.resume(name)).paused


async def test_the_next_ten_runs_keep_to_the_clock_of_the_zone(
    temporal_client: Client, name: str
) -> None:
    desk = ScheduleDesk(temporal_client, "nobody")
    async with clearing(desk, name):
        rule = CalendarRule(at=(time(9),), days=(1,))
        view = (await desk.apply(a_plan(name, calendar=[rule]))).schedule
    due = [moment.astimezone(ROME) for moment in view.next_at]
    assert len(due) == 10
    assert {(moment.hour, moment.minute, moment.day) for moment in due} == {(9, 0, 1)}
    # Ten months hold summer and winter: the same hour there, two hours in UTC.
    assert len({moment.utcoffset() for moment in due}) == 2


async def test_a_time_that_clocks_skip_does_not_come_and_one_that_comes_twice_runs_once(
    temporal_client: Client, name: str
) -> None:
    desk = ScheduleDesk(temporal_client, "nobody")
    async with clearing(desk, name):
        # On the last Sundays of March and October, at 02:00 and 03:00, and a day of neither.
        rule = CalendarRule(at=(time(2, 30),), weekdays=("sun",), months=(3, 10), days=LAST_WEEK)
        view = (await desk.apply(a_plan(name, calendar=[rule]))).schedule
    due = [moment.astimezone(ROME) for moment in view.next_at]
    assert len(due) == 10
    assert {moment.month for moment in due} == {10}
    assert {(moment.hour, moment.minute) for moment in due} == {(2, 30)}
    assert len({moment.date() for moment in due}) == 10


@pytest.mark.parametrize(
    "change",
    [
        {"calendar": [{"at": ["09:00:30"]}]},
        {"calendar": [{"at": ["09:00+01:00"]}]},
        {"calendar": [], "cron": ["CRON_TZ=Asia/Tokyo 0 9 * * *"]},
        {"calendar": [], "cron": ["TZ=Asia/Tokyo 0 9 * * *"]},
    ],
)
async def test_times_that_would_be_taken_for_others_are_refused(
    change: dict[str, object], database: Database
) -> None:
    async def desk() -> ScheduleDesk:
        raise AssertionError("nothing is applied")

    office = ScheduleOffice(database, desk)
    with pytest.raises(BadSchedule):
        await office.apply(a_plan("x", **change))


async def test_a_run_orders_the_campaign_under_a_key_of_its_own(
    temporal_client: Client, name: str
) -> None:
    queue, orders = f"test-{uuid4().hex[:8]}", Orders()
    desk = ScheduleDesk(temporal_client, queue)
    async with (
        Worker(
            temporal_client,
            task_queue=queue,
            workflows=[ScheduledJobWorkflow],
            activities=[ScheduleActivities(orders).order],
        ),
        clearing(desk, name),
    ):
        await desk.apply(a_plan(name, job={"kind": "stop", "campaign_id": "c1", "clear": True}))
        await desk.trigger(name)
        running = await until(lambda: desk.show(name), lambda view: view.running == 1)
        # It is time again while the first goes on: left out.
        await desk.trigger(name)
        await until(lambda: desk.show(name), lambda view: view.overlapped == 1)
        orders.gate.set()
        run = running.recent[-1].workflow_id
        handle = temporal_client.get_workflow_handle(run, result_type=JobDone)
        done: JobDone = await handle.result()
    assert done.did == "stop"
    (given,) = orders.given
    assert given.job == CampaignJob(kind="stop", campaign_id=CampaignId("c1"), clear=True)
    assert given.key == run
    assert run.startswith(f"schedule/{name}-")


async def test_a_run_that_a_person_must_mend_fails_with_the_code(temporal_client: Client) -> None:
    queue, orders = f"test-{uuid4().hex[:8]}", Orders(refuse=True)
    async with Worker(
        temporal_client,
        task_queue=queue,
        workflows=[ScheduledJobWorkflow],
        activities=[ScheduleActivities(orders).order],
    ):
        with pytest.raises(WorkflowFailureError) as failed:
            await temporal_client.execute_workflow(
                ScheduledJobWorkflow.run, a_plan("x"), id=uuid4().hex, task_queue=queue
            )
    assert "campaign_empty" in repr(failed.value.__cause__.__cause__)  # type: ignore[union-attr]
    assert len(orders.given) == 1


async def test_a_schedule_over_http_starts_a_campaign_once_and_is_listed(
    temporal_client: Client, database: Database, name: str
) -> None:
    queue, floor, rows = f"test-{uuid4().hex[:8]}", FakeFloor(), Rows(database)
    await rows.switch()
    campaign = await rows.campaign(f"c-{queue}")
    await rows.contact(campaign)
    desk = ScheduleDesk(temporal_client, queue)
    done = schedule_activities(temporal_client, database, task_queue=queue)
    body = {
        "job": {"kind": "start", "campaign_id": campaign},
        "cron": ["0 9 * * 1-5"],
        "zone": "Europe/Rome",
    }
    async with (
        Worker(
            temporal_client,
            task_queue=queue,
            workflows=[ScheduledJobWorkflow, CampaignWorkflow],
            activities=[done.order, floor.begin, floor.order, floor.dial],
        ),
        clearing(desk, name),
        served(database, client=temporal_client, task_queue=queue) as app,
        app.client() as api,
    ):
        made = await api.put(f"schedules/{name}", json=body)
        again = await api.put(f"schedules/{name}", json=body)
        assert (made.status_code, again.status_code) == (201, 200), made.text
        assert again.json()["changed"] is False
        await _is_listed(api, name)

        assert (await api.post(f"schedules/{name}/trigger")).status_code == 200
        await settled(lambda: floor.dials == 1, limit=15)
        floor.finish()
        paused = await api.post(f"schedules/{name}/pause", json={"note": "holidays"})
        assert (paused.json()["paused"], paused.json()["note"]) == (True, "holidays")
        assert len(paused.json()["next_at"]) == 10
        assert (await api.delete(f"schedules/{name}")).status_code == 204
        gone = await api.get(f"schedules/{name}")
        assert (gone.status_code, gone.json()["code"]) == (404, "schedule_not_found")


async def _is_listed(api: httpx.AsyncClient, name: str) -> None:
    async with asyncio.timeout(15):
        while True:
            page = (await api.get("schedules", params={"limit": 200})).json()
            if name in [one["plan"]["schedule_id"] for one in page["items"]]:
                return
            await asyncio.sleep(0.1)


async def test_a_schedule_that_makes_no_sense_is_refused(
    temporal_client: Client, database: Database, name: str
) -> None:
    with pytest.raises(BadSchedule):
        await ScheduleDesk(temporal_client).apply(a_plan(name, calendar=[], cron=["61 25 * * *"]))
    changes: list[dict[str, object]] = [
        {"calendar": []},
        {"zone": "Mars/Olympus"},
        {"cron": ["now"]},
        {"catch_up": timedelta(0)},
        {"until": datetime(2026, 1, 1)},  # noqa: DTZ001 - the point
        {"schedule_id": "A B"},
    ]
    for change in changes:
        with pytest.raises(ValidationError):
            a_plan(name, **change)
    async with served(database, client=temporal_client) as app, app.client() as api:
        job = {"kind": "start", "campaign_id": "nobody"}
        when = {"cron": ["0 9 * * *"]}
        unknown = await api.put(f"schedules/{name}", json={"job": job} | when)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "campaign_unknown")
        never = await api.put(
            f"schedules/{name}",
            json={"job": {"kind": "call_check", "request": {"switch": "pbx", "zone": "UTC"}}},
        )
        assert (never.status_code, never.json()["code"]) == (422, "schedule_invalid")
