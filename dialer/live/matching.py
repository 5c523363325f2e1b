"""Who gets whom: persons in order of answer, agents as the campaign distributes.

A person is offered to an agent while patience lasts, and once even after it (the answer may have
reached us late). A failed join is tried with another agent; when it is unclear what became of a
join the switch is asked before anybody else is.
"""

from datetime import datetime, timedelta
from typing import assert_never

from dialer.agent import AgentState
from dialer.call import CallMove, CallState
from dialer.commands import Divert, Join
from dialer.live import agents, calls
from dialer.live.deadlines import Timer
from dialer.live.things import Line, LiveCall
from dialer.live.world import World
from dialer.model import Dialable, Distribution

JOIN_LIMIT = timedelta(seconds=3)
"""How long a reservation lasts until the switch must have said something."""
DIVERT_RING = timedelta(seconds=10)
"""How long an agent's device may ring for a diverted customer whose patience lasts."""
DIVERT_LEAST = timedelta(seconds=3)
"""How long it may ring in any case: less, and nobody could pick up."""
JOIN_CHECK = timedelta(seconds=2)
"""How long a snapshot may take to say what became of a join."""


def match(world: World, now: datetime) -> None:
    """Join every waiting person for whom an agent is free."""
    if not world.waiting or not world.joins:
        return
    for call in list(world.waiting.values()):
        kept = kept_line(world, call) if call.promised else None
        if kept is None and not world.free:
            continue
        if _joinable(call, now):
            line = kept or pick(world, call, now)
            if line is not None:
                _join(world, call, line, now)


def kept_line(world: World, call: LiveCall) -> Line | None:
    """The agent who was kept for a call and is still there."""
    line = world.agents.get(call.agent_id) if call.agent_id else None
    if line is None or line.attempt_id != call.attempt_id or line.park_gone or line.releasing:
        return None
    return line if line.state in (AgentState.reserved, AgentState.ringing) else None


def _joinable(call: LiveCall, now: datetime) -> bool:
    if call.state is not CallState.held or call.hang_ups or call.call is None:
        return False
    late = call.give_up_at is not None and now >= call.give_up_at
    return not (late and call.tried)


def pick(world: World, call: LiveCall | None, now: datetime) -> Line | None:
    """The free agent who is to get a customer, or None."""
    owner = call.contact.owner if call else None
    tried = call.tried if call else ()
    able = [
        line
        for agent_id, line in world.free.items()
        if agent_id not in tried
        and (line.retry_at is None or line.retry_at <= now)
        and (call is None or call.leg_known or line.state is AgentState.idle)
    ]
    if owner and world.started.settings.owner_only:
        able = [line for line in able if line.agent.agent_id == owner]
    if len(able) <= 1:
        return able[0] if able else None
    if owner:
        for line in able:
            if line.agent.agent_id == owner:
                return line
    match world.started.settings.distribution:
        case Distribution.most_idle:
            longest = min([line.idle_since for line in able])
            able = [line for line in able if line.idle_since == longest]
            return min(able, key=lambda line: line.order)
        case Distribution.cyclic:
            last = world.last_served
            return min(able, key=lambda line: (line.order <= last, line.order))
        case Distribution.sequential:
            return min(able, key=lambda line: line.order)
        case never:
            assert_never(never)


def pick_for(world: World, contact: Dialable, now: datetime) -> Line | None:
    """The free agent for whom a contact is to be called: his owner, or where he may, another."""
    owner = world.free.get(contact.owner) if contact.owner else None
    if owner is not None and world.can_take(owner, now):
        return owner
    if contact.owner and world.started.settings.owner_only:
        return None
    return pick(world, None, now)


def _join(world: World, call: LiveCall, line: Line, now: datetime) -> None:
    assert call.call is not None  # noqa: S101  # `_joinable` says so
    on_line = line.state in (AgentState.parked, AgentState.reserved)
    call.agent_id, call.join_asked_at, call.join_request = line.agent.agent_id, now, ""
    if line.attempt_id != call.attempt_id:
        agents.reserve(world, line, call.attempt_id, now)
    world.move_call(call, CallMove.join_asked)
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    limit = JOIN_LIMIT if on_line else _divert_limit(call, now)
    world.deadlines.set(Timer.reserve, call.attempt_id, now + limit)
    world.save_call(call, now)
    if on_line and line.park_call is not None:
        world.emit(
            Join(
                correlator=call.attempt_id,
                agent_id=line.agent.agent_id,
                address=line.agent.address,
                customer=call.call,
                agent=line.park_call,
            )
        )
    else:
        world.emit(
            Divert(
                correlator=call.attempt_id,
                agent_id=line.agent.agent_id,
                address=line.agent.address,
                number=line.agent.number,
                customer=call.call,
            )
        )


def _divert_limit(call: LiveCall, now: datetime) -> timedelta:
    """As long as the person's patience, within what an agent needs and a device may ring."""
    left = DIVERT_RING if call.give_up_at is None else call.give_up_at - now
    return max(DIVERT_LEAST, min(left, DIVERT_RING))


def join_failed(world: World, call: LiveCall, now: datetime, *, suspect: bool) -> None:
    """Take a join back: the person waits again, for another agent or the message."""
    if call.ended is not None:
        calls.close_ended(world, call, now)
        return
    world.deadlines.cancel(Timer.reserve, call.attempt_id)
    world.deadlines.cancel(Timer.join_check, call.attempt_id)
    world.move_call(call, CallMove.join_failed)
    line = world.agents.get(call.agent_id) if call.agent_id else None
    if line is not None:
        call.tried = (*call.tried, line.agent.agent_id)
        if line.attempt_id == call.attempt_id:
            agents.unreserve(world, line, now, suspect=suspect, failure=True)
    call.agent_id = None
    world.ask_snapshot(now)
    world.save_call(call, now)
    if call.non_person is not None:
        calls.machine_found(world, call, now)
        return
    world.deadlines.set(Timer.patience, call.attempt_id, max(call.give_up_at or now, now))


def join_overdue(world: World, call: LiveCall, now: datetime) -> None:
    """The switch has not said what became of a join: look before anything else is done."""
    if not world.started.capabilities.lists_calls:
        join_failed(world, call, now, suspect=True)
        return
    world.ask_snapshot(now)
    world.deadlines.set(Timer.join_check, call.attempt_id, now + JOIN_CHECK)
