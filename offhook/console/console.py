"""What the pages work with: the services that the API and the commands use too, and the feeds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from offhook.api.backend import Backend
from offhook.api.services import Services
from offhook.console.live.feed import Feed, Hub
from offhook.console.live.floor import (
    FLOOR_EVERY,
    MINUTES_EVERY,
    FloorNow,
    FloorWatch,
    Minutes,
    MinutesWatch,
)
from offhook.storage.floor_reads import Floor, FloorReads

PREFIX = ""
"""Under what path the console is; its pages stand beside the API."""


@dataclass
class Console:
    """The console of one process."""

    services: Services
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = Hub(self.clock)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The process's clock."""
        return self.services.clock

    @property
    def backend(self) -> Backend:
        """Temporal, the pool and the offices."""
        return self.services.backend

    def floor(self) -> Feed[FloorNow]:
        """The floor, read every second while anybody looks."""
        watch = FloorWatch(FloorReads(self.services.database), self.clock)
        return self.hub.feed("floor", watch, every=FLOOR_EVERY)

    def minutes(self, campaign: str) -> Feed[Minutes]:
        """The last minutes of a campaign."""
        watch = MinutesWatch(
            FloorReads(self.services.database), campaign, self.clock, self._floor_read_last
        )
        return self.hub.feed(f"minutes {campaign}", watch, every=MINUTES_EVERY)

    def _floor_read_last(self) -> Floor | None:
        known = self.hub.known("floor")
        return known.latest.value.floor if known is not None and known.latest is not None else None
