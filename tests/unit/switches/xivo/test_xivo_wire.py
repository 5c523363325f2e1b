"""XiVO xuc on the wire: the document's messages, round trips, and whatever else may come."""

import json
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_events as ev
from tests.unit.switches.xivo.examples import COMMANDS, CONTENTS, MESSAGES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def values(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any valid object of a wire model, without fields that nobody knows."""
    return st.builds(
        model.model_validate,
        st.fixed_dictionaries(
            {
                name: _of(field.annotation)
                for name, field in model.model_fields.items()
                if field.is_required()
            },
            optional={
                name: _of(field.annotation)
                for name, field in model.model_fields.items()
                if not field.is_required()
            },
        ),
    )


def _of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation is Any:
        return st.none() | TEXT
    if annotation is str:
        return TEXT
    if annotation is int:
        return st.integers(-(2**31), 2**31)
    if annotation is float:
        return st.floats(-1e6, 1e6)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return values(annotation)
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin is tuple:
        return st.lists(_of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXT, TEXT, max_size=2)
    if arguments:
        return st.one_of(*(_of(argument) for argument in arguments))
    return st.none() if annotation is type(None) else st.from_type(annotation)


@pytest.mark.parametrize("text", MESSAGES)
def test_message_of_the_document_is_known_and_renders_as_it_came(text: str) -> None:
    event = wire.parse_message(text)
    assert isinstance(event, wire.Event)
    assert json.loads(wire.render_event(event)) == json.loads(text)


@pytest.mark.parametrize(("model", "content"), CONTENTS)
def test_content_of_the_document_renders_as_it_came(
    model: type[wire.Event], content: object
) -> None:
    event = wire.parse_content(model, content)
    rendered = json.loads(wire.render_event(event))
    assert rendered["msgType"] == model.name
    wanted = [content] if model.listed and not isinstance(content, list) else content
    assert rendered["ctiMessage"] == wanted


@pytest.mark.parametrize("message", COMMANDS)
def test_command_of_the_vendors_client_renders_as_it_came(message: dict[str, Any]) -> None:
    command = wire.parse_command(json.dumps(message))
    assert isinstance(command, wire.Command)
    assert json.loads(wire.render_command(command)) == message


@given(st.sampled_from(sorted(wire.EVENTS)).flatmap(lambda name: values(wire.EVENTS[name])))
def test_event_survives_rendering_and_parsing(event: wire.Event) -> None:
    assert wire.parse_message(wire.render_event(event)) == event


@given(st.sampled_from(sorted(wire.COMMANDS)).flatmap(lambda name: values(wire.COMMANDS[name])))
def test_command_survives_rendering_and_parsing(command: wire.Command) -> None:
    assert wire.parse_command(wire.render_command(command)) == command


def test_every_command_of_the_document_and_those_about_groups_are_known() -> None:
    told = {message["command"] for message in COMMANDS}
    assert told == set(wire.COMMANDS)


def test_unknown_fields_are_kept() -> None:
    text = '{"msgType":"QueueMember","ctiMessage":{"agentId":1,"queueId":2,"penalty":3,"new":[4]}}'
    event = wire.parse_message(text)
    assert isinstance(event, ev.QueueMember)
    assert json.loads(wire.render_event(event)) == json.loads(text)


def test_unknown_messages_are_kept_whole() -> None:
    event = wire.parse_message('{"msgType":"FlashTextEvent","ctiMessage":{"a":[1,null]}}')
    assert event == wire.UnknownEvent(msg_type="FlashTextEvent", content={"a": [1, None]})
    command = wire.parse_command('{"claz":"web","command":"sendDtmf","key":"1"}')
    assert command == wire.UnknownCommand(command="sendDtmf", fields={"key": "1"})


def test_signs_of_life_are_told_apart() -> None:
    assert isinstance(wire.parse_message(wire.PING), wire.Ping)
    assert isinstance(wire.parse_command(wire.PING), wire.Ping)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "no msgType"),
        ('{"msgType":7}', "no msgType"),
        ('{"msgType":"PhoneEvent","ctiMessage":[]}', "its content"),
        ('{"msgType":"PhoneEvent","ctiMessage":{"DN":"1"}}', "eventType"),
        ('{"msgType":"QueueList","ctiMessage":[{"id":"x"}]}', "queues.0"),
    ],
)
def test_malformed_message_says_what_where_and_which_link(text: str, why: str) -> None:
    with pytest.raises(wire.WireError, match=why) as caught:
        wire.parse_message(text, link="paris")
    assert "link paris" in str(caught.value)
    assert caught.value.code == "xivo_malformed_message"


def test_malformed_message_never_repeats_what_was_sent() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse_message('{"msgType":"QueueMember","ctiMessage":{"agentId":"+33612345678"}}')
    assert "612345678" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from([*sorted(wire.EVENTS), "Other"]), JSON)
def test_whatever_is_told_is_read_or_refused(name: str, content: object) -> None:
    text = json.dumps({"msgType": name, "ctiMessage": content})
    try:
        event = wire.parse_message(text)
    except wire.WireError:
        return
    assert isinstance(event, wire.Event | wire.UnknownEvent)


@given(st.text(max_size=60) | JSON.map(json.dumps))
def test_whatever_is_asked_is_read_or_refused(text: str) -> None:
    for read in (wire.parse_command, wire.parse_message):
        try:
            found = read(text)
        except wire.WireError:
            continue
        assert isinstance(found, wire.Wire)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(wire.WireError):
        wire.parse_message('{"msgType":"Sheet","ctiMessage":' + "[" * 200_000)


def test_one_callback_list_alone_is_taken_as_a_list_of_one() -> None:
    event = wire.parse_content(cb.CallbackLists, {"uuid": "u", "name": "n", "queueId": 1})
    assert isinstance(event, cb.CallbackLists)
    assert [listed.uuid for listed in event.lists] == ["u"]


def test_optional_arguments_are_left_out() -> None:
    assert "reason" not in wire.render_command(cmd.PauseAgent(agent_id=1))
    assert "uniqueId" not in wire.render_command(cmd.Hangup())
