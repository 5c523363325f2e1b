"""Tells an engine when nobody watches the events of its switch any more, and when somebody does.

The watch is another process's (`offhook links`), which says so all the time. Silence is only
believed when it is found twice: a loop that stood still itself must not take that for silence.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from activities.dial_step import DialObserver
from activities.ports import EventWatch
from dialer.events import EventsWatched
from dialer.model import SwitchId

LOOK_EVERY = timedelta(milliseconds=250)


class Watching:
    """Looks for one dial loop for as long as `run` runs."""

    def __init__(
        self,
        watch: EventWatch,
        *,
        clock: Callable[[], datetime],
        observer: DialObserver,
        put: Callable[[EventsWatched], None],
    ) -> None:
        self._watch = watch
        self._clock = clock
        self._observer = observer
        self._put = put

    async def run(self, switch: SwitchId) -> None:
        """Look until cancelled; an engine that is told nothing takes the events for watched."""
        told: datetime | None = None  # that nobody watches, and when
        suspected = False
        while True:
            now = self._clock()
            since = self._watch.unwatched_since(switch, now)
            heard = self._watch.heard_at(switch)
            if told is not None and since is None and heard is not None and heard > told:
                self._tell(switch, EventsWatched(watched=True, since=heard))
                told = None
            elif since is not None and told is None and suspected:
                self._tell(switch, EventsWatched(watched=False, since=since))
                told = now
            suspected = since is not None
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    def _tell(self, switch: SwitchId, event: EventsWatched) -> None:
        self._observer.watched(switch, None if event.watched else event.since)
        self._put(event)
