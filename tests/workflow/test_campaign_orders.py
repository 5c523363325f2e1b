"""What people order: carried out once, refused with a code, and told to whoever dials."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import (
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import (
    CampaignResult,
    ChangeSettings,
    DialReason,
    OrderAnswer,
    PauseCampaign,
    ResumeCampaign,
    StopCampaign,
)
from dialer.events import DrainRequested, PauseRequested, SettingsChanged
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

Handle = WorkflowHandle[CampaignWorkflow, CampaignResult]
NEVER = "never"
RENAMED = campaign_settings().model_copy(update={"name": "Summer"})


async def pause(handle: Handle, request_id: str = "p1", *, clear: bool = False) -> OrderAnswer:
    request = PauseCampaign(request_id=request_id, clear=clear)
    return await handle.execute_update(CampaignWorkflow.pause, request)


async def resume(handle: Handle, request_id: str = "r1") -> OrderAnswer:
    return await handle.execute_update(
        CampaignWorkflow.resume, ResumeCampaign(request_id=request_id)
    )


async def stop(handle: Handle, request_id: str = "s1", *, clear: bool = False) -> OrderAnswer:
    request = StopCampaign(request_id=request_id, clear=clear)
    return await handle.execute_update(CampaignWorkflow.stop, request)


async def change(handle: Handle, request_id: str = "c1", *, settings: Any = RENAMED) -> OrderAnswer:
    request = ChangeSettings(request_id=request_id, settings=settings)
    return await handle.execute_update(CampaignWorkflow.change_settings, request)


async def refusal(order: Any) -> str:
    """The code with which an order is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await order
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.non_retryable
    assert cause.message
    return str(cause.type)


async def test_pause_and_resume_reach_whoever_dials(time_skipping: WorkflowEnvironment) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await in_phase(handle, CampaignPhase.running)
        assert (await pause(handle, clear=True)).phase is CampaignPhase.paused
        assert floor.events[-1] == PauseRequested(clear=True)
        assert (await resume(handle)).phase is CampaignPhase.running
        assert floor.kinds()[-2:] == ["pause_requested", "resume_requested"]
        assert floor.dialing == 1
        floor.finish()
        await handle.result()
    assert floor.dials == 1


async def test_order_is_carried_out_once_when_repeated(time_skipping: WorkflowEnvironment) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await in_phase(handle, CampaignPhase.running)
        paused = await pause(handle)
        await resume(handle)
        assert await pause(handle) == paused
        assert (await handle.query(CampaignWorkflow.snapshot)).phase is CampaignPhase.running
        changed = await change(handle)
        assert await change(handle) == changed
        assert changed.settings_version == 2
        stopped = await stop(handle)
        assert (await handle.result()).phase is CampaignPhase.stopped
    assert stopped.phase is CampaignPhase.draining
    assert floor.kinds() == [
        "resume_requested",
        "pause_requested",
        "resume_requested",
        "settings_changed",
        "drain_requested",
    ]


async def test_stop_lets_calls_end_before_the_campaign_does(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await until(lambda: floor.dialing == 1)
        await stop(handle, clear=True)
        assert (await handle.result()).phase is CampaignPhase.stopped
    assert floor.events[-1] == DrainRequested(reason="stopped", clear=True)
    assert floor.phases[-2:] == [CampaignPhase.draining, CampaignPhase.stopped]
    assert floor.dialing == 0


async def test_stop_ends_at_once_when_nobody_dials(time_skipping: WorkflowEnvironment) -> None:
    floor = FakeFloor(settings=campaign_settings(NEVER))
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await stop(handle)
        assert (await handle.result()).phase is CampaignPhase.stopped
    assert (floor.dials, floor.events) == (0, [])


async def test_paused_campaign_does_not_start_to_dial_when_its_hours_open(
    time_skipping: WorkflowEnvironment,
) -> None:
    hours = campaign_settings("mon-sun 00:00-23:59")
    floor = FakeFloor(settings=campaign_settings(NEVER), script=[DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await pause(handle)
        await change(handle, settings=hours)
        await time_skipping.sleep(timedelta(days=2))
        assert floor.dials == 0
        await resume(handle)
        assert (await handle.result()).phase is CampaignPhase.completed
    assert floor.dials == 1


async def test_campaign_opens_sooner_when_its_hours_are_changed(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(settings=campaign_settings(NEVER), script=[DialReason.exhausted])
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await change(handle, settings=campaign_settings("always"))
        assert (await handle.result()).phase is CampaignPhase.completed


async def test_campaign_drains_when_changed_hours_are_over(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await until(lambda: floor.dialing == 1)
        await change(handle, settings=campaign_settings(NEVER))
        await in_phase(handle, CampaignPhase.scheduled)
        assert floor.events[1:] == [
            SettingsChanged(settings=campaign_settings(NEVER)),
            DrainRequested(reason="window_closed"),
        ]
        await stop(handle)
        await handle.result()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (resume, "campaign_not_in_phase"),
        (lambda handle: change(handle, settings=campaign_settings(switch="b")), "switch_is_fixed"),
    ],
)
async def test_order_is_refused_with_a_code_when_a_running_campaign_cannot_obey(
    time_skipping: WorkflowEnvironment, order: Callable[[Handle], Any], code: str
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await in_phase(handle, CampaignPhase.running)
        assert await refusal(order(handle)) == code
        assert (await handle.query(CampaignWorkflow.snapshot)).phase is CampaignPhase.running
        await stop(handle)
        await handle.result()
    assert floor.kinds() == ["resume_requested", "drain_requested"]


async def test_pause_is_refused_when_the_campaign_is_paused_already(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with campaigns_on(time_skipping.client, FakeFloor()) as campaigns:
        handle = await campaigns.start()
        await pause(handle, "p1")
        assert await refusal(pause(handle, "p2")) == "campaign_not_in_phase"
        await stop(handle)
        await handle.result()


@pytest.mark.parametrize("order", [pause, resume, change, lambda handle: stop(handle, "s2")])
async def test_order_is_refused_when_the_campaign_is_being_stopped(
    time_skipping: WorkflowEnvironment, order: Callable[[Handle], Any]
) -> None:
    floor = FakeFloor(drains=False)
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await until(lambda: floor.dialing == 1)
        await stop(handle)
        assert await refusal(order(handle)) == "campaign_ending"
        floor.finish(DialReason.stopped)
        assert (await handle.result()).phase is CampaignPhase.stopped


async def test_settings_are_refused_with_the_code_when_the_record_refuses_them(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor(refuse=trouble("mode_not_possible", final=True))
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await in_phase(handle, CampaignPhase.running)
        assert await refusal(change(handle)) == "mode_not_possible"
        assert (await handle.query(CampaignWorkflow.snapshot)).settings_version == 1
        await stop(handle)
        await handle.result()


async def test_order_waits_when_it_comes_before_the_campaign_has_begun(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    gate = floor.close("begin")
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await until(lambda: "begin" in floor.reached)
        update = await handle.start_update(
            CampaignWorkflow.change_settings,
            ChangeSettings(request_id="c1", settings=RENAMED),
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
        gate.set()
        assert (await update.result()).settings_version == 2
        await stop(handle)
        await handle.result()
