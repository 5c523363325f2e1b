"""What is done while nobody watches the events of the switch, and for a moment afterwards.

That nothing was heard of a call means nothing then: it may have been answered. So the switch is
asked what is going on instead, nothing is placed, no agent is called, and a call whose time is up
is only taken back once the switch itself has shown that nobody is on the line.
"""

from datetime import datetime, timedelta

from dialer.call import CallState
from dialer.events import EventsWatched
from dialer.live.deadlines import Timer
from dialer.live.things import LiveCall
from dialer.live.world import World

LOOK = timedelta(seconds=2)
"""Between two looks at what is in progress."""
NEWS = timedelta(seconds=3)
"""After the watch has begun again: word of what happened meanwhile may be on its way."""
UNHEARD_GRACE = timedelta(seconds=3)
"""For somebody on the line of whose answer nothing was heard and who can't be joined yet: more than
it takes to notice that nobody watches.
"""

_OF_SILENCE = frozenset({Timer.ring, Timer.listen, Timer.patience, Timer.join_check})
"""What is due because nothing was heard."""


def changed(world: World, event: EventsWatched, now: datetime) -> None:
    """Somebody watches the events again, or nobody does any more."""
    if event.watched == (world.unwatched_since is None):
        return
    world.pace_due = True
    if event.watched:
        world.unwatched_since, world.deaf_until = None, now + NEWS
    else:
        world.unwatched_since = event.since
        world.odd("events_unwatched", detail=f"since {event.since:%H:%M:%S} UTC")
    world.ask_snapshot(now)


def is_deaf(world: World, now: datetime) -> bool:
    """Whether silence about a call says nothing of it."""
    if world.unwatched_since is not None:
        return True
    return world.deaf_until is not None and now < world.deaf_until


def looks(world: World, now: datetime) -> bool:
    """Whether to ask the switch, which can tell, before silence is acted upon."""
    return world.started.capabilities.lists_calls and is_deaf(world, now)


def looks_again(world: World, timer: Timer, call: LiveCall, now: datetime) -> bool:
    """Whether a deadline of silence was put off, and the switch asked instead."""
    if timer not in _OF_SILENCE or not looks(world, now):
        return False
    # Somebody who is held can be joined or given the message, whoever listens.
    if timer is Timer.patience and call.state is not CallState.answered:
        return False
    if timer is Timer.listen and call.held_told:
        return False
    call.overdue = call.overdue or timer is Timer.ring
    look_again(world, timer, call.attempt_id, now)
    return True


def look_again(world: World, timer: Timer, who: str, now: datetime) -> None:
    """Put a deadline off, and ask the switch instead."""
    world.ask_snapshot(now)
    world.deadlines.set(timer, who, now + LOOK)
