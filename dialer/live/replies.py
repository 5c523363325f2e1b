"""How the switch answered the engine's commands.

A failure may come at once, naming what it is about, or later, naming only the request; a late one
may even overtake the acceptance that would say what the request was, so it is kept for a while.
"""

from datetime import datetime, timedelta

from dialer.agent import AgentState
from dialer.call import CallMove, CallState
from dialer.events import CommandAccepted, CommandFailed
from dialer.live import agents, calls, closing, matching, recording
from dialer.live.deadlines import Timer
from dialer.live.things import LiveCall, Origin
from dialer.live.world import World
from dialer.outcomes import Outcome

EARLY_LIFE = timedelta(seconds=10)
"""How long a failure waits for the acceptance it belongs to."""
REQUEST_LIFE = timedelta(minutes=10)
UNCLEAR_GRACE = timedelta(seconds=2)
LINK_FAILURES = 3
"""In a row, after which the switch counts as out of reach."""
PROBES = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15, 30))


def on_accepted(world: World, event: CommandAccepted, now: datetime) -> None:
    """The switch took a command."""
    link_up(world)
    if event.request_id:
        _remember_request(world, event, now)
    call = world.calls.get(event.correlator)
    if call is not None:
        _accepted(world, call, event, now)
    early = world.early.pop(event.request_id, None) if event.request_id else None
    if early is not None and now - early[1] <= EARLY_LIFE:
        on_failed(world, early[0], now)


def _accepted(world: World, call: LiveCall, event: CommandAccepted, now: datetime) -> None:
    if event.action in ("join", "divert") and call.state is CallState.joining:
        call.join_request = event.request_id
    if event.action == "record_call":
        recording.accepted(world, call, now)
    if event.action != "place_call" or call.accepted:
        return
    call.accepted, call.unclear = True, False
    if now > call.seen_at:
        call.seen_at = now
    world.deadlines.cancel(Timer.doubt, call.attempt_id)
    if call.state is CallState.placing:
        world.move_call(call, CallMove.accepted)
    world.save_call(call, now, accepted=True)


def _remember_request(world: World, event: CommandAccepted, now: datetime) -> None:
    world.requests[event.request_id] = (event.correlator, event.action, now)
    while world.requests:
        oldest = next(iter(world.requests))
        if now - world.requests[oldest][2] <= REQUEST_LIFE:
            return
        del world.requests[oldest]


def on_failed(world: World, event: CommandFailed, now: datetime) -> None:
    """The switch did not, or may not, carry out a command."""
    if not event.refused and not event.unclear and not event.request_id:
        _link_failed(world, now)
    correlator, action = event.correlator, event.action
    if event.request_id and (not correlator or not action):
        known = world.requests.pop(event.request_id, None)
        if known is None:
            _keep_early(world, event, now)
            return
        correlator, action = known[0], known[1]
    if action == "take_snapshot":
        _snapshot_failed(world, now)
        return
    call = world.calls.get(correlator)
    if call is not None:
        _call_failed(world, call, action, event, now)
    elif correlator in world.parks:
        _park_failed(world, correlator, action, event, now)
    elif correlator not in world.past:
        world.odd("unknown_request", correlator, f"{action} {event.request_id}")


def _keep_early(world: World, event: CommandFailed, now: datetime) -> None:
    world.early[event.request_id] = (event, now)
    while now - world.early[next(iter(world.early))][1] > EARLY_LIFE:
        del world.early[next(iter(world.early))]


def _call_failed(
    world: World, call: LiveCall, action: str, event: CommandFailed, now: datetime
) -> None:
    match action:
        case "place_call":
            _place_failed(world, call, event, now)
        case "join" | "divert":
            stale = event.request_id and call.join_request not in ("", event.request_id)
            if call.state is CallState.joining and not stale:
                if event.unclear:
                    world.ask_snapshot(now)
                else:
                    matching.join_failed(world, call, now, suspect=False)
        case "play_message" if call.state is CallState.message:
            call.message_failed = True
            world.deadlines.cancel(Timer.message, call.attempt_id)
            world.move_call(call, CallMove.message_failed)
            if event.unclear or call.hang_ups:
                calls.hang_up(world, call, now, reason="message_failed")
            else:
                world.deadlines.set(Timer.patience, call.attempt_id, now)
        case "hang_up":
            world.ask_snapshot(now)
        case "record_call":
            recording.failed(world, call, event, now)
        case _:
            world.odd("late_failure", call.attempt_id, f"{action} while {call.state}")


def _place_failed(world: World, call: LiveCall, event: CommandFailed, now: datetime) -> None:
    if event.unclear:
        if call.state is CallState.placing:
            call.unclear, call.seen_at = True, max(call.seen_at, now)
            world.deadlines.set(Timer.doubt, call.attempt_id, now + UNCLEAR_GRACE)
            world.ask_snapshot(now)
        return
    if call.answered_at is not None:
        world.odd("late_failure", call.attempt_id, f"place_call while {call.state}")
        return
    said = event.outcome or Outcome.failed
    reason = "refused" if event.refused else "not_dialed"
    closing.close(
        world, call, now, said=said, origin=Origin.told, reason=reason, cause=event.reason
    )


def _park_failed(
    world: World, correlator: str, action: str, event: CommandFailed, now: datetime
) -> None:
    line = world.agents[world.parks[correlator]]
    if action == "park_agent" and line.state is AgentState.ringing and not event.unclear:
        agents.park_ended(world, line, now)
    elif event.unclear or action == "hang_up":
        world.ask_snapshot(now)
    else:
        world.odd("late_failure", correlator, f"{action} while {line.state}")


def doubt(world: World, call: LiveCall, now: datetime) -> None:
    """Nothing was heard of a request to dial: ask the switch; without an answer, call it off."""
    if world.started.capabilities.lists_calls:
        world.ask_snapshot(now)
    else:
        calls.hang_up(world, call, now, reason="unheard", on_end=Outcome.unknown)


# -- the link ----------------------------------------------------------------------------------


def link_up(world: World) -> None:
    """The switch answered."""
    if world.link_down:
        world.pace_due = True
        world.link_down = False
    world.link_failures = world.probes = 0


def _link_failed(world: World, now: datetime) -> None:
    world.link_failures += 1
    if world.link_failures >= LINK_FAILURES and not world.link_down:
        world.link_down = True
        world.odd("link_down")
        world.ask_snapshot(now)
    if world.link_down and not world.started.capabilities.lists_calls:
        world.link_retry_at = now + PROBES[-1]


def _snapshot_failed(world: World, now: datetime) -> None:
    """Look again, later each time."""
    wait = PROBES[min(world.probes, len(PROBES) - 1)]
    world.probes += 1
    world.deadlines.set(Timer.snapshot, "", now + wait)
