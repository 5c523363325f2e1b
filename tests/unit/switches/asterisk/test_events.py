"""What events of Asterisk mean to dialing."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandFailed,
    EndedBy,
    SwitchEvent,
)
from dialer.outcomes import Outcome
from offhook.switches.asterisk import wire
from offhook.switches.asterisk.events import CallMemory, translate
from tests.unit.switches.asterisk.ari import (
    AGENT,
    AT,
    ATTEMPT,
    CUSTOMER,
    DIVERTED,
    NAMES,
    PARK,
    bridge,
    channel,
    event,
)


def told(*events: wire.Event, memory: CallMemory | None = None) -> list[SwitchEvent]:
    notes = memory or CallMemory()
    return [one for each in events for one in translate(each, NAMES, notes, at=AT)]


def kinds(events: list[SwitchEvent]) -> list[type[SwitchEvent]]:
    return [type(one) for one in events]


RINGS = event("ChannelStateChange", channel=channel(CUSTOMER, "Ringing"))
PROGRESS = event("Dial", peer=channel(CUSTOMER, "Down"), dialstatus="PROGRESS")
COMES = event("StasisStart", channel=channel(CUSTOMER), args=["customer"])
PARKS = event("ChannelEnteredBridge", channel=channel(AGENT), bridge=bridge(AGENT, AGENT))
JOINS = event(
    "ChannelEnteredBridge", channel=channel(CUSTOMER), bridge=bridge(AGENT, CUSTOMER, AGENT)
)
GONE = event("ChannelDestroyed", channel=channel(CUSTOMER), cause=16, cause_txt="Normal Clearing")


def test_customers_call_is_told_step_by_step() -> None:
    said = told(
        event("ChannelCreated", channel=channel(CUSTOMER, "Down")),
        RINGS,
        event("ChannelStateChange", channel=channel(CUSTOMER)),
        COMES,
    )
    assert kinds(said) == [CallStarted, CallRinging, CallAnswered, CallHeld]
    assert {one.correlator for one in said if not isinstance(one, CommandFailed)} == {ATTEMPT}  # type: ignore[union-attr]


def test_early_media_rings_once() -> None:
    assert kinds(told(PROGRESS, RINGS, PROGRESS)) == [CallRinging]


def test_agent_is_held_when_he_is_in_his_bridge_and_only_then() -> None:
    waits = event("StasisStart", channel=channel(AGENT), args=["agent", "PJSIP/agent1"])
    assert told(waits) == []
    (held,) = told(PARKS)
    assert isinstance(held, CallHeld)
    assert (held.correlator, held.call.leg) == (PARK, AGENT)


def test_customer_in_an_agents_bridge_is_joined_with_his_address() -> None:
    (joined,) = told(JOINS)
    assert isinstance(joined, CallJoined)
    assert (joined.correlator, joined.address) == (ATTEMPT, "PJSIP/agent1")


def test_diverted_agent_joins_the_customer_who_waits() -> None:
    both = bridge(DIVERTED, CUSTOMER, DIVERTED, name="PJSIP/agent2")
    (joined,) = told(event("ChannelEnteredBridge", channel=channel(DIVERTED), bridge=both))
    assert isinstance(joined, CallJoined)
    assert (joined.correlator, joined.address) == (ATTEMPT, "PJSIP/agent2")


def test_end_names_the_customer_who_hung_up() -> None:
    (ended,) = told(event("ChannelHangupRequest", channel=channel(CUSTOMER)), GONE)
    assert isinstance(ended, CallEnded)
    assert (ended.by, ended.outcome) == (EndedBy.customer, Outcome.answered)


def test_end_names_the_agent_who_left_a_customer_behind() -> None:
    left = event("ChannelLeftBridge", channel=channel(AGENT), bridge=bridge(AGENT, CUSTOMER))
    let_go = event("ChannelHangupRequest", channel=channel(CUSTOMER), cause=32, soft=True)
    (ended,) = told(left, let_go, GONE)
    assert isinstance(ended, CallEnded)
    assert ended.by is EndedBy.agent


def test_end_without_its_history_is_by_nobody_known() -> None:
    (ended,) = told(GONE)
    assert isinstance(ended, CallEnded)
    assert (ended.by, ended.outcome) == (EndedBy.unknown, Outcome.answered)


def test_cancelled_call_says_nothing_of_the_number() -> None:
    soft = event("ChannelHangupRequest", channel=channel(CUSTOMER, "Ringing"), soft=True)
    gone = event("ChannelDestroyed", channel=channel(CUSTOMER, "Ringing"), cause=16)
    (ended,) = told(soft, gone)
    assert isinstance(ended, CallEnded)
    assert (ended.by, ended.outcome) == (EndedBy.switch, None)


def test_own_ring_timer_is_told_from_a_telephone_that_is_off() -> None:
    off = event("ChannelDestroyed", channel=channel(CUSTOMER, "Down"), cause=19, tech_cause=480)
    memory = CallMemory()
    memory.of(CUSTOMER).ring_timeout = timedelta(milliseconds=500)
    (own,), (remote,) = told(off, memory=memory), told(off)
    assert isinstance(own, CallEnded)
    assert isinstance(remote, CallEnded)
    assert (own.outcome, remote.outcome) == (Outcome.no_answer, Outcome.unavailable)


def test_diverted_agent_who_refuses_fails_the_divert_unless_we_let_him_go() -> None:
    busy = event("ChannelDestroyed", channel=channel(DIVERTED, "Down"), cause=17, tech_cause=486)
    soft = event("ChannelHangupRequest", channel=channel(DIVERTED, "Down"), soft=True)
    (failed,) = told(busy)
    assert isinstance(failed, CommandFailed)
    assert (failed.correlator, failed.action) == (ATTEMPT, "divert")
    assert told(soft, busy) == []


def test_foreign_channels_mean_nothing() -> None:
    foreign = channel("1700000000.1")
    assert (
        told(
            event("ChannelCreated", channel=foreign),
            event("StasisStart", channel=foreign, args=["inbound", "100"]),
            event("ChannelEnteredBridge", channel=foreign, bridge=bridge(AGENT, AGENT)),
            event("ChannelDestroyed", channel=foreign, cause=16),
        )
        == []
    )


@given(
    st.lists(
        st.sampled_from(
            [
                RINGS,
                PROGRESS,
                COMES,
                PARKS,
                JOINS,
                GONE,
                event("ChannelLeftBridge", channel=channel(AGENT), bridge=bridge(AGENT, CUSTOMER)),
                event("ChannelHangupRequest", channel=channel(CUSTOMER), soft=True),
                event("ChannelDestroyed", channel=channel(AGENT), cause=16),
            ]
        ),
        max_size=15,
    )
)
def test_events_in_any_order_each_end_a_call_once_and_keep_their_correlators(
    events: list[wire.Event],
) -> None:
    said = told(*events)
    ends = [one for one in said if isinstance(one, CallEnded)]
    assert len(ends) == sum(isinstance(one, wire.ChannelDestroyed) for one in events)
    for one in said:
        wanted = PARK if getattr(one, "call", None) and one.call.call_id == AGENT else ATTEMPT  # type: ignore[union-attr]
        assert one.correlator == wanted  # type: ignore[union-attr]


def test_memory_is_bounded() -> None:
    memory = CallMemory(limit=3)
    memory.of("a").rang = True
    for name in "bcd":
        memory.of(name)
    assert not memory.of("a").rang
