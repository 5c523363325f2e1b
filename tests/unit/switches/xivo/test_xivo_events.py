"""What phone events of an agent's telephone mean to dialing."""

from datetime import UTC, datetime

import pytest

from dialer.events import CallEnded, CallJoined, CallRinging, CallStarted, SwitchEvent
from dialer.outcomes import Outcome
from offhook.switches.xivo import events, wire
from offhook.switches.xivo.events import CORRELATOR, CallMemory, Seen
from offhook.switches.xivo.settings import AnswerSign
from offhook.switches.xivo.wire_events import PhoneEvent

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
ATTEMPT = "spring-1-1"


def heard(*steps: str, sign: AnswerSign = AnswerSign.outgoing) -> list[SwitchEvent]:
    """What a telephone's events mean, one after another; `+` marks an outgoing call."""
    memory = CallMemory()
    found: list[SwitchEvent] = []
    for step in steps:
        event = PhoneEvent(
            event_type=f"Event{step.rstrip('+')}",
            dn="1001",
            linked_id="1.1",
            unique_id="1.2",
            call_direction="Outgoing" if step.endswith("+") else "Incoming",
            user_data={CORRELATOR: ATTEMPT},
        )
        seen = Seen("agent", event, "19")
        payload = events.stored(seen, memory.next(seen))
        found += events.translate(payload, sign, at=AT)
    return found


def kinds(found: list[SwitchEvent]) -> list[type[SwitchEvent]]:
    return [type(event) for event in found]


def outcome(found: list[SwitchEvent]) -> Outcome | None:
    last = found[-1]
    assert isinstance(last, CallEnded)
    return last.outcome


def test_call_that_is_answered_tells_the_agent_at_every_step() -> None:
    found = heard("Ringing", "Dialing+", "Established+", "Released+")
    assert kinds(found) == [CallStarted, CallRinging, CallJoined, CallEnded]
    assert [getattr(event, "address", "19") for event in found] == ["19"] * 4
    assert {getattr(event, "correlator", "") for event in found} == {ATTEMPT}
    assert outcome(found) is Outcome.answered


def test_customer_who_does_not_answer_is_told_so() -> None:
    assert outcome(heard("Ringing", "Dialing+", "Released+")) is Outcome.no_answer


def test_agent_who_lets_it_ring_does_not_end_the_call() -> None:
    assert kinds(heard("Ringing", "Released")) == [CallStarted]


def test_agent_who_leaves_before_the_customer_is_dialed_ends_it_as_failed() -> None:
    assert outcome(heard("Ringing", "Established", "Released")) is Outcome.failed


def test_end_of_a_call_of_which_nothing_was_heard_says_nothing_of_the_outcome() -> None:
    assert outcome(heard("Released+")) is None


def test_hold_and_its_end_are_nothing_new() -> None:
    found = heard("Dialing+", "Established+", "OnHold+", "Established+", "Released+")
    assert kinds(found) == [CallRinging, CallJoined, CallEnded]
    assert outcome(found) is Outcome.answered


def test_any_answer_counts_where_the_link_says_so() -> None:
    found = heard("Ringing", "Established", "Released", sign=AnswerSign.any)
    assert kinds(found) == [CallStarted, CallJoined, CallEnded]
    assert outcome(found) is Outcome.answered


def test_call_of_somebody_else_means_nothing() -> None:
    event = PhoneEvent(event_type="EventRinging", dn="1001", user_data={"XIVO_CONTEXT": "default"})
    payload = events.stored(Seen("agent", event), None)
    assert events.translate(payload, AnswerSign.outgoing, at=AT) == ()


def test_the_same_step_has_the_same_name_however_often_it_is_told() -> None:
    event = PhoneEvent(
        event_type="EventDialing", dn="1001", unique_id="1.2", user_data={CORRELATOR: ATTEMPT}
    )
    first = events.stored(Seen("agent", event, "19"), None)
    again = events.stored(Seen("agent", event), Seen("agent", event, "19"))
    assert events.name(first) == events.name(again)
    other = event.model_copy(update={"event_type": "EventReleased"})
    assert events.name(events.stored(Seen("agent", other), None)) != events.name(first)
    assert events.name(first).correlator == ATTEMPT


@pytest.mark.parametrize("payload", [{}, {"xuc": "{"}, {"xuc": wire.PING}])
def test_odd_payloads_are_named_and_not_understood(payload: dict[str, str]) -> None:
    assert events.name(payload).correlator == ""
    with pytest.raises(wire.WireError):
        events.translate(payload, AnswerSign.outgoing, at=AT)
