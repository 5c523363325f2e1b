"""Agents on the line: parking, reserving, talking, wrapping up, releasing.

An agent's parked call may end before, after or while he is joined, depending on the switch. So its
end means "the agent is gone" only while he waits; while he is wanted for or with a customer it is
remembered (`park_gone`) and decides what he is once the customer is gone.
"""

from datetime import datetime, timedelta

from dialer.agent import AgentMove, AgentState
from dialer.call import AGENT_MAY_BE_NEEDED
from dialer.commands import HangUp, ParkAgent, ReleaseAgent
from dialer.live.deadlines import Timer
from dialer.live.things import Line, Origin
from dialer.live.world import World
from dialer.model import AgentId, CallRef
from dialer.pacing.base import Parked, WrapEnded

PARK_RING = timedelta(seconds=15)
"""How long an agent's device may ring before he is taken for away."""
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=60))
SLOW = timedelta(minutes=3)
"""Between tries once an agent's phone is taken for dead."""
RELEASE_CHECK = timedelta(seconds=3)
RELEASES = 5
"""How often a parked call is asked to end before it is forgotten."""


def wants_agents(world: World) -> bool:
    """Whether an idle agent should be called to the line."""
    if not world.settled or world.drained:
        return False
    if not (world.draining or world.paused):
        return True
    return bool(world.waiting) or any(
        call.state in AGENT_MAY_BE_NEEDED for call in world.calls.values()
    )


def calls_agents(world: World) -> bool:
    """Whether idle agents are called to the line: not while nobody would hear that they came."""
    return wants_agents(world) and world.unwatched_since is None


def park_resting(world: World, now: datetime) -> None:
    """Call every idle agent who wants to work and whose pause after a failure is over."""
    if not world.resting or not calls_agents(world):
        return
    for line in list(world.resting.values()):
        if line.willing and world.can_take(line, now):
            _park(world, line, now)


def _park(world: World, line: Line, now: datetime) -> None:
    line.park = world.correlators.park()
    line.park_call, line.park_gone, line.seen_at = None, False, now
    world.parks[line.park] = line.agent.agent_id
    world.emit(
        ParkAgent(
            agent_id=line.agent.agent_id,
            correlator=line.park,
            address=line.agent.address,
            number=line.agent.number,
        )
    )
    world.move_agent(line, AgentMove.called, now)
    world.deadlines.set(Timer.park_ring, line.agent.agent_id, now + PARK_RING)


def parked(world: World, line: Line, call: CallRef, now: datetime) -> None:
    """The agent is on the line and waits."""
    known = line.park_call
    if known is None or call.leg or known.call_id != call.call_id:
        line.park_call = call  # else the leg, which is left out now, was told or stored before
    line.seen_at = now
    line.failures, line.retry_at = 0, None
    world.deadlines.cancel(Timer.park_ring, line.agent.agent_id)
    world.observe(Parked(ring_s=max(0.0, (now - line.since).total_seconds())), now)
    world.move_agent(line, AgentMove.answered, now)
    if not line.stays:
        release(world, line, now, reason="agent_left")
    elif line.park_call is not None and not line.park_call.leg:
        release(world, line, now, reason="leg_unknown")  # nobody could be joined with him


def park_ended(world: World, line: Line, now: datetime, *, failure: bool = True) -> None:
    """The parked call is over, whoever ended it; a failure unless it was asked for."""
    if line.state in (AgentState.reserved, AgentState.talking, AgentState.wrap_up):
        line.park_gone = True
        return
    asked = bool(line.releasing)
    _forget_park(world, line, now, Origin.told)
    if failure and not asked:
        failed(world, line, now)
    if line.state is not AgentState.idle:
        world.move_agent(line, AgentMove.dropped, now)


def failed(world: World, line: Line, now: datetime) -> None:
    """The agent could not be had: leave him alone for a while, longer each time."""
    line.failures += 1
    if line.failures == len(BACK_OFF):
        world.odd("agent_phone_dead", detail=line.agent.agent_id)
    line.retry_at = now + (BACK_OFF[line.failures - 1] if line.failures <= len(BACK_OFF) else SLOW)


def _forget_park(world: World, line: Line, now: datetime, origin: Origin) -> None:
    if line.park:
        world.parks.pop(line.park, None)
        world.remember(line.park, origin, now)
    who = line.agent.agent_id
    world.deadlines.cancel(Timer.park_ring, who)
    world.deadlines.cancel(Timer.release, who)
    line.park, line.park_call, line.park_gone = "", None, False
    line.releasing, line.suspect_at = 0, None


def park_rang_out(world: World, agent_id: AgentId, now: datetime) -> None:
    """Nobody picked up the agent's phone: end the call, and try again later."""
    line = world.agents[agent_id]
    failed(world, line, now)
    release(world, line, now, reason="agent_ring_timeout")


def release(world: World, line: Line, now: datetime, *, reason: str) -> None:
    """End an agent's parked (or parking) call; he is not offered meanwhile."""
    if line.releasing or not line.park:
        return
    line.releasing = 1
    world.sort_agent(line)
    world.deadlines.cancel(Timer.park_ring, line.agent.agent_id)
    world.emit(HangUp(correlator=line.park, call=line.park_call, reason=reason))
    world.deadlines.set(Timer.release, line.agent.agent_id, now + RELEASE_CHECK)


def let_go(world: World, line: Line, now: datetime) -> None:
    """End the parked call of an agent who leaves, unless a customer needs him first."""
    on_line = line.state is AgentState.parked
    if on_line or (line.state is AgentState.ringing and not line.attempt_id):
        release(world, line, now, reason="agent_left")


def give_up_leaving(world: World, now: datetime) -> None:
    """Forget the agents who were withdrawn and have finished: another campaign may have them."""
    if not world.leaving:
        return
    for agent_id, line in list(world.leaving.items()):
        if line.state is not AgentState.idle or line.park:
            continue
        del world.leaving[agent_id], world.agents[agent_id]
        world.free.pop(agent_id, None)
        world.resting.pop(agent_id, None)
        world.census.forget_agent(agent_id)
        if world.addresses.get(line.agent.address) == agent_id:
            del world.addresses[line.agent.address]
        world.emit(ReleaseAgent(agent_id=agent_id, at=now, reason=line.leaving))
        world.pace_due = True


def release_unheard(world: World, agent_id: AgentId, now: datetime) -> None:
    """The switch has not said that a released agent's call ended: look, ask again, or let go."""
    line = world.agents[agent_id]
    line.releasing += 1
    if line.releasing > RELEASES:
        world.odd("park_would_not_end", line.park)
        _forget_park(world, line, now, Origin.inferred)
        if line.state in (AgentState.parked, AgentState.ringing):
            world.move_agent(line, AgentMove.dropped, now)
        return
    world.emit(HangUp(correlator=line.park, call=line.park_call, reason="again"))
    world.ask_snapshot(now)
    world.deadlines.set(Timer.release, agent_id, now + RELEASE_CHECK)


def reserve(world: World, line: Line, attempt_id: str, now: datetime) -> None:
    """Keep an agent for a customer: on the line if parked, else his device is about to ring."""
    line.attempt_id = attempt_id
    parked_now = line.state is AgentState.parked
    world.move_agent(line, AgentMove.reserved if parked_now else AgentMove.called, now)


def unreserve(world: World, line: Line, now: datetime, *, suspect: bool, failure: bool) -> None:
    """Give an agent back who was kept for a customer.

    `suspect`: nobody knows where he is. `failure`: he could not be had.
    """
    line.attempt_id = ""
    if line.state is AgentState.ringing or line.park_gone:
        if failure:
            failed(world, line, now)
        _forget_park(world, line, now, Origin.told)
        world.move_agent(line, AgentMove.dropped, now)
        return
    if suspect and world.started.capabilities.lists_calls:
        line.suspect_at = now
        world.ask_snapshot(now)
    world.move_agent(line, AgentMove.unreserved, now)
    if not line.stays:
        release(world, line, now, reason="agent_left")


def talk(world: World, line: Line, attempt_id: str, now: datetime) -> None:
    """The agent is with a customer."""
    line.attempt_id, line.disposed = attempt_id, False
    line.suspect_at = None
    if line.releasing:
        line.releasing = 0
        world.deadlines.cancel(Timer.release, line.agent.agent_id)
    world.deadlines.cancel(Timer.park_ring, line.agent.agent_id)
    world.last_served = line.order
    world.move_agent(line, AgentMove.joined, now)


def talk_ended(world: World, line: Line, now: datetime) -> None:
    """The customer is gone: wrap up, unless the agent said already what came of it."""
    line.idle_since = now
    world.move_agent(line, AgentMove.talk_ended, now)
    limit = world.started.settings.wrap_up
    if line.disposed or limit <= timedelta(0):
        wrapped(world, line.agent.agent_id, now)
    else:
        world.deadlines.set(Timer.wrap, line.agent.agent_id, now + limit)


def wrapped(world: World, agent_id: AgentId, now: datetime) -> None:
    """The agent is ready again, on the line still or to be called."""
    line = world.agents[agent_id]
    world.deadlines.cancel(Timer.wrap, agent_id)
    world.observe(WrapEnded(wrap_s=max(0.0, (now - line.since).total_seconds())), now)
    stays = line.park and not line.park_gone and world.started.capabilities.keeps_parked
    if not stays:
        _forget_park(world, line, now, Origin.told)
    line.attempt_id, line.disposed = "", False
    world.move_agent(line, AgentMove.wrapped, now)
    if stays:
        world.move_agent(line, AgentMove.answered, now)
        if not line.stays:
            release(world, line, now, reason="agent_left")
