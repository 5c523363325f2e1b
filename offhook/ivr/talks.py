"""Agents who took a caller are free the moment the switch says that the call is over.

What is known of a talk is in the record, not here: whichever process hears of the end, and however
often it has been started since, the agent comes free. A switch that ends a hundred calls a second
costs a few statements, as ends are told together.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from activities.ports import StoreUnavailable
from dialer.model import SwitchId

log = structlog.get_logger()

TOGETHER = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=10)
MAX_KEPT = 20_000
"""Ends that are kept while the record is away; an agent's lease ends by itself at last."""


class Talks(Protocol):
    """Who talks to whom (`offhook.storage.agent_routing.RoutingStore`)."""

    async def talks_over(self, switch: str, calls: Collection[str], *, now: datetime) -> None:
        """These calls of the switch are over: free are the agents who had them."""
        ...


@dataclass(eq=False)
class TalkEnds:
    """Tells the record which calls are over, many at a time, until it has heard."""

    talks: Talks
    clock: Callable[[], datetime]
    together: timedelta = TOGETHER
    _over: "defaultdict[SwitchId, set[str]]" = field(default_factory=lambda: defaultdict(set))
    _telling: "asyncio.Task[None] | None" = None

    def ended(self, switch: SwitchId, call: str) -> None:
        """A call is over."""
        if len(self._over[switch]) < MAX_KEPT:
            self._over[switch].add(call)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="talks over")

    async def _tell(self) -> None:
        pause = self.together
        while self._over:
            await asyncio.sleep(pause.total_seconds())
            switch, calls = self._over.popitem()
            try:
                await self.talks.talks_over(switch, calls, now=self.clock())
                pause = self.together
            except StoreUnavailable as error:
                self._over[switch] |= calls
                pause = min(pause * 2, LONGEST_PAUSE)
                log.warning("ivr_talks_not_ended", calls=len(calls), error=str(error)[:200])
