"""Recordings of talks: begun at the join or on demand, paused for cards, ended with the talk.

Every file has a row that was committed before the switch was asked for it. A pause that the switch
did not carry out for sure ends the recording: what must not be kept is not worth a recording.
"""

from datetime import datetime

from dialer.call import CallState
from dialer.commands import RecordCall, SaveRecording
from dialer.events import CommandFailed, RecordingOrdered
from dialer.live.things import LiveCall
from dialer.live.world import World
from dialer.media import (
    RUNNING,
    RecordingAction,
    RecordingPolicy,
    RecordingState,
    recording_after,
)


def joined(world: World, call: LiveCall, now: datetime) -> None:
    """A talk began: record it, where every talk is recorded."""
    every = world.started.settings.recording.policy is RecordingPolicy.all
    if every and world.started.capabilities.records_calls and call.recording not in RUNNING:
        _do(world, call, RecordingAction.start, now, by="policy")


def ordered(world: World, event: RecordingOrdered, now: datetime) -> None:
    """Somebody wants something of a recording; what can't be done now is counted and left."""
    call = world.calls.get(event.attempt_id)
    why_not = ""
    if call is None or call.state is not CallState.talking:
        why_not = "nobody talks"
    elif not world.started.capabilities.records_calls:
        why_not = "the switch doesn't record"
    elif world.started.settings.recording.policy is RecordingPolicy.never:
        why_not = "the campaign never records"
    elif recording_after(call.recording, event.action) is None:
        why_not = f"recording is {call.recording or 'not begun'}"
    if call is None or why_not:
        world.odd("recording_not_changed", event.attempt_id, f"{event.action}: {why_not}")
        return
    _do(world, call, event.action, now, by=event.by)


def accepted(world: World, call: LiveCall, now: datetime) -> None:
    """The switch has done what it was last asked."""
    if call.recording is RecordingState.starting:
        call.recording = RecordingState.recording
        _save(world, call, now)


def failed(world: World, call: LiveCall, event: CommandFailed, now: datetime) -> None:
    """The switch has not, or not for sure, done what it was last asked."""
    match call.recording:
        case RecordingState.starting:
            if event.unclear:
                _send(world, call, RecordingAction.stop)
            call.recording = RecordingState.failed
            _save(world, call, now, reason=event.reason)
        case RecordingState.paused:
            _send(world, call, RecordingAction.stop)
            call.recording = RecordingState.stopped
            _save(world, call, now, reason="pause_failed")
        case _:
            world.odd("recording_failed", call.attempt_id, event.reason)


def ended(world: World, call: LiveCall, now: datetime) -> None:
    """The attempt is over, and so is its recording."""
    if call.recording in RUNNING:
        _send(world, call, RecordingAction.stop)
        call.recording = RecordingState.stopped
        _save(world, call, now)


def _do(world: World, call: LiveCall, action: RecordingAction, now: datetime, *, by: str) -> None:
    call.recording = recording_after(call.recording, action)
    call.recordings += action is RecordingAction.start
    _save(world, call, now, by=by)
    _send(world, call, action)


def _name(call: LiveCall) -> str:
    return f"{call.attempt_id}.{call.recordings}"


def _send(world: World, call: LiveCall, action: RecordingAction) -> None:
    name = _name(call)
    world.emit(RecordCall(correlator=call.attempt_id, call=call.call, name=name, action=action))


def _save(world: World, call: LiveCall, now: datetime, *, by: str = "", reason: str = "") -> None:
    if call.recording is None:
        return
    world.emit(
        SaveRecording(
            name=_name(call),
            attempt_id=call.attempt_id,
            state=call.recording,
            at=now,
            retention=world.started.settings.recording.retention,
            agent_id=call.agent_id,
            by=by[:80],
            reason=reason[:200],
        )
    )
