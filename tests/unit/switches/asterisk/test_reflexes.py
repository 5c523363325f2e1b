"""What must follow an event at once."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.reflexes import Reflexes
from offhook.switches.asterisk.wire_requests import Request
from tests.unit.switches.asterisk.ari import (
    AGENT,
    ATTEMPT,
    CUSTOMER,
    DIVERTED,
    NAMES,
    bridge,
    channel,
    event,
)

FOREIGN = "1700000000.1"


def after(*events: wire.Event, music: str | None = None) -> list[Request]:
    reflexes = Reflexes(NAMES, parking_music=music)
    return [
        request for each in events for reflex in reflexes.after(each) for request in reflex.requests
    ]


def repairs(channels: list[dict[str, object]], bridges: list[dict[str, object]]) -> list[Request]:
    found = Reflexes(NAMES).repairs(
        [wire.Channel.model_validate(one) for one in channels],
        [wire.Bridge.model_validate(one) for one in bridges],
    )
    return [request for reflex in found for request in reflex.requests]


def test_agent_who_answers_goes_into_a_bridge_of_his_own() -> None:
    answers = event("StasisStart", channel=channel(AGENT), args=["agent", "PJSIP/agent1"])
    assert after(answers) == [
        wire_requests.make_bridge(AGENT, name="PJSIP/agent1"),
        wire_requests.add_channel(AGENT, AGENT),
    ]
    assert after(answers, music="default")[2:] == [
        wire_requests.start_music(AGENT, music="default")
    ]


def test_diverted_agent_who_answers_goes_to_the_customer() -> None:
    answers = event("StasisStart", channel=channel(DIVERTED), args=["diverted", "PJSIP/agent2"])
    assert after(answers) == [wire_requests.add_channel(DIVERTED, DIVERTED)]


def test_customer_whose_agent_left_is_let_go() -> None:
    left = event("ChannelLeftBridge", channel=channel(AGENT), bridge=bridge(AGENT, CUSTOMER))
    assert after(left) == [wire_requests.hang_up(CUSTOMER)]


def test_agent_whose_customer_left_stays_in_his_bridge() -> None:
    left = event("ChannelLeftBridge", channel=channel(CUSTOMER), bridge=bridge(AGENT, AGENT))
    assert after(left) == []


def test_diverted_agent_whose_customer_left_is_let_go() -> None:
    left = event("ChannelLeftBridge", channel=channel(CUSTOMER), bridge=bridge(DIVERTED, DIVERTED))
    assert after(left) == [wire_requests.hang_up(DIVERTED)]


def test_empty_bridge_is_taken_apart() -> None:
    left = event("ChannelLeftBridge", channel=channel(AGENT), bridge=bridge(AGENT))
    assert after(left) == [wire_requests.destroy_bridge(AGENT)]


def test_customer_who_heard_the_message_is_let_go() -> None:
    playback = {"id": NAMES.message(ATTEMPT), "state": "done"}
    assert after(event("PlaybackFinished", playback=playback)) == [wire_requests.hang_up(CUSTOMER)]


def test_other_playbacks_end_nothing() -> None:
    for identifier in (FOREIGN, f"{CUSTOMER}.prompt"):
        playback = {"id": identifier, "state": "done"}
        assert after(event("PlaybackFinished", playback=playback)) == []


def test_agent_who_rings_for_a_customer_who_is_gone_is_let_go() -> None:
    rings = event("ChannelCreated", channel=channel(DIVERTED, "Down"))
    gone = event("ChannelDestroyed", channel=channel(CUSTOMER), cause=16)
    assert after(rings, gone) == [wire_requests.hang_up(DIVERTED)]
    over = event("ChannelDestroyed", channel=channel(DIVERTED, "Down"), cause=17)
    assert after(rings, over, gone) == []


def test_repair_parks_an_agent_who_was_left_in_the_application() -> None:
    waits = channel(AGENT, app_data="offhook,agent,PJSIP/agent1")
    assert repairs([waits], [])[:2] == [
        wire_requests.make_bridge(AGENT, name="PJSIP/agent1"),
        wire_requests.add_channel(AGENT, AGENT),
    ]
    assert repairs([waits], [bridge(AGENT, AGENT)]) == []


def test_repair_lets_go_whom_an_agent_left_and_takes_empty_bridges_apart() -> None:
    customer = channel(CUSTOMER, app_data="offhook,customer")
    assert repairs([customer], [bridge(AGENT, CUSTOMER)]) == [wire_requests.hang_up(CUSTOMER)]
    assert repairs([], [bridge(AGENT)]) == [wire_requests.destroy_bridge(AGENT)]


@given(
    st.lists(st.sampled_from([FOREIGN, "other.spring-1-1", "offhookx.spring-1-p1"]), max_size=4),
    st.sampled_from(["ChannelCreated", "StasisStart", "ChannelEnteredBridge", "ChannelLeftBridge",
                     "ChannelDestroyed"]),
)  # fmt: skip
def test_nothing_foreign_is_ever_touched(foreign: list[str], kind: str) -> None:
    for identifier in foreign:
        happened = event(kind, channel=channel(identifier), bridge=bridge("x", *foreign))
        assert after(happened, music="default") == []
    channels = [channel(one, app_data="other,agent,PJSIP/x") for one in foreign]
    assert repairs(channels, [bridge(one) for one in foreign]) == []
