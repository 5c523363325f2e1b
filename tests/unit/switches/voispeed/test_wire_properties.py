"""What is rendered is read back the same, and nothing that arrives breaks a reader."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.switches.voispeed import wire

settings.register_profile("wire", max_examples=30, deadline=None)
BRIEFLY = settings.get_profile("wire")

TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc", "Z"]),
    min_size=1,
    max_size=12,
)
st.register_type_strategy(
    wire.EntityRef,
    st.builds(wire.EntityRef, st.sampled_from(wire.EntityType), TEXT),
)
SECONDS = st.integers(0, 10**6).map(lambda value: timedelta(seconds=value))
MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1))  # noqa: DTZ001
st.register_type_strategy(timedelta, SECONDS)
st.register_type_strategy(datetime, MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)))
st.register_type_strategy(int, st.integers(-(10**9), 10**9))


def messages(cls: type[Any], **fixed: Any) -> st.SearchStrategy[Any]:
    """Any message of a class; texts are what survives trimming, unknown fields are in `extra`."""
    parts: dict[str, st.SearchStrategy[Any]] = {}
    for name, hint in typing.get_type_hints(cls).items():
        if name not in {item.name for item in dataclasses.fields(cls)} or name in fixed:
            continue
        if name == "extra":
            parts[name] = st.dictionaries(
                TEXT.map(lambda text: f"x{text.encode().hex()}"), TEXT, max_size=2
            )
            continue
        optional = typing.get_origin(hint) in (typing.Union, types.UnionType)
        kind = (
            next(arg for arg in typing.get_args(hint) if arg is not type(None))
            if optional
            else hint
        )
        strategy = TEXT if kind is str else st.from_type(kind)
        parts[name] = st.none() | strategy if optional else strategy
    return st.builds(cls, **parts, **fixed)


EVENTS = [*wire.USER_EVENTS.values(), *wire.EXTENDED_EVENTS.values()]
RECORDS = [wire.CurrentCall, wire.ReportedCall, wire.UserReportedCall]


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
@BRIEFLY
@given(data=st.data())
def test_event_survives_its_query_string(cls: type[wire.Event], data: st.DataObject) -> None:
    event = data.draw(messages(cls))
    assert wire.parse_event_query(wire.render_event_query(event)) == event
    nameless = wire.render_event(event)
    del nameless["event_name"]
    assert wire.parse_event(nameless) == event


@pytest.mark.parametrize("cls", list(wire.REQUESTS.values()), ids=lambda cls: cls.__name__)
@BRIEFLY
@given(data=st.data())
def test_request_survives_its_parameters(cls: type[wire.Request], data: st.DataObject) -> None:
    request = data.draw(messages(cls))
    params = dict(parse_qsl(urlencode(request.to_params()), keep_blank_values=True))
    assert wire.parse_request(params) == request


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
@BRIEFLY
@given(data=st.data())
def test_call_lists_survive_their_xml(cls: type[Any], data: st.DataObject) -> None:
    calls = tuple(data.draw(st.lists(messages(cls), max_size=3)))
    parse: Any = {
        wire.CurrentCall: wire.parse_current_calls,
        wire.ReportedCall: wire.parse_call_report,
        wire.UserReportedCall: wire.parse_user_call_report,
    }[cls]
    assert parse(wire.render_records(calls)) == calls


SINGLE = {
    wire.EntityType.user: messages(wire.User),
    wire.EntityType.group: messages(
        wire.Group, users=st.lists(messages(wire.GroupMember), max_size=2).map(tuple)
    ),
    wire.EntityType.gateway: messages(wire.Gateway),
    wire.EntityType.ivr: messages(
        wire.Ivr, nodes=st.lists(messages(wire.IvrNode), max_size=2).map(tuple)
    ),
    wire.EntityType.terminal: messages(wire.Device),
    wire.EntityType.voicemail: messages(wire.Voicemail),
    wire.EntityType.park_line: messages(wire.ParkLine),
}


@pytest.mark.parametrize("entity_type", list(SINGLE), ids=lambda kind: kind.name)
@BRIEFLY
@given(data=st.data())
def test_entity_lists_survive_their_xml(entity_type: wire.EntityType, data: st.DataObject) -> None:
    entities = tuple(data.draw(st.lists(SINGLE[entity_type], max_size=3)))
    body = wire.render_entities(entities, entity_type)
    assert wire.parse_entities(body, entity_type) == entities


@BRIEFLY
@given(st.one_of(
    st.builds(wire.Accepted, request_id=TEXT), st.builds(wire.Refused, error=TEXT)
))  # fmt: skip
def test_command_replies_survive_their_xml(reply: wire.Accepted | wire.Refused) -> None:
    assert wire.parse_command_reply(reply.render()) == reply


@BRIEFLY
@given(
    st.lists(messages(wire.Contact), max_size=3),
    messages(
        wire.SyncReport, contacts=st.lists(messages(wire.SyncedContact), max_size=2).map(tuple)
    ),
)
def test_phonebook_replies_survive_their_xml(
    contacts: list[wire.Contact], report: wire.SyncReport
) -> None:
    assert wire.parse_contacts(wire.render_contacts(contacts)) == tuple(contacts)
    read = wire.parse_sync_report(report.render())
    # A contact of which nothing is known leaves no trace on the wire.
    kept = tuple(item for item in report.contacts if item != wire.SyncedContact())
    assert isinstance(read, wire.SyncReport)
    assert [item for item in read.contacts if item != wire.SyncedContact()] == list(kept)
    assert (read.processed, read.skipped) == (report.processed, report.skipped)


@BRIEFLY
@given(
    st.lists(
        messages(
            wire.SyncContact,
            ext_info=st.lists(st.builds(wire.ExtInfo, caption=TEXT, value=TEXT), max_size=2).map(
                tuple
            ),
        ),
        max_size=3,
    )
)
def test_imported_contacts_survive_their_json(contacts: list[wire.SyncContact]) -> None:
    assert wire.parse_sync_contacts(wire.render_sync_contacts(contacts)) == tuple(contacts)


FRAGMENTS = st.lists(
    st.sampled_from([
        "<result>", "</result>", "<outcome>", "0", "1", "</outcome>", "<call>", "</call", "<id>",
        "<users>", "<user>", "<user", "</user _id>", "<contact>", "&amp;", "&", "<!--", "-->",
        "<![CDATA[", "]]>", "<?xml ", "<nodes>", "<node>", "<lines>", "<call/>", ">", "\x00",
    ]),
    max_size=30,
).map("".join)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    FRAGMENTS.map(str.encode),
    FRAGMENTS.map(lambda text: f"<result><outcome>0</outcome>{text}</result>".encode()),
)


@BRIEFLY
@given(BODIES)
def test_no_reply_breaks_a_reader(body: bytes) -> None:
    readers: list[Any] = [
        wire.parse_command_reply, wire.parse_current_calls, wire.parse_call_report,
        wire.parse_user_call_report, wire.parse_contacts, wire.parse_contact_added,
        wire.parse_sync_report,
        *(lambda body, kind=kind: wire.parse_entities(body, kind) for kind in SINGLE),
    ]  # fmt: skip
    for read in readers:
        try:
            read(body)
        except wire.WireError:
            continue


QUERIES = st.one_of(
    st.binary(max_size=120),
    st.text(max_size=80),
    st.dictionaries(
        st.sampled_from([
            "event", "event_type", "event_name", "call_id", "outcome", "datetime", "duration",
            "sender_id", "sender_type", "request_id", "service", "entity_type", "recording",
            "ivrid", "nodeid", "callid", "mode",
        ]),
        st.sampled_from(["", "1", "4", "10", "-1", "1e999", "nan", "inf", "9" * 5000, "call_in",
                         "9999-12-31 23:59:59+00:00", "0001-01-01 00:00:00+23:59", "é",
                         "call_response", "call_action", "get_entities"]),
    ).map(urlencode),
)  # fmt: skip


@BRIEFLY
@given(QUERIES)
def test_no_query_breaks_a_reader(query: str | bytes) -> None:
    text = query if isinstance(query, str) else query.decode("latin-1")
    readers: list[Any] = [
        lambda: wire.parse_event_query(query),
        lambda: wire.parse_request(dict(parse_qsl(text))),
        lambda: wire.parse_script_call(dict(parse_qsl(text))),
        lambda: wire.parse_script_reply(text),
        lambda: wire.parse_sync_contacts(text),
    ]
    for read in readers:
        try:
            read()
        except wire.WireError:
            continue
