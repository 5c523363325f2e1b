"""Each way the simulated PBX can be told to fail, seen from outside, and its control plane."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from offhook.simulator.config import SimulatorConfig
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.serve import running_simulator
from offhook.switches.voispeed import wire
from tests.support.voispeed_listener import (
    Caller,
    Listener,
    agent_call,
    customer_call,
    listening,
)

BUSY = Population(
    answer_probability=0,
    busy_probability=1,
    rejected_probability=0,
    invalid_probability=0,
    unavailable_probability=0,
    numbers={"0733900": [Behaviour(kind=PersonKind.answer, ring_s=0, patience_s=3600)]},
)


async def until_ended(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The lines up to the first call that is over."""
    async for line in lines:
        yield line
        if json.loads(line)["ended_at"]:
            return


@pytest.fixture
async def told() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


@pytest.fixture
async def caller(told: Listener) -> AsyncIterator[Caller]:
    config = SimulatorConfig(speed=50, population=BUSY, events_urls=(told.url,))
    async with running_simulator(config) as sim, httpx.AsyncClient(timeout=5) as http:
        yield Caller(http, sim)


async def test_service_fails_with_the_status_and_the_page_asked_for(caller: Caller) -> None:
    await caller.control("faults", [{"kind": "status_500", "next": 1}, {"kind": "html", "next": 1}])
    params = {"service": "get_current_calls", "token": "simulator"}
    first = await caller.http.get(caller.simulator.url, params=params)
    assert first.status_code == 500
    with pytest.raises(wire.WireError):
        wire.parse_current_calls(
            (await caller.http.get(caller.simulator.url, params=params)).content
        )
    assert wire.parse_current_calls(await caller.ask(wire.GetCurrentCalls())) == ()


async def test_reply_is_cut_in_half(caller: Caller) -> None:
    await caller.control("faults", {"kind": "half_reply", "next": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.ask(wire.GetCurrentCalls())


async def test_connection_is_reset(caller: Caller) -> None:
    await caller.control("faults", {"kind": "reset", "next": 1})
    with pytest.raises(httpx.TransportError):
        await caller.ask(wire.GetCurrentCalls())


async def test_service_says_nothing_and_does_nothing(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "hang", "service": "call_request_ext", "next": 1})
    order = {**customer_call("1234", "c").to_params(), "token": "simulator"}
    with pytest.raises(httpx.ReadTimeout):
        await caller.http.get(caller.simulator.url, params=order, timeout=0.3)
    assert caller.simulator.face.pbx.recorder.times_dialled == {}


async def test_service_acts_and_then_says_nothing(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "act_then_timeout", "extid": "c", "next": 1})
    order = {**customer_call("1234", "c").to_params(), "token": "simulator"}
    with pytest.raises(httpx.ReadTimeout):
        await caller.http.get(caller.simulator.url, params=order, timeout=0.3)
    await told.until_told("c", "call_terminated")


async def test_service_is_late_but_right(caller: Caller) -> None:
    await caller.control("faults", {"kind": "latency", "delay_s": 0.05, "next": 1})
    assert wire.parse_current_calls(await caller.ask(wire.GetCurrentCalls())) == ()
    assert caller.simulator.faults.struck == {"latency": 1}


async def test_reply_in_another_encoding_is_still_read(caller: Caller) -> None:
    await caller.control("faults", {"kind": "wrong_encoding", "next": 1})
    body = await caller.ask(wire.CallTerminate(call_id="1"))
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert isinstance(wire.parse_command_reply(body), wire.Accepted)


async def test_order_is_refused_or_fails_later(caller: Caller, told: Listener) -> None:
    await caller.control(
        "faults", [{"kind": "refuse", "next": 1}, {"kind": "fail_command", "next": 1}]
    )
    reply = wire.parse_command_reply(await caller.ask(customer_call("1234", "c")))
    assert isinstance(reply, wire.Refused)
    request_id = await caller.order(customer_call("1234", "c"))
    await told.until_told("c", "cmd_failed")
    (failed,) = told.of("c")
    assert isinstance(failed, wire.CmdFailed)
    assert failed.request_id == request_id


async def test_event_is_dropped(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "event_drop", "event": "call_response"})
    await caller.order(customer_call("1234", "c"))
    await told.until_told("c", "call_terminated")
    assert told.names("c") == ["call_out", "call_terminated"]


async def test_event_is_doubled(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "event_duplicate", "event": "call_out", "extid": "c"})
    await caller.order(customer_call("1234", "c"))
    await told.until_told("c", "call_terminated")
    assert told.names("c")[:2] == ["call_out", "call_out"]


async def test_events_change_places(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "event_reorder", "event": "call_response", "next": 1})
    await caller.order(customer_call("1234", "c"))
    await told.until(lambda: len(told.events) == 3)
    assert told.names("c") == ["call_out", "call_terminated", "call_response"]


async def test_event_comes_late(caller: Caller, told: Listener) -> None:
    fault = {"kind": "event_delay", "event": "call_response", "delay_s": 10, "next": 1}
    await caller.control("faults", fault)
    await caller.order(customer_call("1234", "c"))
    await told.until(lambda: len(told.events) == 3)
    assert told.names("c")[-1] == "call_response"


async def test_fewer_lines_than_promised_fail_the_command(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "lines", "lines": 1})
    await caller.order(customer_call("0733900", "one"))
    await told.until_told("one", "call_response", 2)
    await caller.order(customer_call("0733900", "two"))
    await told.until_told("two", "cmd_failed")
    counters = (await caller.control("counters", method="GET")).json()
    assert counters["lines_high_water"] == {"1": 1}


async def test_dead_telephone_does_not_answer(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "phone_dead", "user": "101"})
    await caller.order(agent_call("a"))
    await told.until_told("a", "call_terminated")
    last = told.of("a")[-1]
    assert isinstance(last, wire.CallTerminated)
    assert last.outcome is wire.CallOutcome.calling_no_answer


async def test_restart_loses_calls_without_a_word_and_comes_back(
    caller: Caller, told: Listener
) -> None:
    await caller.order(customer_call("0733900", "c"))
    await told.until_told("c", "call_response", 2)
    before = len(told.events)
    with pytest.raises(httpx.TransportError):
        await caller.control("faults", {"kind": "restart", "delay_s": 0.1})
    async with asyncio.timeout(5):
        while True:
            try:
                calls = wire.parse_current_calls(await caller.ask(wire.GetCurrentCalls()))
                break
            except httpx.TransportError:
                await asyncio.sleep(0.02)
    assert calls == ()
    assert len(told.events) == before
    assert (await caller.record("c"))["fate"] == "dropped"


async def test_listener_that_fails_loses_events_and_they_are_counted(
    caller: Caller, told: Listener
) -> None:
    told.status = 503
    await caller.order(customer_call("1234", "c"))
    await told.until_told("c", "call_terminated")
    await caller.simulator.drained()
    counters = (await caller.control("counters", method="GET")).json()
    assert counters["deliveries"] == {"refused": 3, "lost": 3}


async def test_events_go_to_every_address(caller: Caller, told: Listener) -> None:
    async with listening() as second:
        await caller.control("events-urls", {"urls": [told.url, second.url]})
        await caller.order(customer_call("1234", "c"))
        await told.until_told("c", "call_terminated")
        await second.until_told("c", "call_terminated")
        await caller.control("events-urls", {"urls": []})


async def test_listener_that_is_away_does_not_stop_the_pbx(caller: Caller) -> None:
    await caller.control("events-urls", {"urls": ["http://127.0.0.1:9/nobody"]})
    await caller.order(customer_call("1234", "c"))
    url = f"{caller.simulator.control_url}/record?format=ndjson&follow=1"
    async with caller.http.stream("GET", url) as response:
        ended = [json.loads(line) async for line in until_ended(response.aiter_lines())]
    assert ended[-1]["outcome"] == "busy"
    await caller.simulator.drained()
    assert caller.simulator.counters()["current_calls"] == 0


async def test_number_does_what_its_script_says_try_by_try(caller: Caller, told: Listener) -> None:
    script = {"number": "555", "behaviour": [{"kind": "busy"}, {"kind": "rejected"}]}
    await caller.control("numbers", script)
    for extid in ("one", "two", "three"):
        await caller.order(customer_call("555", extid))
        await told.until_told(extid, "call_terminated")
    outcomes = [event.outcome for event in told.events if isinstance(event, wire.CallTerminated)]
    assert outcomes == [
        wire.CallOutcome.calling_busy,
        wire.CallOutcome.calling_rejected,
        wire.CallOutcome.calling_rejected,
    ]


async def test_somebody_hangs_up_when_told_to(caller: Caller, told: Listener) -> None:
    await caller.order(customer_call("0733900", "c"))
    await told.until_told("c", "call_response", 2)
    await caller.control("hangup", {"extid": "c", "by": "gateway"})
    await told.until_told("c", "call_terminated")
    assert (await caller.record("c"))["fate"] == "abandoned"


async def test_record_is_followed_line_by_line(caller: Caller) -> None:
    url = f"{caller.simulator.control_url}/record?format=ndjson&follow=1"
    async with caller.http.stream("GET", url) as response:
        await caller.order(customer_call("1234", "c"))
        ended = [json.loads(line) async for line in until_ended(response.aiter_lines())]
    assert ended[-1]["outcome"] == "busy"


async def test_double_dial_is_seen_by_the_record(caller: Caller, told: Listener) -> None:
    for _ in range(2):
        await caller.order(customer_call("0733900", "same"))
    await told.until_told("same", "call_response", 4)
    summary = (await caller.control("record", method="GET")).json()["summary"]
    assert summary["double_dialled"] == 2  # one number twice at once, one extid twice


async def test_reset_makes_a_new_pbx(caller: Caller, told: Listener) -> None:
    await caller.control("faults", {"kind": "html"})
    await caller.control("reset")
    assert (await caller.control("faults", method="GET")).json() == []
    counters = (await caller.control("counters", method="GET")).json()
    assert (counters["calls"], counters["services"]) == (0, {})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "phone_dead", "user": "999"}),
        ("numbers", {"number": "1", "behaviour": []}),
        ("events-urls", {"urls": ["ftp://x"]}),
        ("inbound", {"number": "1234", "called": "99"}),
        ("hangup", {"extid": "nobody"}),
    ],
)
async def test_mistake_in_a_control_is_told(caller: Caller, path: str, body: object) -> None:
    answer = await caller.control(path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_unknown_control_lists_those_that_exist(caller: Caller) -> None:
    answer = await caller.control("nonsense")
    assert answer.status_code == 404
    assert "POST /_control/faults" in answer.json()["controls"]
