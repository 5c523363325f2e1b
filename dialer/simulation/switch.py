"""A switch and the people behind it, in virtual time: commands in, events at their moment out.

It answers as the simplest real switch would: agents stay on the line, persons are held until they
are joined, machines are told apart after `amd_s`, and nothing is lost. Faults are the business of
the engine's own tests; here only chance matters.
"""

import heapq
import random
from datetime import datetime, timedelta

from dialer.commands import (
    Command,
    HangUp,
    Join,
    LoadContacts,
    ParkAgent,
    PlaceCall,
    PlayMessage,
)
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CommandAccepted,
    ContactsLoaded,
    Disposed,
    Event,
    MachineDetected,
    PersonDetected,
)
from dialer.model import AttemptId, CallRef, ContactId, Dialable, Number
from dialer.outcomes import Outcome
from dialer.simulation.scenario import Scenario, Shape, Spread

BUSY_AFTER_S = 2.0
MESSAGE_S = 8.0
CARRIED_OUT = frozenset({PlaceCall, ParkAgent, Join, PlayMessage, HangUp, LoadContacts})
"""Commands of which something comes here."""

Coming = CallAnswered | CallHeld | MachineDetected | PersonDetected | CallEnded | Disposed
"""What a command leads to later."""


class VirtualSwitch:
    """Carries out an engine's commands and keeps what is to happen, by time."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self._scenario = scenario
        self._rings_out = timedelta(seconds=scenario.ring_timeout_s)
        self._rng = rng
        self._coming: list[tuple[datetime, int, Coming]] = []
        self._number = 0
        self._contacts = 0
        self._over: set[str] = set()
        self.answer_probability = scenario.answer_probability
        self.talk = scenario.talk

    def next_at(self) -> datetime | None:
        """When the next event comes."""
        return self._coming[0][0] if self._coming else None

    def pop(self) -> Coming | None:
        """Take the next event; None if its call was over before."""
        event = heapq.heappop(self._coming)[2]
        if not isinstance(event, Disposed):
            if event.correlator in self._over:
                return None
            if isinstance(event, CallEnded):
                self._over.add(event.correlator)
        return event

    def execute(self, command: Command, now: datetime) -> tuple[Event, ...]:
        """Carry out a command; returns what it leads to at once."""
        match command:
            case PlaceCall():
                self._dial(command, now)
                return (CommandAccepted(correlator=command.attempt_id, action=command.kind),)
            case ParkAgent():
                call = CallRef(call_id=command.correlator, leg="agent")
                return (CallHeld(correlator=command.correlator, call=call, at=now),)
            case Join():
                return (self._join(command, now),)
            case PlayMessage():
                self._end(command.correlator, now + timedelta(seconds=MESSAGE_S))
            case HangUp():
                self._end(command.correlator, now)
            case LoadContacts():
                return (ContactsLoaded(contacts=self._load(command.limit, now), exhausted=False),)
            case _:
                pass
        return ()

    def _later(self, at: datetime, event: Coming) -> None:
        self._number += 1
        heapq.heappush(self._coming, (at, self._number, event))

    def _end(self, correlator: str, at: datetime, outcome: Outcome | None = None) -> None:
        call = CallRef(call_id=correlator)
        self._later(at, CallEnded(correlator=correlator, call=call, at=at, outcome=outcome))

    def _dial(self, command: PlaceCall, now: datetime) -> None:
        """Decide what becomes of a call."""
        correlator = command.attempt_id
        scenario, rng = self._scenario, self._rng
        luck = rng.random()
        person = luck < self.answer_probability
        luck -= self.answer_probability
        machine = not person and luck < scenario.machine_probability
        luck -= scenario.machine_probability
        rings = self._rings_out
        if person or machine:
            ring_s = scenario.ring.draw(rng)
            if ring_s < scenario.ring_timeout_s:
                at = now + timedelta(seconds=ring_s)
                self._answer(correlator, at, machine=machine, listens=command.detect_machine)
                return
        elif luck < scenario.busy_probability:
            self._end(correlator, now + timedelta(seconds=BUSY_AFTER_S), Outcome.busy)
            return
        elif scenario.no_answer is not None:
            rings = min(rings, timedelta(seconds=scenario.no_answer.draw(rng)))
        self._end(correlator, now + rings, Outcome.no_answer)

    def _answer(self, correlator: str, at: datetime, *, machine: bool, listens: bool) -> None:
        """Tell an answer and, where the switch was asked to listen, who it was after `amd_s`."""
        call = CallRef(call_id=correlator, leg="ivr")
        self._later(at, CallAnswered(correlator=correlator, call=call, at=at))
        if self._scenario.machine_probability > 0.0:
            at += timedelta(seconds=self._scenario.amd_s)
        if machine:
            self._later(at, MachineDetected(correlator=correlator, at=at))
            return
        if listens:
            self._later(at, PersonDetected(correlator=correlator, at=at))
        self._later(at, CallHeld(correlator=correlator, call=call, at=at))

    def _join(self, command: Join, now: datetime) -> Event:
        over = now + timedelta(seconds=self.talk.draw(self._rng))
        self._end(command.correlator, over, Outcome.answered)
        wrap = self._scenario.wrap
        if not lasts_fixed(wrap):
            ready = over + timedelta(seconds=wrap.draw(self._rng))
            attempt_id = AttemptId(command.correlator)
            said = Disposed(agent_id=command.agent_id, attempt_id=attempt_id, code="done")
            self._later(ready, said)
        return CallJoined(
            correlator=command.correlator, call=command.customer, at=now, address=command.address
        )

    def _load(self, limit: int, now: datetime) -> tuple[Dialable, ...]:
        first = self._contacts + 1
        self._contacts += limit
        return tuple(
            [
                Dialable(
                    contact_id=ContactId(f"c{number}"),
                    numbers=(Number(number=f"+39{number:010d}"),),
                    due_at=now,
                )
                for number in range(first, first + limit)
            ]
        )


def lasts_fixed(wrap: Spread) -> bool:
    """Whether wrap-up always takes the same time, so that the engine's own limit ends it."""
    return wrap.dist is Shape.constant or wrap.mean_s == 0.0
