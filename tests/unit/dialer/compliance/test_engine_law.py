"""The law inside the engine: agents kept for calls, and calls that the record did not agree to."""

from datetime import timedelta

from dialer.agent import AgentState
from dialer.commands import (
    CloseAttempt,
    ContactState,
    HangUp,
    Join,
    OpenAttemptRecord,
    ParkAgent,
    PlaceCall,
    ReturnContact,
    SaveAgent,
)
from dialer.compliance.facts import History, PastCall
from dialer.events import AgentChanged, CallEnded, CallForbidden, PauseRequested
from dialer.model import AgentStatus, AttemptId, CallRef, ContactId, Dialable, Mode, Number
from tests.support.dialing import START, agent, at, contact, settings, started
from tests.support.fake_switch import Fate
from tests.support.floor import Floor

UK = {"profiles": ["uk"]}
ABANDONED = "abandoned"


def londoner(number: int, *, outcome: str = "") -> Dialable:
    """A contact in London, whose last call ended so an hour ago."""
    named = Number(number=f"+4420712345{number:02d}", zones=("Europe/London",))
    past = PastCall(
        keys=(f"number:{named.number}",),
        at=START - timedelta(hours=1),
        ended_at=START - timedelta(minutes=59),
        outcome=outcome,
    )
    history = History(calls=(past,)) if outcome else None
    return contact(number, numbers=(named,), history=history)


def floor(
    *contacts: Dialable, agents: int = 1, mode: Mode = Mode.power, **changes: object
) -> Floor:
    lawful = settings(mode=mode, compliance=UK, pacing={"ratio": 5.0}, **changes)
    begin = started(settings=lawful, agents=tuple(agent(n + 1) for n in range(agents)))
    return Floor(begin, contacts=contacts)


def test_caller_id_limits_and_keys_go_with_the_attempt() -> None:
    chosen = {"profiles": ["uk"], "caller_ids": [{"prefix": "+44", "caller_id": "+442030000000"}]}
    who = contact(
        1,
        numbers=(Number(number="+442071234501", zones=("Europe/London",)),),
        history=History(person="p1", debt="d1"),
    )
    one = Floor(started(settings=settings(compliance=chosen)), contacts=[who]).start().run(3)

    [opened] = one.of(OpenAttemptRecord)
    assert (opened.person, opened.debt, opened.caller_id) == ("p1", "d1", "+442030000000")
    assert {limit.rule for limit in opened.limits} == {
        "number_in_call",
        "uk/abandoned",
        "uk/machine",
    }
    assert one.of(PlaceCall)[0].caller_id == "+442030000000"


def test_agent_is_kept_before_a_call_that_needs_one_is_placed_and_joined_with_it() -> None:
    one = floor(londoner(1, outcome=ABANDONED)).start().run(40)

    reserved = [c for c in one.of(SaveAgent) if c.state is AgentState.reserved]
    assert reserved
    [placed] = one.of(PlaceCall)
    [join] = one.of(Join)
    assert join.correlator == placed.attempt_id
    assert one.outcomes == ["answered"]


def test_call_that_needs_an_agent_waits_for_one_while_others_are_placed() -> None:
    contacts = [londoner(1, outcome=ABANDONED), *(londoner(n) for n in range(2, 6))]
    one = floor(*contacts, agents=1).start().run(4)

    kept = {c.attempt_id for c in one.of(PlaceCall) if c.contact_id == "contact1"}
    reserved = {c.correlator for c in one.of(SaveAgent) if c.state is AgentState.reserved}
    assert kept <= reserved
    assert not [c for c in one.of(CloseAttempt) if c.outcome == ABANDONED and c.attempt_id in kept]


def test_call_is_ended_unanswered_when_its_agent_goes_and_nobody_is_free() -> None:
    who = londoner(1, outcome=ABANDONED)
    one = floor(who)
    one.switch.fates[who.numbers[0].number] = Fate(answers=False, ring=60)
    one.start().run(3)
    [placed] = one.of(PlaceCall)
    park = one.of(ParkAgent)[0].correlator

    gone = agent(1, status=AgentStatus.logged_off)
    one.give(AgentChanged(agent=gone))
    one.give(CallEnded(correlator=park, call=CallRef(call_id="park"), at=one.now))
    one.run(5)

    [ended] = [c for c in one.of(HangUp) if c.correlator == placed.attempt_id]
    assert ended.reason == "no_agent_left"
    assert "abandoned" not in one.outcomes


def test_order_to_take_calls_back_lets_a_phone_ring_as_long_as_the_law_wants() -> None:
    one = floor(londoner(1), londoner(2), mode=Mode.progressive, agents=2)
    one.switch.fate = Fate(answers=False, ring=60)
    one.start().run(5)
    assert len(one.of(PlaceCall)) == 2

    one.give(PauseRequested(clear=True))
    one.run(20)

    placed, taken_back = one.moments(PlaceCall), one.moments(HangUp)
    assert [15 <= end - begin < 15.5 for begin, end in zip(placed, taken_back, strict=True)] == [
        True,
        True,
    ]


def test_order_to_take_calls_back_is_obeyed_at_once_where_no_law_says_how_long_to_ring() -> None:
    one = Floor(started(), contacts=[contact(1)])
    one.switch.fate = Fate(answers=False, ring=60)
    one.start().run(5)

    one.give(PauseRequested(clear=True))

    assert [ended.reason for ended in one.of(HangUp)] == ["cleared"]


def test_forbidden_call_gives_the_contact_back_and_has_no_outcome() -> None:
    one = Floor(started(), contacts=[contact(1)])
    one.start().run(1)
    [opened] = one.of(OpenAttemptRecord)
    until = one.now + timedelta(hours=1)
    before = len(one.of(CloseAttempt))

    commands = one.engine.handle(
        CallForbidden(
            attempt_id=opened.attempt_id,
            contact_id=opened.contact_id,
            number=opened.number,
            reason="us-fl/attempts",
            until=until,
        ),
        one.now,
    )

    [back] = [c for c in commands if isinstance(c, ReturnContact)]
    assert (back.reason, back.due_at, back.contact_state) == (
        "us-fl/attempts",
        until,
        ContactState.ready,
    )
    assert len(one.of(CloseAttempt)) == before
    status = one.engine.status(one.now)
    assert (status.placed, sum(count for _, count in status.calls)) == (0, 0)


def test_contact_that_is_listed_for_ever_is_finished_by_a_forbidden_call() -> None:
    one = Floor(started(), contacts=[contact(1)])
    one.start().run(1)
    [opened] = one.of(OpenAttemptRecord)
    told = CallForbidden(
        attempt_id=opened.attempt_id,
        contact_id=opened.contact_id,
        number=opened.number,
        reason="do_not_call",
    )

    [back] = [c for c in one.engine.handle(told, one.now) if isinstance(c, ReturnContact)]

    assert back.contact_state is ContactState.finished


def test_forbidden_call_that_nobody_remembers_still_gives_its_contact_back() -> None:
    one = Floor(started(), contacts=[]).start()
    told = CallForbidden(
        attempt_id=AttemptId("spring-1-99"),
        contact_id=ContactId("contact9"),
        number="+390212345678",
        reason="number_in_call",
        until=at(300),
    )

    [back] = [c for c in one.engine.handle(told, one.now) if isinstance(c, ReturnContact)]

    assert (back.contact_id, back.due_at) == ("contact9", at(300))
