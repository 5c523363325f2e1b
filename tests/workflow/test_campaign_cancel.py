"""Cancelling a campaign's workflow, wherever it waits, lets calls end and says so in the record."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import DialReason
from dialer.model import CampaignPhase
from tests.support.campaigns import (
    FakeFloor,
    campaign_settings,
    campaigns_on,
    in_phase,
    until,
)
from tests.workflow.test_campaign_orders import Handle, pause, stop

Reach = Callable[[Handle, FakeFloor], Awaitable[None]]


async def _beginning(_handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: "begin" in floor.reached)


async def _opening(_handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: "order" in floor.reached)


async def _dialing(_handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)


async def _waiting(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: "begin" in floor.reached)
    await in_phase(handle, CampaignPhase.scheduled)


async def _paused(handle: Handle, _floor: FakeFloor) -> None:
    await pause(handle)


async def _paused_while_dialing(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await pause(handle)


async def _stopping(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await stop(handle)
    asyncio.get_running_loop().call_later(0.3, floor.finish, DialReason.stopped)


async def _late(_handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dials == 1 and floor.dialing == 0)


def _floor(name: str) -> tuple[FakeFloor, str | None, Reach]:
    """A fresh floor for the place where the workflow is to be when it is cancelled."""
    never = campaign_settings("never")
    return {
        "beginning": (FakeFloor(), "begin", _beginning),
        "opening": (FakeFloor(), "order", _opening),
        "dialing": (FakeFloor(), None, _dialing),
        "waiting": (FakeFloor(settings=never), None, _waiting),
        "paused": (FakeFloor(settings=never), None, _paused),
        "paused while dialing": (FakeFloor(), None, _paused_while_dialing),
        "stopping": (FakeFloor(drains=False), None, _stopping),
        "after a late order": (FakeFloor(script=[DialReason.stopped]), None, _late),
    }[name]


@pytest.mark.parametrize(
    "place",
    [
        "beginning",
        "opening",
        "dialing",
        "waiting",
        "paused",
        "paused while dialing",
        "stopping",
        "after a late order",
    ],
)
async def test_cancelled_campaign_ends_its_calls_and_is_recorded_as_stopped(
    time_skipping: WorkflowEnvironment, place: str
) -> None:
    floor, gate_of, reach = _floor(place)
    gate = floor.close(gate_of) if gate_of else None
    async with campaigns_on(time_skipping.client, floor) as campaigns:
        handle = await campaigns.start()
        await reach(handle, floor)
        await handle.cancel()
        if gate is not None:
            gate.set()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
    assert floor.phases[-1] is CampaignPhase.stopped
    assert floor.handed_over == 0
    assert floor.dialing == 0
