"""Who answered: what the switch has heard, and what follows from it.

A call that is being listened to is nobody's yet: it counts as a person's, and their patience
starts, when the verdict is in. A switch that stays silent is treated as one that isn't sure.
"""

from datetime import datetime

from dialer.call import UNANSWERED, CallState
from dialer.events import MachineDetected, PersonDetected
from dialer.live import calls
from dialer.live.deadlines import Timer
from dialer.live.things import LiveCall
from dialer.live.world import World
from dialer.media import AmdAction, Verdict
from dialer.outcomes import Outcome


def on_person(world: World, event: PersonDetected, now: datetime) -> None:
    """A person answered, or somebody of whom the switch isn't sure."""
    call = world.calls.get(event.correlator)
    if call is None:
        world.odd("unknown_call", event.correlator, event.kind)
        return
    if call.verdict is not None or call.non_person is not None or not call.listens:
        world.odd("late_event", event.correlator, f"{event.kind} while {call.state}")
        return
    if call.state is not CallState.listening and call.state not in UNANSWERED:
        world.odd("late_event", event.correlator, f"{event.kind} while {call.state}")
        return
    _note(world, call, Verdict.unsure if event.unsure else Verdict.person, event.at, now)
    if call.state is CallState.listening:
        _go_on(world, call, now)


def on_machine(world: World, event: MachineDetected, now: datetime) -> None:
    """A machine or fax answered, or will have."""
    call = world.calls.get(event.correlator)
    if call is None:
        world.odd("unknown_call", event.correlator, event.kind)
        return
    if call.non_person is not None or call.joined_at is not None:
        world.odd("late_event", event.correlator, f"{event.kind} while {call.state}")
        return
    verdict = Verdict.fax if event.fax else Verdict.machine
    listened_to = call.state is CallState.listening
    if call.listens:
        if call.verdict is verdict:
            world.odd("late_event", event.correlator, f"{event.kind} while {call.state}")
            return
        _note(world, call, verdict, event.at, now)
        if world.started.settings.amd.action(verdict) is AmdAction.connect:
            if listened_to:
                _go_on(world, call, now)
            return
    call.non_person = Outcome.fax if event.fax else Outcome.machine
    if call.answered_at is not None and not listened_to:
        world.counts.answered -= 1
    if call.listens and call.answered_at is not None:
        world.save_call(call, now)
    calls.machine_found(world, call, now)


def unheard(world: World, call: LiveCall, now: datetime) -> None:
    """The switch has not said who it is, and the person, if it is one, waits."""
    world.odd("no_verdict", call.attempt_id)
    _note(world, call, Verdict.unsure, now, now)
    _go_on(world, call, now)


def _note(world: World, call: LiveCall, verdict: Verdict, at: datetime, now: datetime) -> None:
    call.verdict = verdict
    call.recognised_at = min(max(at, call.answered_at or at), now)
    world.verdicts[verdict] = world.verdicts.get(verdict, 0) + 1
    world.deadlines.cancel(Timer.listen, call.attempt_id)


def _go_on(world: World, call: LiveCall, now: datetime) -> None:
    """From here on as with a call that nobody listened to."""
    if call.hang_ups:
        return
    calls.person_waits(world, call, now)
    if call.held_told and call.state is CallState.answered:
        calls.held(world, call, now)
    if call.attempt_id in world.calls:
        world.save_call(call, now)
