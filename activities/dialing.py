"""The one long activity of a campaign: dial while it is open."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import DialInput, DialReason, DialResult
from activities.dial_loop import DialLoop
from activities.dial_step import DialObserver
from activities.errors import coded_errors
from activities.ports import DialStore, EventWatch, Inbox, SwitchDirectory

HEARTBEAT = timedelta(milliseconds=500)


@dataclass(frozen=True)
class DialActivities:
    """Dials for campaigns; one instance a worker, one running `dial` a campaign."""

    store: DialStore
    inbox: Inbox
    switches: SwitchDirectory
    clock: Callable[[], datetime]
    observer: DialObserver
    owner: str
    """Names this worker in the lease, for people who look."""
    watch: EventWatch | None = None
    """Without it events are taken for watched."""
    parallel_dials: int = field(default=32)

    @activity.defn(name="campaigns.dial")
    async def dial(self, request: DialInput) -> DialResult:
        """Dial until the engine has drained; asking again takes over from whoever dialed before.

        Cancellation and worker shutdown hand over: nothing is hung up, the next holder of the lease
        finds every call through the switch's list.
        """
        with coded_errors():
            switch = await self.switches.open(request.switch)
            loop = DialLoop(
                store=self.store,
                inbox=self.inbox,
                switch=switch,
                clock=self.clock,
                observer=self.observer,
                watch=self.watch,
                parallel_dials=self.parallel_dials,
            )
            dialing = asyncio.create_task(loop.run(request.campaign_id, owner=self.owner))
            beating = asyncio.create_task(self._beat(loop))
            stopping = asyncio.create_task(activity.wait_for_worker_shutdown())
            try:
                await asyncio.wait({dialing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not dialing.done():
                    raise ApplicationError("the worker is shutting down", type="handover")
                return DialResult(reason=DialReason(dialing.result()))
            finally:
                for task in (dialing, beating, stopping):
                    task.cancel()
                    with contextlib.suppress(BaseException):
                        await task
                await switch.aclose()

    async def _beat(self, loop: DialLoop) -> None:
        while True:
            activity.heartbeat(loop.steps)
            await asyncio.sleep(HEARTBEAT.total_seconds())
