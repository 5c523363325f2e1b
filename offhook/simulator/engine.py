"""A PBX as a discrete-event machine: orders and time in, notices out; it knows no protocol.

An order is accepted at once and done later; when it then can't be done, that is a `Failure` with
the id it was accepted under. Every way a leg can be rung goes through `_ring`, every end of a call
through `end`, so lines and telephones are freed in one place.
"""

from __future__ import annotations

from functools import partial

from offhook.simulator.config import IvrRole
from offhook.simulator.history import EndedCall
from offhook.simulator.model import (
    Call,
    Entity,
    EntityKind,
    Leg,
    LegState,
    Notice,
    NoticeKind,
    Originate,
    Result,
    Side,
    UserMode,
    UserState,
)
from offhook.simulator.plant import CannotDo, Plant
from offhook.simulator.population import PersonKind

_NOBODY_ANSWERS = {
    PersonKind.busy: Result.busy,
    PersonKind.rejected: Result.rejected,
    PersonKind.invalid: Result.unavailable,
    PersonKind.unavailable: Result.unavailable,
}
_MODES = {
    UserMode.do_not_disturb: Result.do_not_disturb,
    UserMode.absent: Result.absent,
    UserMode.divert: Result.unavailable,
}


class Pbx(Plant):
    """The state of a PBX and everything that happens to it."""

    # -- orders --------------------------------------------------------------------------------

    def originate(self, order: Originate) -> None:
        """Call one entity and, once it accepts, connect it to the other."""
        self.must_exist(order.calling)
        if order.called is not None:
            self.must_exist(order.called)
        leg = self.new_leg(
            order.calling, order.calling_number, Side.calling, answers=order.calling_answers
        )
        leg.ring_timeout = order.ring_timeout or leg.ring_timeout
        call = self.new_call(leg, order.called, order.called_number, order.extid)
        call.by_user = order.by_user
        call.auto_answer_called = order.called_answers
        call.customer_called = order.customer_called
        if leg.entity.kind is EntityKind.gateway:
            self.check_line(leg.entity, leg.number)
        self.calls[call.id] = call
        self._ring(call, leg)

    def inbound(self, number: str, *, gateway: str, called: Entity, called_number: str) -> str:
        """Somebody outside calls us; the id of the call."""
        entity = Entity(EntityKind.gateway, gateway)
        self.must_exist(entity)
        self.must_exist(called)
        leg = self.new_leg(entity, number, Side.calling, answers=False)
        leg.state = LegState.active
        call = self.new_call(leg, called, called_number, None)
        self.check_line(leg.entity, leg.number)
        self.calls[call.id] = call
        self.take_line(call, leg, inbound=True)
        self.emit(Notice(NoticeKind.called_in, call, leg))
        self._answered_record(call)
        self._call_wanted(call)
        return call.id

    def terminate(self, call_id: str) -> None:
        """End a call from the outside."""
        call = self.call(call_id)
        for leg in call.legs():
            if leg.state is not LegState.ended:
                self.emit(Notice(NoticeKind.released, call, leg))
        answered = call.calling.state is LegState.active
        self.end(call, Result.ok if answered else Result.cancelled, Side.calling, by="application")

    def record(self, call_id: str, *, active: bool) -> None:
        """Start or stop recording a call."""
        self.call(call_id).recording = active

    def answer(self, call: Call, leg: Leg) -> None:
        """Somebody takes a call by hand; nothing happens where `leg` doesn't ring."""
        if self.calls.get(call.id) is call and leg.state is LegState.ringing:
            self._answer(call, leg)

    def hang_up(self, call: Call, leg: Leg) -> None:
        """`leg` ends the call; nothing happens when it is over already."""
        if self.calls.get(call.id) is not call or leg.state is LegState.ended:
            return
        self.emit(Notice(NoticeKind.hung_up, call, leg))
        other = call.other(leg)
        leg.state = LegState.ended
        if other is not None and other.state is not LegState.ended:
            self.emit(Notice(NoticeKind.released, call, other))
        by = {EntityKind.user: "agent", EntityKind.ivr: "pbx"}.get(leg.entity.kind, "customer")
        self.end(call, Result.ok, Side.calling, by=by)

    def hold(self, call: Call, leg: Leg, *, on: bool) -> None:
        """A user puts a call on hold, or takes it back."""
        self.emit(Notice(NoticeKind.held if on else NoticeKind.retrieved, call, leg))

    def restart(self) -> None:
        """Forget every call without telling anybody, as after a power cut."""
        for call in list(self.calls.values()):
            self._free(call)
            self.recorder.ended(
                call.id, "restart", "pbx", at=self.clock.wall(), mono=self.clock.monotonic()
            )

    # -- legs ----------------------------------------------------------------------------------

    def _ring(self, call: Call, leg: Leg, *, replaced: Leg | None = None) -> None:
        """Call the entity of `leg`; what it does decides how the call goes on."""
        self.emit(Notice(NoticeKind.called_out, call, leg))
        if replaced is not None:
            self.emit(Notice(NoticeKind.diverted, call, replaced, other=leg))
        match leg.entity.kind:
            case EntityKind.gateway:
                self._ring_outside(call, leg)
            case EntityKind.user:
                self._ring_user(call, leg, self.users[leg.entity.id])
            case EntityKind.ivr:
                self._answer(call, leg)
            case EntityKind.group:
                self._ring_group(call, leg)

    def _ring_outside(self, call: Call, leg: Leg) -> None:
        gateway = self.gateways[leg.entity.id]
        if gateway.busy >= gateway.lines:
            self._refuse(call, leg, Result.no_lines)
            return
        self.take_line(call, leg)
        person = leg.person
        if person is None:
            raise CannotDo("no line taken")
        later = self.clock.call_later
        if person.kind in _NOBODY_ANSWERS:
            refuse = partial(self._refuse, call, leg, _NOBODY_ANSWERS[person.kind])
            call.set_timer(f"ring-{leg.id}", later(person.ring_s, refuse))
            return
        self._ringing(call, leg)
        if person.answers and person.ring_s < leg.ring_timeout:
            answer = partial(self._answer, call, leg)
            call.set_timer(f"ring-{leg.id}", later(person.ring_s, answer))
        else:
            refuse = partial(self._refuse, call, leg, Result.no_answer)
            call.set_timer(f"ring-{leg.id}", later(leg.ring_timeout, refuse))

    def _ring_user(self, call: Call, leg: Leg, user: UserState) -> None:
        if user.legs:
            self._refuse(call, leg, Result.busy)
            return
        if user.mode is not UserMode.normal:
            self._refuse(call, leg, _MODES[user.mode])
            return
        user.legs.append(leg)
        self._ringing(call, leg)
        if user.phone_dead:
            refuse = partial(self._refuse, call, leg, Result.no_answer)
            timer = self.clock.call_later(leg.ring_timeout, refuse)
        else:
            alone = leg.by_itself and user.auto_answer
            low, high = self.config.auto_answer_s if alone else self.config.hand_answer_s
            answer = partial(self._answer, call, leg)
            timer = self.clock.call_later(self.rng.uniform(low, high), answer)
        call.set_timer(f"ring-{leg.id}", timer)

    def _ring_group(self, call: Call, leg: Leg) -> None:
        for user_id in self.groups[leg.entity.id].users:
            user = self.users.get(user_id)
            if user and not user.legs and user.mode is UserMode.normal and not user.phone_dead:
                leg.connected = Entity(EntityKind.user, user.id)
                self._ring_user(call, leg, user)
                return
        self._refuse(call, leg, Result.no_answer)

    def _ringing(self, call: Call, leg: Leg) -> None:
        leg.state = LegState.ringing
        record = self.recorder.calls.get(call.id)
        if leg is call.customer and record is not None:
            record.ringing_at = self.clock.wall()
        self.emit(Notice(NoticeKind.progress, call, leg))

    def _answer(self, call: Call, leg: Leg) -> None:
        leg.state = LegState.active
        call.cancel(f"ring-{leg.id}")
        if leg is call.calling:
            self._answered_record(call)
            self.emit(Notice(NoticeKind.response, call, leg))
            self._call_wanted(call)
            return
        if leg is call.customer and leg.person is not None:
            self.recorder.answered(call.id, at=self.clock.wall(), mono=self.clock.monotonic())
        self.emit(Notice(NoticeKind.response, call, leg, side=Side.called))
        self.pair(call)

    def _answered_record(self, call: Call) -> None:
        call.answered_at = self.clock.wall()
        if call.calling.person is None:
            return
        self.recorder.answered(call.id, at=call.answered_at, mono=self.clock.monotonic())
        give_up = partial(self.hang_up, call, call.calling)
        patience = self.clock.call_later(call.calling.person.patience_s, give_up)
        call.set_timer("patience", patience)

    def _call_wanted(self, call: Call) -> None:
        try:
            if call.wanted is None:
                call.wanted, _ = self.find_target(call.wanted_number)
            self.connect(call, call.wanted, call.wanted_number, answers=call.auto_answer_called)
        except CannotDo:
            self.emit(Notice(NoticeKind.released, call, call.calling))
            self.end(call, Result.no_lines, Side.called, by="pbx")

    def connect(
        self,
        call: Call,
        entity: Entity,
        number: str,
        *,
        answers: bool = False,
        replaced: Leg | None = None,
    ) -> None:
        """Give the call a new called leg, in the place of `replaced` if any, and ring it."""
        leg = self.new_leg(entity, number, Side.called, answers=answers)
        if entity.kind is EntityKind.gateway:
            self.check_line(leg.entity, leg.number)
        call.called = leg
        self._ring(call, leg, replaced=replaced)

    def pair(self, call: Call) -> None:
        """Both legs are up: start the clock of whoever is at the ends."""
        called, person = call.called, call.calling.person
        if called is None:
            return
        now, mono = self.clock.wall(), self.clock.monotonic()
        if called.entity.kind is EntityKind.ivr:
            ivr = self.ivrs[called.entity.id]
            if ivr.role is IvrRole.message:
                self._play(call, called, ivr.duration_s or 0.0)
            return
        if call.customer_called and called.person is not None:
            who = call.calling.entity
            self.recorder.joined(call.id, f"{who.kind}:{who.id}", at=now, mono=mono)
        talkers = [leg.person for leg in call.legs() if leg.person is not None]
        call.talk_mono = mono
        if person is not None:
            call.cancel("patience")
            who = called.connected or called.entity
            self.recorder.joined(call.id, f"{who.kind}:{who.id}", at=now, mono=mono)
        if talkers:
            talk = talkers[0]
            outside = next(leg for leg in call.legs() if leg.person is talk)
            inside = call.other(outside) or outside
            ends = partial(self.hang_up, call, outside if talk.hangs_up_first else inside)
            call.set_timer("talk", self.clock.call_later(talk.talk_s, ends))

    def _play(self, call: Call, ivr: Leg, duration: float) -> None:
        if call.calling.person is not None:
            call.cancel("patience")
            self.recorder.message(call.id, at=self.clock.wall(), mono=self.clock.monotonic())
        call.set_timer("message", self.clock.call_later(duration, partial(self.hang_up, call, ivr)))

    def _refuse(self, call: Call, leg: Leg, result: Result) -> None:
        """`leg` does not take the call: neither does anybody else."""
        call.cancel(f"ring-{leg.id}")
        leg.state = LegState.ended
        self.emit(Notice(NoticeKind.response, call, leg, result=result, side=leg.side))
        other = call.other(leg)
        if other is not None and other is not leg and other.state is not LegState.ended:
            self.emit(Notice(NoticeKind.released, call, other))
        self.end(call, result, leg.side, by="pbx")

    def _free(self, call: Call) -> None:
        call.cancel_all()
        self.calls.pop(call.id, None)
        for leg in call.legs():
            self.free_leg(leg)

    def end(self, call: Call, result: Result, side: Side, *, by: str) -> None:
        """Close a call, free what it used and tell its outcome."""
        now, mono = self.clock.wall(), self.clock.monotonic()
        self._free(call)
        self.recorder.ended(call.id, result.value, by, at=now, mono=mono)
        ended = EndedCall.of(call, result, side, at=now, mono=mono)
        self.history.append(ended)
        duration = mono - call.started_mono
        self.emit(Notice(NoticeKind.ended, call, None, result, side, duration=duration))
