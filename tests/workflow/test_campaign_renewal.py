"""Continue-as-new is invisible: state is kept, calls are taken over, orders are answered."""

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CampaignResult
from dialer.model import CampaignPhase
from tests.support.campaigns import FakeFloor, campaign_settings, campaigns_on, in_phase, until
from tests.workflow.test_campaign_orders import Handle, change, pause, resume, stop
from workflows.campaign import CampaignWorkflow


async def runs(handle: Handle) -> int:
    return (await handle.query(CampaignWorkflow.snapshot)).runs


def newest(handle: Handle, client: Client) -> Handle:
    """The same campaign, whichever run it is in."""
    return client.get_workflow_handle_for(CampaignWorkflow.run, handle.id)


async def test_renewal_hands_the_calls_over_to_a_new_dial_activity(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        started = await campaigns.start(renew_after=2)
        handle = newest(started, time_skipping.client)
        await until(lambda: floor.dialing == 1)
        first = await change(handle, "c1")
        await change(handle, "c2")
        await until(lambda: floor.dials == 2 and floor.dialing == 1)
        assert await runs(handle) == 1
        assert floor.handed_over == 1
        assert floor.at_once == 1
        assert await change(handle, "c1") == first
        snapshot = await in_phase(handle, CampaignPhase.running)
        assert (snapshot.settings_version, snapshot.updates_seen) == (3, 1)
        floor.finish()
        assert await handle.result() == CampaignResult(phase=CampaignPhase.completed)
    assert floor.kinds().count("drain_requested") == 0


async def test_renewal_keeps_a_paused_campaign_paused_and_its_calls_held(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = newest(await campaigns.start(renew_after=1), time_skipping.client)
        await until(lambda: floor.dialing == 1)
        await pause(handle)
        await until(lambda: floor.dials == 2 and floor.dialing == 1)
        assert floor.kinds()[-1] == "pause_requested"
        assert (await in_phase(handle, CampaignPhase.paused)).dialing
        await resume(handle)
        await until(lambda: floor.dials == 3 and floor.dialing == 1)
        await in_phase(handle, CampaignPhase.running)
        await stop(handle)
        assert (await handle.result()).phase is CampaignPhase.stopped
    assert floor.at_once == 1


async def test_renewal_keeps_state_when_nobody_dials(time_skipping: WorkflowEnvironment) -> None:
    floor = FakeFloor(settings=campaign_settings("never"))
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = newest(await campaigns.start(renew_after=1), time_skipping.client)
        for turn in range(3):
            answer = await pause(handle, f"p{turn}")
            assert await pause(handle, f"p{turn}") == answer
            await resume(handle, f"r{turn}")
        assert await runs(handle) >= 6
        assert floor.dials == 0
        await stop(handle)
        assert (await handle.result()).phase is CampaignPhase.stopped


@pytest.mark.parametrize("renew_after", [1, 2, 3, 5, 1_000])
async def test_the_same_orders_have_the_same_effect_however_often_the_run_is_renewed(
    time_skipping: WorkflowEnvironment, renew_after: int
) -> None:
    floor = FakeFloor()
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = newest(await campaigns.start(renew_after=renew_after), time_skipping.client)
        answers = [
            (await pause(handle)).phase,
            (await change(handle)).settings_version,
            (await resume(handle, "r1")).phase in {CampaignPhase.running, CampaignPhase.scheduled},
            (await change(handle, "c2")).settings_version,
            (await stop(handle)).phase,
        ]
        assert (await handle.result()).phase is CampaignPhase.stopped
    assert answers == [CampaignPhase.paused, 2, True, 3, CampaignPhase.draining]
    assert floor.at_once <= 1
    assert floor.phases[-1] is CampaignPhase.stopped
