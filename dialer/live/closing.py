"""The end of an attempt: its one outcome, and what becomes of the contact."""

from datetime import datetime

from dialer.agent import AgentState
from dialer.call import UNANSWERED, CallMove, CallState, ended_outcome
from dialer.commands import CloseAttempt, ContactState
from dialer.live import agents, recording, recycling
from dialer.live.deadlines import WHILE_IT_LASTS
from dialer.live.things import Line, LiveCall, Origin
from dialer.live.world import World, as_attempts
from dialer.outcomes import Outcome
from dialer.pacing.base import Abandoned, NotAnswered, TalkEnded
from dialer.retry import next_try

TOO_MANY = "too_many"
"""Reason to take a ringing call back: more people would answer than agents could take."""
NO_AGENT_LEFT = "no_agent_left"
"""Reason to take one back for which an agent was kept: he has gone, and nobody else is free."""


def close(
    world: World,
    call: LiveCall,
    now: datetime,
    *,
    said: Outcome | None = None,
    origin: Origin = Origin.told,
    reason: str = "",
    cause: str = "",
) -> None:
    """End an attempt with its one outcome, and decide what becomes of the contact."""
    outcome = _outcome(world, call, said)
    _tell_pacer(world, call, outcome, now)
    if call.recording is not None:
        recording.ended(world, call, now)
    talk = now - call.joined_at if call.joined_at else None
    world.move_call(call, CallMove.ended)
    _forget(world, call)
    world.remember(call.attempt_id, origin, now)
    if call.agent_id is not None:
        _free_agent(world, world.agents.get(call.agent_id), call, now)
    state, due_at, why = _contact_after(world, call, outcome, now)
    if due_at is not None:
        world.buffer.news(due_at)
    world.commands.append(
        CloseAttempt(
            attempt_id=call.attempt_id,
            contact_id=call.contact.contact_id,
            number=call.number.number,
            outcome=outcome,
            at=now,
            reason=call.reason or reason or why,
            contact_state=state,
            due_at=due_at,
            agent_id=call.agent_id,
            talk=talk,
            cause=cause[:120],
        )
    )
    recycling.closed(world, call, now)


def withdraw(world: World, call: LiveCall, now: datetime) -> None:
    """Forget an attempt that was never written nor dialed: it has no outcome."""
    world.observe(NotAnswered(ring_s=0.0, outcome=Outcome.failed), now)
    world.move_call(call, CallMove.ended)
    _forget(world, call)
    world.remember(call.attempt_id, Origin.told, now)
    if call.agent_id is not None:
        _free_agent(world, world.agents.get(call.agent_id), call, now)
    world.counts.placed -= 1


def _outcome(world: World, call: LiveCall, said: Outcome | None) -> Outcome:
    if call.state is CallState.talking:
        return Outcome.answered
    if call.non_person is not None:
        return call.non_person
    if call.state in UNANSWERED:
        return call.on_end or ended_outcome(call.state, said)
    if said in (Outcome.machine, Outcome.fax):
        return said
    return Outcome.answered if world.agentless else ended_outcome(call.state, said)


def _tell_pacer(world: World, call: LiveCall, outcome: Outcome, now: datetime) -> None:
    if call.joined_at is not None:
        world.observe(TalkEnded(talk_s=seconds(call.joined_at, now)), now)
    elif call.answered_at is None:
        ring_s = seconds(call.placed_at, now)
        world.observe(
            NotAnswered(ring_s=ring_s, outcome=outcome, cancelled=call.reason == TOO_MANY), now
        )
    elif outcome is Outcome.abandoned:
        world.counts.abandoned += 1
        world.counts.answered += call.state is CallState.listening
        if not call.abandoned_told:
            since = call.recognised_at or call.answered_at
            world.observe(Abandoned(wait_s=seconds(since, now)), now)


def _forget(world: World, call: LiveCall) -> None:
    attempt_id = call.attempt_id
    del world.calls[attempt_id]
    world.contacts.pop(call.contact.contact_id, None)
    world.trunks.release(call.trunk_id)
    world.deadlines.cancel_each(WHILE_IT_LASTS, attempt_id)


def _free_agent(world: World, line: Line | None, call: LiveCall, now: datetime) -> None:
    if line is None or line.attempt_id != call.attempt_id:
        return
    if line.state is AgentState.talking:
        agents.talk_ended(world, line, now)
    elif line.state in (AgentState.reserved, AgentState.ringing):
        agents.unreserve(world, line, now, suspect=False, failure=False)


def _contact_after(
    world: World, call: LiveCall, outcome: Outcome, now: datetime
) -> tuple[ContactState, datetime | None, str]:
    if call.contact_removed:
        return ContactState.finished, None, call.contact_removed
    tried = as_attempts(call.contact, outcome)
    spent = tried.get(Outcome.invalid, 0) + tried.get(Outcome.fax, 0)
    again = next_try(
        outcome,
        tried,
        now=now,
        rules=world.started.settings.retry,
        numbers_left=max(0, len(call.contact.numbers) - spent),
    )
    state = ContactState.finished if again.at is None else ContactState.ready
    return state, again.at, str(again.reason)


def seconds(since: datetime, now: datetime) -> float:
    """How long ago something was, never less than nothing."""
    return max(0.0, (now - since).total_seconds())
