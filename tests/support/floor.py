"""A call floor in memory: builders, a switch that does as it is told, and virtual time.

`FakeSwitch` knows the truth of every call and turns commands into events with delays; its fates say
what customers do. It can lie: lose, repeat and delay events, refuse, or act without replying.
`Floor` drives an engine with it, tick by tick, and keeps every command with its moment.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from dialer.commands import (
    CloseAttempt,
    Command,
    ContactState,
    Divert,
    Drained,
    HangUp,
    Join,
    LoadContacts,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    ReturnContact,
    TakeSnapshot,
)
from dialer.engine import Engine
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandAccepted,
    CommandFailed,
    ContactsLoaded,
    Disposed,
    EndedBy,
    Event,
    SnapshotTaken,
    Started,
    Tick,
)
from dialer.model import (
    Agent,
    AgentId,
    AgentStatus,
    AttemptId,
    CallRef,
    CampaignId,
    CampaignSettings,
    ContactId,
    Dialable,
    Mode,
    Number,
    SwitchId,
    Trunk,
    TrunkId,
)
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView, Capabilities, SwitchSnapshot, Way

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TICK = timedelta(milliseconds=200)
C = TypeVar("C", bound=Command)


def seconds(value: float) -> timedelta:
    """A duration."""
    return timedelta(seconds=value)


def at(value: float) -> datetime:
    """An instant, in seconds since the start of the test."""
    return START + timedelta(seconds=value)


def settings(**changes: object) -> CampaignSettings:
    """Settings of a progressive campaign without retries in a hurry."""
    values: dict[str, object] = {
        "name": "spring",
        "mode": Mode.progressive,
        "switch": SwitchId("pbx"),
        "caller_id": "+390299999999",
        "wrap_up": seconds(5),
    }
    return CampaignSettings.model_validate(values | changes)


def agent(number: int, **changes: object) -> Agent:
    """An available agent."""
    values: dict[str, object] = {
        "agent_id": AgentId(f"agent{number}"),
        "address": f"user{number}",
        "number": str(100 + number),
        "status": AgentStatus.available,
        "order": number,
    }
    return Agent(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def contact(number: int, **changes: object) -> Dialable:
    """A contact with one number, due since the start."""
    values: dict[str, object] = {
        "contact_id": ContactId(f"contact{number}"),
        "numbers": (Number(number=f"+3902{number:07d}", zones=("Europe/Rome",)),),
        "due_at": START,
    }
    return Dialable(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def trunk(lines: int = 100, name: str = "gw1", **changes: object) -> Trunk:
    """A gateway."""
    values: dict[str, object] = {"trunk_id": TrunkId(name), "address": name, "lines": lines}
    return Trunk(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def capabilities(**changes: object) -> Capabilities:
    """A switch that parks agents and does everything else, as VOIspeed would."""
    values: dict[str, object] = {"way": Way.customer_first}
    return Capabilities(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def started(**changes: object) -> Started:
    """The first event of an engine with one agent and one trunk."""
    values: dict[str, object] = {
        "campaign_id": CampaignId("spring"),
        "epoch": 1,
        "settings": settings(),
        "capabilities": capabilities(),
        "agents": (agent(1),),
        "trunks": (trunk(),),
    }
    return Started(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a call to a customer."""

    ring: float = 4.0
    answers: bool = True
    outcome: Outcome = Outcome.no_answer
    """When nobody answers."""
    patience: float | None = None
    """Seconds until the customer hangs up while waiting."""
    talk: float = 20.0
    refused: bool = False


@dataclass(kw_only=True)
class Lies:
    """How the switch misbehaves; chances between 0 and 1."""

    lose: float = 0.0
    repeat: float = 0.0
    late: float = 0.0
    late_by: float = 1.5
    unclear: float = 0.0
    """Act on a command, or not, and time out."""
    refuse_join: float = 0.0


@dataclass
class TrueCall:
    """A call as it really is."""

    ref: CallRef
    park_of: str = ""
    phase: CallPhase = CallPhase.calling
    answered_at: datetime | None = None
    agent: str = ""


Schedule = Callable[[datetime, Event | Callable[[datetime], None]], None]


class FakeSwitch:
    """A switch that carries out commands in virtual time, and lies when told to."""

    def __init__(self, schedule: Schedule, *, seed: int = 0) -> None:
        self.random = Random(seed)
        self.schedule = schedule
        self.lies = Lies()
        self.fates: dict[str, Fate] = {}
        self.fate = Fate()
        self.agent_answers: dict[str, float | None] = {}
        """Address -> seconds until he picks up; None for never."""
        self.calls: dict[str, TrueCall] = {}
        self.placed: list[str] = []
        self.ended: dict[str, datetime] = {}
        self.down = False
        self.waits: dict[str, float] = {}
        """Seconds from a customer's answer until an agent, the message or the end."""
        self._ids = 0

    # -- what the engine sees ------------------------------------------------------------------

    def snapshot(self) -> SwitchSnapshot:
        """What is really going on; the list has no legs, as VOIspeed's hasn't."""
        return SwitchSnapshot(
            calls=tuple(
                CallView(
                    correlator=correlator,
                    call=CallRef(call_id=call.ref.call_id),
                    phase=call.phase,
                    address=call.agent,
                )
                for correlator, call in self.calls.items()
            )
        )

    def tell(self, event: Event, now: datetime, *, after: float = 0.02) -> None:
        """Send an event, unless it is lost; perhaps twice, perhaps late."""
        if self.random.random() < self.lies.lose:
            return
        copies = 2 if self.random.random() < self.lies.repeat else 1
        for _ in range(copies):
            extra = self.lies.late_by if self.random.random() < self.lies.late else 0.0
            self.schedule(now + seconds(after + extra * self.random.random()), event)

    # -- what the engine does ------------------------------------------------------------------

    def execute(self, command: Command, now: datetime) -> None:
        """Carry out a command."""
        correlator = str(getattr(command, "correlator", getattr(command, "attempt_id", "")))
        if self.down:
            failed = CommandFailed(correlator=correlator, action=command.kind, reason="down")
            self.schedule(now + seconds(0.01), failed)
            return
        unclear = self.random.random() < self.lies.unclear
        acts = not unclear or self.random.random() < 0.5
        refused = acts and not self._act(command, correlator, now)
        reply: Event = CommandAccepted(correlator=correlator, action=command.kind)
        if unclear:
            reply = CommandFailed(correlator=correlator, action=command.kind, unclear=True)
        elif refused:
            reply = CommandFailed(correlator=correlator, action=command.kind, refused=True)
        self.schedule(now + seconds(0.01), reply)

    def _act(self, command: Command, correlator: str, now: datetime) -> bool:
        match command:
            case PlaceCall():
                return self._place(command, now)
            case ParkAgent():
                return self._park(command, now)
            case Join():
                return self._join(command, now)
            case Divert():
                return self._divert(command, now)
            case PlayMessage():
                call = self.calls.get(correlator)
                if call is None or call.phase is not CallPhase.held:
                    return False
                call.phase = CallPhase.message
                self._served(correlator, call, now)
                self._later(now, 5.0, lambda then: self.end(correlator, then))
                return True
            case HangUp():
                if correlator not in self.calls:
                    return False
                self.end(correlator, now, by=EndedBy.switch)
                return True
            case _:
                return True

    def _served(self, correlator: str, call: TrueCall, now: datetime) -> None:
        if call.answered_at is not None:
            waited = (now - call.answered_at).total_seconds()
            self.waits.setdefault(correlator, waited)

    def _later(self, now: datetime, after: float, action: Callable[[datetime], None]) -> None:
        self.schedule(now + seconds(after), action)

    def _new(self, correlator: str, park_of: str = "") -> TrueCall:
        self._ids += 1
        call = TrueCall(CallRef(call_id=f"c{self._ids}", leg=f"l{self._ids}"), park_of)
        self.calls[correlator] = call
        return call

    def _place(self, command: PlaceCall, now: datetime) -> bool:
        fate = self.fates.get(command.number, self.fate)
        if fate.refused:
            return False
        correlator = command.attempt_id
        self.placed.append(command.number)
        call = self._new(correlator)
        self.tell(CallStarted(correlator=correlator, call=call.ref, at=now), now)
        ringing = now + seconds(0.3)
        self.tell(CallRinging(correlator=correlator, call=call.ref, at=ringing), ringing)
        if fate.answers:
            self._later(now, fate.ring, lambda then: self._answer(correlator, fate, then))
        else:
            self._later(
                now, fate.ring, lambda then: self.end(correlator, then, outcome=fate.outcome)
            )
        return True

    def _answer(self, correlator: str, fate: Fate, now: datetime) -> None:
        call = self.calls.get(correlator)
        if call is None:
            return
        call.answered_at, call.phase = now, CallPhase.held
        self.tell(CallAnswered(correlator=correlator, call=call.ref, at=now), now)
        self.tell(CallHeld(correlator=correlator, call=call.ref, at=now), now, after=0.05)
        if fate.patience is not None:
            self._later(now, fate.patience, lambda then: self._lose_patience(correlator, then))

    def _lose_patience(self, correlator: str, now: datetime) -> None:
        call = self.calls.get(correlator)
        if call is not None and call.phase is CallPhase.held:
            self.end(correlator, now, by=EndedBy.customer)

    def _park(self, command: ParkAgent, now: datetime) -> bool:
        if any(call.agent == command.address for call in self.calls.values()):
            return False
        wait = self.agent_answers.get(command.address, 0.5)
        call = self._new(command.correlator, park_of=command.address)
        call.agent = command.address
        if wait is not None:
            self._later(now, wait, lambda then: self._agent_up(command.correlator, then))
        return True

    def _agent_up(self, correlator: str, now: datetime) -> None:
        call = self.calls.get(correlator)
        if call is not None:
            call.phase = CallPhase.held
            self.tell(CallHeld(correlator=correlator, call=call.ref, at=now), now)

    def _join(self, command: Join, now: datetime) -> bool:
        customer = self.calls.get(command.correlator)
        park = next(
            (name for name, call in self.calls.items() if call.park_of == command.address), None
        )
        if customer is None or customer.phase is not CallPhase.held or park is None:
            return False
        if self.calls[park].ref != command.agent or customer.ref != command.customer:
            return False
        if self.random.random() < self.lies.refuse_join:
            return False
        self.end(park, now, by=EndedBy.switch)
        self._connect(command.correlator, command.address, now)
        return True

    def _divert(self, command: Divert, now: datetime) -> bool:
        customer = self.calls.get(command.correlator)
        if customer is None or customer.phase is not CallPhase.held:
            return False
        if any(call.agent == command.address for call in self.calls.values()):
            return False
        wait = self.agent_answers.get(command.address, 0.5)
        if wait is not None:
            self._later(
                now, wait, lambda then: self._connect(command.correlator, command.address, then)
            )
        return True

    def _connect(self, correlator: str, address: str, now: datetime) -> None:
        customer = self.calls.get(correlator)
        if customer is None or customer.phase is not CallPhase.held:
            return
        customer.phase, customer.agent = CallPhase.joined, address
        self._served(correlator, customer, now)
        self.tell(
            CallJoined(correlator=correlator, call=customer.ref, at=now, address=address), now
        )
        talk = self.fate.talk
        self._later(now, talk, lambda then: self.end(correlator, then, by=EndedBy.customer))

    def end(
        self,
        correlator: str,
        now: datetime,
        *,
        outcome: Outcome | None = None,
        by: EndedBy = EndedBy.unknown,
    ) -> None:
        """End a call, whatever it is doing."""
        call = self.calls.pop(correlator, None)
        if call is not None:
            self.ended[correlator] = now
            self._served(correlator, call, now)
            said = outcome or (Outcome.answered if call.answered_at else Outcome.no_answer)
            self.tell(
                CallEnded(correlator=correlator, call=call.ref, at=now, outcome=said, by=by), now
            )


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
        self.first = first or started()

    def start(self) -> "Floor":
        """Give the engine its first event."""
        self.give(self.first)
        return self

    # -- time ----------------------------------------------------------------------------------

    def schedule(self, when: datetime, item: Event | Callable[[datetime], None]) -> None:
        """Have something happen later."""
        self._number += 1
        heapq.heappush(self._queue, (when, self._number, item))

    def give(self, event: Event) -> list[Command]:
        """Hand an event to the engine now, and carry out what it wants."""
        commands = self.engine.handle(event, self.now)
        self.steps.append(Step(self.now, event, commands))
        for command in commands:
            self._carry_out(command)
        return commands

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
                asked_at = self.now
                if not self.snapshots_lost and not self.switch.down:
                    self.schedule(
                        self.now + seconds(0.01),
                        lambda then: self._snapshot(asked_at),
                    )
                elif self.switch.down:
                    self.schedule(self.now + seconds(0.01), CommandFailed(action="take_snapshot"))
            case LoadContacts():
                limit = command.limit
                self.schedule(self.now + seconds(0.005), lambda then: self._load(limit))
            case PlaceCall() | ParkAgent() | Join() | Divert() | PlayMessage() | HangUp():
                self.switch.execute(command, self.now)
            case CloseAttempt():
                self._closed(command)
            case ReturnContact():
                back = self.claimed.pop(command.contact_id, None)
                if back is not None and command.contact_state is ContactState.ready:
                    self.later.append((command.due_at or self.now, back))
            case _:
                pass

    def _snapshot(self, asked_at: datetime) -> None:
        self.give(SnapshotTaken(snapshot=self.switch.snapshot(), asked_at=asked_at))

    def _load(self, limit: int) -> None:
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
