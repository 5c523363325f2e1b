"""A call floor in memory: an engine, a fake switch, the record, and virtual time.

`Floor` drives an engine tick by tick, keeps every command with its moment, and can let the engine's
process die and another take over.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import (
    CloseAttempt,
    Command,
    ContactState,
    Divert,
    Drained,
    HangUp,
    Join,
    LoadContacts,
    OpenAttemptRecord,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    RecordCall,
    ReturnContact,
    SaveAgent,
    SaveAttempt,
    TakeSnapshot,
)
from dialer.engine import Engine
from dialer.events import (
    AgentChanged,
    CommandAccepted,
    CommandFailed,
    ContactsLoaded,
    Disposed,
    Event,
    OpenAttempt,
    OpenPark,
    SnapshotTaken,
    Started,
    Tick,
)
from dialer.model import (
    AgentId,
    AttemptId,
    ContactId,
    Dialable,
    Number,
)
from dialer.outcomes import Outcome
from tests.support.dialing import (
    START,
    TICK,
    agent,
    at,
    capabilities,
    contact,
    seconds,
    settings,
    started,
    trunk,
)
from tests.support.fake_switch import FakeSwitch, Fate, Lies, TrueCall

__all__ = [
    "START",
    "TICK",
    "FakeSwitch",
    "Fate",
    "Floor",
    "Lies",
    "Record",
    "Step",
    "TrueCall",
    "agent",
    "at",
    "capabilities",
    "contact",
    "seconds",
    "settings",
    "started",
    "trunk",
]

C = TypeVar("C", bound=Command)


@dataclass
class Record:
    """The rows that the engine's commands leave in the system of record."""

    attempts: dict[str, OpenAttempt] = field(default_factory=dict)
    parks: dict[AgentId, OpenPark] = field(default_factory=dict)
    closed: dict[str, Outcome] = field(default_factory=dict)

    def apply(self, command: Command, claimed: Mapping[ContactId, Dialable]) -> None:
        """Write what a command says."""
        match command:
            case OpenAttemptRecord():
                if any(a.contact.contact_id == command.contact_id for a in self.attempts.values()):
                    raise AssertionError(f"{command.contact_id} is already being called")
                self.attempts[command.attempt_id] = OpenAttempt(
                    attempt_id=command.attempt_id,
                    contact=claimed[command.contact_id],
                    number=Number(number=command.number),
                    trunk_id=command.trunk_id,
                    state=CallState.placing,
                    placed_at=command.at,
                    accepted=False,
                )
            case SaveAttempt():
                before = self.attempts[command.attempt_id]
                self.attempts[command.attempt_id] = replace(
                    before,
                    state=command.state,
                    accepted=before.accepted or command.accepted_at is not None,
                    answered_at=command.answered_at or before.answered_at,
                    agent_id=command.agent_id or before.agent_id,
                    call=command.call or before.call,
                    recognised_at=command.recognised_at or before.recognised_at,
                    verdict=command.verdict or before.verdict,
                )
            case CloseAttempt():
                if command.attempt_id in self.closed:
                    raise AssertionError(f"{command.attempt_id} was closed twice")
                self.closed[command.attempt_id] = command.outcome
                del self.attempts[command.attempt_id]
            case SaveAgent() if command.state is AgentState.parked or (
                command.state is AgentState.ringing and "-p" in command.correlator
            ):
                self.parks[command.agent_id] = OpenPark(
                    agent_id=command.agent_id, correlator=command.correlator, call=command.call
                )
            case SaveAgent() if command.state is AgentState.idle:
                self.parks.pop(command.agent_id, None)
            case _:
                pass


@dataclass(frozen=True)
class Step:
    """One step of the engine."""

    at: datetime
    event: Event
    commands: list[Command]


class Floor:
    """An engine on a fake switch, in virtual time."""

    def __init__(
        self,
        first: Started | None = None,
        *,
        contacts: Sequence[Dialable] = (),
        engine: Engine | None = None,
        seed: int = 0,
    ) -> None:
        self.engine = engine or Engine()
        self.now = START
        self._queue: list[tuple[datetime, int, Event | Callable[[datetime], None]]] = []
        self._number = 0
        self.switch = FakeSwitch(self.schedule, seed=seed)
        self.contacts = list(contacts)
        self.later: list[tuple[datetime, Dialable]] = []
        self.claimed: dict[ContactId, Dialable] = {}
        self.dispose_after: float | None = None
        self.steps: list[Step] = []
        self.snapshots_lost = False
        self.watch: Callable[[Step], None] | None = None
        """Looks at every step once its records are written."""
        self.record = Record()
        self.first = first or started()
        for attempt in self.first.attempts:
            self.record.attempts[attempt.attempt_id] = attempt
            self.claimed[attempt.contact.contact_id] = attempt.contact

    def start(self) -> "Floor":
        """Give the engine its first event."""
        self.give(self.first)
        return self

    # -- time ----------------------------------------------------------------------------------

    def schedule(self, when: datetime, item: Event | Callable[[datetime], None]) -> None:
        """Have something happen later."""
        self._number += 1
        heapq.heappush(self._queue, (when, self._number, item))

    def set_clock(self, by: float) -> None:
        """Set the clock of everybody; what is to happen happens as much later as before."""
        self.now += seconds(by)
        self._queue = [(when + seconds(by), number, item) for when, number, item in self._queue]

    def give(self, event: Event) -> list[Command]:
        """Hand an event to the engine now, and carry out what it wants."""
        commands = self.engine.handle(event, self.now)
        self.steps.append(Step(self.now, event, commands))
        for command in commands:
            self.record.apply(command, self.claimed)
        if self.watch is not None:
            self.watch(self.steps[-1])
        for command in commands:
            self._carry_out(command)
        return commands

    def die(self, event: Event) -> None:
        """The engine decides upon an event, its records are committed, and its process dies."""
        commands = self.engine.handle(event, self.now)
        self.steps.append(Step(self.now, event, commands))
        for command in commands:
            self.record.apply(command, self.claimed)
        self._queue = [
            entry
            for entry in self._queue
            if not isinstance(entry[2], CommandAccepted | CommandFailed)
        ]
        heapq.heapify(self._queue)

    def take_over(self, *, after: float = 0.0) -> "Floor":
        """A new engine takes over from the record; events of the meantime reach it late."""
        meantime: list[Event] = []
        end = self.now + seconds(after)
        while self._queue and self._queue[0][0] <= end:
            when, _, item = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            if callable(item):
                item(self.now)
            elif not isinstance(item, CommandAccepted | CommandFailed | SnapshotTaken):
                meantime.append(item)
        self.now = end
        held = {attempt.contact.contact_id for attempt in self.record.attempts.values()}
        for contact_id in [found for found in self.claimed if found not in held]:
            self.later.append((self.now, self.claimed.pop(contact_id)))
        lines = {
            step.event.agent.agent_id: step.event.agent
            for step in self.steps
            if isinstance(step.event, AgentChanged)
        }
        self.first = replace(
            self.first,
            epoch=self.first.epoch + 1,
            agents=tuple(lines.get(known.agent_id, known) for known in self.first.agents),
            attempts=tuple(self.record.attempts.values()),
            parks=tuple(self.record.parks.values()),
        )
        self.engine = Engine()
        self.start()
        for event in meantime:
            self.give(event)
        return self

    def run(self, duration: float) -> "Floor":
        """Let time pass, with a tick every 200 ms."""
        end = self.now + seconds(duration)
        while self.now < end:
            tick = self.now + TICK
            due = self.engine.next_deadline()
            stop = min(end, tick if due is None else min(tick, max(due, self.now)))
            while self._queue and self._queue[0][0] <= stop:
                when, _, item = heapq.heappop(self._queue)
                self.now = max(self.now, when)
                if callable(item):
                    item(self.now)
                else:
                    self.give(item)
            self.now = max(self.now, stop)
            before = self.engine.next_deadline()
            self.give(Tick())
            if before == self.engine.next_deadline() and before is not None and before <= self.now:
                raise AssertionError(f"deadline {before} stays due")
        return self

    def _carry_out(self, command: Command) -> None:
        match command:
            case TakeSnapshot():
                asked_at, engine = self.now, self.engine
                if not self.snapshots_lost and not self.switch.down:
                    self.schedule(
                        self.now + seconds(0.01),
                        lambda then: self._snapshot(asked_at, engine),
                    )
                elif self.switch.down:
                    self.schedule(self.now + seconds(0.01), CommandFailed(action="take_snapshot"))
            case LoadContacts():
                limit, engine = command.limit, self.engine
                self.schedule(self.now + seconds(0.005), lambda then: self._load(limit, engine))
            case (
                PlaceCall()
                | ParkAgent()
                | Join()
                | Divert()
                | PlayMessage()
                | HangUp()
                | RecordCall()
            ):
                self.switch.execute(command, self.now)
            case CloseAttempt():
                self._closed(command)
            case ReturnContact():
                back = self.claimed.pop(command.contact_id, None)
                if back is not None and command.contact_state is ContactState.ready:
                    self.later.append((command.due_at or self.now, back))
            case _:
                pass

    def _snapshot(self, asked_at: datetime, engine: Engine) -> None:
        if engine is self.engine:
            self.give(SnapshotTaken(snapshot=self.switch.snapshot(), asked_at=asked_at))

    def _load(self, limit: int, engine: Engine) -> None:
        if engine is not self.engine:
            return
        due = [found for when, found in self.later if when <= self.now]
        self.later = [(when, found) for when, found in self.later if when > self.now]
        self.contacts += due
        taken, self.contacts = self.contacts[:limit], self.contacts[limit:]
        self.claimed.update({found.contact_id: found for found in taken})
        self.give(
            ContactsLoaded(
                contacts=tuple(taken),
                exhausted=not self.contacts and not self.later and len(taken) < limit,
                next_due_at=min((when for when, _ in self.later), default=None),
            )
        )

    def _closed(self, command: CloseAttempt) -> None:
        back = self.claimed.pop(command.contact_id, None)
        if back is not None and command.contact_state is ContactState.ready:
            tried = dict(back.tried)
            tried[command.outcome] = tried.get(command.outcome, 0) + 1
            again = replace(back, attempts=back.attempts + 1, tried=tuple(tried.items()))
            self.later.append((command.due_at or self.now, again))
        if self.dispose_after is not None and command.agent_id is not None:
            said = Disposed(
                agent_id=command.agent_id,
                attempt_id=AttemptId(command.attempt_id),
                code="sale",
            )
            self.schedule(self.now + seconds(self.dispose_after), said)

    # -- looking -------------------------------------------------------------------------------

    @property
    def commands(self) -> list[Command]:
        """Every command so far."""
        return [command for step in self.steps for command in step.commands]

    def of(self, kind: type[C]) -> list[C]:
        """Every command of a kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    def moments(self, kind: type[Command]) -> list[float]:
        """When commands of a kind were given, in seconds since the start."""
        return [
            (step.at - START).total_seconds()
            for step in self.steps
            for command in step.commands
            if isinstance(command, kind)
        ]

    @property
    def outcomes(self) -> list[Outcome]:
        """How attempts ended, in order."""
        return [command.outcome for command in self.of(CloseAttempt)]

    @property
    def drained(self) -> str:
        """Why the engine ended, if it did."""
        return next((command.reason for command in self.of(Drained)), "")
