"""Who answers while nobody is connected for the application is kept by the dialplan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dialer.events import CallHeld, CallRinging
from dialer.switching import CallPhase
from offhook.pbx.asterisk import RunningAsterisk
from offhook.pbx.configuration import APPLICATION, HOLD_CONTEXT
from offhook.switches.asterisk.switch import AsteriskSwitch
from offhook.switches.base import CheckResult
from tests.contract.switches.asterisk import AsteriskHarness, settings_of, streaming, until
from tests.contract.switches.harness import Person, park_command, place_command
from tests.contract.switches.test_switch_contract import ATTEMPT, NUMBER, PARK
from tests.support.asterisk import end_every_call
from tests.support.fault_proxy import fault_proxy
from tests.support.sip_phones import sip_phones


@pytest.fixture
async def unheard(asterisk_pbx: RunningAsterisk) -> AsyncIterator[AsteriskHarness]:
    """An adapter whose channels begin in the dialplan; nobody is connected yet."""
    async with _unheard(asterisk_pbx) as harness:
        yield harness


@asynccontextmanager
async def _unheard(pbx: RunningAsterisk) -> AsyncIterator[AsteriskHarness]:
    async with (
        sip_phones(pbx.plan.carrier_port) as carrier,
        sip_phones(pbx.plan.agents_port) as desks,
        fault_proxy(pbx.ari_url.removesuffix("/ari")) as proxy,
    ):
        settings = settings_of(pbx, proxy.url, APPLICATION, hold_context=HOLD_CONTEXT)
        harness = AsteriskHarness(proxy, carrier, desks, settings)
        try:
            yield harness
        finally:
            await end_every_call(pbx)
            await harness.client.aclose()


async def _until_up(harness: AsteriskHarness, correlator: str) -> None:
    while True:
        channel = await harness.client.channel(harness.names.of(correlator))
        if channel is not None and channel.up:
            return


async def test_customer_who_answers_while_nobody_is_connected_is_held_once_somebody_is(
    unheard: AsteriskHarness,
) -> None:
    unheard.person(NUMBER, Person(kind="answer", ring_s=0.5))
    async with streaming(unheard):
        await unheard.adapter.place(place_command(unheard, ATTEMPT, NUMBER))
        await unheard.inbox.wait(CallRinging, ATTEMPT)
    await _until_up(unheard, ATTEMPT)
    (view,) = (await unheard.adapter.snapshot()).calls
    assert view.phase is CallPhase.listening
    async with streaming(unheard):
        held = await unheard.inbox.wait(CallHeld, ATTEMPT)
        assert held.call == view.call
        (view,) = (await unheard.adapter.snapshot()).calls
        assert view.phase is CallPhase.held


async def test_agent_who_answers_while_nobody_is_connected_is_parked_once_somebody_is(
    unheard: AsteriskHarness,
) -> None:
    await unheard.adapter.park(park_command(unheard.agents[0], PARK))
    await _until_up(unheard, PARK)
    async with streaming(unheard):
        await unheard.inbox.wait(CallHeld, PARK)
        await until(lambda: unheard.desks.live("agent1"))
        (view,) = (await unheard.adapter.snapshot()).calls
        assert (view.phase, view.address) == (CallPhase.held, unheard.agents[0])


async def test_check_looks_for_the_context_in_which_calls_begin(unheard: AsteriskHarness) -> None:
    async with streaming(unheard):
        found = {result.name: result for result in await unheard.switch.check()}
        missing = await _check_with(unheard, hold_context="nowhere")
    assert found["hold"].ok
    assert HOLD_CONTEXT in found["hold"].detail
    assert not missing.ok
    assert "nowhere,customer,1, nowhere,agent,1" in missing.detail


async def _check_with(harness: AsteriskHarness, **settings: object) -> CheckResult:
    switch = AsteriskSwitch(harness.settings.model_copy(update=settings), link="contract")
    try:
        return next(result for result in await switch.check() if result.name == "hold")
    finally:
        await switch.aclose()
