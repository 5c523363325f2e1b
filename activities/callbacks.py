"""The short activities of a callback: read it, write a move, ask the law, have the call placed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.callback_contracts import (
    BeginCallback,
    CallbackCalled,
    CallCallback,
    DriveCallback,
    MirrorLists,
    PermitCall,
    PromiseRead,
    RecordMove,
    WakeInput,
    WakeResult,
)
from activities.errors import coded_errors
from dialer.callbacks import CallbackId, Promise, TicketId
from dialer.model import AgentId, SwitchId
from dialer.switching import SwitchError

WAKE_AHEAD = timedelta(hours=3)
"""How long before it is due a callback gets its workflow; the waking runs every hour."""
MIRROR_FOR = timedelta(hours=8)
"""How long one activity follows a PBX's lists; another goes on."""
PAGE = 500


class CallbackRecords(Protocol):
    """Callbacks in the system of record. Raises `StoreUnavailable` as `DialStore` does."""

    async def read(self, callback: CallbackId) -> Promise | None: ...
    async def record(self, move: RecordMove) -> None:
        """Write a move once; `CallbackUnknown` when the row is gone, `CallbackMoved` when the
        record is at another version than the one before this move.
        """
        ...

    async def asleep(
        self, *, due_before: datetime, after: CallbackId | None, limit: int
    ) -> Sequence[CallbackId]:
        """Callbacks that wait and fall due before a moment, by id, behind `after`."""
        ...


class CallingLaw(Protocol):
    """Whether a callback may be called at this moment."""

    async def permit(self, promise: Promise, number: str, now: datetime) -> None:
        """Raise a `Rejected` with the rule and when it may be called, unless it may be now."""
        ...


class AgentCalls(Protocol):
    """Calls an agent and then a number, on whatever switch the callback is for."""

    async def call(
        self, promise: Promise, *, agent: AgentId, number: str, correlator: TicketId
    ) -> None:
        """Place the call, once for a correlator; `SwitchError` when the switch does not."""
        ...


class CallbackStarter(Protocol):
    """Starts the workflow of a callback that has none."""

    async def start(self, callback: CallbackId) -> bool:
        """Whether it was started; False when it was running."""
        ...

    async def follow_switches(self) -> int:
        """Have the lists followed of switches that keep their own; how many weren't yet."""
        ...


class ExternalLists(Protocol):
    """Callback lists that a PBX keeps itself."""

    async def drive(self, order: DriveCallback) -> None:
        """Make a move there, once; a `Rejected` where the PBX has it otherwise, `SwitchError` where
        it says nothing.
        """
        ...

    async def follow(self, switch: SwitchId, *, alive: Callable[[], None]) -> None:
        """Take over what is there, and what changes, until cancelled; raises `SwitchError`."""
        ...


@dataclass(frozen=True)
class CallbackActivities:
    """Keeps the record of callbacks in step with their workflows."""

    records: CallbackRecords
    law: CallingLaw
    calls: AgentCalls
    starter: CallbackStarter
    lists: ExternalLists
    clock: Callable[[], datetime]

    @activity.defn(name="callbacks.begin")
    async def begin(self, request: BeginCallback) -> PromiseRead:
        """Read the promise."""
        with coded_errors():
            return PromiseRead(promise=await self.records.read(request.callback_id))

    @activity.defn(name="callbacks.record")
    async def record(self, request: RecordMove) -> None:
        """Write a move."""
        with coded_errors():
            await self.records.record(request)

    @activity.defn(name="callbacks.permit")
    async def permit(self, request: PermitCall) -> None:
        """Ask the law at the moment of calling."""
        with coded_errors():
            await self.law.permit(request.promise, request.number, self.clock())

    @activity.defn(name="callbacks.call")
    async def call(self, request: CallCallback) -> CallbackCalled:
        """Have the switch connect agent and number; say why where it won't."""
        try:
            await self.calls.call(
                request.promise,
                agent=request.agent_id,
                number=request.number,
                correlator=request.ticket_id,
            )
        except SwitchError as error:
            return CallbackCalled(failed=str(error)[:500])
        return CallbackCalled()

    @activity.defn(name="callbacks.drive")
    async def drive(self, request: DriveCallback) -> None:
        """Have the PBX make a move on its own list."""
        with coded_errors():
            await self.lists.drive(request)

    @activity.defn(name="callbacks.mirror")
    async def mirror(self, request: MirrorLists) -> None:
        """Follow a PBX's own lists for some hours."""
        with coded_errors():
            try:
                async with asyncio.timeout(MIRROR_FOR.total_seconds()):
                    await self.lists.follow(request.switch, alive=activity.heartbeat)
            except TimeoutError:
                return

    @activity.defn(name="callbacks.wake")
    async def wake(self, request: WakeInput) -> WakeResult:
        """Start the workflows of callbacks that fall due soon, page by page."""
        before = request.before or self.clock() + WAKE_AHEAD
        woken = running = 0
        last: CallbackId | None = None
        with coded_errors():
            await self.starter.follow_switches()
            while page := await self.records.asleep(due_before=before, after=last, limit=PAGE):
                for callback in page:
                    started = await self.starter.start(callback)
                    woken, running = woken + started, running + (not started)
                last = page[-1]
                activity.heartbeat(str(last))
        return WakeResult(woken=woken, running=running, last=last)
