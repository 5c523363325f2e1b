"""Attempts on the line, from the request to dial until the one outcome.

Late duplicates and events out of order are told by the state table (`UnexpectedMove`) and counted
by the caller; nothing here changes a state except by the table.
"""

from datetime import datetime, timedelta

from dialer.agent import AgentState
from dialer.call import UNANSWERED, CallMove, CallState, UnexpectedMove
from dialer.commands import HangUp, PlayMessage
from dialer.events import CallEnded, EndedBy
from dialer.live import agents, recording
from dialer.live.closing import NO_AGENT_LEFT, TOO_MANY, close, seconds
from dialer.live.deadlines import UNTIL_JOINED, Timer
from dialer.live.things import Line, LiveCall, Origin
from dialer.live.world import TAKE_OVER, World
from dialer.media import AmdAction, Verdict
from dialer.model import CallRef
from dialer.outcomes import Outcome
from dialer.pacing.base import Abandoned, Answered, MachineFound, Served

HELD_GRACE = timedelta(seconds=1)
"""Least time between an answer and giving up, for the switch to say that the call is held."""
HELD_SOON = timedelta(milliseconds=500)
"""The same when the answer itself was told late."""
JOIN_NEWS = timedelta(seconds=1)
"""How long the end of a call waits for the word of a join that it may have overtaken."""
VERDICT_GRACE = timedelta(seconds=1)
"""Beyond the longest listening, for the verdict to reach us."""
HANG_UP_CHECK = timedelta(seconds=3)
HANG_UPS = 6
"""How often a call is asked to end before it is closed without the switch's word."""
CALLED_OFF = frozenset({"ring_timeout", "cleared", TOO_MANY, NO_AGENT_LEFT})
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
    """Somebody answered: the clock of their patience starts, unless the switch listens first."""
    listens = call.listens and call.non_person is None and call.verdict is None
    world.move_call(call, CallMove.listened if listens else CallMove.answered)
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
    elif listens:
        verdict_at = call.answered_at + world.started.settings.amd.longest + VERDICT_GRACE
        world.deadlines.set(Timer.listen, call.attempt_id, max(verdict_at, now))
    else:
        person_waits(world, call, now)


def person_waits(world: World, call: LiveCall, now: datetime) -> None:
    """A person is on the line, as far as anybody knows, and their patience runs."""
    if call.state is CallState.listening:
        world.move_call(call, CallMove.answered)
    world.counts.answered += 1
    since = call.recognised_at or call.answered_at or now
    patience = world.started.settings.patience
    limit = since + patience
    if not world.settled:
        limit = min(now + patience, world.started_at + TAKE_OVER)
    call.give_up_at = limit if call.give_up_at is None else min(limit, call.give_up_at)
    if call.verdict is Verdict.unsure:
        action = world.started.settings.amd.unsure
        if action is not AmdAction.connect:
            turn_away(world, call, now, action)
            return
    if world.joins or world.agentless:
        wait = max(patience, HELD_GRACE)
        limit = max(since + wait, now + HELD_SOON)
        world.deadlines.set(Timer.patience, call.attempt_id, limit)
    else:
        joined(world, call, "", now)  # the switch itself, or the agent who dialed, is on the line


def turn_away(world: World, call: LiveCall, now: datetime, action: AmdAction) -> None:
    """Somebody who may be a person is not to be joined: the message or an end, and abandoned."""
    if action is AmdAction.message:
        give_up(world, call, now)
        return
    _tell_abandoned(world, call, now)
    hang_up(world, call, now, reason="unsure")


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
    if call.state not in _NOT_JOINED or call.hang_ups:
        return
    if call.state is CallState.message:
        if not world.agentless:  # a message left on a machine is still a message left
            hang_up(world, call, now, reason="machine")
    elif _gets_message(world, call):
        _leave_message(world, call, now)
    else:
        hang_up(world, call, now, reason="machine")


_NOT_JOINED = frozenset(
    {CallState.listening, CallState.answered, CallState.held, CallState.message}
)


def _gets_message(world: World, call: LiveCall) -> bool:
    amd = world.started.settings.amd
    verdict = Verdict.fax if call.non_person is Outcome.fax else Verdict.machine
    can = world.started.capabilities.plays_message and call.call is not None
    wanted = call.listens and amd.action(verdict) is AmdAction.message
    return can and wanted and not call.message_failed


def _leave_message(world: World, call: LiveCall, now: datetime) -> None:
    assert call.call is not None  # noqa: S101  # `_gets_message` says so
    amd = world.started.settings.amd
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    world.move_call(call, CallMove.message_asked)
    world.emit(
        PlayMessage(
            correlator=call.attempt_id, customer=call.call, prompt=amd.message, after_beep=True
        )
    )
    world.deadlines.set(Timer.message, call.attempt_id, now + amd.message_limit)
    world.save_call(call, now)


def give_up(world: World, call: LiveCall, now: datetime) -> None:
    """Nobody is free in time (or wanted): the message, or an end."""
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    _tell_abandoned(world, call, now)
    plays = world.started.capabilities.plays_message and not call.message_failed
    if not plays or call.call is None:
        hang_up(world, call, now, reason="no_agent")
        return
    world.move_call(call, CallMove.message_asked)
    world.emit(PlayMessage(correlator=call.attempt_id, customer=call.call))
    limit = world.started.settings.message_limit
    world.deadlines.set(Timer.message, call.attempt_id, now + limit)
    world.save_call(call, now)


def _tell_abandoned(world: World, call: LiveCall, now: datetime) -> None:
    """Tell the pacer that nobody came, once; of a machine nobody did, nor should."""
    since = call.recognised_at or call.answered_at
    if since is None or world.agentless or call.abandoned_told or call.non_person is not None:
        return
    call.abandoned_told = True
    world.observe(Abandoned(wait_s=seconds(since, now)), now)


def hang_up(
    world: World, call: LiveCall, now: datetime, *, reason: str, on_end: Outcome | None = None
) -> None:
    """Ask the switch to end a call, and see to it that it does."""
    call.hang_ups += 1
    call.reason = call.reason or reason
    call.on_end = call.on_end or on_end
    world.deadlines.cancel(Timer.patience, call.attempt_id)
    world.deadlines.cancel(Timer.listen, call.attempt_id)
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
        world.observe(Answered(ring_s=seconds(call.placed_at, now)), now)
    elif call.non_person is not None:
        call.non_person = None  # an agent talks with it: the switch took a person for a machine
        world.counts.answered += 1
    elif call.state is CallState.listening:
        world.counts.answered += 1
    world.move_call(call, CallMove.joined)
    call.joined_at, call.unclear = now, False
    world.deadlines.cancel_each(UNTIL_JOINED, call.attempt_id)
    world.counts.joined += 1
    world.observe(Served(wait_s=seconds(call.recognised_at or call.answered_at, now)), now)
    _seat(world, call, address, now)
    world.save_call(call, now)
    recording.joined(world, call, now)
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


_OF_A_JOIN = frozenset({Timer.patience, Timer.reserve, Timer.join_check})


def _await_join(world: World, call: LiveCall, event: CallEnded, now: datetime) -> None:
    """Keep the attempt open for the word of its join, which the end may have overtaken."""
    if call.ended is not None:
        raise UnexpectedMove(call.state, CallMove.ended)
    call.ended = event
    world.deadlines.cancel_each(_OF_A_JOIN, call.attempt_id)
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
