"""Carries out what an engine wants of the switch, and tells it what came of each.

Commands are sent side by side, requests to dial no more than a few at a time, so that a join never
queues behind a hundred of them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, assert_never

from activities.dial_step import DialObserver
from activities.ports import Switch
from dialer.commands import (
    Divert,
    HangUp,
    Join,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    RecordCall,
    SwitchCommand,
)
from dialer.events import CommandAccepted, CommandFailed, Event, SnapshotTaken
from dialer.switching import Accepted, SwitchError, SwitchRefused, SwitchUnclear

SETTLE = timedelta(seconds=2)


class SwitchHands:
    """Sends commands without making anybody wait; answers come back through `put`."""

    def __init__(
        self,
        *,
        switch: Switch,
        clock: Callable[[], datetime],
        observer: DialObserver,
        put: Callable[[Event], None],
        parallel_dials: int,
        took: Callable[[timedelta], None],
    ) -> None:
        self._switch = switch
        self._clock = clock
        self._observer = observer
        self._put = put
        self._took = took
        self._dials = asyncio.Semaphore(parallel_dials)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, command: SwitchCommand, since: datetime) -> None:
        """Send a command caused by an event received at `since`."""
        self._observer.sent(command, lag=self._clock() - since)
        self.spawn(self._execute(command))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; `settle` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute(self, command: SwitchCommand) -> None:
        correlator = command.attempt_id if isinstance(command, PlaceCall) else command.correlator
        began = self._clock()
        try:
            if isinstance(command, PlaceCall):
                async with self._dials:
                    accepted = await self._switch.place(command)
            else:
                accepted = await self._ask(command)
        except SwitchError as error:
            self._observer.failed(command.kind, error)
            self._put(
                CommandFailed(
                    correlator=correlator,
                    action=command.kind,
                    reason=_reason(error),
                    unclear=isinstance(error, SwitchUnclear),
                    refused=isinstance(error, SwitchRefused),
                )
            )
        else:
            if not isinstance(command, ParkAgent):  # of which a whole floor may come at once
                self._took(self._clock() - began)
            self._put(
                CommandAccepted(
                    correlator=correlator, action=command.kind, request_id=accepted.request_id
                )
            )

    async def _ask(
        self, command: ParkAgent | Join | Divert | PlayMessage | HangUp | RecordCall
    ) -> Accepted:
        match command:
            case ParkAgent():
                return await self._switch.park(command)
            case Join():
                return await self._switch.join(command)
            case Divert():
                return await self._switch.divert(command)
            case PlayMessage():
                return await self._switch.play_message(command)
            case HangUp():
                return await self._switch.hang_up(command)
            case RecordCall():
                return await self._switch.record_call(command)
            case _:
                assert_never(command)

    async def take_snapshot(self) -> None:
        """Ask the switch what is going on."""
        asked_at = self._clock()
        try:
            snapshot = await self._switch.snapshot()
        except SwitchError as error:
            self._observer.failed("take_snapshot", error)
            self._put(CommandFailed(action="take_snapshot", reason=_reason(error)))
        else:
            self._put(SnapshotTaken(snapshot=snapshot, asked_at=asked_at))

    async def settle(self) -> None:
        """Let commands that are on their way reach the switch: half a request helps nobody."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE.total_seconds())
        for task in self._tasks:
            task.cancel()


def not_sent(command: PlaceCall) -> CommandFailed:
    """What is told of a call that was decided but may not be placed any more."""
    return CommandFailed(
        correlator=command.attempt_id,
        action=command.kind,
        reason="not sent: its row took too long to commit",
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
