"""What a campaign tells the others that dial through its switch."""

from datetime import datetime

from dialer.call import CallState
from dialer.live.placing import blocked
from dialer.live.world import World
from dialer.model import Trunk
from dialer.sharing import ENDLESS, RATE_UNIT, Demand, TrunkDemand


def demand_of(world: World, now: datetime) -> Demand:
    """What the campaign uses and wants now; others get what it has no work for."""
    settings = world.started.settings
    active = not blocked(world, now) and not _idle(world, now)
    used = world.trunks.used
    return Demand(
        priority=settings.priority,
        weight=settings.weight,
        active=active,
        allowed=settings.trunks,
        wanted=world.lacking if active else 0,
        agents=_agents(world, active=active),
        trunks=tuple(
            TrunkDemand(
                trunk_id=trunk.trunk_id,
                held=max(trunk.lines if trunk.enabled else 0, used.get(trunk.trunk_id, 0)),
                used=used.get(trunk.trunk_id, 0),
                wanted=used.get(trunk.trunk_id, 0) + (world.lacking if active else 0),
                rate_held=round((trunk.calls_per_second or 0) * RATE_UNIT),
                rate_wanted=_rate(world, trunk.calls_per_second or 0.0) if active else 0,
            )
            for trunk in (*world.trunks.known, *_left(world))
        ),
    )


def _left(world: World) -> list[Trunk]:
    """Trunks that may not be used any more, on which calls go on."""
    known = {trunk.trunk_id for trunk in world.trunks.known}
    return [
        Trunk(trunk_id=trunk_id, address="", lines=0, enabled=False)
        for trunk_id in world.trunks.used
        if trunk_id not in known
    ]


def _rate(world: World, rate: float) -> int:
    return ENDLESS if world.rate_starved else round(rate * RATE_UNIT / 2)


def _idle(world: World, now: datetime) -> bool:
    """Nobody is at hand, and nobody is due for a while."""
    buffer = world.buffer
    if buffer or buffer.asked_at is not None:
        return False
    return buffer.exhausted or (buffer.load_after is not None and now < buffer.load_after)


def _agents(world: World, *, active: bool) -> int:
    """Agents that could be with a customer, beside those who are still with one."""
    if world.agentless:
        return 0
    coming = sum(call.state is not CallState.talking for call in world.calls.values())
    talking = len(world.calls) - coming
    if not active:
        return coming + talking
    if world.buffer.exhausted or world.buffer.load_after is not None:
        return coming + talking + len(world.buffer)
    return ENDLESS
