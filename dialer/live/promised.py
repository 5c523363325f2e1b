"""Calls that the law allows only with an agent kept for them, from dialing until they are joined.

Such a call is placed one to one, whatever the pacer does, as soon as an agent is free. Should that
agent go while it rings, another is kept for it, and where nobody is free the call is ended before
anybody can answer it: it is never the engine's doing that the person hears nobody.
"""

from datetime import datetime

from dialer.call import UNANSWERED, CallState
from dialer.live import agents, calls, matching, watching
from dialer.live.census import Since
from dialer.live.closing import NO_AGENT_LEFT
from dialer.live.things import Line, LiveCall
from dialer.live.world import World
from dialer.outcomes import Outcome
from dialer.pacing.base import Ages

_PROMISED = frozenset({*UNANSWERED, CallState.listening})


def promise(world: World, call: LiveCall, line: Line, now: datetime) -> None:
    """Keep an agent for a call."""
    call.promised, call.agent_id = True, line.agent.agent_id
    world.promised[call.attempt_id] = call
    agents.reserve(world, line, call.attempt_id, now)


def is_kept(world: World, call: LiveCall) -> bool:
    """Whether a call has an agent who takes nobody else."""
    return call.promised and matching.kept_line(world, call) is not None


def ages_without_kept(world: World, since: Since, now_s: float) -> Ages:
    """The ages of those calls that will need an agent who is free."""
    return since.ages_of(lambda who: not is_kept(world, world.calls[who]), now_s)


def keep(world: World, now: datetime) -> None:
    """See to it that every call with a promise still has its agent."""
    if not world.promised or not world.settled or watching.is_deaf(world, now):
        return
    for attempt_id, call in list(world.promised.items()):
        if attempt_id not in world.calls or call.state not in _PROMISED:
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
    if call.state is CallState.listening:
        return  # somebody is on the line: whoever comes free first is kept for them
    calls.hang_up(world, call, now, reason=NO_AGENT_LEFT, on_end=Outcome.failed)
