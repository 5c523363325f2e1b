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
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

from activities.dial_commands import SwitchHands, not_sent
from activities.dial_inbox import InboxReader
from activities.dial_step import Arrival, DialObserver, Step
from activities.governor import Governor
from activities.ports import (
    DialStore,
    EventWatch,
    Inbox,
    JournalEntry,
    Lease,
    LeaseLost,
    StoreUnavailable,
    Switch,
)
from activities.sharing import Sharing
from activities.watching import Watching
from dialer.commands import (
    COMMANDS,
    LoadContacts,
    NotePacing,
    PlaceCall,
    TakeSnapshot,
)
from dialer.engine import Engine
from dialer.events import (
    EVENT,
    AgentChanged,
    CallEnded,
    CallForbidden,
    CallHeld,
    ContactsLoaded,
    Event,
    Tick,
    TrunksChanged,
)
from dialer.model import CampaignId

T = TypeVar("T")

TICK = timedelta(milliseconds=200)
"""Longest sleep of the loop; pacing looks at ages this often."""
STEP_LIMIT = 200
"""Most events in one step, so that a flood can't starve the commit."""
LINGER = timedelta(milliseconds=20)
"""How long a step that nobody waits for may gather more before it is committed. What it says of the
switch is in the inbox already, and a commit costs much the same for one event as for ten.
"""
AHEAD = timedelta(milliseconds=500)
"""How long the engine may go on while a commit is under way."""
STORE_RETRY = timedelta(milliseconds=200)
STALE = timedelta(seconds=2)
"""A call whose row took longer than this to commit was decided for a floor that is no more."""
RENEW = timedelta(seconds=30)
"""A lease is renewed this often even while nothing happens."""


class DialLoop:
    """Dials for one campaign until the engine has drained, the lease is lost or the task is
    cancelled.

    The clock may be set back meanwhile: what is due by time is then due at once, not later.
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
        watch: EventWatch | None = None,
    ) -> None:
        self._store = store
        self._switch = switch
        self._clock = clock
        self._observer = observer
        self._engine = Engine()
        self._queue: asyncio.Queue[Arrival] = asyncio.Queue()
        self._governor = Governor(self._put)
        self._hands = SwitchHands(
            switch=switch,
            clock=clock,
            observer=observer,
            put=self._put,
            parallel_dials=parallel_dials,
            took=self._governor.measured,
        )
        self._committing: asyncio.Task[None] | None = None
        self._sharing = Sharing(
            store=store, engine=self._engine, clock=clock, apply=self._apply, ask=self._retry
        )
        self._reader = InboxReader(
            inbox=inbox,
            switch=switch,
            observer=observer,
            put=self._queue.put_nowait,
            retry=self._retry,
        )
        self._watching = watch and Watching(watch, clock=clock, observer=observer, put=self._put)
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
        step = Step(now)
        self._handle(step, Arrival(event=started, received_at=now), self._clock())
        beside = [
            asyncio.create_task(self._reader.run(lease), name=f"inbox {campaign}"),
            asyncio.create_task(self._sharing.run(lease), name=f"shares {campaign}"),
            asyncio.create_task(self._governor.run(), name=f"rate {campaign}"),
        ]
        if self._watching:
            watching = self._watching.run(lease.switch_id)
            beside.append(asyncio.create_task(watching, name=f"watch {campaign}"))
        try:
            self._send_urgent(step)
            await self._carry_out(lease, step, self._position())
            reason = await self._turn_until_drained(lease, beside)
            await _end(beside)
            await self._retry(lambda: self._store.release_lease(lease, now=self._clock()))
            return reason
        finally:
            await _end(beside)
            await self._hands.settle()

    async def _turn_until_drained(
        self, lease: Lease, beside: Sequence["asyncio.Task[None]"]
    ) -> str:
        step = Step(self._clock())
        try:
            while step.drained is None:
                for task in beside:
                    if task.done():
                        task.result()
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
        if abs(now - self._heard_at) >= TICK or (deadline is not None and deadline <= now):
            self._handle(step, Arrival(event=Tick(), received_at=now), now)
        self._send_urgent(step)

    def _position(self) -> tuple[tuple[str, int], ...]:
        """What has been read so far; taken with the step, because the engine goes on."""
        return tuple(self._cursors.items())

    def _wants_writing(self, step: Step) -> bool:
        now = self._clock()
        if abs(now - self._renewed_at) >= RENEW:
            return True
        return bool(step.entries) and (step.is_waited_for or abs(now - step.began) >= LINGER)

    def _is_ahead(self, step: Step) -> bool:
        """Whether the engine has gone far enough without the commit under way."""
        return (
            step.drained is not None
            or len(step.entries) >= STEP_LIMIT
            or abs(self._clock() - step.began) > AHEAD
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
            wait = min(min(due) - self._clock(), TICK)
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
        if arrival.event is None or not self._concerns(arrival):
            return
        self._heard_at = now
        if arrival.inbox is not None and isinstance(arrival.event, CallHeld | CallEnded):
            self._governor.measured(now - arrival.received_at)  # which links don't let wait
        commands = self._engine.handle(arrival.event, now)
        if arrival.handled is not None:
            arrival.handled.set()
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
            if isinstance(command, NotePacing):
                self._observer.paced(command)

    def _send_urgent(self, step: Step) -> None:
        for command, since in step.urgent:
            self._hands.send(command, since)
        step.urgent.clear()

    async def _carry_out(
        self, lease: Lease, step: Step, cursors: Sequence[tuple[str, int]]
    ) -> None:
        """Commit a step, then do what had to wait for that."""
        began = self._clock()
        forbidden: Sequence[CallForbidden] = ()
        if step.entries or abs(began - self._renewed_at) >= RENEW:
            forbidden = await self._retry(
                lambda: self._store.apply(
                    lease,
                    entries=step.entries,
                    records=step.records,
                    cursors=cursors,
                    now=began,
                )
            )
            self._renewed_at = self._clock()
        stale = abs(self._clock() - step.began) > STALE
        unlawful = {one.attempt_id for one in forbidden}
        for one in forbidden:
            self._put(one)
        for command, since in step.after_commit:
            if isinstance(command, PlaceCall) and command.attempt_id in unlawful:
                continue
            if stale and isinstance(command, PlaceCall):
                self._put(not_sent(command))
            else:
                if isinstance(command, PlaceCall):
                    self._governor.placed()
                self._hands.send(command, since)
        for question in step.questions:
            match question:
                case LoadContacts():
                    self._hands.spawn(self._load_contacts(lease, question))
                case TakeSnapshot():
                    self._hands.spawn(self._hands.take_snapshot())
                case _:
                    assert_never(question)
        self._observer.step(
            events=len(step.entries), commands=len(step.records), took=self._clock() - began
        )

    async def _load_contacts(self, lease: Lease, question: LoadContacts) -> None:
        contacts, exhausted, next_due_at = await self._retry(
            lambda: self._store.claim_contacts(lease, limit=question.limit, now=self._clock())
        )
        self._put(ContactsLoaded(contacts=contacts, exhausted=exhausted, next_due_at=next_due_at))

    def _put(self, event: Event, handled: asyncio.Event | None = None) -> None:
        self._queue.put_nowait(Arrival(event=event, received_at=self._clock(), handled=handled))

    async def _apply(self, event: Event) -> None:
        """Have the engine handle an event, and return once it has."""
        handled = asyncio.Event()
        self._put(event, handled)
        await handled.wait()

    def _concerns(self, arrival: Arrival) -> bool:
        """A switch speaks of all its agents, of whom only those leased to us are ours, and of
        whole trunks, of which we have a share.
        """
        match arrival.event if arrival.inbox else None:
            case AgentChanged(agent=agent) if agent.agent_id not in self._engine.agents:
                self._sharing.nudge()
                return False
            case TrunksChanged():
                self._sharing.nudge()
                return False
            case _:
                return True

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


async def _end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, LeaseLost):
            await task
