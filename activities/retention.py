"""The nightly clean-up of what nobody needs to keep any longer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.contracts import Pruned
from activities.errors import coded_errors


class Pruner(Protocol):
    """Removes what is older than it is kept. Raises `StoreUnavailable` as `DialStore` does."""

    async def prune(self, *, now: datetime) -> Pruned:
        """Remove it, a little at a time; safe to repeat."""
        ...


@dataclass(frozen=True)
class RetentionActivities:
    """Keeps the system of record from growing without bound."""

    pruner: Callable[[Callable[[], object]], Pruner]
    """Makes a pruner that calls back after each little."""
    clock: Callable[[], datetime]

    @activity.defn(name="storage.prune")
    async def prune(self) -> Pruned:
        """Pack and remove what the worker's settings say is old enough."""
        with coded_errors():
            return await self.pruner(activity.heartbeat).prune(now=self.clock())
