"""A switch in memory that knows the truth of every call.

It turns commands into events with delays; fates say what customers do. It can lie: lose, repeat and
delay events, refuse, or act without replying.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from dialer.commands import (
    Command,
    Divert,
    HangUp,
    Join,
    ParkAgent,
    PlaceCall,
    PlayMessage,
)
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandAccepted,
    CommandFailed,
    EndedBy,
    Event,
    MachineDetected,
    PersonDetected,
)
from dialer.media import Verdict
from dialer.model import (
    CallRef,
)
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView, SwitchSnapshot
from tests.support.dialing import seconds


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
    verdict: Verdict | None = Verdict.person
    """What the switch hears when it is asked to listen; None when it never says."""
    listening: float = 1.5
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
            listens = command.detect_machine
            self._later(
                now, fate.ring, lambda then: self._answer(correlator, fate, then, listens=listens)
            )
        else:
            self._later(
                now, fate.ring, lambda then: self.end(correlator, then, outcome=fate.outcome)
            )
        return True

    def _answer(self, correlator: str, fate: Fate, now: datetime, *, listens: bool) -> None:
        call = self.calls.get(correlator)
        if call is None:
            return
        call.answered_at = now
        self.tell(CallAnswered(correlator=correlator, call=call.ref, at=now), now)
        if listens:
            call.phase = CallPhase.listening
            self._later(now, fate.listening, lambda then: self._listened(correlator, fate, then))
        else:
            self._hold(correlator, call, now)
        if fate.patience is not None:
            self._later(now, fate.patience, lambda then: self._lose_patience(correlator, then))

    def _hold(self, correlator: str, call: TrueCall, now: datetime) -> None:
        call.phase = CallPhase.held
        self.tell(CallHeld(correlator=correlator, call=call.ref, at=now), now, after=0.05)

    def _listened(self, correlator: str, fate: Fate, now: datetime) -> None:
        call = self.calls.get(correlator)
        if call is None or call.phase is not CallPhase.listening:
            return
        heard: Event
        match fate.verdict:
            case Verdict.machine | Verdict.fax:
                fax = fate.verdict is Verdict.fax
                heard = MachineDetected(correlator=correlator, at=now, fax=fax)
            case _:
                unsure = fate.verdict is Verdict.unsure
                heard = PersonDetected(correlator=correlator, at=now, unsure=unsure)
        if fate.verdict is not None:
            self.tell(heard, now)
        self._hold(correlator, call, now)

    def _lose_patience(self, correlator: str, now: datetime) -> None:
        call = self.calls.get(correlator)
        waits = (CallPhase.held, CallPhase.listening)
        if call is not None and call.phase in waits:
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
