"""Calls that a switch places from a queue: it picks the agent, and says whom.

The engine keeps one call in progress for each free agent, and learns with the call's first events
who is to get it. From then on he is kept for that customer as one whom the engine had picked.
"""

from datetime import datetime

from dialer.agent import AgentState
from dialer.call import UNANSWERED
from dialer.live import agents
from dialer.live.things import LiveCall
from dialer.live.world import World
from dialer.switching import Way


def picked(world: World, call: LiveCall, address: str, now: datetime) -> None:
    """The switch has picked the agent at `address` for a call that nobody has answered yet."""
    if world.started.capabilities.way is not Way.queue_first or not address:
        return
    if call.state not in UNANSWERED:
        return
    agent_id = world.addresses.get(address)
    if agent_id is not None and agent_id == call.agent_id:
        return
    _let_go(world, call, now)
    if agent_id is None:
        world.odd("picked_a_stranger", call.attempt_id, address)
        return
    line = world.agents[agent_id]
    if line.attempt_id or line.state is not AgentState.idle:
        world.odd("picked_a_busy_agent", call.attempt_id, agent_id)
        return
    call.agent_id = agent_id
    agents.reserve(world, line, call.attempt_id, now)
    world.save_call(call, now)


def _let_go(world: World, call: LiveCall, now: datetime) -> None:
    """The agent picked before did not take the call."""
    before = world.agents.get(call.agent_id) if call.agent_id else None
    call.agent_id = None
    if before is not None and before.attempt_id == call.attempt_id:
        agents.unreserve(world, before, now, suspect=False, failure=False)
