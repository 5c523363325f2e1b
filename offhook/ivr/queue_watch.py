"""One pair of eyes on a queue for everybody who waits at this worker.

A caller who waits wants to know the moment there is something for him, and a few hundred of them
must not ask the database each for himself. So one task a switch looks at its queue twice a second
for as long as anybody waits here, without a lock, and wakes those for whom a look of their own may
bring something; that look then decides, under the lock.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from activities.ivr_contracts import SeekAgent
from activities.ports import StoreUnavailable
from dialer.suitability import Needs
from ivr.routing import CallerId, QueuePolicy, in_order
from offhook.ivr.queue_order import could_take, places, served
from offhook.storage.agent_routing import RoutingStore

log = structlog.get_logger()

LOOK_EVERY = timedelta(milliseconds=500)


@dataclass(eq=False)
class _Waiter:
    caller: CallerId
    needs: Needs
    place: int | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class QueueWatch:
    """Wakes callers' looks; one to a process."""

    store: RoutingStore
    clock: Callable[[], datetime]
    policy: QueuePolicy
    every: timedelta = LOOK_EVERY
    _waiters: "defaultdict[str, set[_Waiter]]" = field(default_factory=lambda: defaultdict(set))
    _watching: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)

    async def stirred(self, request: SeekAgent, *, within: timedelta) -> bool:
        """Wait until something may have changed for a caller; false if nothing has."""
        switch = request.switch_id
        waiter = _Waiter(CallerId(request.session_id), request.needs, request.position)
        self._waiters[switch].add(waiter)
        if switch not in self._watching:
            task = asyncio.create_task(self._watch(switch), name=f"queue watch {switch}")
            self._watching[switch] = task
        try:
            async with asyncio.timeout(within.total_seconds()):
                await waiter.woken.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters[switch].discard(waiter)
        return True

    async def _watch(self, switch: str) -> None:
        try:
            while self._waiters[switch]:
                await asyncio.sleep(self.every.total_seconds())
                try:
                    await self._look(switch)
                except StoreUnavailable:
                    # Each waiter's own look will say so.
                    log.warning("ivr_queue_not_seen", switch=switch)
        finally:
            del self._watching[switch]

    async def _look(self, switch: str) -> None:
        waiting, floor = await self.store.board(switch)
        now = self.clock()
        of = {one.waiting.caller: one for one in waiting}
        order = [of[one.caller] for one in in_order((w.waiting for w in waiting), self.policy)]
        place = places(order)
        lucky = {caller for caller, _ in served(order, floor, now)}
        hopeless: dict[Needs, bool] = {}
        for waiter in self._waiters[switch]:
            here = place.get(waiter.caller)
            if waiter.needs not in hopeless:
                hopeless[waiter.needs] = not could_take(waiter.needs, floor, now)
            better = here is not None and (waiter.place is None or here < waiter.place)
            if here is None or better or waiter.caller in lucky or hopeless[waiter.needs]:
                waiter.woken.set()
