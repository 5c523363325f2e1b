"""The guide's examples, retyped as data, are understood as they stand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from offhook.switches.voispeed import wire

FIXTURES = Path(__file__).parents[3] / "contract" / "fixtures" / "voispeed"
REPLIES: dict[str, str] = json.loads((FIXTURES / "replies.json").read_text())


def load(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FIXTURES / name).read_text())
    return rows


@pytest.mark.parametrize("example", load("events.json"), ids=lambda row: row["query"][:60])
def test_event_example_is_typed_with_its_facts(example: dict[str, Any]) -> None:
    event = wire.parse_event_query(example["query"])
    assert type(event).__name__ == example["is"]
    for name in example.keys() - {"query", "is"}:
        assert getattr(event, name) == example[name]


@pytest.mark.parametrize("example", load("requests.json"), ids=lambda row: row["query"][:60])
def test_request_example_renders_back_to_its_parameters(example: dict[str, Any]) -> None:
    params = dict(parse_qsl(example["query"]))
    request = wire.parse_request(params)
    assert type(request).__name__ == example["is"]
    del params["token"]
    params["service"] = example.get("renders_as", params["service"])
    assert request.to_params() == params


def listed(answer: Any) -> tuple[Any, ...]:
    """The items of a list that was not refused."""
    assert not isinstance(answer, wire.Refused)
    items: tuple[Any, ...] = answer
    return items


def reply(name: str) -> bytes:
    return REPLIES[name].encode()


def test_command_reply_tells_accepted_from_refused() -> None:
    assert wire.parse_command_reply(reply("accepted")) == wire.Accepted(request_id="15652770917203")
    assert wire.parse_command_reply(reply("refused")) == wire.Refused(error="connection not found")
    assert wire.parse_command_reply(reply("refused_glued")) == wire.Refused(error="no such user")


def test_every_entity_list_of_the_guide_is_read() -> None:
    (user,) = listed(wire.parse_entities(reply("users"), wire.EntityType.user))
    assert isinstance(user, wire.User)
    assert (user.id, user.av_status) == ("35", wire.AvStatus.available)
    assert user.phrase == "back at & ten"
    first, second = listed(wire.parse_entities(reply("groups"), wire.EntityType.group))
    assert isinstance(first, wire.Group)
    assert [member.extension for member in first.users] == ["35", "36"]
    assert first.ring_mode is wire.GroupRingMode.queue
    assert isinstance(second, wire.Group)
    assert second.users == ()
    (gateway,) = listed(wire.parse_entities(reply("gateways"), wire.EntityType.gateway))
    assert isinstance(gateway, wire.Gateway)
    assert (gateway.lines, gateway.busy_lines) == (30, 4)
    assert gateway.link_status is wire.GatewayStatus.registered
    (device,) = listed(wire.parse_entities(reply("devices"), wire.EntityType.terminal))
    assert isinstance(device, wire.Device)
    assert device.device_type is wire.TerminalType.sip
    (box,) = listed(wire.parse_entities(reply("voicemails"), wire.EntityType.voicemail))
    assert isinstance(box, wire.Voicemail)
    assert box.to_be_listened is True
    (line,) = listed(wire.parse_entities(reply("lines"), wire.EntityType.park_line))
    assert isinstance(line, wire.ParkLine)
    assert line.user_id == "35"
    assert line.parked_at == datetime(2021, 3, 4, 10, 11, 12, tzinfo=UTC)


def test_ivr_list_is_read_although_its_tags_are_not_closed() -> None:
    first, second = listed(wire.parse_entities(reply("ivrs_sloppy"), wire.EntityType.ivr))
    assert isinstance(first, wire.Ivr)
    assert isinstance(second, wire.Ivr)
    assert [node.node_id for node in first.nodes] == ["1", "2"]
    assert first.nodes[0].action is wire.IvrNodeAction.script
    assert (second.id, second.name, len(second.nodes)) == ("10", "hold", 1)


def test_current_calls_are_read_although_their_tags_are_broken() -> None:
    (call,) = listed(wire.parse_current_calls(reply("current_calls")))
    assert isinstance(call, wire.CurrentCall)
    assert call.calling == wire.EntityRef(wire.EntityType.gateway, "4")
    assert call.connected == wire.EntityRef(wire.EntityType.ivr, "9")
    assert (call.call_id, call.extid, call.recording) == ("10724", "a1", False)
    assert call.extra == {}


def test_call_report_is_read_although_its_tags_are_broken() -> None:
    (call,) = listed(wire.parse_call_report(reply("call_report")))
    assert isinstance(call, wire.ReportedCall)
    assert call.outcome is wire.CallOutcome.ok
    assert call.connected == wire.EntityRef(wire.EntityType.user, "35")
    assert call.duration == timedelta(seconds=61)
    assert (call.refer_id, call.connected_number) == ("10725", "35")


def test_user_report_is_read_although_no_tag_in_it_is_closed() -> None:
    first, second = listed(wire.parse_user_call_report(reply("user_call_report")))
    assert isinstance(first, wire.UserReportedCall)
    assert isinstance(second, wire.UserReportedCall)
    assert (first.id, first.call_id, first.local_id, first.company) == ("12", "10724", "78", "Acme")
    assert second.call_id == "10725"


def test_phonebook_replies_are_read() -> None:
    (contact,) = listed(wire.parse_contacts(reply("contact")))
    assert isinstance(contact, wire.Contact)
    assert (contact.surname, contact.is_favourite) == ("Rossi", True)
    assert wire.parse_contact_added(reply("contact_added")) == wire.ContactAdded(contact_id="77")
    report = wire.parse_sync_report(reply("sync"))
    assert isinstance(report, wire.SyncReport)
    assert (report.processed, report.skipped) == (3, 1)
    assert report.contacts[0].act == "insert"


def test_script_hook_example_is_read_and_its_input_is_not_shown() -> None:
    query = (
        "license_id=MP3026487718&domain=almach1.it&ivrid=9&nodeid=0"
        "&callid=10724&calling=35&called=12345&input=1&tag=-1"
    )
    call = wire.parse_script_call(dict(parse_qsl(query)))
    assert (call.ivr_id, call.node_id, call.input, call.script_tag) == ("9", "0", "1", "-1")
    assert "input" not in repr(call)
    assert call.to_params() == dict(parse_qsl(query))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("command=0", wire.EndCall()),
        ("command=1\r\nnode_key=2", wire.NextNode(node_key="2")),
        ("command=2\nrecipient_number=385", wire.TransferToNumber(recipient_number="385")),
        (
            "command=3\nrecipient_number=0733\nrecipient_id=5\nrecipient_type=1",
            wire.TransferToEntity(
                recipient_number="0733", recipient=wire.EntityRef(wire.EntityType.group, "5")
            ),
        ),
        (
            "command=4\naudio_message=new\naudio_loop=0\ninput_length=6\ninput_timeout=30\n"
            "node_action=3\nscript_url='new_url'\ntag=5",
            wire.UpdateNode(
                audio_message="new",
                audio_loop=False,
                input_length=6,
                input_timeout=timedelta(seconds=30),
                node_action=wire.IvrNodeAction.script,
                script_url="new_url",
                script_tag="5",
            ),
        ),
    ],
)
def test_script_reply_example_is_read_and_written(body: str, expected: wire.ScriptReply) -> None:
    assert wire.parse_script_reply(body) == expected
    assert wire.parse_script_reply(wire.render_script_reply(expected)) == expected


def test_script_reply_with_a_line_break_is_refused() -> None:
    with pytest.raises(wire.WireError, match="line break"):
        wire.render_script_reply(wire.NextNode(node_key="1\r\ncommand=0"))


def test_operator_alias_replaces_the_names_of_a_fact() -> None:
    dialect = wire.Dialect.from_config("main", aliases={"entity_call_id": ["leg"]})
    event = wire.parse_event({"event": "3", "call_id": "1", "leg": "7", "local_id": "8"}, dialect)
    assert isinstance(event, wire.CallOut)
    assert event.entity_call_id == "7"
    assert event.extra == {"local_id": "8"}


def test_alias_for_no_fact_is_refused_with_the_choices() -> None:
    with pytest.raises(wire.UnknownFactError, match="entity_call_id"):
        wire.Dialect.from_config("main", aliases={"leg": ["x"]})


def test_operator_renames_parameters_of_one_service_or_of_all() -> None:
    names = {"call_request_ext.ring_timeout": "timeout", "extid": "external_id"}
    dialect = wire.Dialect.from_config("main", parameter_names=names)
    request = wire.CallRequestExt(
        calling=wire.EntityRef(wire.EntityType.gateway, "4"),
        called=wire.EntityRef(wire.EntityType.ivr, "9"),
        extid="a1",
        ring_timeout=timedelta(seconds=25),
    )
    params = request.to_params(dialect)
    assert params["timeout"] == "25"
    assert params["external_id"] == "a1"
    assert wire.parse_request(params, dialect) == request


def test_event_time_without_offset_is_in_the_zone_of_the_link() -> None:
    dialect = wire.Dialect.from_config("main", zone=ZoneInfo("Europe/Rome"))
    event = wire.parse_event(
        {"event": "10", "call_id": "1", "outcome": "1", "datetime": "2026-07-01 12:00:00"}, dialect
    )
    assert isinstance(event, wire.CallTerminated)
    assert event.occurred_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_event_with_a_time_nobody_can_read_keeps_it_as_text() -> None:
    event = wire.parse_event({"event": "3", "call_id": "1", "datetime": "yesterday"})
    assert isinstance(event, wire.CallOut)
    assert event.occurred_at is None
    assert event.extra == {"datetime": "yesterday"}


def test_event_nobody_described_is_kept_whole() -> None:
    params = {"event_name": "call_teleported", "event": "99", "call_id": "1"}
    assert wire.parse_event(params) == wire.UnknownEvent(params=params)


def test_code_outside_a_table_is_kept() -> None:
    outcome = wire.CallOutcome(99)
    assert (outcome.name, int(outcome), outcome.known) == ("unknown_99", 99, False)
    assert wire.CallOutcome.ok.known


def test_missing_fact_is_an_error_with_what_where_and_link() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse_event({"event": "4", "call_id": "1"}, wire.Dialect.from_config("main"))
    assert caught.value.link == "main"
    assert "call_response" in caught.value.where
    assert "outcome" in caught.value.what


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b"<html><body>502</body></html>", "root"),
        (b"upstream error", "not a VOIspeed"),
        (b"<result><outcome>0</outcome><request_", "cut short"),
        (b"<result><request_id>5</request_id></result>", "no outcome"),
        (b"<result><outcome>7</outcome></result>", "neither 0 nor 1"),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><result><outcome>0</outcome></result>', "declared"),
    ],
)
def test_reply_that_is_none_is_an_error(body: bytes, what: str) -> None:
    with pytest.raises(wire.WireError, match=what):
        wire.parse_command_reply(body)


def test_reply_in_latin_1_is_read() -> None:
    body = wire.Refused(error="è giù").render().decode()
    refused = wire.parse_command_reply(body.encode("latin-1"))
    assert refused == wire.Refused(error="è giù")


def test_contacts_of_a_post_are_read_and_bad_ones_marked() -> None:
    contact = wire.SyncContact(
        name="Ada",
        nummobile="+39 333 123",
        uc_app_name="crm",
        uc_external_id="1",
        ext_info=(wire.ExtInfo(caption="Sale", value="1000"),),
    )
    assert wire.parse_sync_contacts(wire.render_sync_contacts([contact])) == (contact,)
    assert wire.parse_sync_contacts('[5, {"name": []}]') == (None, None)
    assert wire.sanitise_number(" +39 (333) 12a3") == "+39333123"
    with pytest.raises(wire.WireError, match="JSON"):
        wire.parse_sync_contacts("{")
