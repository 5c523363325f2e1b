"""What a simulated PBX is thinking about: entities, the two legs of a call, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from offhook.simulator.clock import Timer
from offhook.simulator.config import IvrConfig
from offhook.simulator.population import Person


class EntityKind(StrEnum):
    """What can take part in a call."""

    user = "user"
    group = "group"
    gateway = "gateway"
    ivr = "ivr"


class Entity(NamedTuple):
    """A participant; ids are unique within a kind."""

    kind: EntityKind
    id: str


class LegState(StrEnum):
    """Where one side of a call stands."""

    calling = "calling"
    ringing = "ringing"
    active = "active"
    ended = "ended"


class Result(StrEnum):
    """How a side took a call, or how the call ended."""

    ok = "ok"
    busy = "busy"
    rejected = "rejected"
    unavailable = "unavailable"
    no_answer = "no_answer"
    no_lines = "no_lines"
    do_not_disturb = "do_not_disturb"
    absent = "absent"
    cancelled = "cancelled"


class Side(StrEnum):
    """Which part a leg plays."""

    calling = "calling"
    called = "called"


class UserMode(StrEnum):
    """How a user wants calls handled."""

    normal = "normal"
    do_not_disturb = "do_not_disturb"
    absent = "absent"
    divert = "divert"


@dataclass(slots=True, eq=False)
class Leg:
    """One entity's part of a call."""

    id: str
    entity: Entity
    number: str
    side: Side
    state: LegState = LegState.calling
    person: Person | None = None
    by_itself: bool = False  # a user whose telephone answers
    ring_timeout: float = 30.0
    connected: Entity | None = None  # who answered, when the entity is a group


@dataclass(slots=True, eq=False)
class Call:
    """Two entities, or one and the other to come."""

    id: str
    extid: str | None
    started_at: datetime
    started_mono: float
    calling: Leg
    wanted: Entity | None
    wanted_number: str
    called: Leg | None = None
    answered_at: datetime | None = None
    talk_mono: float | None = None
    recording: bool = False
    by_user: bool = False  # made through the user interface
    refer_id: str | None = None
    auto_answer_called: bool = False
    customer_called: bool = False
    """The person outside is the one called: an agent was called first."""
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def customer(self) -> Leg | None:
        """The leg of the person whom the call is for."""
        return self.called if self.customer_called else self.calling

    def legs(self) -> tuple[Leg, ...]:
        """The legs that exist."""
        return (self.calling,) if self.called is None else (self.calling, self.called)

    def other(self, leg: Leg) -> Leg | None:
        """The leg at the other side."""
        return self.called if leg is self.calling else self.calling

    def set_timer(self, name: str, timer: Timer) -> None:
        """Keep a timer; one of the same name before it is cancelled."""
        self.cancel(name)
        self.timers[name] = timer

    def cancel(self, name: str) -> None:
        """Drop a timer, if there is one."""
        timer = self.timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def cancel_all(self) -> None:
        """Drop every timer."""
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()


class NoticeKind(StrEnum):
    """What a PBX tells its listeners."""

    called_in = "called_in"
    called_out = "called_out"
    progress = "progress"
    response = "response"
    hung_up = "hung_up"
    released = "released"
    transferred = "transferred"
    diverted = "diverted"
    ended = "ended"
    held = "held"
    retrieved = "retrieved"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told, while `call` is as it says: read it at once."""

    kind: NoticeKind
    call: Call
    leg: Leg | None = None
    result: Result = Result.ok
    side: Side = Side.calling
    other: Leg | None = None
    refer_id: str | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """An order that was accepted and could not be done."""

    request_id: str
    error: str
    extid: str | None = None
    ext: str | None = None


@dataclass(slots=True)
class GatewayState:
    """A gateway and the lines in use."""

    id: str
    name: str
    lines: int
    enabled: bool
    registered: bool
    busy: int = 0


@dataclass(slots=True)
class UserState:
    """A user and the legs of the calls they are in."""

    id: str
    name: str
    surname: str
    extension: str
    auto_answer: bool
    mode: UserMode = UserMode.normal
    phone_dead: bool = False
    divert_to: str | None = None
    note: str | None = None
    legs: list[Leg] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Originate:
    """The order to call one entity and connect it to another."""

    calling: Entity
    calling_number: str
    called: Entity | None
    called_number: str
    extid: str | None = None
    calling_answers: bool = False
    called_answers: bool = False
    ring_timeout: float | None = None
    by_user: bool = False
    customer_called: bool = False


Emit = Callable[[Notice], None]
Fail = Callable[[Failure], None]
Ivrs = dict[str, IvrConfig]
