"""What the how-to has people write into Asterisk's files is proved, or said not to be."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Mapping

import pytest

from offhook.pbx.asterisk import RunningAsterisk
from offhook.pbx.configuration import APPLICATION
from offhook.switches.asterisk.check_lines import UNPROVEN
from offhook.switches.asterisk.settings import TrunkLine
from offhook.switches.asterisk.switch import AsteriskSwitch
from offhook.switches.base import CheckResult
from tests.contract.switches.asterisk import AsteriskHarness, settings_of, streaming, until
from tests.contract.switches.harness import Person, place_command
from tests.contract.switches.test_switch_contract import ATTEMPT, NUMBER
from tests.support.asterisk import end_every_call
from tests.support.fault_proxy import fault_proxy
from tests.support.sip_phones import sip_phones


@pytest.fixture
async def unheard(asterisk_pbx: RunningAsterisk) -> AsyncIterator[AsteriskHarness]:
    """The application that the dialplan's inbound context leads to; nobody is connected yet."""
    async with (
        sip_phones(asterisk_pbx.plan.carrier_port) as carrier,
        sip_phones(asterisk_pbx.plan.agents_port) as desks,
        fault_proxy(asterisk_pbx.ari_url.removesuffix("/ari")) as proxy,
    ):
        settings = settings_of(asterisk_pbx, proxy.url, APPLICATION)
        harness = AsteriskHarness(proxy, carrier, desks, settings)
        try:
            yield harness
        finally:
            await end_every_call(asterisk_pbx)
            await harness.client.aclose()


async def checked(harness: AsteriskHarness, **settings: object) -> Mapping[str, CheckResult]:
    """What the check of a link with other settings finds."""
    switch = AsteriskSwitch(harness.settings.model_copy(update=settings), link="contract")
    try:
        return {result.name: result for result in await switch.check()}
    finally:
        await switch.aclose()


async def test_check_calls_the_inbound_context_and_sees_the_call_come_to_the_application(
    unheard: AsteriskHarness, asterisk_pbx: RunningAsterisk
) -> None:
    async with streaming(unheard):
        found = await checked(unheard)
        assert not await unheard.client.channels()
    assert found["inbound"].ok
    assert found["inbound"].detail == "a test call by from-carrier came to offhook"
    assert found["connections"].ok
    assert "80 more connections" in found["connections"].detail
    assert found["endpoint_lines"].ok
    assert not found["endpoint_lines"].advice
    assert UNPROVEN not in f"{found['inbound'].detail} {found['connections'].detail}"
    assert not unheard.carrier.rung


async def test_check_says_where_calls_that_come_in_lead_instead(unheard: AsteriskHarness) -> None:
    elsewhere = (TrunkLine(address="PJSIP/{number}@agent1", lines=1),)
    async with streaming(unheard):
        found = (await checked(unheard, trunks=elsewhere))["inbound"]
    assert found.ok  # not everybody wants calls that come in
    assert "from-agent leads to Stasis(offhook,agent," in found.detail
    assert "dialplan reload" in found.advice


async def test_check_says_what_it_can_not_prove_and_what_shows_it(unheard: AsteriskHarness) -> None:
    alone = (await checked(unheard))["inbound"]
    untold = await checked(unheard, trunks=(TrunkLine(address="Local/{number}@x", lines=1),))
    for result, command in (
        (alone, "dialplan show from-carrier"),
        (untold["inbound"], "dialplan show"),
        (untold["endpoint_lines"], "pjsip show endpoint"),
    ):
        assert result.ok
        assert UNPROVEN in result.detail
        assert f"asterisk -rx '{command}" in result.advice


async def test_check_says_that_more_connections_are_needed_than_the_pbx_allows(
    unheard: AsteriskHarness, asterisk_pbx: RunningAsterisk
) -> None:
    found = await checked(unheard, base_url=asterisk_pbx.ari_url, parallel_dials=300)
    assert not found["connections"].ok
    assert " of 616 connections were open at once" in found["connections"].detail
    assert "sessionlimit" in found["connections"].advice


async def test_check_takes_no_connections_away_from_calls(unheard: AsteriskHarness) -> None:
    unheard.person(NUMBER, Person(kind="answer", ring_s=10.0))
    async with streaming(unheard):
        await unheard.adapter.place(place_command(unheard, ATTEMPT, NUMBER))
        found = (await checked(unheard))["connections"]
    assert found.ok
    assert f"{UNPROVEN} while calls are on" in found.detail
    assert "grep sessionlimit" in found.advice


async def test_command_that_the_check_gives_rings_an_agent_as_a_park_does(
    unheard: AsteriskHarness,
) -> None:
    async with streaming(unheard):
        found = (await checked(unheard, agents=("PJSIP/agent1",)))["auto_answer"]
        assert UNPROVEN in found.detail
        words = shlex.split(found.advice.partition("`")[2].rpartition("`")[0])
        words[words.index("-u") + 1] += f":{unheard.settings.password.get_secret_value()}"
        curl = await asyncio.create_subprocess_exec(
            *words, "--silent", "--fail", stdout=asyncio.subprocess.DEVNULL
        )
        assert await curl.wait() == 0
        await until(lambda: unheard.desks.live("agent1"))
    (call,) = unheard.desks.live("agent1")
    assert call.header("Call-Info") == "<sip:offhook>;answer-after=0"
    assert call.header("Alert-Info") == "info=alert-autoanswer"
