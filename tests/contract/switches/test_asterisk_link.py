"""What only Asterisk does: its own ring timer, its event socket, and whose channels are whose."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from dialer.commands import Divert, HangUp
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CommandFailed,
    EndedBy,
)
from dialer.model import AgentId
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, SwitchRefused
from offhook.link_orphans import Orphans
from offhook.pbx.asterisk import RunningAsterisk
from offhook.switches.asterisk.client import authorization
from offhook.switches.asterisk.stream import AsteriskStream
from tests.contract.switches.asterisk import AsteriskHarness, asterisk_harness, until
from tests.contract.switches.harness import (
    PATIENCE_S,
    Person,
    hang_up_command,
    park_command,
    place_command,
)
from tests.contract.switches.test_switch_contract import (
    ATTEMPT,
    NUMBER,
    PARK,
    hold_customer,
    join_command,
    park_agent,
)
from tests.support.fault_proxy import Wrong
from tests.support.sip_phones import Phone


def divert_command(agent: str, customer: CallHeld | CallJoined) -> Divert:
    return Divert(
        correlator=ATTEMPT,
        agent_id=AgentId(agent),
        address=agent,
        number="",
        customer=customer.call,
    )


async def foreign_call(pbx: RunningAsterisk, pbx_harness: AsteriskHarness, channel: str) -> None:
    """Have somebody else's application call somebody on the same PBX."""
    document = {
        "endpoint": "PJSIP/+390733999999@carrier",
        "context": "from-carrier",
        "extension": "s",
        "timeout": 30,
    }
    headers = dict(authorization(pbx_harness.settings))
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{pbx.ari_url}/channels/{channel}", json=document) as reply,
    ):
        assert reply.status == 200, await reply.text()


async def test_own_ring_timer_is_no_answer_even_where_nothing_rang(
    asterisk: AsteriskHarness,
) -> None:
    asterisk.carrier.scripts[NUMBER] = Phone(ring_s=None, answer=None)
    command = place_command(asterisk, ATTEMPT, NUMBER)
    await asterisk.adapter.place(replace(command, ring_timeout=timedelta(seconds=1)))
    ended = await asterisk.inbox.wait(CallEnded, ATTEMPT)
    assert ended.outcome is Outcome.no_answer
    assert "SIP 480" in ended.cause


async def test_second_call_with_an_attempts_id_rings_nobody_again(
    asterisk: AsteriskHarness,
) -> None:
    asterisk.person(NUMBER, Person(kind="no_answer", ring_s=600))
    command = place_command(asterisk, ATTEMPT, NUMBER)
    first = await asterisk.adapter.place(command)
    await asterisk.inbox.wait(CallRinging, ATTEMPT)
    assert await asterisk.adapter.place(command) == first
    assert asterisk.times_rung(NUMBER) == 1


async def test_endpoint_that_does_not_exist_is_refused(asterisk: AsteriskHarness) -> None:
    for correlator in ("spring-1-p7", "spring-1-p7", "spring-1-p8"):
        with pytest.raises(SwitchRefused, match="endpoint exists"):
            await asterisk.adapter.park(park_command("PJSIP/nobody", correlator))


async def test_agents_device_is_told_to_answer_by_itself(asterisk: AsteriskHarness) -> None:
    await park_agent(asterisk)
    (call,) = asterisk.desks.calls
    assert call.header("Call-Info").endswith("answer-after=0")
    assert call.header("Alert-Info") == "info=alert-autoanswer"


async def test_customer_is_shown_the_caller_id_of_the_call(asterisk: AsteriskHarness) -> None:
    await hold_customer(asterisk)
    (call,) = asterisk.carrier.calls
    assert "sip:+390733000000@" in call.header("From")
    assert call.header("Alert-Info") == ""


async def test_diverted_agent_who_refuses_is_told_and_the_customer_waits_on(
    asterisk: AsteriskHarness,
) -> None:
    customer = await hold_customer(asterisk)
    asterisk.desks.scripts["agent1"] = Phone(answer=486)
    await asterisk.adapter.divert(divert_command(asterisk.agents[0], customer))
    failed = await asterisk.inbox.wait(CommandFailed, ATTEMPT)
    assert (failed.action, failed.refused) == ("divert", True)
    await asterisk.adapter.divert(divert_command(asterisk.agents[1], customer))
    joined = await asterisk.inbox.wait(CallJoined, ATTEMPT)
    assert joined.address == asterisk.agents[1]


async def test_agents_device_stops_ringing_when_the_customer_leaves(
    asterisk: AsteriskHarness,
) -> None:
    customer = await hold_customer(asterisk)
    asterisk.desks.scripts["agent1"] = Phone(answer=None)
    await asterisk.adapter.divert(divert_command(asterisk.agents[0], customer))
    await until(lambda: asterisk.desks.rung["agent1"] == 1)
    asterisk.hang_up(ATTEMPT, EndedBy.customer)
    await until(lambda: not asterisk.desks.live("agent1"))
    assert CommandFailed not in [type(event) for event in asterisk.inbox.about(ATTEMPT)]


async def test_agent_who_was_ringing_is_let_go_when_another_takes_the_customer(
    asterisk: AsteriskHarness,
) -> None:
    customer = await hold_customer(asterisk)
    asterisk.desks.scripts["agent2"] = Phone(answer=None)
    await asterisk.adapter.divert(divert_command(asterisk.agents[1], customer))
    await until(lambda: asterisk.desks.rung["agent2"] == 1)
    agent = await park_agent(asterisk)
    await asterisk.adapter.join(join_command(asterisk, customer, agent))
    await asterisk.inbox.wait(CallJoined, ATTEMPT)
    await until(lambda: not asterisk.desks.live("agent2"))


async def test_foreign_calls_are_neither_shown_nor_ended_nor_told(
    asterisk: AsteriskHarness, asterisk_pbx: RunningAsterisk
) -> None:
    asterisk.carrier.default = Phone(ring_s=600)
    await foreign_call(asterisk_pbx, asterisk, "somebody-elses-1-1")
    await until(lambda: asterisk.in_progress() == 1)
    await hold_customer(asterisk)
    assert [view.correlator for view in (await asterisk.adapter.snapshot()).calls] == [ATTEMPT]
    command = HangUp(correlator=ATTEMPT, call=None, reason="test")
    await asterisk.adapter.hang_up(command)
    await asterisk.inbox.wait(CallEnded, ATTEMPT)
    assert {raw.correlator for raw in asterisk.inbox.raw} == {ATTEMPT}
    assert asterisk.in_progress() == 1


async def test_cut_socket_is_opened_again_and_a_snapshot_tells_what_was_missed(
    asterisk: AsteriskHarness,
) -> None:
    await hold_customer(asterisk)
    for index in range(1, 6):
        await asterisk.proxy.cut()
        await until(lambda at_least=index + 1: len(asterisk.orders.snapshots) >= at_least)
    shown = asterisk.orders.snapshots[-1].snapshot.calls
    assert [(view.correlator, view.phase) for view in shown] == [(ATTEMPT, CallPhase.held)]
    asterisk.hang_up(ATTEMPT, EndedBy.customer)
    await asterisk.inbox.wait(CallEnded, ATTEMPT)


async def test_agent_who_answered_while_nobody_listened_is_parked_after_all(
    asterisk: AsteriskHarness,
) -> None:
    asterisk.proxy.next(
        lambda method, path: method == "POST" and path.startswith("/ari/bridges/"),
        Wrong.server_error,
    )
    await asterisk.adapter.park(park_command(asterisk.agents[0], PARK))
    await asterisk.inbox.wait(CallAnswered, PARK)
    await asterisk.inbox.wait(CallHeld, PARK)


async def test_nothing_of_ours_is_left_when_everybody_has_gone(
    asterisk: AsteriskHarness,
) -> None:
    agent, customer = await park_agent(asterisk), await hold_customer(asterisk)
    await asterisk.adapter.join(join_command(asterisk, customer, agent))
    await asterisk.inbox.wait(CallJoined, ATTEMPT)
    asterisk.hang_up(ATTEMPT, EndedBy.agent)
    await asterisk.inbox.wait(CallEnded, ATTEMPT)
    async with asyncio.timeout(PATIENCE_S):
        while await asterisk.client.bridges() or await asterisk.client.channels():
            pass


async def test_call_that_nobody_minds_is_ended_after_a_while(asterisk: AsteriskHarness) -> None:
    await hold_customer(asterisk)
    await park_agent(asterisk)
    orphans = Orphans(asterisk.adapter, after=timedelta(seconds=60))
    calls = (await asterisk.adapter.snapshot()).calls
    begun = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    await orphans.end(calls, {PARK}, begun)
    await orphans.end(calls, {PARK}, begun + timedelta(seconds=59))
    assert len((await asterisk.adapter.snapshot()).calls) == 2
    await orphans.end(calls, {PARK}, begun + timedelta(seconds=60))
    await asterisk.inbox.wait(CallEnded, ATTEMPT)
    assert [view.correlator for view in (await asterisk.adapter.snapshot()).calls] == [PARK]


async def test_music_of_a_parked_agent_stops_for_the_talk_and_begins_again(
    asterisk_pbx: RunningAsterisk,
) -> None:
    async with asterisk_harness(asterisk_pbx, parking_music="default") as pbx:
        agent, customer = await park_agent(pbx), await hold_customer(pbx)
        starts = ("POST", f"/ari/channels/{pbx.names.of(PARK)}/moh")
        stops = ("DELETE", starts[1])
        await until(lambda: pbx.proxy.requests[starts] == 1)
        await pbx.adapter.join(join_command(pbx, customer, agent))
        await pbx.inbox.wait(CallJoined, ATTEMPT)
        await until(lambda: pbx.proxy.requests[stops] == 1)
        pbx.hang_up(ATTEMPT, EndedBy.customer)
        await until(lambda: pbx.proxy.requests[starts] == 2)


async def test_hang_up_touches_no_channel_of_somebody_else(asterisk: AsteriskHarness) -> None:
    customer = await hold_customer(asterisk)
    foreign = type(customer.call)(call_id="1700000000.1", leg="")
    with pytest.raises(SwitchRefused, match="not a channel of ours"):
        await asterisk.adapter.hang_up(hang_up_command(ATTEMPT, foreign))


async def test_process_whose_application_another_took_stands_by_until_it_is_free(
    asterisk: AsteriskHarness,
) -> None:
    other = AsteriskStream(asterisk.client, link="other")
    async with other.connect() as events:
        reading = asyncio.ensure_future(anext(events))
        await until(lambda: asterisk.health[-1].state == "down")
        assert "stop the other `offhook links`" in asterisk.health[-1].detail
        before = len(asterisk.health)
        await until(lambda: len(asterisk.health) >= before + 3)
        assert {health.state for health in asterisk.health[before:]} == {"down"}
        assert not reading.done()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    await until(lambda: asterisk.health[-1].state == "up")
    assert asterisk.health[-1].detail == ""
