"""What people order: agents' choices, pause, resume, drain, other settings and trunks."""

from collections.abc import Callable
from datetime import datetime

from dialer.agent import AgentState
from dialer.call import UNANSWERED
from dialer.commands import SaveDisposition
from dialer.compliance.binding import bound, least_ring
from dialer.events import (
    AgentWithdrawn,
    Disposed,
    DrainRequested,
    PauseRequested,
    RateFound,
    SettingsChanged,
    Tally,
    TrunksChanged,
)
from dialer.live import agents, calls, recycling, selection
from dialer.live.deadlines import Timer
from dialer.live.things import Line
from dialer.live.world import World
from dialer.model import Agent, CampaignSettings
from dialer.outcomes import Outcome
from dialer.pacing.base import Pacer

EXHAUSTED = "exhausted"
SHUTDOWN = "shutdown"


def agent_changed(world: World, agent: Agent, now: datetime) -> None:
    """Take over what an agent chose, or what the switch says of his device."""
    line = world.agents.get(agent.agent_id)
    if line is None:
        line = Line(agent=agent, since=now, idle_since=now, seen_at=now, changed_at=now)
        world.agents[agent.agent_id] = line
    elif world.addresses.get(line.agent.address) == agent.agent_id:
        del world.addresses[line.agent.address]
    was_willing, line.agent, line.changed_at = line.willing, agent, now
    world.addresses[agent.address] = agent.agent_id
    if line.willing and not was_willing:
        line.failures, line.retry_at = 0, None
        if line.state is AgentState.idle:
            line.idle_since = now
    world.sort_agent(line)
    world.pace_due = True
    if not line.stays:
        agents.let_go(world, line, now)


def agent_withdrawn(world: World, event: AgentWithdrawn, now: datetime) -> None:
    """Let an agent finish what he is about; then he is free for another campaign."""
    line = world.agents.get(event.agent_id)
    if line is None or line.leaving:
        return
    line.leaving = event.reason or "withdrawn"
    world.leaving[event.agent_id] = line
    world.sort_agent(line)
    world.pace_due = True
    agents.let_go(world, line, now)


def disposed(world: World, event: Disposed, now: datetime) -> None:
    """Record what an agent said of a talk; it ends his wrap-up, unless he needs longer."""
    world.emit(
        SaveDisposition(
            attempt_id=event.attempt_id, agent_id=event.agent_id, code=event.code, at=now
        )
    )
    recycling.disposed(world, event, now)
    line = world.agents.get(event.agent_id)
    if line is None or line.attempt_id != event.attempt_id or not event.ready:
        return
    if line.state is AgentState.talking:
        line.disposed = True
    elif line.state is AgentState.wrap_up:
        agents.wrapped(world, event.agent_id, now)


def trunks_changed(world: World, event: TrunksChanged, now: datetime) -> None:
    """Take over the switch's trunks, or our share of them; calls in progress keep their lines."""
    world.trunks.configure(event.trunks, world.started.settings.trunks, now)
    world.pace_due = True


def rate_found(world: World, event: RateFound, now: datetime) -> None:
    """Place no faster than the switch and this machine keep up with."""
    world.rate_found, world.pace_due = event.calls_per_second, True
    _tune(world, now)


def _tune(world: World, now: datetime) -> None:
    rate = world.started.settings.pacing.calls_per_second
    world.braked = world.rate_found is not None and world.rate_found < rate
    world.trunks.bucket.retune(min(rate, world.rate_found or rate), now)


def settings_changed(
    world: World,
    event: SettingsChanged,
    pacer_factory: Callable[[CampaignSettings, Tally], Pacer],
    now: datetime,
) -> None:
    """Go by other settings from now on; what is in progress keeps its deadlines."""
    before, (settings, _) = world.started.settings, bound(event.settings)
    world.configure(settings)
    world.trunks.configure(world.trunks.known, settings.trunks, now)
    _tune(world, now)
    if before.mode is settings.mode:
        world.pacer.retune(settings)
    else:
        tally = Tally(
            placed=world.counts.placed,
            answered=world.counts.answered,
            abandoned=world.counts.abandoned,
            joined=world.counts.joined,
        )
        world.pacer = pacer_factory(settings, tally)
        for line in world.agents.values():
            world.sort_agent(line)
    world.pace_due = True


def pause(world: World, event: PauseRequested, now: datetime) -> None:
    """Place nothing more until resumed; parked agents stay, for the calls that still ring."""
    world.paused = world.pace_due = True
    selection.give_back_all(world, now, reason="paused")
    if event.clear:
        _clear(world, now)


def resume(world: World) -> None:
    """Place calls again."""
    world.paused, world.pace_due = False, True
    if world.draining and world.draining != EXHAUSTED:
        world.odd("resumed_while_draining")


def drain(world: World, event: DrainRequested, now: datetime) -> None:
    """Place nothing more and come to an end."""
    if world.drained:
        return
    world.draining, world.pace_due = event.reason, True
    selection.give_back_all(world, now, reason=event.reason)
    if event.clear:
        _clear(world, now)


def _clear(world: World, now: datetime) -> None:
    """Take back what rings; a phone that the law wants to ring longer rings so long."""
    least = least_ring(world.started.settings.compliance)
    for call in list(world.calls.values()):
        if call.state not in UNANSWERED or call.hang_ups:
            continue
        if now < call.placed_at + least:
            world.deadlines.set(Timer.ring, call.attempt_id, call.placed_at + least)
        else:
            calls.hang_up(world, call, now, reason="cleared", on_end=Outcome.no_answer)


def wind_down(world: World, now: datetime) -> bool:
    """Release whom nobody needs any more; whether everything has come to its end."""
    if not world.draining:
        if not _exhausted(world):
            return False
        world.draining = EXHAUSTED
    if world.calls:
        if not agents.wants_agents(world):
            _release_all(world, now)
        return False
    _release_all(world, now)
    wrapping = any(line.state is AgentState.wrap_up for line in world.agents.values())
    return not world.parks and (world.draining == SHUTDOWN or not wrapping)


def _exhausted(world: World) -> bool:
    buffer = world.buffer
    return (
        buffer.exhausted
        and world.settled
        and not world.paused
        and buffer.asked_at is None
        and not buffer
        and not world.calls
        and not world.previews
    )


def _release_all(world: World, now: datetime) -> None:
    for agent_id in list(world.parks.values()):
        line = world.agents[agent_id]
        waits = line.state is AgentState.parked
        if waits or (line.state is AgentState.ringing and not line.attempt_id):
            agents.release(world, line, now, reason="drained")
