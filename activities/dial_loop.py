"""The live layer: one engine, one lease, one loop.

Everything that reaches the engine passes through here in one order, and that order is what the
journal keeps: inbox rows by cursor, replies of commands, and the clock. A step is: take what has
come, let the engine think, send what can't wait (join, message, hang up), commit the step, then
send what must not precede its row (dial, park). While a step is being committed the engine goes on
with the next one, so nobody who has answered waits for a disk, and the batch grows with the load
by itself; it goes one step ahead and not for long, so that a store in trouble stops everything.

The commit is fenced by the lease: a loop that was presumed dead learns of it at its next step and
ends.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, assert_never

from activities.dial_step import Arrival, DialObserver, Step
from activities.ports import (
    DialStore,
    Inbox,
    InboxItem,
    JournalEntry,
    Lease,
    LeaseLost,
    StoreUnavailable,
    Switch,
    campaign_channel,
    switch_channel,
)
from dialer.commands import (
    COMMANDS,
    Divert,
    HangUp,
    Join,
    LoadContacts,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    SwitchCommand,
    TakeSnapshot,
)
from dialer.engine import Engine
from dialer.events import (
    EVENT,
    AgentChanged,
    CommandAccepted,
    CommandFailed,
    ContactsLoaded,
    Event,
    SnapshotTaken,
    Tick,
)
from dialer.model import AgentId, CampaignId
from dialer.switching import SwitchError, SwitchRefused, SwitchUnclear

T = TypeVar("T")

TICK = timedelta(milliseconds=200)
"""Longest sleep of the loop; pacing looks at ages this often."""
READ_LIMIT = 500
STEP_LIMIT = 200
"""Most events in one step, so that a flood can't starve the commit."""
LINGER = timedelta(milliseconds=20)
"""How long a step that nobody waits for may gather more before it is committed. What it says of the
switch is in the inbox already; each commit costs as much as five events do.
"""
AHEAD = timedelta(milliseconds=500)
"""How long the engine may go on while a commit is under way."""
STORE_RETRY = timedelta(milliseconds=200)
STALE = timedelta(seconds=2)
"""A call whose row took longer than this to commit was decided for a floor that is no more."""
RENEW = timedelta(seconds=30)
"""A lease is renewed this often even while nothing happens."""
SETTLE = timedelta(seconds=2)
WAIT_INBOX = timedelta(seconds=1)


class DialLoop:
    """Dials for one campaign until the engine has drained, the lease is lost or the task is
    cancelled.
    """

    def __init__(
        self,
        *,
        store: DialStore,
        inbox: Inbox,
        switch: Switch,
        clock: Callable[[], datetime],
        observer: DialObserver,
        parallel_dials: int = 32,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._switch = switch
        self._clock = clock
        self._observer = observer
        self._dials = asyncio.Semaphore(parallel_dials)
        self._engine = Engine()
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._committing: asyncio.Task[None] | None = None
        self._agents: set[AgentId] = set()
        self._cursors: dict[str, int] = {}
        self._renewed_at = self._heard_at = clock()
        self._seq = 0
        self.steps = 0
        """Turns of the loop so far: what a heartbeat carries."""

    async def run(self, campaign: CampaignId, *, owner: str) -> str:
        """Return the reason for which the engine drained; raise `LeaseLost` when fenced off."""
        lease = await self._retry(
            lambda: self._store.take_lease(campaign, owner=owner, now=self._clock())
        )
        now = self._clock()
        started = await self._retry(
            lambda: self._store.load_started(lease, self._switch.capabilities, now)
        )
        self._agents = {agent.agent_id for agent in started.agents}
        step = Step(now)
        self._handle(step, Arrival(event=started, received_at=now), self._clock())
        reader = asyncio.create_task(self._read(lease), name=f"inbox {campaign}")
        try:
            self._send_urgent(step)
            await self._carry_out(lease, step, self._position())
            reason = await self._turn_until_drained(lease, reader)
            await self._retry(lambda: self._store.release_lease(lease, now=self._clock()))
            return reason
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, LeaseLost):
                await reader
            await self._settle()

    async def _turn_until_drained(self, lease: Lease, reader: "asyncio.Task[None]") -> str:
        step = Step(self._clock())
        try:
            while step.drained is None:
                if reader.done():
                    reader.result()
                await self._turn(step)
                if self._committing and (self._committing.done() or self._is_ahead(step)):
                    await self._committing
                    self._committing = None
                if not self._committing and step.drained is None and self._wants_writing(step):
                    self._begin_commit(lease, step)
                    step = Step(self._clock())
                    await asyncio.sleep(0)  # what was sent leaves before the engine goes on
            if self._committing:
                await self._committing
            await self._carry_out(lease, step, self._position())
            return step.drained
        finally:
            if self._committing:
                self._committing.cancel()
                await asyncio.gather(self._committing, return_exceptions=True)

    def _begin_commit(self, lease: Lease, step: Step) -> None:
        self._committing = asyncio.create_task(self._carry_out(lease, step, self._position()))
        self._committing.add_done_callback(self._wake)

    async def _turn(self, step: Step) -> None:
        """Wait for something to happen, think about it, and send what can't wait."""
        self.steps += 1
        for arrival in await self._gather(step):
            self._handle(step, arrival, self._clock())
        deadline = self._engine.next_deadline()
        now = self._clock()
        if now - self._heard_at >= TICK or (deadline is not None and deadline <= now):
            self._handle(step, Arrival(event=Tick(), received_at=now), now)
        self._send_urgent(step)

    def _position(self) -> tuple[tuple[str, int], ...]:
        """What has been read so far; taken with the step, because the engine goes on."""
        return tuple(self._cursors.items())

    def _wants_writing(self, step: Step) -> bool:
        now = self._clock()
        if now - self._renewed_at >= RENEW:
            return True
        return bool(step.entries) and (step.is_waited_for or now - step.began >= LINGER)

    def _is_ahead(self, step: Step) -> bool:
        """Whether the engine has gone far enough without the commit under way."""
        return (
            step.drained is not None
            or len(step.entries) >= STEP_LIMIT
            or self._clock() - step.began > AHEAD
        )

    def _wake(self, _committed: "asyncio.Task[None]") -> None:
        """Have the loop look at a commit that is done."""
        self._queue.put_nowait(Arrival(event=None, received_at=self._clock()))

    async def _gather(self, step: Step) -> list[Arrival]:
        """Wait for something to happen or to fall due; then take everything that is there."""
        arrivals: list[Arrival] = []
        if self._queue.empty():
            due = [self._heard_at + TICK]
            if (deadline := self._engine.next_deadline()) is not None:
                due.append(deadline)
            if step.entries and not self._committing:
                due.append(step.began + LINGER)
            wait = min(due) - self._clock()
            if wait > timedelta(0):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait.total_seconds()):
                        arrivals.append(await self._queue.get())
        while not self._queue.empty() and len(arrivals) < STEP_LIMIT:
            arrivals.append(self._queue.get_nowait())
        return arrivals

    def _handle(self, step: Step, arrival: Arrival, now: datetime) -> None:
        """Let the engine think about one event and sort its commands by when they may be carried
        out.
        """
        if arrival.inbox is not None:
            channel, inbox_id = arrival.inbox
            self._cursors[channel] = inbox_id
        if arrival.event is None:
            return
        self._heard_at = now
        commands = self._engine.handle(arrival.event, now)
        if commands or not isinstance(arrival.event, Tick):
            self._seq += 1
            if not step.entries:
                step.began = now
            step.entries.append(
                JournalEntry(
                    seq=self._seq,
                    at=now,
                    event=EVENT.dump_json(arrival.event),
                    commands=COMMANDS.dump_json(commands),
                    inbox_id=arrival.inbox[1] if arrival.inbox else None,
                )
            )
        for command in commands:
            step.add(command, since=arrival.received_at)

    def _send_urgent(self, step: Step) -> None:
        for command, since in step.urgent:
            self._send(command, since)
        step.urgent.clear()

    async def _carry_out(
        self, lease: Lease, step: Step, cursors: Sequence[tuple[str, int]]
    ) -> None:
        """Commit a step, then do what had to wait for that."""
        began = self._clock()
        if step.entries or began - self._renewed_at >= RENEW:
            await self._retry(
                lambda: self._store.apply(
                    lease,
                    entries=step.entries,
                    records=step.records,
                    cursors=cursors,
                    now=began,
                )
            )
            self._renewed_at = self._clock()
        stale = self._clock() - step.began > STALE
        for command, since in step.after_commit:
            if stale and isinstance(command, PlaceCall):
                self._put(_not_sent(command))
            else:
                self._send(command, since)
        for question in step.questions:
            match question:
                case LoadContacts():
                    self._spawn(self._load_contacts(lease, question))
                case TakeSnapshot():
                    self._spawn(self._take_snapshot())
                case _:
                    assert_never(question)
        self._observer.step(
            events=len(step.entries), commands=len(step.records), took=self._clock() - began
        )

    def _send(self, command: SwitchCommand, since: datetime) -> None:
        self._observer.sent(command, lag=self._clock() - since)
        self._spawn(self._execute(command))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute(self, command: SwitchCommand) -> None:
        correlator = command.attempt_id if isinstance(command, PlaceCall) else command.correlator
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
            self._put(
                CommandAccepted(
                    correlator=correlator, action=command.kind, request_id=accepted.request_id
                )
            )

    async def _ask(self, command: ParkAgent | Join | Divert | PlayMessage | HangUp) -> Any:
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
            case _:
                assert_never(command)

    async def _load_contacts(self, lease: Lease, question: LoadContacts) -> None:
        contacts, exhausted, next_due_at = await self._retry(
            lambda: self._store.claim_contacts(lease, limit=question.limit, now=self._clock())
        )
        self._put(ContactsLoaded(contacts=contacts, exhausted=exhausted, next_due_at=next_due_at))

    async def _take_snapshot(self) -> None:
        asked_at = self._clock()
        try:
            snapshot = await self._switch.snapshot()
        except SwitchError as error:
            self._observer.failed("take_snapshot", error)
            self._put(CommandFailed(action="take_snapshot", reason=_reason(error)))
        else:
            self._put(SnapshotTaken(snapshot=snapshot, asked_at=asked_at))

    def _put(self, event: Event) -> None:
        self._queue.put_nowait(Arrival(event=event, received_at=self._clock()))

    async def _read(self, lease: Lease) -> None:
        """Feed inbox rows to the loop in commit order, from the cursor that the last step
        applied.
        """
        cursors = dict(lease.cursors)
        campaign, switch = campaign_channel(lease.campaign_id), switch_channel(lease.switch_id)
        for channel in (campaign, switch):
            cursors.setdefault(channel, 0)
        while True:
            position = tuple(cursors.items())
            items = await self._retry(lambda: self._inbox.read(position, limit=READ_LIMIT))  # noqa: B023 (awaited at once)
            for item in items:
                cursors[item.channel] = item.inbox_id
                for event in tuple(self._events_of(item, lease.campaign_id)) or (None,):
                    self._queue.put_nowait(
                        Arrival(
                            event=event,
                            received_at=item.received_at,
                            inbox=(item.channel, item.inbox_id),
                        )
                    )
            if not items:
                await self._retry(
                    lambda: self._inbox.wait((campaign, switch), timeout=WAIT_INBOX.total_seconds())
                )

    def _events_of(self, item: InboxItem, campaign: CampaignId) -> Iterable[Event]:
        if item.event is not None:
            if isinstance(item.event, AgentChanged) and self._concerns(item, item.event):
                self._agents.add(item.event.agent.agent_id)
                yield item.event
            elif not isinstance(item.event, AgentChanged):
                yield item.event
        if item.raw is not None:
            try:
                translated: Sequence[Event] = self._switch.translate(item.raw)
            except ValueError as error:
                self._observer.untranslatable(item.channel, error)
                return
            for event in translated:
                correlator = getattr(event, "correlator", "")
                if not correlator or correlator.startswith(f"{campaign}-"):
                    yield event

    def _concerns(self, item: InboxItem, event: AgentChanged) -> bool:
        """A switch speaks of all its agents; only a person's order brings one into the campaign."""
        return event.agent.agent_id in self._agents or item.channel.startswith("campaign:")

    async def _retry(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it answers: while it is away nothing is dialed, and nothing is
        lost.
        """
        while True:
            try:
                return await ask()
            except StoreUnavailable as error:
                self._observer.failed("store", error)
                await asyncio.sleep(STORE_RETRY.total_seconds())

    async def _settle(self) -> None:
        """Let commands that are on their way reach the switch: half a request helps nobody."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE.total_seconds())
        for task in self._tasks:
            task.cancel()


def _not_sent(command: PlaceCall) -> CommandFailed:
    return CommandFailed(
        correlator=command.attempt_id,
        action=command.kind,
        reason="not sent: its row took too long to commit",
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
