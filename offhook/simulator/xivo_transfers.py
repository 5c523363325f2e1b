"""Transfers of a simulated XiVO: at once, or after a word with whoever is to take the call.

A telephone that asks somebody first has two calls: the one that waits on hold, and the one with
whom it asks. Completing puts that person in the telephone's place in the first; both calls are
released at the telephone. Data that was attached to the first call goes with it.
"""

from __future__ import annotations

from offhook.simulator.model import Call, EntityKind, Leg, LegState, Side
from offhook.simulator.plant import CannotDo
from offhook.simulator.switching import LegRef, divert, transfer
from offhook.simulator.xivo_calls import Telephones

_Asked = tuple[Call, Leg, Call, str]
"""The call on hold, the telephone's leg of it, the call that asks, and whom it asks."""


class Transfers:
    """Transfers that telephones began and have not ended."""

    def __init__(self, telephones: Telephones) -> None:
        self._telephones = telephones
        self._begun: dict[str, _Asked] = {}

    def direct(self, extension: str, destination: str) -> None:
        """Have the telephone's call ring at another number, and be out of it."""
        call, leg = self._talking(extension)
        self._divert(call, leg, destination)

    def begin(self, extension: str, destination: str) -> None:
        """Put the telephone's call on hold and call whom it may be transferred to."""
        if self._alive(extension) is not None:
            raise CannotDo("TransferInProgress")
        call, leg = self._talking(extension)
        pbx = self._telephones.pbx
        target, number = pbx.find_target(destination)
        if target.kind is EntityKind.gateway:
            pbx.check_line(target, number)
        self._telephones.set_hold(extension, call.id, on=True)
        mine = pbx.new_leg(leg.entity, extension, Side.calling, answers=True)
        mine.state = LegState.active
        asking = pbx.new_call(mine, target, number, None)
        asking.customer_called = True
        self._begun[extension] = (call, leg, asking, destination)
        pbx.calls[asking.id] = asking
        pbx.users[leg.entity.id].legs.append(mine)
        pbx.connect(asking, target, number)

    def complete(self, extension: str) -> None:
        """Put whom the telephone asked in its place; one who has not answered yet rings on."""
        asked = self._alive(extension)
        if asked is None:
            raise CannotDo("NoTransfer")
        call, leg, asking, destination = asked
        pbx, other = self._telephones.pbx, asking.called
        if other is None or pbx.calls.get(asking.id) is not asking:
            raise CannotDo("NoTransfer")
        del self._begun[extension]
        if other.state is LegState.active:
            transfer(pbx, LegRef(call.id, None, leg.id), LegRef(asking.id, None, other.id))
            return
        pbx.hang_up(asking, asking.calling)
        self._divert(call, leg, destination)

    def cancel(self, extension: str) -> None:
        """Hang up on whom the telephone asked, and go back to the first call."""
        asked = self._alive(extension)
        if asked is None:
            raise CannotDo("NoTransfer")
        call, _, asking, _ = self._begun.pop(extension)
        self._telephones.pbx.hang_up(asking, asking.calling)
        self._telephones.set_hold(extension, call.id, on=False)

    def forget(self) -> None:
        """No telephone is about a transfer any more."""
        self._begun.clear()

    def _alive(self, extension: str) -> _Asked | None:
        """The transfer under way at a telephone; over once the call on hold is."""
        asked = self._begun.get(extension)
        if asked is not None and self._telephones.pbx.calls.get(asked[0].id) is not asked[0]:
            del self._begun[extension]
            return None
        return asked

    def _talking(self, extension: str) -> tuple[Call, Leg]:
        call, leg = self._telephones.find(extension)
        other = call.other(leg)
        if leg.state is not LegState.active or other is None or other.state is not LegState.active:
            raise CannotDo("NoCall")
        return call, leg

    def _divert(self, call: Call, leg: Leg, destination: str) -> None:
        pbx = self._telephones.pbx
        target, number = pbx.find_target(destination)
        divert(pbx, LegRef(call.id, None, leg.id), target, number)
