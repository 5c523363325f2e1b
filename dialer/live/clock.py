"""A clock that is set back while things are in progress.

Law and lists go by the wall clock, whatever it says. How long something has rung, waited or talked
doesn't: so when the clock steps back, everything that is counted from a moment is moved back with
it, and no time-out takes an hour longer. The pacer is given a time that never steps back.

The step is measured from the last event that is journalled, so that a replay finds the same one; a
deadline may come later by the silence before it. A step forward can't be told from silence.
"""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from dialer.live.world import World

LEAST_STEP = timedelta(seconds=1)
"""Steps back that are smaller are left alone."""


def heed(world: World, now: datetime) -> None:
    """Notice a clock that was set back since the last event, and move with it."""
    by = world.heard_at - now
    if by < LEAST_STEP:
        return
    world.odd("clock_set_back", detail=f"by {by.total_seconds():.1f} s")
    world.set_back += by
    world.deadlines.move_back(by)
    world.census.move_back(by)
    buffer, trunks = world.buffer, world.trunks
    buffer.held = {who: (found, at - by) for who, (found, at) in buffer.held.items()}
    for things in (world.calls, world.agents, world.past, world.previews, trunks.buckets):
        for thing in things.values():
            _move_back(thing, by)
    for one in (world, buffer, trunks.bucket):
        _move_back(one, by)


def _move_back(thing: Any, by: timedelta) -> None:
    """Move every instant among the fields of a dataclass."""
    for one in fields(thing):
        value = getattr(thing, one.name)
        if isinstance(value, datetime):
            setattr(thing, one.name, value - by)
