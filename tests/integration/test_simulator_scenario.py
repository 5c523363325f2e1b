"""The guide's predictive scenario, step by step, over real sockets; then the other services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from offhook.simulator.config import GroupConfig, SimulatorConfig
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.serve import Simulator, running_simulator
from offhook.switches.voispeed import wire
from tests.support.voispeed_listener import (
    HOLD,
    RECEPTION,
    Caller,
    Listener,
    agent,
    agent_call,
    customer_call,
    listening,
)

ANSWERS = Behaviour(kind=PersonKind.answer, ring_s=1, talk_s=2, patience_s=600, hangs_up_first=True)
PEOPLE = Population(
    numbers={
        "0733100": [ANSWERS],
        "0733101": [ANSWERS.model_copy(update={"talk_s": 3600, "hangs_up_first": False})],
        "0733200": [Behaviour(kind=PersonKind.busy, ring_s=1)],
        "0733300": [Behaviour(kind=PersonKind.no_answer)],
        "0733400": [ANSWERS.model_copy(update={"patience_s": 1})],
    }
)
CONFIG = SimulatorConfig(
    speed=20, population=PEOPLE, groups=(GroupConfig(id="7", name="sales", users=("102", "103")),)
)


@dataclass(frozen=True)
class Scene:
    sim: Simulator
    told: Listener
    caller: Caller


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with listening() as told, httpx.AsyncClient(timeout=5) as http:
        config = CONFIG.model_copy(update={"events_urls": (told.url,)})
        async with running_simulator(config) as sim:
            yield Scene(sim, told, Caller(http, sim))


async def park(scene: Scene, extid: str = "agent") -> wire.CallOut:
    """An agent on the line, listening to the hold IVR."""
    await scene.caller.order(agent_call(extid))
    await scene.told.until_told(extid, "call_response", 2)
    return call_out(scene, extid, wire.EntityType.user)


def call_out(scene: Scene, extid: str, kind: wire.EntityType) -> wire.CallOut:
    return next(
        event
        for event in scene.told.of(extid)
        if isinstance(event, wire.CallOut) and event.called and event.called.type is kind
    )


def joining(ivr: wire.CallOut, user: wire.CallOut) -> wire.CallTransferExt:
    assert ivr.called
    assert user.called
    assert ivr.entity_call_id
    assert user.entity_call_id
    return wire.CallTransferExt(
        replace_com_id=ivr.call_id,
        replace=ivr.called,
        replace_local_id=ivr.entity_call_id,
        recipient_com_id=user.call_id,
        recipient=user.called,
        recipient_call_id=user.entity_call_id,
    )


async def test_simulator_plays_the_predictive_scenario_of_the_guide(scene: Scene) -> None:
    caller, told = scene.caller, scene.told
    (gateway,) = wire.parse_entities(
        await caller.ask(wire.GetEntities(entity_type=wire.EntityType.gateway)),
        wire.EntityType.gateway,
    )  # type: ignore[misc]  # a refusal would fail the unpacking
    assert isinstance(gateway, wire.Gateway)
    assert (gateway.lines, gateway.busy_lines) == (30, 0)
    user = await park(scene)
    await caller.order(customer_call("0733100", "customer"))
    await told.until_told("customer", "call_response", 2)
    assert told.names("customer") == [
        "call_out",
        "call_progress",
        "call_response",
        "call_out",
        "call_response",
    ]
    ivr = call_out(scene, "customer", wire.EntityType.ivr)
    await caller.order(joining(ivr, user))
    await told.until_told("customer", "call_terminated")
    assert told.names("customer")[5:] == [
        "disconnect_out",
        "call_transfer",
        "disconnect_in",
        "disconnect_out",
        "call_terminated",
    ]
    assert told.names("agent")[-2:] == ["disconnect_out", "call_terminated"]
    moved = next(event for event in told.events if isinstance(event, wire.CallTransferred))
    assert (moved.call_id, moved.refer_id) == (ivr.call_id, user.call_id)
    assert (moved.sender, moved.recipient) == (RECEPTION, agent())
    record = await caller.record("customer")
    assert (record["fate"], record["joined_with"], record["ended_by"]) == (
        "joined",
        "user:101",
        "customer",
    )


async def test_busy_number_is_told_with_the_code_of_the_calling_side(scene: Scene) -> None:
    await scene.caller.order(customer_call("0733200", "c"))
    await scene.told.until_told("c", "call_terminated")
    outcomes = [
        event.outcome
        for event in scene.told.of("c")
        if isinstance(event, wire.CallResponse | wire.CallTerminated)
    ]
    assert outcomes == [wire.CallOutcome.calling_busy, wire.CallOutcome.calling_busy]


async def test_unanswered_number_rings_out_at_the_timeout_asked_for(scene: Scene) -> None:
    await scene.caller.order(customer_call("0733300", "c", ring_timeout=timedelta(seconds=2)))
    await scene.told.until_told("c", "call_terminated")
    last = scene.told.of("c")[-1]
    assert isinstance(last, wire.CallTerminated)
    assert last.outcome is wire.CallOutcome.calling_no_answer


async def test_customer_who_waits_too_long_hangs_up(scene: Scene) -> None:
    await scene.caller.order(customer_call("0733400", "c"))
    await scene.told.until_told("c", "call_terminated")
    assert (await scene.caller.record("c"))["fate"] == "abandoned"


async def test_wrong_ids_in_a_transfer_fail_the_command_and_move_nobody(scene: Scene) -> None:
    user = await park(scene)
    await scene.caller.order(customer_call("0733101", "c"))
    await scene.told.until_told("c", "call_response", 2)
    ivr = call_out(scene, "c", wire.EntityType.ivr)
    good = joining(ivr, user)
    wrong = wire.CallTransferExt(
        replace_com_id=good.replace_com_id,
        replace=good.replace,
        replace_local_id="1",
        recipient_com_id=good.recipient_com_id,
        recipient=good.recipient,
        recipient_call_id=good.recipient_call_id,
    )
    request_id = await scene.caller.order(wrong)
    await scene.told.until(
        lambda: any(
            isinstance(event, wire.CmdFailed) and event.request_id == request_id
            for event in scene.told.events
        )
    )
    calls = wire.parse_current_calls(await scene.caller.ask(wire.GetCurrentCalls()))
    assert not isinstance(calls, wire.Refused)
    assert {call.extid: call.connected for call in calls} == {"c": RECEPTION, "agent": HOLD}


async def test_orders_that_cannot_be_done_are_accepted_and_fail_later(scene: Scene) -> None:
    nobody = wire.CallTerminate(call_id="1")
    no_such_ivr = customer_call("0733100", "x", called=wire.EntityRef(wire.EntityType.ivr, "99"))
    bad_number = customer_call("not-a-number", "y")
    ids = [await scene.caller.order(order) for order in (nobody, no_such_ivr, bad_number)]
    await scene.told.until(lambda: len(scene.told.events) == 3)
    failed = {
        event.request_id: event.error
        for event in scene.told.events
        if isinstance(event, wire.CmdFailed)
    }
    assert [failed[request_id] for request_id in ids] == [
        "communication not found",
        "ivr not found",
        "bad number",
    ]


async def test_call_is_diverted_recorded_and_terminated(scene: Scene) -> None:
    await scene.caller.order(customer_call("0733101", "c"))
    await scene.told.until_told("c", "call_response", 2)
    call_id = call_out(scene, "c", wire.EntityType.ivr).call_id
    await scene.caller.order(wire.CallRecordingExt(call_id=call_id, active=True))
    await scene.caller.order(wire.CallDivertExt(call_id=call_id, recipient=agent("102")))
    await scene.told.until_told("c", "call_response", 3)
    assert scene.told.names("c")[5:] == [
        "disconnect_out",
        "call_out",
        "call_divert",
        "call_progress",
        "call_response",
    ]
    (call,) = wire.parse_current_calls(await scene.caller.ask(wire.GetCurrentCalls()))  # type: ignore[misc]  # a refusal would fail the unpacking
    assert isinstance(call, wire.CurrentCall)
    assert (call.connected, call.recording) == (agent("102"), True)
    await scene.caller.order(wire.CallTerminate(call_id=call_id))
    await scene.told.until_told("c", "call_terminated")
    report = wire.parse_call_report(await scene.caller.ask(wire.GetCallReport(extid="c")))
    assert not isinstance(report, wire.Refused)
    assert [(row.call_id, row.connected) for row in report] == [(call_id, agent("102"))]
    assert (await scene.caller.record("c"))["ended_by"] == "application"


async def test_message_ivr_plays_and_hangs_up(scene: Scene) -> None:
    message = wire.EntityRef(wire.EntityType.ivr, "3")
    await scene.caller.order(customer_call("0733101", "c"))
    await scene.told.until_told("c", "call_response", 2)
    call_id = call_out(scene, "c", wire.EntityType.ivr).call_id
    await scene.caller.order(wire.CallDivertExt(call_id=call_id, recipient=message))
    await scene.told.until_told("c", "call_terminated")
    record = await scene.caller.record("c")
    assert (record["fate"], record["ended_by"]) == ("message", "pbx")


async def test_user_calls_a_number_and_events_of_the_extension_follow(scene: Scene) -> None:
    await scene.caller.order(wire.CallRequest(ext="201", number="0733100", extid="u"))
    await scene.told.until(
        lambda: any(isinstance(event, wire.CallDisconnectIn) for event in scene.told.events)
    )
    mine = [event for event in scene.told.of("u") if isinstance(event, wire.UserEvent)]
    assert [event.code.name for event in mine] == [
        "outgoing_call",
        "call_answered",
        "call_disconnect_in",
    ]
    assert {(event.ext, event.number) for event in mine} == {("201", "0733100")}
    report = wire.parse_user_call_report(
        await scene.caller.ask(wire.GetUserCallReport(ext="201", limit=1))
    )
    assert not isinstance(report, wire.Refused)
    assert [row.remote_number for row in report] == ["0733100"]


async def test_user_holds_takes_back_and_ends_a_call(scene: Scene) -> None:
    await scene.caller.order(wire.CallRequest(ext="201", number="0733101", extid="u"))
    await scene.told.until_told("u", "call_answered")
    call_id = next(
        event.call_id for event in scene.told.of("u") if isinstance(event, wire.CallAnswered)
    )
    assert call_id
    for action in ("hold", "retrieve", "disconnect"):
        await scene.caller.order(wire.CallActionRequest(ext="201", call_id=call_id, action=action))
    await scene.told.until_told("u", "call_disconnect_out")
    names = scene.told.names("u")
    assert names.index("call_held") < names.index("call_retrieved")


async def test_user_who_does_not_want_calls_is_not_rung(scene: Scene) -> None:
    mode = wire.SetUserMode(ext="201", mode=wire.UserMode.do_not_disturb)
    await scene.caller.order(mode)
    (user, *_) = wire.parse_entities(
        await scene.caller.ask(wire.GetEntities(entity_type=wire.EntityType.user)),
        wire.EntityType.user,
    )  # type: ignore[misc]  # a refusal would fail the unpacking
    assert isinstance(user, wire.User)
    assert user.av_status is wire.AvStatus.do_not_disturb
    await scene.caller.order(agent_call("a"))
    await scene.told.until_told("a", "call_terminated")
    assert "call_progress" not in scene.told.names("a")


async def test_call_to_a_group_is_connected_to_a_member(scene: Scene) -> None:
    group = wire.EntityRef(wire.EntityType.group, "7")
    await scene.caller.order(customer_call("0733101", "c", called=group))
    await scene.told.until_told("c", "call_response", 2)
    last = scene.told.of("c")[-1]
    assert isinstance(last, wire.CallResponse)
    assert (last.called, last.connected) == (group, agent("102"))


async def test_every_list_is_told_and_unknown_ones_refused(scene: Scene) -> None:
    for kind in wire.LISTED_TYPES:
        body = await scene.caller.ask(wire.GetEntities(entity_type=kind, owner_id="101"))
        listed = wire.parse_entities(body, kind)
        assert not isinstance(listed, wire.Refused)
        empty = kind in (wire.EntityType.voicemail, wire.EntityType.park_line)
        assert bool(listed) is not empty
    rooms = wire.GetEntities(entity_type=wire.EntityType.meeting_room)
    assert isinstance(wire.parse_command_reply(await scene.caller.ask(rooms)), wire.Refused)


async def test_wrong_token_and_wrong_parameters_are_refused(scene: Scene) -> None:
    for params in (
        {"service": "get_current_calls", "token": "wrong"},
        {"service": "make_coffee", "token": "simulator"},
        {"service": "call_terminate", "token": "simulator"},
    ):
        response = await scene.caller.http.get(scene.sim.url, params=params)
        assert isinstance(wire.parse_command_reply(response.content), wire.Refused)


async def test_phonebook_is_kept_and_synchronised_without_doubles(scene: Scene) -> None:
    caller = scene.caller
    added = wire.parse_contact_added(await caller.ask(wire.AddPhonebook(name="Ada", office="1")))
    assert isinstance(added, wire.ContactAdded)
    await caller.ask(wire.UpdatePhonebook(contact_id=added.contact_id, surname="Rossi"))
    people = [
        wire.SyncContact(name="Bob", nummobile="+39 1", uc_app_name="crm", uc_external_id="1"),
        wire.SyncContact(name="No Number", uc_app_name="crm", uc_external_id="2"),
    ]
    for act in ("insert", "update"):
        content_type, body = wire.render_multipart(people, boundary="b0undary")
        params = wire.PhonebookImportSync(verbose_output=True).to_params()
        response = await caller.http.post(
            scene.sim.url,
            params={**params, "token": "simulator"},
            content=body,
            headers={"Content-Type": content_type},
        )
        report = wire.parse_sync_report(response.content)
        assert isinstance(report, wire.SyncReport)
        assert (report.processed, report.skipped, report.warnings) == (2, 1, 1)
        assert report.contacts[0].act == act
    found = wire.parse_contacts(await caller.ask(wire.GetPhonebook(search="o")))
    assert not isinstance(found, wire.Refused)
    assert {(contact.name, contact.surname) for contact in found} == {
        ("Ada", "Rossi"),
        ("Bob", None),
    }
    delete = wire.DeletePhonebook(app_name="crm", external_contact_id="1")
    assert isinstance(wire.parse_command_reply(await caller.ask(delete)), wire.Accepted)
    assert isinstance(wire.parse_command_reply(await caller.ask(delete)), wire.Refused)


async def test_person_outside_calls_in(scene: Scene) -> None:
    answer = await scene.caller.control(
        "inbound", {"number": "0733101", "called": "1", "called_number": "0800"}
    )
    call_id = answer.json()["call_id"]
    await scene.told.until(lambda: len(scene.told.events) == 3)
    first = scene.told.events[0]
    assert isinstance(first, wire.CallIn)
    assert (first.call_id, first.calling_number) == (call_id, "0733101")
