"""What the switch says, sorted to the attempt or the agent it is about.

`correlator` is an attempt's or a park's. Whatever a state does not list is counted and dropped; an
event of an attempt that was given up is looked at again, for a person may be on the line.
"""

from datetime import datetime

from dialer.agent import AgentState
from dialer.call import UNANSWERED, CallMove, CallState, UnexpectedMove
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
)
from dialer.live import agents, calls, queueing
from dialer.live.deadlines import Timer
from dialer.live.recovery import greet
from dialer.live.things import Line, LiveCall, Origin
from dialer.live.world import World
from dialer.switching import CallPhase, CallView

LineEvent = CallStarted | CallRinging | CallAnswered | CallHeld | CallJoined | CallEnded


def on_line_event(world: World, event: LineEvent, now: datetime) -> None:
    """Apply what a call did."""
    call = world.calls.get(event.correlator)
    if call is not None:
        if now > call.seen_at:
            call.seen_at = now
        try:
            _apply(world, call, event, now)
        except UnexpectedMove as unexpected:
            world.odd("late_event", event.correlator, f"{event.kind} while {unexpected.state}")
        return
    agent_id = world.parks.get(event.correlator)
    if agent_id is not None:
        _apply_park(world, world.agents[agent_id], event, now)
        return
    _unknown(world, event, now)


def _apply(world: World, call: LiveCall, event: LineEvent, now: datetime) -> None:
    unsaved = call.call
    calls.merge_ref(call, event.call, leg_known=isinstance(event, CallHeld))
    match event:
        case CallEnded():
            calls.ended(world, call, event, now)
        case CallStarted():
            if call.state is CallState.placing:
                world.move_call(call, CallMove.started)
                _heard(world, call)
            queueing.picked(world, call, event.address, now)
        case CallRinging():
            world.move_call(call, CallMove.rang)
            _heard(world, call)
            queueing.picked(world, call, event.address, now)
        case CallAnswered():
            calls.answered(world, call, event.at, now)
            world.save_call(call, now)
        case CallHeld():
            _held(world, call, event, now)
        case CallJoined():
            calls.joined(world, call, event.address, now)
    if unsaved is None and isinstance(event, CallStarted | CallRinging):
        world.save_call(call, now)


def _heard(world: World, call: LiveCall) -> None:
    """The request to dial was carried out."""
    call.unclear = False
    world.deadlines.cancel(Timer.doubt, call.attempt_id)


def _held(world: World, call: LiveCall, event: CallHeld, now: datetime) -> None:
    if call.state in UNANSWERED:
        calls.answered(world, call, event.at, now)
    if call.state is CallState.talking and not world.joins:
        return  # the switch or the agent who dialed was on the line from the answer on
    if call.state is CallState.listening:
        call.held_told = True  # it can be joined once the verdict is in
        world.save_call(call, now)
        return
    calls.held(world, call, now)
    if call.state is CallState.held:
        world.save_call(call, now)


def _apply_park(world: World, line: Line, event: LineEvent, now: datetime) -> None:
    line.seen_at = max(line.seen_at, now)
    match event:
        case CallHeld() if line.state is AgentState.ringing and not line.attempt_id:
            agents.parked(world, line, event.call, now)
        case CallEnded():
            calls.agent_left(world, line, now)
        case CallStarted() | CallRinging() | CallAnswered():
            if line.state is AgentState.ringing:
                line.park_call = calls.keep_leg(line.park_call, event.call)
        case _:
            world.odd("late_event", event.correlator, f"{event.kind} while {line.state}")


def _unknown(world: World, event: LineEvent, now: datetime) -> None:
    """An attempt or park that is over, or was never ours."""
    past = world.past.get(event.correlator)
    if past is None:
        world.odd("unknown_call", event.correlator, event.kind)
        return
    if past.origin is Origin.told:
        if not world.correlators.is_park(event.correlator):
            world.odd("late_event", event.correlator, f"{event.kind} after the end")
        return
    if isinstance(event, CallEnded):
        past.origin = Origin.told
        world.deadlines.cancel(Timer.message, event.correlator)
    elif isinstance(event, CallAnswered | CallHeld) and not past.greeted:
        if isinstance(event, CallAnswered) and world.started.capabilities.plays_message:
            world.odd("late_event", event.correlator, f"{event.kind} after the end")
            world.ask_snapshot(now)  # the message needs the call held; if that goes unsaid, look
            return
        view = CallView(correlator=event.correlator, call=event.call, phase=CallPhase.held)
        greet(world, view, past, now)
    else:
        world.odd("late_event", event.correlator, f"{event.kind} after the end")
