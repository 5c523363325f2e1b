"""Calls that go on, or begin and end, while no connection to XiVO is there to tell of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from dialer.commands import PlaceCall
from dialer.model import AttemptId, ContactId, TrunkId
from dialer.outcomes import Outcome
from dialer.switching import CallPhase
from offhook.simulator.config import make_users
from offhook.simulator.population import Population, RandomTime
from offhook.simulator.xivo_config import QueueSetup, XivoConfig
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.switches.xivo.events import BEFORE, MESSAGE
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.stream import XivoStream
from offhook.switches.xivo.switch import XivoSwitch
from tests.contract.switches.harness import PATIENCE_S
from tests.contract.switches.xivo import xivo_settings

ATTEMPT = AttemptId("a-1")
CONFIG = XivoConfig(
    users=make_users(1),
    queues=(QueueSetup(id=9, name="sales"),),
    auto_answer_s=(0.01, 0.02),
    population=Population(
        answer_probability=1,
        busy_probability=0,
        rejected_probability=0,
        invalid_probability=0,
        unavailable_probability=0,
        ring=RandomTime(mean_s=0.2),
        talk=RandomTime(mean_s=0.1),
    ),
)


@pytest.fixture
async def simulator() -> AsyncIterator[XivoSimulator]:
    async with running_xivo(CONFIG) as running:
        yield running


def settings(simulator: XivoSimulator) -> XivoSettings:
    """Of a link that takes its time to come back."""
    slow = {"reconnect_first": timedelta(seconds=2), "time_zone": "UTC"}
    return xivo_settings(simulator).model_copy(update=slow)


async def place(switch: XivoSwitch) -> None:
    await switch.place(
        PlaceCall(
            attempt_id=ATTEMPT,
            contact_id=ContactId("c-1"),
            number="+33612345678",
            trunk_id=TrunkId("t"),
            trunk_address="9",
            caller_id="",
            ring_timeout=timedelta(seconds=15),
        )
    )


async def ended(simulator: XivoSimulator) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not simulator.face.pbx.history:  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.01)


async def test_call_that_was_answered_and_ended_in_a_gap_is_told_as_such(
    simulator: XivoSimulator,
) -> None:
    switch = XivoSwitch(settings(simulator))
    told: list[str] = []
    try:
        async with XivoStream(settings(simulator), link="gap").connect() as events:
            await place(switch)
            async with asyncio.timeout(PATIENCE_S):
                async for arrived in events:
                    told.append(arrived.payload[BEFORE])
                    said = arrived.payload[MESSAGE]
                    if "EventDialing" in said:
                        simulator.cut()
                        await ended(simulator)
                    if "EventReleased" in said:
                        break
    finally:
        await switch.aclose()
    assert told[-1] == "EventEstablished Outgoing"


async def test_call_that_began_and_ended_in_a_gap_is_found_in_the_history(
    simulator: XivoSimulator,
) -> None:
    later = timedelta(0)
    switch = XivoSwitch(settings(simulator), clock=lambda: datetime.now(UTC) + later)
    try:
        await place(switch)
        simulator.cut()
        await ended(simulator)
        assert (await switch.snapshot()).over == ()
        later = timedelta(seconds=5)
        (found,) = (await switch.snapshot()).over
    finally:
        await switch.aclose()
    assert (found.correlator, found.outcome) == (ATTEMPT, Outcome.answered)


async def test_call_that_waits_in_its_queue_is_not_taken_for_lost(
    simulator: XivoSimulator,
) -> None:
    simulator.face.acd.pause(next(iter(simulator.face.acd.agents)), "")
    later = timedelta(0)
    switch = XivoSwitch(settings(simulator), clock=lambda: datetime.now(UTC) + later)
    try:
        await place(switch)
        later = timedelta(seconds=5)
        (view,) = (await switch.snapshot()).calls
    finally:
        await switch.aclose()
    assert (view.correlator, view.phase, view.address) == (ATTEMPT, CallPhase.calling, "")
