"""Attempts on the line, from the request to dial until the one outcome.

Late duplicates and events out of order are told by the state table (`UnexpectedMove`) and counted
by the caller; nothing here changes a state except by the table.
"""

from datetime import datetime, timedelta

from dialer.agent import AgentState
from dialer.call import UNANSWERED, CallMove, CallState, UnexpectedMove, ended_outcome
from dialer.commands import CloseAttempt, ContactState, HangUp, PlayMessage
from dialer.events import CallEnded, EndedBy
from dialer.live import agents
from dialer.live.deadlines import Timer
from dialer.live.world import TAKE_OVER, Line, LiveCall, Origin, World, as_attempts
from dialer.model import CallRef
from dialer.outcomes import Outcome
from dialer.pacing.base import Abandoned, Answered, MachineFound, NotAnswered, Served, TalkEnded
from dialer.retry import next_try

HELD_GRACE = timedelta(seconds=1)
"""Least time between an answer and giving up, for the switch to say that the call is held."""
HELD_SOON = timedelta(milliseconds=500)
"""The same when the answer itself was told late."""
JOIN_NEWS = timedelta(seconds=1)
"""How long the end of a call waits for the word of a join that it may have overtaken."""
HANG_UP_CHECK = timedelta(seconds=3)
HANG_UPS = 6
"""How often a call is asked to end before it is closed without the switch's word."""
CALLED_OFF = frozenset({"ring_timeout", "cleared"})
"""Reasons to end a call that no longer hold once a person has answered it."""


def merge_ref(call: LiveCall, ref: CallRef, *, leg_known: bool) -> None:
    """Take over the switch's name of the call, keeping a leg that is known and not said again."""
    if not leg_known and call.call is not None and call.call.call_id == ref.call_id:
        if ref.leg and not call.leg_known:
            call.call, call.leg_known = ref, True
        return
    call.call = keep_leg(call.call, ref) if call.leg_known else ref
    call.leg_known = leg_known or bool(ref.leg)


def keep_leg(known: CallRef | None, said: CallRef) -> CallRef:
    """What the switch says now, with the leg that it said before where it leaves it out."""
    if known is None or said.leg or known.call_id != said.call_id:
        return said
    return known


def answered(world: World, call: LiveCall, at: datetime, now: datetime) -> None:
    """Somebody answered: the clock of their patience starts."""
    world.move_call(call, CallMove.answered)
    call.answered_at = min(max(at, call.placed_at), now)
    call.unclear = False
    world.deadlines.cancel(Timer.ring, call.attempt_id)
    world.deadlines.cancel(Timer.doubt, call.attempt_id)
    world.observe(Answered(ring_s=(call.answered_at - call.placed_at).total_seconds()), now)
    if call.reason in CALLED_OFF:
        call.hang_ups, call.reason = 0, ""
        world.deadlines.cancel(Timer.hang_up, call.attempt_id)
    if call.non_person is not None:
        machine_found(world, call, now)
        return
    world.counts.answered += 1
    patience = world.started.settings.patience
    if world.settled:
        call.give_up_at = call.answered_at + patience
    else:
        call.give_up_at = min(now + patience, world.started_at + TAKE_OVER)
    if world.joins or world.agentless:
        wait = max(patience, HELD_GRACE)
        limit = max(call.answered_at + wait, now + HELD_SOON)
        world.deadlines.set(Timer.patience, call.attempt_id, limit)
    else:
        joined(world, call, "", now)  # the switch itself, or the agent who dialed, is on the line


def held(world: World, call: LiveCall, now: datetime) -> None:
    """The person waits where an agent can be joined."""
    world.move_call(call, CallMove.held)
    if call.non_person is not None or call.hang_ups or call.give_up_at is None:
        return
    if world.agentless:
        give_up(world, call, now)
    else:
        world.deadlines.set(Timer.patience, call.attempt_id, max(call.give_up_at, now))


def machine_found(world: World, call: LiveCall, now: datetime) -> None:
    """A machine or fax is on the line: nobody will be joined with it."""
    if call.answered_at is not None:
        world.observe(MachineFound(after_s=(now - call.answered_at).total_seconds()), now)
    if call.state in (CallState.answered, CallState.held, CallState.message) and not call.hang_ups:
        if world.agentless and call.state is CallState.message:
            return  # a message left on a machine is still a message left
        hang_up(world, call, now, reason="machine")


def give_up(world: World, call: LiveCall, now: datetime) -> None:
    """Nobody is free in time (or wanted): the message, or an end."""
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    if not world.agentless and not call.abandoned_told and call.answered_at is not None:
        call.abandoned_told = True
        world.observe(Abandoned(wait_s=_seconds(call.answered_at, now)), now)
    plays = world.started.capabilities.plays_message and not call.message_failed
    if not plays or call.call is None:
        hang_up(world, call, now, reason="no_agent")
        return
    world.move_call(call, CallMove.message_asked)
    world.emit(PlayMessage(correlator=call.attempt_id, customer=call.call))
    limit = world.started.settings.message_limit
    world.deadlines.set(Timer.message, call.attempt_id, now + limit)
    world.save_call(call, now)


def hang_up(
    world: World, call: LiveCall, now: datetime, *, reason: str, on_end: Outcome | None = None
) -> None:
    """Ask the switch to end a call, and see to it that it does."""
    call.hang_ups += 1
    call.reason = call.reason or reason
    call.on_end = call.on_end or on_end
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    can = world.started.capabilities
    if call.state not in UNANSWERED or can.cancels_ringing or not can.lists_calls:
        world.emit(HangUp(correlator=call.attempt_id, call=call.call, reason=call.reason))
    else:
        world.ask_snapshot(now)
    world.deadlines.set(Timer.hang_up, call.attempt_id, now + HANG_UP_CHECK)


def hang_up_unheard(world: World, call: LiveCall, now: datetime) -> None:
    """The switch has not said that a call ended: look, ask again, or close without its word."""
    if call.hang_ups >= HANG_UPS:
        world.odd("call_would_not_end", call.attempt_id)
        close(world, call, now, origin=Origin.inferred)
        return
    world.ask_snapshot(now)
    hang_up(world, call, now, reason=call.reason)


def joined(world: World, call: LiveCall, address: str, now: datetime) -> None:
    """Customer and agent hear each other, whether or not the engine arranged it."""
    if call.answered_at is None:
        call.answered_at = call.give_up_at = now
        world.counts.answered += 1
        world.observe(Answered(ring_s=_seconds(call.placed_at, now)), now)
    elif call.non_person is not None:
        call.non_person = None  # an agent talks with it: the switch took a person for a machine
        world.counts.answered += 1
    world.move_call(call, CallMove.joined)
    call.joined_at, call.unclear = now, False
    for timer in (Timer.ring, Timer.doubt, Timer.patience, Timer.reserve, Timer.join_check):
        world.deadlines.cancel(timer, call.attempt_id)
    world.deadlines.cancel(Timer.message, call.attempt_id)
    world.counts.joined += 1
    world.observe(Served(wait_s=_seconds(call.answered_at, now)), now)
    _seat(world, call, address, now)
    world.save_call(call, now)
    if call.ended is not None:
        close_ended(world, call, now)


def ended(world: World, call: LiveCall, event: CallEnded, now: datetime) -> None:
    """The switch says that a call is over: close it, with what the end itself tells."""
    if call.state in UNANSWERED and event.outcome is Outcome.answered and not call.hang_ups:
        answered(world, call, event.at, now)  # somebody did, and word of it was lost or is late
        world.save_call(call, now)
    elif call.state is CallState.joining:
        if event.by is not EndedBy.agent:
            _await_join(world, call, event, now)
            return
        joined(world, call, "", now)  # only an agent who talked with the customer can end it
    if call.attempt_id in world.calls:
        close(world, call, now, said=event.outcome, cause=event.cause)


def _await_join(world: World, call: LiveCall, event: CallEnded, now: datetime) -> None:
    """Keep the attempt open for the word of its join, which the end may have overtaken."""
    if call.ended is not None:
        raise UnexpectedMove(call.state, CallMove.ended)
    call.ended = event
    for timer in (Timer.patience, Timer.reserve, Timer.join_check):
        world.deadlines.cancel(timer, call.attempt_id)
    world.deadlines.set(Timer.join_news, call.attempt_id, now + JOIN_NEWS)


def close_ended(world: World, call: LiveCall, now: datetime) -> None:
    """Close an attempt whose end was told before: its join has been told, or did not happen."""
    said = call.ended
    outcome, cause = (said.outcome, said.cause) if said else (None, "")
    close(world, call, now, said=outcome, cause=cause)


def agent_left(world: World, line: Line, now: datetime) -> None:
    """An agent's own call ended: where that leaves a customer alone, end the customer's too."""
    call = world.calls.get(line.attempt_id)
    talking = line.state is AgentState.talking and not line.park_gone
    agents.park_ended(world, line, now, failure=world.settled)
    if talking and call is not None and world.started.capabilities.keeps_parked:
        hang_up(world, call, now, reason="agent_left")


def _seat(world: World, call: LiveCall, address: str, now: datetime) -> None:
    """Note which agent a joined customer is with; the switch's word counts over the plan."""
    planned = world.agents.get(call.agent_id) if call.agent_id else None
    found = world.addresses.get(address) if address else None
    line = world.agents[found] if found else planned
    if planned is not None and planned is not line and planned.attempt_id == call.attempt_id:
        agents.unreserve(world, planned, now, suspect=True, failure=False)
    if line is None:
        call.agent_id = None
        if world.joins:
            world.odd("joined_with_stranger", call.attempt_id, address)
        return
    if not _can_seat(line, call.attempt_id):
        call.agent_id = None
        world.odd("agent_with_two_customers", call.attempt_id, line.agent.agent_id)
        world.ask_snapshot(now)
        return
    call.agent_id = line.agent.agent_id
    agents.talk(world, line, call.attempt_id, now)


def _can_seat(line: Line, attempt_id: str) -> bool:
    if line.state in (AgentState.talking, AgentState.wrap_up):
        return False
    return line.attempt_id in ("", attempt_id)


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
    talk = now - call.joined_at if call.joined_at else None
    world.move_call(call, CallMove.ended)
    _forget(world, call)
    world.remember(call.attempt_id, origin, now)
    _free_agent(world, call, now)
    state, due_at, why = _contact_after(world, call, outcome, now)
    if due_at is not None:
        world.buffer.news(due_at)
    world.emit(
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
        world.observe(TalkEnded(talk_s=_seconds(call.joined_at, now)), now)
    elif call.answered_at is None:
        ring_s = _seconds(call.placed_at, now)
        world.observe(NotAnswered(ring_s=ring_s, outcome=outcome), now)
    elif outcome is Outcome.abandoned:
        world.counts.abandoned += 1
        if not call.abandoned_told:
            world.observe(Abandoned(wait_s=_seconds(call.answered_at, now)), now)


def _forget(world: World, call: LiveCall) -> None:
    attempt_id = call.attempt_id
    del world.calls[attempt_id]
    world.contacts.pop(call.contact.contact_id, None)
    world.trunks.release(call.trunk_id)
    for timer in _TIMERS:
        world.deadlines.cancel(timer, attempt_id)


_TIMERS = (
    Timer.ring,
    Timer.doubt,
    Timer.patience,
    Timer.reserve,
    Timer.join_check,
    Timer.message,
    Timer.hang_up,
    Timer.join_news,
)


def _free_agent(world: World, call: LiveCall, now: datetime) -> None:
    line = world.agents.get(call.agent_id) if call.agent_id else None
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
    return state, again.at, again.reason.value


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
