"""What VOIspeed's events mean to dialing, one by one and in the order of whole calls."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
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
from dialer.model import CallRef
from dialer.outcomes import Outcome
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.events import CallMemory, LinkFacts, Role, role_of, translate
from offhook.switches.voispeed.wire import CallOutcome, EntityRef, EntityType

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LINK = LinkFacts(dialect=wire.DEFAULT_DIALECT, reception_ivr="1", hold_ivr="2")
ATTEMPT, PARK = "spring-1-7", "spring-1-p3"
GATEWAY = EntityRef(EntityType.gateway, "5")
USER = EntityRef(EntityType.user, "101")
RECEPTION, HOLD, MESSAGE = (EntityRef(EntityType.ivr, name) for name in "123")


def said(memory: CallMemory, *events: wire.AnyEvent) -> list[SwitchEvent]:
    """What the events mean, read back from their query parameters."""
    return [
        meant
        for event in events
        for meant in translate(wire.render_event(event), LINK, memory, at=AT)
    ]


def out(call: str, extid: str, who: EntityRef, leg: str) -> wire.CallOut:
    return wire.CallOut(call_id=call, extid=extid, called=who, entity_call_id=leg)


def ringing(call: str, extid: str, who: EntityRef, leg: str) -> wire.CallProgress:
    return wire.CallProgress(call_id=call, extid=extid, sender=who, entity_call_id=leg)


def response(
    call: str, extid: str, who: EntityRef, leg: str, outcome: CallOutcome = CallOutcome.ok
) -> wire.CallResponse:
    return wire.CallResponse(
        call_id=call, extid=extid, sender=who, entity_call_id=leg, outcome=outcome
    )


def ended(call: str, extid: str, outcome: CallOutcome) -> wire.CallTerminated:
    return wire.CallTerminated(call_id=call, extid=extid, outcome=outcome)


CUSTOMER_HELD = (
    out("10", ATTEMPT, GATEWAY, "11"),
    ringing("10", ATTEMPT, GATEWAY, "11"),
    response("10", ATTEMPT, GATEWAY, "11"),
    out("10", ATTEMPT, RECEPTION, "12"),
    response("10", ATTEMPT, RECEPTION, "12"),
)


def test_customer_call_is_started_rung_answered_and_held_with_the_leg_of_the_ivr() -> None:
    # His own entity call, 11, is none that a command could name.
    own, ivr = CallRef(call_id="10"), CallRef(call_id="10", leg="12")
    assert said(CallMemory(), *CUSTOMER_HELD) == [
        CallStarted(correlator=ATTEMPT, call=own, at=AT),
        CallRinging(correlator=ATTEMPT, call=own, at=AT),
        CallAnswered(correlator=ATTEMPT, call=own, at=AT),
        CallHeld(correlator=ATTEMPT, call=ivr, at=AT),
    ]


def test_agent_park_is_held_with_the_agents_own_leg() -> None:
    own = CallRef(call_id="20", leg="21")
    assert said(
        CallMemory(),
        out("20", PARK, USER, "21"),
        ringing("20", PARK, USER, "21"),
        response("20", PARK, USER, "21"),
        out("20", PARK, HOLD, "22"),
        response("20", PARK, HOLD, "22"),
    ) == [
        CallStarted(correlator=PARK, call=own, at=AT),
        CallRinging(correlator=PARK, call=own, at=AT),
        CallAnswered(correlator=PARK, call=own, at=AT),
        CallHeld(correlator=PARK, call=own, at=AT),
    ]


def test_agent_park_is_held_with_his_leg_when_the_ivrs_answer_overtakes_his() -> None:
    meant = said(CallMemory(), response("20", PARK, HOLD, "22"), response("20", PARK, USER, "21"))
    assert meant[-1] == CallHeld(correlator=PARK, call=CallRef(call_id="20", leg="21"), at=AT)


def test_agent_park_is_held_without_a_leg_when_a_restart_lost_the_memory() -> None:
    assert said(CallMemory(), response("20", PARK, HOLD, "22")) == [
        CallHeld(correlator=PARK, call=CallRef(call_id="20"), at=AT)
    ]


def test_transfer_joins_customer_and_agent() -> None:
    transfer = wire.CallTransferred(
        call_id="10",
        extid=ATTEMPT,
        refer_id="20",
        sender=RECEPTION,
        sender_call_id="12",
        recipient=USER,
        recipient_call_id="21",
    )
    joined = CallJoined(
        correlator=ATTEMPT, call=CallRef(call_id="10", leg="21"), at=AT, address="101"
    )
    assert said(CallMemory(), transfer) == [joined]


def test_transfer_named_by_the_agents_park_still_joins_the_customer() -> None:
    memory = CallMemory()
    said(memory, *CUSTOMER_HELD)
    transfer = wire.CallTransferred(
        call_id="10", extid=PARK, refer_id="20", recipient=USER, recipient_call_id="21"
    )
    (joined,) = said(memory, transfer)
    assert isinstance(joined, CallJoined)
    assert joined.correlator == ATTEMPT


def test_divert_joins_only_when_the_agent_answers() -> None:
    memory = CallMemory()
    said(memory, *CUSTOMER_HELD)
    divert = wire.CallDiverted(call_id="10", extid=ATTEMPT, sender=RECEPTION, recipient=USER)
    assert said(memory, out("10", ATTEMPT, USER, "13"), divert) == []
    assert said(memory, ringing("10", ATTEMPT, USER, "13")) == []
    assert said(memory, response("10", ATTEMPT, USER, "13")) == [
        CallJoined(correlator=ATTEMPT, call=CallRef(call_id="10", leg="13"), at=AT, address="101")
    ]


def test_divert_to_a_group_joins_whoever_of_it_answered() -> None:
    answered = wire.CallResponse(
        call_id="10",
        extid=ATTEMPT,
        outcome=CallOutcome.ok,
        sender=EntityRef(EntityType.group, "4"),
        connected=USER,
    )
    (joined,) = said(CallMemory(), answered)
    assert isinstance(joined, CallJoined)
    assert joined.address == USER.id


def test_divert_that_the_agent_refuses_is_a_failed_command() -> None:
    (failed,) = said(
        CallMemory(), response("10", ATTEMPT, USER, "13", CallOutcome.called_no_answer)
    )
    assert isinstance(failed, CommandFailed)
    assert (failed.correlator, failed.action, failed.refused) == (ATTEMPT, "divert", True)


def test_message_ivr_does_not_hold_the_customer_again() -> None:
    memory = CallMemory()
    said(memory, *CUSTOMER_HELD)
    message = (out("10", ATTEMPT, MESSAGE, "14"), response("10", ATTEMPT, MESSAGE, "14"))
    assert said(memory, *message) == []


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, None),
        (1, Outcome.answered),
        (2, Outcome.busy),
        (3, Outcome.rejected),
        (4, Outcome.unavailable),
        (5, Outcome.no_answer),
        (6, Outcome.failed),
        (7, Outcome.unavailable),
        (8, Outcome.unavailable),
        (9, Outcome.no_answer),
        (10, Outcome.busy),
        (11, Outcome.rejected),
        (12, Outcome.unavailable),
        (13, Outcome.failed),
        (77, None),
    ],
)
def test_end_of_a_call_tells_the_outcome_of_table_8(code: int, outcome: Outcome | None) -> None:
    (end,) = said(CallMemory(), ended("10", ATTEMPT, CallOutcome(code)))
    assert isinstance(end, CallEnded)
    assert end.outcome is outcome
    assert end.cause.split()[0] == str(code)


def test_end_without_an_outcome_takes_it_from_the_refusal_before() -> None:
    (end,) = said(
        CallMemory(),
        response("10", ATTEMPT, GATEWAY, "11", CallOutcome.calling_busy),
        ended("10", ATTEMPT, CallOutcome.unknown),
    )
    assert isinstance(end, CallEnded)
    assert end.outcome is Outcome.busy


@pytest.mark.parametrize(
    ("who", "by"),
    [(GATEWAY, EndedBy.customer), (USER, EndedBy.agent), (RECEPTION, EndedBy.switch)],
)
def test_end_of_a_call_says_who_hung_up(who: EntityRef, by: EndedBy) -> None:
    (end,) = said(
        CallMemory(),
        wire.DisconnectIn(call_id="10", extid=ATTEMPT, sender=who),
        wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=GATEWAY),
        ended("10", ATTEMPT, CallOutcome.ok),
    )
    assert isinstance(end, CallEnded)
    assert end.by is by


def test_end_is_the_switchs_when_it_drops_the_customer_and_not_when_it_replaces_the_ivr() -> None:
    memory = CallMemory()
    dropped = wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=GATEWAY)
    replaced = wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=RECEPTION)
    ends = said(memory, replaced, ended("10", ATTEMPT, CallOutcome.ok))
    ends += said(memory, dropped, ended("10", ATTEMPT, CallOutcome.ok))
    assert [end.by for end in ends if isinstance(end, CallEnded)] == [
        EndedBy.unknown,
        EndedBy.switch,
    ]


@pytest.mark.parametrize(
    "event",
    [
        wire.DisconnectIn(call_id="10", extid=ATTEMPT, sender=USER, entity_call_id="21"),
        wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=USER, entity_call_id="21"),
    ],
)
def test_user_who_leaves_a_held_customer_was_joined_even_if_that_was_never_told(
    event: wire.AnyEvent,
) -> None:
    memory = CallMemory()
    said(memory, *CUSTOMER_HELD)
    (joined,) = said(memory, event)
    assert joined == CallJoined(
        correlator=ATTEMPT, call=CallRef(call_id="10", leg="21"), at=AT, address="101"
    )
    assert said(memory, event) == []


def test_user_who_was_only_rung_for_a_customer_was_not_joined() -> None:
    memory = CallMemory()
    said(memory, *CUSTOMER_HELD, ringing("10", ATTEMPT, USER, "13"))
    dropped = wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=USER, entity_call_id="13")
    assert said(memory, dropped) == []


def test_user_who_leaves_says_nothing_of_a_call_whose_beginning_was_not_heard() -> None:
    dropped = wire.DisconnectOut(call_id="10", extid=ATTEMPT, recipient=USER, entity_call_id="13")
    assert said(CallMemory(), dropped) == []


def test_failed_command_names_its_request_and_reason() -> None:
    event = wire.CmdFailed(request_id="99", error_code="1", error="no free line", extid=ATTEMPT)
    assert said(CallMemory(), event) == [
        CommandFailed(correlator=ATTEMPT, request_id="99", reason="1 no free line", refused=True)
    ]


@pytest.mark.parametrize(
    "event",
    [
        wire.CallAnswered(ext="35", number="187"),
        wire.CallHeld(call_id="10", extid=ATTEMPT, user_id="101"),
        wire.CallRetrieved(call_id="10", extid=ATTEMPT, user_id="101"),
        wire.DtmfOut(call_id="10", extid=ATTEMPT, digits="5"),
        wire.CallIn(call_id="10", calling=GATEWAY),
        wire.CallOut(call_id="10", called=GATEWAY, entity_call_id="11"),
        wire.UnknownEvent(params={"event": "44", "event_name": "tea_time"}),
        wire.CallOut(call_id="10", extid=ATTEMPT),
        wire.CallProgress(call_id="10", extid=ATTEMPT),
        wire.CallProgress(
            call_id="10",
            extid=ATTEMPT,
            sender=GATEWAY,
            progress=wire.ForwardingCode.forwarded,
        ),
        wire.CallResponse(call_id="10", extid=ATTEMPT, outcome=CallOutcome.ok),
        wire.CallResponse(call_id="10", extid=ATTEMPT, outcome=CallOutcome.called_busy),
        response("10", ATTEMPT, RECEPTION, "12", CallOutcome.called_unavailable),
        response("10", ATTEMPT, HOLD, "12"),
        response("20", PARK, RECEPTION, "22"),
        response("20", PARK, GATEWAY, "22"),
        wire.CallTransferred(call_id="10", extid=ATTEMPT),
        wire.CallTransferred(call_id="10", extid=ATTEMPT, recipient=RECEPTION),
        wire.CallTransferred(call_id="20", extid=PARK, recipient=USER),
    ],
)
def test_event_that_is_no_business_of_dialing_means_nothing(event: wire.AnyEvent) -> None:
    assert said(CallMemory(), event) == []


def test_event_that_cannot_be_read_is_an_error_of_the_wire() -> None:
    with pytest.raises(wire.WireError):
        translate({"event_name": "call_terminated"}, LINK, CallMemory(), at=AT)


@pytest.mark.parametrize(
    ("correlator", "role"),
    [
        ("spring-1-7", Role.customer),
        ("spring-1-p7", Role.agent),
        ("spring-1-p7-2-9", Role.customer),
        ("a.2-14-p1", Role.agent),
        ("anything", Role.customer),
    ],
)
def test_correlator_tells_an_agents_call_from_a_customers(correlator: str, role: Role) -> None:
    assert role_of(correlator) is role


def test_memory_forgets_the_oldest_call_beyond_its_limit() -> None:
    memory = CallMemory(limit=2)
    for call in ("1", "2", "3"):
        said(memory, out(call, ATTEMPT, RECEPTION, f"9{call}"))
    assert [memory.leg(call, EntityType.ivr) for call in ("1", "2", "3")] == ["", "92", "93"]


def test_memory_does_not_mix_two_calls_that_got_the_same_id() -> None:
    memory = CallMemory()
    said(memory, wire.DisconnectIn(call_id="10", extid=ATTEMPT, sender=GATEWAY))
    (end,) = said(memory, ended("10", "spring-1-8", CallOutcome.ok))
    assert isinstance(end, CallEnded)
    assert end.by is EndedBy.unknown


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_customer_is_answered_and_held_whatever_the_order(order: tuple[int, ...]) -> None:
    events = CUSTOMER_HELD[2:]
    meant = said(CallMemory(), *(events[index] for index in order))
    assert {type(event) for event in meant} == {CallAnswered, CallHeld}
    assert CallHeld(correlator=ATTEMPT, call=CallRef(call_id="10", leg="12"), at=AT) in meant


@given(
    st.dictionaries(
        st.sampled_from([*map(str, wire.Fact), "event", "event_type", "event_name", "junk"]),
        st.one_of(st.sampled_from(["", "0", "1", "4", "10", ATTEMPT, PARK]), st.text(max_size=9)),
    )
)
def test_translation_reads_or_refuses_whatever_arrives(params: dict[str, str]) -> None:
    try:
        meant = translate(params, LINK, CallMemory(), at=AT)
    except wire.WireError:
        return
    assert all(event.kind for event in meant)
