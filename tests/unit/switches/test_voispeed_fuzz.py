"""Whatever arrives, in whatever order, is read, refused or left out: nothing breaks on it."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.events import CallJoined, CommandFailed
from dialer.switching import RawEvent
from offhook.api.hooks import MAX_FIELDS, read_query
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.events import CallMemory, LinkFacts, translate
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.switch import UntranslatableEvent, VoispeedSwitch
from offhook.switches.voispeed.wire import CallOutcome, EntityRef, EntityType

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LINK = LinkFacts(dialect=wire.DEFAULT_DIALECT, reception_ivr="1", hold_ivr="2")
EXTIDS = st.sampled_from(["c-1-1", "c-1-2", "c-1-p1", "c-1-p2", "other", ""])
CALLS = st.sampled_from(["10", "20", "30"])
LEGS = st.none() | st.sampled_from(["11", "12", "21"])
WHO = st.none() | st.builds(
    EntityRef, st.sampled_from(list(EntityType)), st.sampled_from(["1", "2", "3", "101"])
)
HEAD = {"call_id": CALLS, "extid": EXTIDS.map(lambda extid: extid or None)}
OUTCOME = st.sampled_from(list(CallOutcome))
EVENTS = st.one_of(
    st.builds(wire.CallOut, **HEAD, called=WHO, entity_call_id=LEGS),
    st.builds(wire.CallProgress, **HEAD, sender=WHO, entity_call_id=LEGS),
    st.builds(
        wire.CallResponse, **HEAD, sender=WHO, connected=WHO, entity_call_id=LEGS, outcome=OUTCOME
    ),
    st.builds(wire.DisconnectIn, **HEAD, sender=WHO, entity_call_id=LEGS),
    st.builds(wire.DisconnectOut, **HEAD, recipient=WHO, entity_call_id=LEGS),
    st.builds(
        wire.CallTransferred, **HEAD, refer_id=st.none() | CALLS, sender=WHO, recipient=WHO,
        recipient_call_id=LEGS,
    ),
    st.builds(wire.CallDiverted, **HEAD, sender=WHO, recipient=WHO),
    st.builds(wire.CallTerminated, **HEAD, outcome=OUTCOME),
    st.builds(wire.CmdFailed, request_id=st.sampled_from(["1", "2"]), extid=HEAD["extid"]),
)  # fmt: skip
NASTY = st.sampled_from(["\x00", "\ud800", "\u202e", "\U0001f600", "%", "&", "=", "+", "\r\n", "é"])
VALUES = st.one_of(st.text(max_size=20), st.lists(NASTY, max_size=5).map("".join))
NAMES = st.one_of(
    st.sampled_from([*map(str, wire.Fact), "event", "event_name", "event_type", "datetime"]), VALUES
)


@pytest.fixture(scope="module")
def switch() -> VoispeedSwitch:
    """An adapter that is never asked for anything over the network."""
    return VoispeedSwitch(
        VoispeedSettings.model_validate(
            {
                "base_url": "http://127.0.0.1:9/seri_endpoint.php",
                "token": "t",
                "reception_ivr": "1",
                "hold_ivr": "2",
            }
        )
    )


@given(st.one_of(st.binary(max_size=300), st.dictionaries(NAMES, VALUES, max_size=5).map(
    lambda fields: urlencode(fields, errors="surrogatepass").encode()
)))  # fmt: skip
def test_query_of_a_hook_is_read_or_empty(query: bytes) -> None:
    read = read_query(query)
    assert len(read) <= MAX_FIELDS
    for name, value in read.items():
        assert name
        assert not any(ord(character) < 32 or ord(character) == 127 for character in name + value)
        (name + value).encode()  # no half characters, which no database would take


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_event_is_filed_and_translated_or_refused(
    switch: VoispeedSwitch, payload: dict[str, str]
) -> None:
    filed = switch.file(payload)
    assert len(filed.correlator) <= 64
    assert filed == switch.file(dict(reversed(payload.items())))
    raw = RawEvent(inbox_id=1, channel="switch:pbx", payload=payload, received_at=AT)
    try:
        meant = switch.translate(raw)
    except UntranslatableEvent:
        return
    assert all(event.kind for event in meant)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=25), st.integers(0, 25))
def test_events_in_any_order_are_understood_whatever_is_forgotten(
    events: list[wire.AnyEvent], restart: int
) -> None:
    memory = CallMemory(limit=2)
    for position, event in enumerate(events):
        if position == restart:
            memory = CallMemory(limit=2)
        for meant in translate(wire.render_event(event), LINK, memory, at=AT):
            if not isinstance(meant, CommandFailed):
                assert getattr(meant, "correlator", "")
            if isinstance(meant, CallJoined):
                assert "-p" not in meant.correlator
                assert meant.address
