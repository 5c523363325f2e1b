"""What a simulated PBX consists of, apart from its calls' lives: lines, telephones, ids, people."""

from __future__ import annotations

import random
import re
from collections import Counter, deque
from collections.abc import Callable

from offhook.simulator.clock import Clock
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.history import EndedCall
from offhook.simulator.model import (
    Call,
    Emit,
    Entity,
    EntityKind,
    Fail,
    Failure,
    GatewayState,
    Leg,
    Side,
    UserState,
)
from offhook.simulator.population import Person
from offhook.simulator.record import CallRecord, Recorder

_NUMBER = re.compile(r"\+?[0-9*#]{2,20}")
_HISTORY = 50_000


class CannotDo(Exception):
    """An order that can't be carried out, with the reason the PBX gives."""


class Plant:
    """The parts of a PBX and who is using them."""

    def __init__(self, config: SimulatorConfig, clock: Clock, *, emit: Emit, fail: Fail) -> None:
        self.config = config
        self.clock = clock
        self.emit = emit
        self.fail = fail
        self.recorder = Recorder()
        self.scripts = dict(config.population.numbers)
        self.tries: Counter[str] = Counter()
        self.history: deque[EndedCall] = deque(maxlen=_HISTORY)
        self.calls: dict[str, Call] = {}
        self.gateways = {
            item.id: GatewayState(item.id, item.name, item.lines, item.enabled, item.registered)
            for item in config.gateways
        }
        self.users = {
            item.id: UserState(item.id, item.name, item.surname, item.extension, item.auto_answer)
            for item in config.users
        }
        self.ivrs = {item.id: item for item in config.ivrs}
        self.groups = {item.id: item for item in config.groups}
        self.rng = random.Random(config.seed)
        # Ids go on after a restart, as those of a database do.
        self._ids = 10_000
        self._requests = int(clock.wall().timestamp() * 1000) * 10

    def accept(self, action: Callable[[], None], *, extid: str | None, ext: str | None) -> str:
        """Do `action` soon; the id under which its failure would be told."""
        self._requests += 1
        request_id = str(self._requests)

        def run() -> None:
            try:
                action()
            except CannotDo as reason:
                self.fail(Failure(request_id, str(reason), extid, ext))

        self.clock.call_later(self.config.execution_delay_s, run)
        return request_id

    def call(self, call_id: str) -> Call:
        """The call in progress with this id."""
        try:
            return self.calls[call_id]
        except KeyError:
            raise CannotDo("communication not found") from None

    def user_by_extension(self, extension: str) -> UserState | None:
        """The user at an extension."""
        return next((user for user in self.users.values() if user.extension == extension), None)

    def find_target(self, number: str) -> tuple[Entity, str]:
        """Whom a number reaches: a colleague, or a gateway with a free line."""
        user = self.user_by_extension(number)
        if user is not None:
            return Entity(EntityKind.user, user.id), number
        for gateway in self.gateways.values():
            if gateway.enabled and gateway.registered and gateway.busy < gateway.lines:
                return Entity(EntityKind.gateway, gateway.id), number
        raise CannotDo("no free line")

    def must_exist(self, entity: Entity) -> None:
        """Refuse an entity that this PBX does not have."""
        there: dict[EntityKind, dict[str, object]] = {
            EntityKind.user: dict(self.users),
            EntityKind.group: dict(self.groups),
            EntityKind.gateway: dict(self.gateways),
            EntityKind.ivr: dict(self.ivrs),
        }
        if entity.id not in there[entity.kind]:
            raise CannotDo(f"{entity.kind} not found")

    def new_id(self) -> str:
        """An id never given before."""
        self._ids += 1
        return str(self._ids)

    def new_leg(self, entity: Entity, number: str, side: Side, *, answers: bool) -> Leg:
        """A leg that has not been called yet."""
        leg = Leg(self.new_id(), entity, number, side, by_itself=answers)
        outside = entity.kind is EntityKind.gateway
        leg.ring_timeout = (
            self.config.ring_timeout_s if outside else self.config.user_ring_timeout_s
        )
        return leg

    def new_call(self, calling: Leg, wanted: Entity | None, number: str, extid: str | None) -> Call:
        """A call that begins now, and is not among the calls yet."""
        return Call(
            id=self.new_id(),
            extid=extid,
            started_at=self.clock.wall(),
            started_mono=self.clock.monotonic(),
            calling=calling,
            wanted=wanted,
            wanted_number=number,
        )

    def check_line(self, entity: Entity, number: str) -> None:
        """Refuse a number that can't be dialled, or a gateway that can't dial it."""
        gateway = self.gateways[entity.id]
        if not _NUMBER.fullmatch(number):
            raise CannotDo("bad number")
        if not gateway.enabled or not gateway.registered:
            raise CannotDo("gateway not available")
        if gateway.busy >= gateway.lines and self.config.no_lines_as == "cmd_failed":
            raise CannotDo("no free line")

    def take_line(self, call: Call, leg: Leg, *, inbound: bool = False) -> None:
        """Use a line; from here on it is decided who is met at the other end."""
        gateway = self.gateways[leg.entity.id]
        gateway.busy += 1
        self.recorder.line_used(gateway.id, gateway.busy)
        attempt = self.tries[leg.number]
        self.tries[leg.number] += 1
        leg.person = self._person(leg.number, attempt)
        if leg is call.customer:
            self.recorder.dialled(
                CallRecord(
                    call_id=call.id,
                    extid=call.extid,
                    number=leg.number,
                    gateway=gateway.id,
                    attempt=attempt,
                    person=leg.person.kind.value,
                    inbound=inbound,
                    dialled_at=self.clock.wall(),
                )
            )

    def _person(self, number: str, attempt: int) -> Person:
        population = self.config.population
        if number in self.scripts:
            population = population.model_copy(update={"numbers": {number: self.scripts[number]}})
        return population.person(number, attempt, seed=self.config.seed)

    def free_leg(self, leg: Leg) -> None:
        """Give back the line or the telephone of a leg."""
        if leg.person is not None:
            gateway = self.gateways.get(leg.entity.id)
            if gateway is not None:
                gateway.busy = max(0, gateway.busy - 1)
        for user in self.users.values() if leg.entity.kind is EntityKind.group else ():
            if leg in user.legs:
                user.legs.remove(leg)
        if leg.entity.kind is EntityKind.user:
            user = self.users[leg.entity.id]
            if leg in user.legs:
                user.legs.remove(leg)
