"""A frozen view of the engine for people who watch."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.live.world import World
from dialer.media import Verdict
from dialer.model import AgentId, AgentStatus, TrunkId


class EnginePhase(StrEnum):
    """What the engine is about."""

    settling = "settling"
    """Finding out what was left open, before anything is placed."""
    running = "running"
    paused = "paused"
    link_down = "link_down"
    unwatched = "unwatched"
    """Nobody watches the events of the switch; nothing is placed until somebody does."""
    draining = "draining"
    drained = "drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent, as a floor manager sees him."""

    agent_id: AgentId
    status: AgentStatus
    reachable: bool
    state: AgentState
    since: datetime
    attempt_id: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRow:
    """A trunk and how full it is."""

    trunk_id: TrunkId
    lines: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """Counts and rows of everything in progress."""

    at: datetime
    phase: EnginePhase
    calls: tuple[tuple[CallState, int], ...]
    agents: tuple[AgentRow, ...]
    trunks: tuple[TrunkRow, ...]
    buffered: int
    waiting: int
    longest_wait_s: float
    placed: int
    answered: int
    abandoned: int
    joined: int
    oddities: int
    abandonment: float
    pacing: str
    """The pacer's last noted reason."""
    verdicts: tuple[tuple[Verdict, int], ...] = ()
    """Who was heard to answer, of the calls that were listened to."""


def status_of(world: World, now: datetime) -> EngineStatus:
    """Everything in progress now."""
    states = Counter(call.state for call in world.calls.values())
    waits = [(now - c.answered_at).total_seconds() for c in world.waiting.values() if c.answered_at]
    counts = world.counts
    return EngineStatus(
        at=now,
        phase=_phase(world),
        calls=tuple((state, states[state]) for state in CallState if states[state]),
        agents=tuple(
            AgentRow(
                agent_id=agent_id,
                status=line.agent.status,
                reachable=line.agent.reachable,
                state=line.state,
                since=line.since,
                attempt_id=line.attempt_id,
                failures=line.failures,
            )
            for agent_id, line in world.agents.items()
        ),
        trunks=tuple(
            TrunkRow(
                trunk_id=trunk.trunk_id,
                lines=trunk.lines,
                used=world.trunks.used.get(trunk.trunk_id, 0),
            )
            for trunk in world.trunks.known
        ),
        buffered=len(world.buffer),
        waiting=len(world.waiting),
        longest_wait_s=max(waits, default=0.0),
        placed=counts.placed,
        answered=counts.answered,
        abandoned=counts.abandoned,
        joined=counts.joined,
        oddities=counts.oddities,
        abandonment=counts.abandonment,
        pacing=world.pace_reason,
        verdicts=tuple((one, world.verdicts[one]) for one in Verdict if one in world.verdicts),
    )


def _phase(world: World) -> EnginePhase:
    if world.drained:
        return EnginePhase.drained
    if world.draining:
        return EnginePhase.draining
    if not world.settled:
        return EnginePhase.settling
    if world.link_down:
        return EnginePhase.link_down
    if world.unwatched_since is not None:
        return EnginePhase.unwatched
    return EnginePhase.paused if world.paused else EnginePhase.running
