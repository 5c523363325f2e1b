"""What every PBX family must do, in dialer events and `SwitchError`s only."""

import asyncio

import pytest

from dialer.commands import Divert, Join, PlayMessage
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
from dialer.model import AgentId
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, SwitchRefused, SwitchUnavailable, SwitchUnclear, Way
from tests.contract.switches.harness import (
    PATIENCE_S,
    Act,
    Break,
    Lie,
    Person,
    SwitchHarness,
    hang_up_command,
    park_command,
    place_command,
)

NUMBER = "+390733000001"
ATTEMPT, PARK = "spring-1-1", "spring-1-p1"


def by_queue(switch: SwitchHarness) -> bool:
    """Whether the switch picks the agent itself, before it dials."""
    return switch.adapter.capabilities.way is Way.queue_first


def needs_joining(switch: SwitchHarness) -> None:
    """Leave out what only a switch does that lets us join customers and agents."""
    if by_queue(switch):
        pytest.skip(f"{switch.family} joins customers and agents itself")


def reached(switch: SwitchHarness) -> CallPhase:
    """Where a customer is who has answered."""
    return CallPhase.joined if by_queue(switch) else CallPhase.held


async def answered(switch: SwitchHarness, attempt: str = ATTEMPT) -> CallHeld | CallJoined:
    """Wait until the switch holds a customer, or has them with the agent it picked."""
    kind = CallJoined if by_queue(switch) else CallHeld
    found = await switch.inbox.wait(kind, attempt)
    assert isinstance(found, CallHeld | CallJoined)
    return found


async def hold_customer(
    switch: SwitchHarness, attempt: str = ATTEMPT, number: str = NUMBER
) -> CallHeld | CallJoined:
    """Dial somebody who answers, and wait until the switch holds them."""
    switch.person(number, Person(kind="answer"))
    await switch.adapter.place(place_command(switch, attempt, number))
    return await answered(switch, attempt)


async def park_agent(switch: SwitchHarness, correlator: str = PARK) -> CallHeld:
    """Park the first agent."""
    needs_joining(switch)
    await switch.adapter.park(park_command(switch.agents[0], correlator))
    return await switch.inbox.wait(CallHeld, correlator)


def join_command(switch: SwitchHarness, customer: CallHeld | CallJoined, agent: CallHeld) -> Join:
    return Join(
        correlator=customer.correlator,
        agent_id=AgentId("a"),
        address=switch.agents[0],
        customer=customer.call,
        agent=agent.call,
    )


async def idle(switch: SwitchHarness) -> None:
    """Wait until the switch has no call."""
    async with asyncio.timeout(PATIENCE_S):
        while switch.in_progress():  # noqa: ASYNC110 - the switch is another program
            await asyncio.sleep(0.01)


def kinds(switch: SwitchHarness, correlator: str) -> list[type[SwitchEvent]]:
    return [type(event) for event in switch.inbox.about(correlator)]


async def test_customer_rings_answers_and_is_held(switch: SwitchHarness) -> None:
    held = await hold_customer(switch)
    here = [CallJoined] if by_queue(switch) else [CallAnswered, CallHeld]
    assert kinds(switch, ATTEMPT) == [CallStarted, CallRinging, *here]
    assert held.call.call_id
    assert held.call.leg
    assert switch.times_rung(NUMBER) == 1


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("busy", Outcome.busy),
        ("rejected", Outcome.rejected),
        ("unavailable", Outcome.unavailable),
        ("no_answer", Outcome.no_answer),
    ],
)
async def test_customer_who_does_not_answer_ends_with_the_outcome(
    switch: SwitchHarness, kind: str, outcome: Outcome
) -> None:
    switch.person(NUMBER, Person(kind=kind))
    await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    ended = await switch.inbox.wait(CallEnded, ATTEMPT)
    # A switch that dials from a queue doesn't say why nobody answered.
    assert ended.outcome is (Outcome.no_answer if by_queue(switch) else outcome)
    assert CallJoined not in kinds(switch, ATTEMPT)
    assert CallAnswered not in kinds(switch, ATTEMPT)


async def test_agent_is_parked_and_shown_with_his_address(switch: SwitchHarness) -> None:
    held = await park_agent(switch)
    assert held.call.leg
    (view,) = (await switch.adapter.snapshot()).calls
    assert (view.correlator, view.phase, view.address) == (PARK, CallPhase.held, switch.agents[0])


async def test_agent_who_does_not_answer_ends_his_park(switch: SwitchHarness) -> None:
    needs_joining(switch)
    switch.no_phone(switch.agents[0])
    await switch.adapter.park(park_command(switch.agents[0], PARK))
    ended = await switch.inbox.wait(CallEnded, PARK)
    assert ended.outcome is not Outcome.answered
    assert CallHeld not in kinds(switch, PARK)


async def test_join_connects_customer_and_agent(switch: SwitchHarness) -> None:
    agent, customer = await park_agent(switch), await hold_customer(switch)
    await switch.adapter.join(join_command(switch, customer, agent))
    joined = await switch.inbox.wait(CallJoined, ATTEMPT)
    assert joined.address == switch.agents[0]
    talking = {ATTEMPT: (CallPhase.joined, switch.agents[0])}
    if switch.adapter.capabilities.keeps_parked:
        talking[PARK] = (CallPhase.joined, switch.agents[0])
    else:
        await switch.inbox.wait(CallEnded, PARK)
    calls = (await switch.adapter.snapshot()).calls
    assert {view.correlator: (view.phase, view.address) for view in calls} == talking
    assert CallEnded not in kinds(switch, ATTEMPT)


async def test_agent_is_on_the_line_after_a_talk_where_the_switch_keeps_agents(
    switch: SwitchHarness,
) -> None:
    agent, customer = await park_agent(switch), await hold_customer(switch)
    await switch.adapter.join(join_command(switch, customer, agent))
    await switch.inbox.wait(CallJoined, ATTEMPT)
    switch.hang_up(ATTEMPT, EndedBy.customer)
    await switch.inbox.wait(CallEnded, ATTEMPT)
    parked = [(PARK, CallPhase.held, switch.agents[0])]
    calls = (await switch.adapter.snapshot()).calls
    shown = [(view.correlator, view.phase, view.address) for view in calls]
    assert shown == (parked if switch.adapter.capabilities.keeps_parked else [])


@pytest.mark.parametrize("by", [EndedBy.customer, EndedBy.agent])
async def test_end_of_a_talk_says_who_hung_up(switch: SwitchHarness, by: EndedBy) -> None:
    agent, customer = await park_agent(switch), await hold_customer(switch)
    await switch.adapter.join(join_command(switch, customer, agent))
    await switch.inbox.wait(CallJoined, ATTEMPT)
    switch.hang_up(ATTEMPT, by)
    ended = await switch.inbox.wait(CallEnded, ATTEMPT)
    assert (ended.by, ended.outcome) == (by, Outcome.answered)
    await idle(switch)


async def test_divert_joins_an_agent_who_was_not_parked(switch: SwitchHarness) -> None:
    needs_joining(switch)
    customer = await hold_customer(switch)
    await switch.adapter.divert(
        Divert(
            correlator=ATTEMPT,
            agent_id=AgentId("a"),
            address=switch.agents[0],
            number="",
            customer=customer.call,
        )
    )
    joined = await switch.inbox.wait(CallJoined, ATTEMPT)
    assert joined.address == switch.agents[0]


async def test_message_is_played_and_ends_the_call(switch: SwitchHarness) -> None:
    needs_joining(switch)
    customer = await hold_customer(switch)
    await switch.adapter.play_message(PlayMessage(correlator=ATTEMPT, customer=customer.call))
    await switch.inbox.wait(CallEnded, ATTEMPT)
    assert kinds(switch, ATTEMPT).count(CallHeld) == 1
    assert CallJoined not in kinds(switch, ATTEMPT)
    await idle(switch)


async def test_customer_who_hears_the_message_is_shown_so(switch: SwitchHarness) -> None:
    needs_joining(switch)
    customer = await hold_customer(switch)
    await switch.adapter.play_message(PlayMessage(correlator=ATTEMPT, customer=customer.call))
    seen: set[CallPhase] = set()
    async with asyncio.timeout(PATIENCE_S):
        while CallPhase.message not in seen:
            seen.update(view.phase for view in (await switch.adapter.snapshot()).calls)


async def test_hang_up_stops_a_ringing_call(switch: SwitchHarness) -> None:
    switch.person(NUMBER, Person(kind="no_answer", ring_s=600))
    await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    ringing = await switch.inbox.wait(CallRinging, ATTEMPT)
    await switch.adapter.hang_up(hang_up_command(ATTEMPT, ringing.call))
    ended = await switch.inbox.wait(CallEnded, ATTEMPT)
    assert ended.outcome is not Outcome.answered
    await idle(switch)


async def test_hang_up_ends_a_held_call(switch: SwitchHarness) -> None:
    customer = await hold_customer(switch)
    await switch.adapter.hang_up(hang_up_command(ATTEMPT, customer.call))
    ended = await switch.inbox.wait(CallEnded, ATTEMPT)
    assert ended.by is (EndedBy.unknown if by_queue(switch) else EndedBy.switch)
    await idle(switch)


async def test_hang_up_finds_a_call_whose_name_was_never_told(switch: SwitchHarness) -> None:
    await hold_customer(switch)
    await switch.adapter.hang_up(hang_up_command(ATTEMPT, None))
    await switch.inbox.wait(CallEnded, ATTEMPT)


async def test_hang_up_of_a_call_that_nobody_knows_is_refused(switch: SwitchHarness) -> None:
    with pytest.raises(SwitchRefused, match="over already"):
        await switch.adapter.hang_up(hang_up_command("spring-1-99", None))


async def test_snapshot_shows_calls_agents_and_trunks(switch: SwitchHarness) -> None:
    held = await hold_customer(switch)
    snapshot = await switch.adapter.snapshot()
    (view,) = snapshot.calls
    assert (view.correlator, view.call.call_id) == (ATTEMPT, held.call.call_id)
    assert view.phase is reached(switch)
    assert set(switch.agents) <= {agent.address for agent in snapshot.agents if agent.reachable}
    (trunk,) = [trunk for trunk in snapshot.trunks if trunk.address == switch.trunk]
    assert (trunk.enabled, trunk.busy_lines) == (True, 1)


async def test_command_that_fails_is_told_at_once_or_by_its_request(switch: SwitchHarness) -> None:
    agent, customer = await park_agent(switch), await hold_customer(switch)
    if not switch.fails_later:
        switch.break_next(Act.join, Break.refusal)
        with pytest.raises(SwitchRefused):
            await switch.adapter.join(join_command(switch, customer, agent))
        return
    switch.break_next(Act.join, Break.fails_later)
    accepted = await switch.adapter.join(join_command(switch, customer, agent))
    failed = await switch.inbox.wait(CommandFailed)
    assert failed.request_id == accepted.request_id
    assert accepted.request_id
    assert CallJoined not in kinds(switch, ATTEMPT)


async def test_refused_command_is_refused_in_the_switchs_words(switch: SwitchHarness) -> None:
    switch.break_next(Act.place, Break.refusal)
    with pytest.raises(SwitchRefused):
        await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    assert switch.times_rung(NUMBER) == 0


@pytest.mark.parametrize(
    "how",
    [
        Break.server_error,
        Break.web_page,
        Break.half_reply,
        Break.reset,
        Break.silence_after_acting,
    ],
)
async def test_command_without_a_clear_reply_is_unclear_and_never_repeated(
    switch: SwitchHarness, how: Break
) -> None:
    switch.person(NUMBER, Person(kind="answer"))
    await switch.adapter.snapshot()  # a kept connection: the one a library would quietly replace
    before = switch.times_asked(Act.place)
    switch.break_next(Act.place, how)
    with pytest.raises(SwitchUnclear):
        await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    if how in (Break.half_reply, Break.silence_after_acting):
        await answered(switch)
    acted = how in (Break.half_reply, Break.silence_after_acting)
    assert switch.times_asked(Act.place) - before == int(acted)
    assert switch.times_rung(NUMBER) == int(acted)


async def test_command_with_a_slow_reply_is_accepted(switch: SwitchHarness) -> None:
    switch.person(NUMBER, Person(kind="answer"))
    switch.break_next(Act.place, Break.slow)
    await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    await answered(switch)
    assert switch.times_rung(NUMBER) == 1


@pytest.mark.parametrize("how", [Break.server_error, Break.web_page, Break.half_reply, Break.reset])
async def test_question_without_a_clear_reply_is_asked_again(
    switch: SwitchHarness, how: Break
) -> None:
    switch.break_next(Act.snapshot, how)
    assert (await switch.adapter.snapshot()).trunks


async def test_command_to_a_switch_that_is_gone_surely_did_not_act(switch: SwitchHarness) -> None:
    await switch.go_away()
    await switch.adapter.aclose()
    with pytest.raises(SwitchUnavailable):
        await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    with pytest.raises(SwitchUnavailable):
        await switch.adapter.snapshot()


async def test_duplicate_events_are_told_once(switch: SwitchHarness) -> None:
    switch.lie(Lie.duplicate, about=ATTEMPT)
    await hold_customer(switch)
    switch.hang_up(ATTEMPT, EndedBy.customer)
    await switch.inbox.wait(CallEnded, ATTEMPT)
    told = kinds(switch, ATTEMPT)
    assert len(told) == len(set(told))


_STEPS = (CallStarted, CallRinging, CallAnswered)


async def test_reordered_events_tell_the_same_in_another_order(switch: SwitchHarness) -> None:
    switch.lie(Lie.reorder, about=ATTEMPT)
    held = await hold_customer(switch)
    steps = (CallStarted, CallRinging) if by_queue(switch) else _STEPS
    for kind in steps:
        await switch.inbox.wait(kind, ATTEMPT)
    assert held.call.leg


async def test_reordered_events_still_give_the_agents_own_leg(switch: SwitchHarness) -> None:
    needs_joining(switch)
    switch.lie(Lie.reorder, about=PARK)
    await switch.adapter.park(park_command(switch.agents[0], PARK))
    answered = await switch.inbox.wait(CallAnswered, PARK)
    await switch.inbox.wait(CallHeld, PARK)
    customer = await hold_customer(switch)
    legs = {e.call.leg for e in switch.inbox.about(PARK) if isinstance(e, CallHeld)} - {""}
    assert legs == {answered.call.leg}
    held = [e for e in switch.inbox.about(PARK) if isinstance(e, CallHeld)][-1]
    await switch.adapter.join(join_command(switch, customer, held))
    await switch.inbox.wait(CallJoined, ATTEMPT)


@pytest.mark.parametrize("lost", [CallStarted, CallRinging, CallAnswered, CallEnded])
async def test_call_whose_events_were_lost_is_seen_in_the_snapshot(
    switch: SwitchHarness, lost: type[SwitchEvent]
) -> None:
    switch.lie(Lie.drop, about=ATTEMPT, only=lost)
    switch.person(NUMBER, Person(kind="answer"))
    await switch.adapter.place(place_command(switch, ATTEMPT, NUMBER))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            calls = (await switch.adapter.snapshot()).calls
            if [(view.correlator, view.phase) for view in calls] == [(ATTEMPT, reached(switch))]:
                break
    await switch.adapter.hang_up(hang_up_command(ATTEMPT, calls[0].call))
    await idle(switch)
    assert (await switch.adapter.snapshot()).calls == ()


async def test_events_name_their_correlator_for_the_inbox(switch: SwitchHarness) -> None:
    await hold_customer(switch)
    assert {raw.correlator for raw in switch.inbox.raw} == {ATTEMPT}
    assert len({raw.key for raw in switch.inbox.raw}) == len(switch.inbox.raw)


async def test_check_finds_nothing_wrong_but_the_event_path(switch: SwitchHarness) -> None:
    results = {result.name: result for result in await switch.adapter.check()}
    wrong = {name for name, result in results.items() if not result.ok}
    assert wrong == {"events"}
    assert results["events"].advice


async def test_check_of_a_switch_that_is_gone_says_what_to_do(switch: SwitchHarness) -> None:
    await switch.go_away()
    await switch.adapter.aclose()
    results = {result.name: result for result in await switch.adapter.check()}
    assert not results["reachability"].ok
    assert results["reachability"].advice
