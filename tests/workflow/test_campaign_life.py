"""A campaign's life without anybody's orders: windows, retries, failure, its end."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CampaignResult, DialReason
from dialer.events import DrainRequested
from dialer.model import CampaignPhase
from tests.support.campaigns import (
    FakeFloor,
    campaign_settings,
    campaigns_on,
    in_phase,
    trouble,
    until,
)
from workflows.campaign import CampaignWorkflow

ROME = ZoneInfo("Europe/Rome")
DAILY = "daily 09:00-18:00; in Europe/Rome"
COMPLETED = CampaignResult(phase=CampaignPhase.completed)


async def skip_to(environment: WorkflowEnvironment, clock: str) -> datetime:
    """Let the server's time be tomorrow at this wall-clock time in Rome."""
    now = await environment.get_current_time()
    tomorrow = now.astimezone(ROME).date() + timedelta(days=1)
    wanted = datetime.combine(tomorrow, time.fromisoformat(clock), ROME)
    await environment.sleep(wanted - now)
    return wanted


async def test_campaign_completes_when_the_list_is_exhausted(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(script=[DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        assert await handle.result() == COMPLETED
    assert floor.phases == [CampaignPhase.running, CampaignPhase.completed]
    assert floor.kinds() == ["resume_requested"]


async def test_campaign_waits_for_its_hours_when_started_at_night(
    time_skipping: WorkflowEnvironment,
) -> None:
    started = await skip_to(time_skipping, "23:30")
    floor = FakeFloor(settings=campaign_settings(DAILY), script=[DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        snapshot = await in_phase(handle, CampaignPhase.scheduled)
        await until(lambda: "begin" in floor.reached)
        assert floor.dials == 0
        assert await handle.result() == COMPLETED
        snapshot = await handle.query(CampaignWorkflow.snapshot)
    ended = await time_skipping.get_current_time()
    assert ended - started >= timedelta(hours=9, minutes=30)
    assert snapshot.closes_at == datetime.combine(
        started.date() + timedelta(days=1), time(18), ROME
    )


async def test_campaign_drains_at_closing_and_dials_again_the_next_day(
    time_skipping: WorkflowEnvironment,
) -> None:
    closes = await skip_to(time_skipping, "17:59:58") + timedelta(seconds=2)
    floor = FakeFloor(settings=campaign_settings(DAILY), script=[None, DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        snapshot = await in_phase(handle, CampaignPhase.running)
        assert snapshot.closes_at == closes
        await until(lambda: CampaignPhase.scheduled in floor.phases)
        assert await handle.result() == COMPLETED
    assert floor.dials == 2
    assert floor.at_once == 1
    assert floor.events[1] == DrainRequested(reason="window_closed")
    assert floor.phases == [
        CampaignPhase.running,
        CampaignPhase.draining,
        CampaignPhase.scheduled,
        CampaignPhase.running,
        CampaignPhase.completed,
    ]
    opened = closes + timedelta(hours=15)
    assert await time_skipping.get_current_time() >= opened


async def test_campaign_dials_again_when_the_dial_activity_fails_for_the_moment(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(
        script=[trouble("store_unavailable"), trouble("lease_lost"), DialReason.exhausted]
    )
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        assert await (await campaigns.start()).result() == COMPLETED
    assert floor.dials == 3
    assert floor.phases == [CampaignPhase.running, CampaignPhase.completed]


@pytest.mark.parametrize("reason", [DialReason.stopped, DialReason.window_closed])
async def test_campaign_dials_again_when_an_order_of_an_earlier_run_ended_the_dial(
    time_skipping: WorkflowEnvironment, reason: DialReason
) -> None:
    floor = FakeFloor(script=[reason, DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        assert await (await campaigns.start()).result() == COMPLETED
    assert floor.dials == 2


async def test_campaign_fails_with_the_code_when_only_a_person_can_help(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(script=[trouble("switch_not_configured", final=True)])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert (await handle.query(CampaignWorkflow.snapshot)).phase is CampaignPhase.failed
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "switch_not_configured"
    assert floor.phases == [CampaignPhase.running, CampaignPhase.failed]


async def test_second_start_with_the_same_key_finds_the_run_when_it_is_going_on(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        first = await campaigns.start(campaign="once", run_key="monday")
        await until(lambda: floor.dialing == 1)
        second = await campaigns.start(campaign="once", run_key="monday")
        assert second.first_execution_run_id == first.first_execution_run_id
        floor.finish()
        assert await second.result() == COMPLETED
    assert floor.dials == 1


async def test_second_start_with_the_same_key_does_nothing_when_the_run_has_ended(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(ended=CampaignPhase.completed)
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        result = await (await campaigns.start()).result()
    assert result == CampaignResult(phase=CampaignPhase.completed, already=True)
    assert (floor.dials, floor.phases) == (0, [])
