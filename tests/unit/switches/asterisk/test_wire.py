"""ARI's messages: what is kept, what is refused, and what ends mean."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.outcomes import Outcome
from offhook.switches.asterisk import wire, wire_causes, wire_requests
from tests.unit.switches.asterisk.ari import CUSTOMER, STAMP, channel, event

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(["channel", "bridge", "peer", "playback", "recording", "args", "cause",
                          "timestamp", "application", "soft", "tech_cause"])  # fmt: skip


def read(text: str | bytes) -> wire.Event | wire.WireError:
    try:
        return wire.parse_event(text, "pbx")
    except wire.WireError as error:
        return error


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_is_an_event_or_an_error_of_the_wire(text: str | bytes) -> None:
    found = read(text)
    assert found.type if isinstance(found, wire.Event) else "pbx" in str(found)


@settings(max_examples=50)
@given(kind=st.sampled_from(sorted(wire.EVENTS)), fields=st.dictionaries(FIELDS, JSON, max_size=5))
def test_event_with_any_fields_is_read_or_an_error_of_the_wire(
    kind: str, fields: dict[str, Any]
) -> None:
    found = read(json.dumps({"type": kind, **fields}))
    if isinstance(found, wire.WireError):
        assert found.where.startswith("event")
    else:
        assert type(found) is wire.EVENTS[kind]


@settings(max_examples=50)
@given(st.dictionaries(st.text(min_size=1, max_size=12), JSON, max_size=6))
def test_event_of_an_unknown_type_keeps_all_that_it_says(fields: dict[str, Any]) -> None:
    document = {k: v for k, v in fields.items() if k not in ("timestamp", "application")}
    document["type"] = "ChannelLevitated"
    found = wire.parse_event(json.dumps(document))
    assert type(found) is wire.Event
    kept = found.model_dump()
    assert {name: kept[name] for name in document} == document


def test_unknown_fields_of_a_known_event_are_kept() -> None:
    found = event("StasisStart", channel={**channel(CUSTOMER), "tenantid": "7"}, args=["customer"])
    assert isinstance(found, wire.StasisStart)
    assert (found.channel.model_extra or {})["tenantid"] == "7"
    assert found.timestamp is not None
    assert found.timestamp.isoformat() == STAMP.replace("163+0000", "163000+00:00")


def test_event_that_is_too_long_is_refused() -> None:
    with pytest.raises(wire.WireError, match="longer"):
        wire.parse_event(" " * (wire.MAX_EVENT + 1))


@pytest.mark.parametrize(
    ("cause", "sip", "rang", "outcome"),
    [
        (17, 486, True, Outcome.busy),
        (1, 404, False, Outcome.invalid),
        (21, 603, False, Outcome.rejected),
        (19, 480, True, Outcome.no_answer),
        (19, 480, False, Outcome.unavailable),
        (34, 503, False, Outcome.failed),
        (0, 408, False, Outcome.no_answer),
        (17, None, False, Outcome.busy),
        (0, None, True, Outcome.no_answer),
        (20, None, False, Outcome.unavailable),
        (16, None, True, None),
        (31, 487, True, None),
    ],
)
def test_end_of_an_unanswered_call_means(
    cause: int, sip: int | None, rang: bool, outcome: Outcome | None
) -> None:
    assert wire_causes.outcome(cause, sip, rang=rang) is outcome


@given(st.integers(0, 200), st.none() | st.integers(0, 999), st.booleans())
def test_own_ring_timer_is_no_answer_whatever_the_cause(
    cause: int, sip: int | None, rang: bool
) -> None:
    found = wire_causes.outcome(cause, sip, rang=rang, timed_out=True)
    assert found is Outcome.no_answer
    assert wire_causes.outcome(cause, sip, rang=rang) is not Outcome.answered


@given(st.text(min_size=1, max_size=40))
def test_any_id_stays_one_segment_of_a_path(identifier: str) -> None:
    try:
        identifier.encode()
    except UnicodeEncodeError:
        return
    path = wire_requests.hang_up(identifier).path
    assert path.count("/") == 2
    assert not set(path) & set("?# ")


def test_number_of_a_customer_is_in_no_path() -> None:
    request = wire_requests.Originate(
        channel_id=CUSTOMER,
        endpoint="PJSIP/+390733000001@carrier",
        app="offhook",
        args="customer",
        timeout=timedelta(seconds=0.2),
        caller_id="+39070",
    ).request()
    assert "0733" not in request.path
    document = json.loads(request.body or b"")
    assert (document["timeout"], document["callerId"]) == (1, "+39070")


def test_channel_that_begins_in_the_dialplan_takes_along_what_the_application_is_told() -> None:
    request = wire_requests.Originate(
        channel_id=CUSTOMER,
        endpoint="PJSIP/anna",
        app="offhook",
        args="agent,PJSIP/anna",
        timeout=timedelta(seconds=20),
        variables={"A": "b"},
        hold=wire_requests.Place(context="hold", extension="agent"),
    ).request()
    document = json.loads(request.body or b"")
    assert (document["context"], document["extension"]) == ("hold", "agent")
    assert document["variables"] == {"A": "b", "OFFHOOK_ARGS": "agent,PJSIP/anna"}
    assert not {"app", "appArgs"} & set(document)
