"""Taking over from an engine that died, and healing by what the switch says is going on.

A snapshot heals in both directions. What it shows counts if nothing was heard of the call after the
snapshot was asked for; what it lacks is gone if it was asked for some time after the call's last
sign of life, so that a call about to be listed isn't taken for lost.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from dialer.agent import AgentMove, AgentState
from dialer.call import UNANSWERED, CallMove, CallState
from dialer.commands import HangUp, PlayMessage
from dialer.events import OpenAttempt, OpenPark, SnapshotTaken
from dialer.live import agents, calls, closing, matching, orders, queueing, watching
from dialer.live.deadlines import Timer
from dialer.live.placing import watch_ringing
from dialer.live.things import Line, LiveCall, Origin, Past
from dialer.live.world import TAKE_OVER, World
from dialer.media import Verdict
from dialer.model import AgentId, TrunkId
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView

GRACE = timedelta(seconds=2)
"""After the last sign of a call, before its absence means anything."""
NEWS = timedelta(seconds=1)
"""After a call was first missing, before it is given up: word of its end may be on the way, and
says how it ended. A later snapshot that lacks it as well decides.
"""
SLOW_GRACE = timedelta(seconds=5)
"""The same before the switch has said anything of a call."""


def take_over(world: World, now: datetime) -> None:
    """Rebuild what the previous holder of the lease left open."""
    for park in world.started.parks:
        _adopt_park(world, park, now)
    for talk in world.started.talks:
        world.past[talk.attempt_id] = Past(
            Origin.told, talk.ended_at, contact=talk.contact, number=talk.number
        )
    for attempt in world.started.attempts:
        _adopt_attempt(world, attempt, now)
    world.settled = not world.started.capabilities.lists_calls
    world.ask_snapshot(now)
    if world.deadlines.at(Timer.snapshot) is not None:
        world.deadlines.set(Timer.snapshot, "", now + GRACE)


def _adopt_park(world: World, park: OpenPark, now: datetime) -> None:
    line = world.agents.get(park.agent_id)
    if line is None or line.park:
        world.emit(HangUp(correlator=park.correlator, call=park.call, reason="agent_left"))
        return
    line.park, line.park_call, line.seen_at = park.correlator, park.call, now
    world.parks[park.correlator] = park.agent_id
    world.move_agent(line, AgentMove.called, now)
    world.deadlines.set(Timer.park_ring, park.agent_id, now + agents.PARK_RING)


def _adopt_attempt(world: World, attempt: OpenAttempt, now: datetime) -> None:
    call = LiveCall(
        attempt_id=attempt.attempt_id,
        contact=attempt.contact,
        number=attempt.number,
        trunk_id=TrunkId(attempt.trunk_id),
        placed_at=attempt.placed_at,
        seen_at=attempt.placed_at,
        state=CallState(attempt.state),
        call=attempt.call,
        leg_known=_leg_known(attempt),
        accepted=attempt.accepted,
        answered_at=attempt.answered_at,
        agent_id=attempt.agent_id,
        listens=world.listens,
        verdict=attempt.verdict,
        recognised_at=attempt.recognised_at,
        non_person=_non_person(attempt),
        recording=attempt.recording,
        recordings=attempt.recordings,
    )
    world.calls[call.attempt_id] = call
    world.contacts[call.contact.contact_id] = call.attempt_id
    world.trunks.occupy(call.trunk_id)
    if call.state in UNANSWERED:
        watch_ringing(world, call, now)
        if call.agent_id is not None and world.joins:
            _adopt_promise(world, call, now)
        elif call.agent_id is not None and (line := _line(world, call)) is not None:
            _put(line, AgentState.ringing, call)
        return
    call.answered_at = call.answered_at or now
    call.give_up_at = min(
        max(call.answered_at, now) + world.started.settings.patience, now + TAKE_OVER
    )
    _resume_answered(world, call, now)


def _adopt_promise(world: World, call: LiveCall, now: datetime) -> None:
    """Keep the same agent, if he is on the line; else another once it is known who is."""
    call.promised = True
    world.promised[call.attempt_id] = call
    line = _line(world, call)
    if line is None or not (line.park or not world.parks_agents):
        call.agent_id = None
        return
    _put(line, AgentState.reserved if line.park else AgentState.ringing, call)
    world.deadlines.cancel(Timer.park_ring, line.agent.agent_id)
    world.sort_agent(line)
    world.save_agent(line, now)


def _non_person(attempt: OpenAttempt) -> Outcome | None:
    """What a message is being left on, or a call was to be ended for."""
    if attempt.state not in (CallState.message, CallState.listening):
        return None
    return {Verdict.machine: Outcome.machine, Verdict.fax: Outcome.fax}.get(
        attempt.verdict or Verdict.person
    )


def _leg_known(attempt: OpenAttempt) -> bool:
    """Whether the stored leg is the one to act upon: it is told, at the latest, with the hold."""
    if attempt.call is None:
        return False
    state = CallState(attempt.state)
    early = {*UNANSWERED, CallState.listening, CallState.answered}
    return bool(attempt.call.leg) or state not in early


def _resume_answered(world: World, call: LiveCall, now: datetime) -> None:
    line = _line(world, call)
    match call.state:
        case CallState.talking:
            call.joined_at = call.answered_at
            if line is not None:
                _put(line, AgentState.talking, call)
        case CallState.listening if call.non_person is not None:
            calls.hang_up(world, call, now, reason="machine")
        case CallState.listening:
            verdict_at = (call.answered_at or now) + world.started.settings.amd.longest
            at = min(max(verdict_at, now), now + GRACE)
            world.deadlines.set(Timer.listen, call.attempt_id, at)
        case CallState.message:
            call.abandoned_told = True
            limit = world.started.settings.message_limit
            world.deadlines.set(Timer.message, call.attempt_id, now + limit)
        case CallState.joining:
            world.waiting[call.attempt_id] = call
            call.join_asked_at = now
            if line is not None:
                _put(line, AgentState.reserved if line.park else AgentState.ringing, call)
            world.deadlines.set(Timer.reserve, call.attempt_id, now + matching.JOIN_LIMIT)
        case _:
            call.agent_id = None
            world.waiting[call.attempt_id] = call
            # Nobody is told to go before the switch was asked who is there to take the call.
            world.deadlines.set(Timer.patience, call.attempt_id, call.give_up_at or now)
    if line is not None:
        world.deadlines.cancel(Timer.park_ring, line.agent.agent_id)
        world.sort_agent(line)


def _line(world: World, call: LiveCall) -> Line | None:
    line = world.agents.get(call.agent_id) if call.agent_id else None
    return line if line is not None and not line.attempt_id else None


def _put(line: Line, state: AgentState, call: LiveCall) -> None:
    """Restore a stored state: the table was obeyed by whoever stored it."""
    line.state, line.attempt_id = state, call.attempt_id


def reconcile(world: World, event: SnapshotTaken, now: datetime) -> None:
    """Adopt what the switch shows, end what it no longer has, and send strays away."""
    if event.asked_at < world.started_at:
        return
    seen = {view.correlator: view for view in event.snapshot.calls}
    over = {one.correlator: one.outcome for one in event.snapshot.over}
    for agent_id, line in list(world.agents.items()):
        if line.park:
            _heal_park(world, agent_id, line, seen.get(line.park), event.asked_at, now)
    _hear_devices(world, event, now)
    for call in list(world.calls.values()):
        view = seen.get(call.attempt_id)
        if view is None:
            _maybe_gone(world, call, over.get(call.attempt_id), event.asked_at, now)
            continue
        call.missing_at = None
        if event.asked_at >= call.seen_at:
            _adopt(world, call, view, event.asked_at, now)
    for correlator, view in seen.items():
        ours = correlator in world.calls or correlator in world.parks
        if not ours and world.correlators.owns(correlator):
            _stray(world, view, event.asked_at, now)
    if not world.settled:
        world.settled = world.pace_due = True


def _hear_devices(world: World, event: SnapshotTaken, now: datetime) -> None:
    """Take over which agents' devices can be called, where nothing newer was heard."""
    for device in event.snapshot.agents:
        agent_id = world.addresses.get(device.address)
        if agent_id is None:
            continue
        line = world.agents[agent_id]
        if event.asked_at >= line.changed_at and line.agent.reachable != device.reachable:
            orders.agent_changed(world, replace(line.agent, reachable=device.reachable), now)


def _heal_park(
    world: World,
    agent_id: AgentId,
    line: Line,
    view: CallView | None,
    asked_at: datetime,
    now: datetime,
) -> None:
    if view is None:
        slow = line.state is AgentState.ringing and line.park_call is None and world.settled
        if asked_at >= line.seen_at + (SLOW_GRACE if slow else GRACE) or not world.settled:
            calls.agent_left(world, line, now)
        return
    if asked_at < line.seen_at or view.phase is CallPhase.calling:
        return
    if line.state is AgentState.ringing and not line.attempt_id:
        agents.parked(world, line, view.call, now)
    elif line.suspect_at is not None and asked_at >= line.suspect_at:
        line.suspect_at = None
        world.sort_agent(line)


def _maybe_gone(
    world: World, call: LiveCall, said: Outcome | None, asked_at: datetime, now: datetime
) -> None:
    """Close a call that the switch no longer has; its history may say how it ended."""
    unheard = call.state in (CallState.placing, CallState.dialing) and not call.unclear
    if asked_at < call.seen_at + (SLOW_GRACE if unheard else GRACE):
        return
    known = call.state is not CallState.placing and not call.unclear
    if known:  # else the switch may never have had it, and nothing is on the way
        if call.missing_at is None or call.missing_at < call.seen_at:
            call.missing_at = asked_at
            _look_again(world, asked_at + NEWS)
            return
        if asked_at < call.missing_at + NEWS:
            return
    if said is not None:
        if said is Outcome.answered and call.state in UNANSWERED and not world.joins:
            calls.joined(world, call, "", now)  # the switch had an agent on it before it rang
        closing.close(world, call, now, said=said, reason="told_by_history")
        return
    reason = "unclear_and_not_found" if call.state is CallState.placing else "gone_from_switch"
    closing.close(world, call, now, origin=Origin.inferred, reason=reason)


def _look_again(world: World, due: datetime) -> None:
    """Have the next snapshot asked for at `due`, unless one is due before."""
    planned = world.deadlines.at(Timer.snapshot)
    if planned is None or planned > due:
        world.deadlines.set(Timer.snapshot, "", due)


def _adopt(world: World, call: LiveCall, view: CallView, asked_at: datetime, now: datetime) -> None:
    known = call.call
    calls.merge_ref(call, view.call, leg_known=False)
    match view.phase:
        case CallPhase.calling:
            call.ringing_at = asked_at
            if call.state is CallState.placing:
                world.move_call(call, CallMove.started)
                call.unclear, call.accepted = False, True
                world.deadlines.cancel(Timer.doubt, call.attempt_id)
                world.save_call(call, now, accepted=True)
            queueing.picked(world, call, view.address, now)
            if call.overdue and not call.hang_ups:
                calls.hang_up(world, call, now, reason="ring_timeout", on_end=Outcome.no_answer)
        case CallPhase.listening:
            if call.state in UNANSWERED:
                _answered_unheard(world, call, asked_at, now)
                _wait_for_word(world, call, now)
                world.save_call(call, now)
        case CallPhase.held:
            _adopt_held(world, call, asked_at, now)
        case CallPhase.joined:
            if call.state is not CallState.talking:
                calls.joined(world, call, view.address, now)
        case CallPhase.message:
            if call.state in (CallState.answered, CallState.held):
                world.move_call(call, CallMove.message_asked)
                limit = world.started.settings.message_limit
                world.deadlines.cancel(Timer.patience, call.attempt_id)
                world.deadlines.set(Timer.message, call.attempt_id, now + limit)
                world.save_call(call, now)
    if known is None and call.call is not None and call.attempt_id in world.calls:
        world.save_call(call, now)


def _adopt_held(world: World, call: LiveCall, asked_at: datetime, now: datetime) -> None:
    if call.state in UNANSWERED:
        _answered_unheard(world, call, asked_at, now)
    if call.state is CallState.answered:
        calls.held(world, call, now)
        world.save_call(call, now)
    elif call.state is CallState.listening:
        call.held_told = True  # the verdict was reached; word of it is late or lost
        planned = world.deadlines.at(Timer.listen, call.attempt_id)
        if planned is not None:
            soon = min(planned, now + calls.HELD_SOON)
            world.deadlines.set(Timer.listen, call.attempt_id, soon)
    elif call.state is CallState.joining:
        overdue = world.deadlines.at(Timer.join_check, call.attempt_id) is not None
        if overdue and call.join_asked_at is not None and asked_at > call.join_asked_at + GRACE:
            matching.join_failed(world, call, now, suspect=True)


def _wait_for_word(world: World, call: LiveCall, now: datetime) -> None:
    """Nobody can be joined yet; before it is given up it must be clear that events are heard."""
    planned = world.deadlines.at(Timer.patience, call.attempt_id)
    if planned is not None:
        limit = max(planned, now + watching.UNHEARD_GRACE)
        world.deadlines.set(Timer.patience, call.attempt_id, limit)


def _answered_unheard(world: World, call: LiveCall, asked_at: datetime, now: datetime) -> None:
    """Somebody answered and word of it is lost or late: they may have waited since we last knew."""
    since = max(call.seen_at, call.ringing_at or call.seen_at)
    calls.answered(world, call, asked_at, now)
    if call.give_up_at is not None and world.settled:
        patience = world.started.settings.patience
        call.give_up_at = min(call.give_up_at, max(since + patience, now + calls.HELD_SOON))


def _stray(world: World, view: CallView, asked_at: datetime, now: datetime) -> None:
    """A call of this campaign that nobody minds: nobody may be left on it."""
    past = world.past.get(view.correlator)
    if past is not None and asked_at < past.at + GRACE:
        return
    if view.phase in (CallPhase.joined, CallPhase.message):
        return
    if world.deadlines.at(Timer.message, view.correlator) is not None:
        return
    if past is None:
        past = world.past[view.correlator] = Past(Origin.inferred, now)
    greet(world, view, past, now)


def greet(world: World, view: CallView, past: Past, now: datetime) -> None:
    """Give somebody on a call that was given up the message, or end the call."""
    world.odd("stray_call", view.correlator, view.phase)
    answered = view.phase in (CallPhase.held, CallPhase.listening)
    person = answered and not world.correlators.is_park(view.correlator)
    if person and not past.greeted and world.started.capabilities.plays_message:
        world.emit(PlayMessage(correlator=view.correlator, customer=view.call))
        limit = world.started.settings.message_limit
        world.deadlines.set(Timer.message, view.correlator, now + limit)
    else:
        world.emit(HangUp(correlator=view.correlator, call=view.call, reason="stray"))
    past.greeted, past.call = True, view.call
