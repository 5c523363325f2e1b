"""Calls that the law allows only with an agent kept for them, from dialing until they are joined.

Such a call is placed one to one, whatever the pacer does, as soon as an agent is free. Should that
agent go while it rings, another is kept for it, and where nobody is free the call is ended before
anybody can answer it: it is never the engine's doing that the person hears nobody.
"""

from datetime import datetime

from dialer.call import UNANSWERED
from dialer.live import agents, calls, matching
from dialer.live.world import Line, LiveCall, World
from dialer.outcomes import Outcome

NO_AGENT_LEFT = "no_agent_left"


def promise(world: World, call: LiveCall, line: Line, now: datetime) -> None:
    """Keep an agent for a call."""
    call.promised, call.agent_id = True, line.agent.agent_id
    world.promised[call.attempt_id] = call
    agents.reserve(world, line, call.attempt_id, now)


def keep(world: World, now: datetime) -> None:
    """See to it that every call with a promise still has its agent."""
    if not world.promised or not world.settled:
        return
    for attempt_id, call in list(world.promised.items()):
        if attempt_id not in world.calls or call.state not in UNANSWERED:
            del world.promised[attempt_id]  # from here on the waiting are served first
        elif not call.hang_ups and matching.kept_line(world, call) is None:
            _keep_another(world, call, now)


def _keep_another(world: World, call: LiveCall, now: datetime) -> None:
    lost = world.agents.get(call.agent_id) if call.agent_id else None
    if lost is not None and lost.attempt_id == call.attempt_id:
        agents.unreserve(world, lost, now, suspect=False, failure=False)
    line = matching.pick_for(world, call.contact, now)
    if line is not None:
        promise(world, call, line, now)
        return
    call.agent_id = None
    calls.hang_up(world, call, now, reason=NO_AGENT_LEFT, on_end=Outcome.failed)
