"""Joining calls: put another entity in the place of one that is in a call.

Both orders name legs by several coordinates at once. All of them are checked before anything moves:
a PBX that joined the wrong people because one id was stale would be no test of a dialer.
"""

from __future__ import annotations

from dataclasses import dataclass

from offhook.simulator.engine import Pbx
from offhook.simulator.model import (
    Call,
    Entity,
    EntityKind,
    Leg,
    LegState,
    Notice,
    NoticeKind,
    Result,
    Side,
)
from offhook.simulator.plant import CannotDo


@dataclass(frozen=True, slots=True)
class LegRef:
    """A leg by call, entity and its own id, which some orders leave out."""

    call_id: str
    entity: Entity | None
    leg_id: str | None


def find_leg(pbx: Pbx, ref: LegRef) -> tuple[Call, Leg]:
    """The leg that `ref` names, if every coordinate agrees and it is up."""
    call = pbx.call(ref.call_id)
    for leg in call.legs():
        if ref.leg_id is not None and leg.id != ref.leg_id:
            continue
        if ref.entity is not None and ref.entity not in (leg.entity, leg.connected):
            continue
        if leg.state is not LegState.active:
            raise CannotDo("entity call not active")
        return call, leg
    raise CannotDo("entity call not found")


def transfer(pbx: Pbx, replace: LegRef, recipient: LegRef) -> None:
    """Move `recipient`'s leg into the call of `replace`; its own call ends."""
    call, old = find_leg(pbx, replace)
    refer, new = find_leg(pbx, recipient)
    if call is refer:
        raise CannotDo("both legs are in the same communication")
    leftover = refer.other(new)
    old.state = LegState.ended
    pbx.emit(Notice(NoticeKind.released, call, old))
    pbx.free_leg(old)
    new.side = old.side
    if old is call.calling:
        call.calling = new
    else:
        call.called = new
    call.cancel("message")
    pbx.emit(Notice(NoticeKind.transferred, call, old, other=new, refer_id=refer.id))
    _close_shell(pbx, refer, new, leftover, call)
    pbx.pair(call)


def _close_shell(pbx: Pbx, refer: Call, moved: Leg, leftover: Leg | None, into: Call) -> None:
    """End the call that `moved` left, without freeing the telephone that goes on in another."""
    refer.refer_id = into.id
    if leftover is None:
        leftover = moved
    if leftover is not moved and leftover.state is not LegState.ended:
        leftover.state = LegState.ended
        pbx.emit(Notice(NoticeKind.released, refer, leftover))
    shell = Leg(moved.id, moved.entity, moved.number, moved.side, state=LegState.ended)
    if refer.calling is moved:
        refer.calling = shell
    else:
        refer.called = shell
    pbx.end(refer, Result.ok, Side.calling, by="transfer")


def divert(pbx: Pbx, replace: LegRef, target: Entity, number: str) -> None:
    """Release one leg of a call and ring `target` in its place."""
    pbx.must_exist(target)
    if target.kind is EntityKind.gateway:
        pbx.check_line(target, number)
    if replace.entity is None and replace.leg_id is None:
        call = pbx.call(replace.call_id)
        old = call.called
        if old is None or old.state is LegState.ended:
            raise CannotDo("entity call not found")
    else:
        call, old = find_leg(pbx, replace)
    if old is call.calling:
        if call.called is None or call.called.state is not LegState.active:
            raise CannotDo("nobody to divert")
        call.calling, call.called = call.called, old
        call.calling.side, old.side = Side.calling, Side.called
        call.customer_called = False
    old.state = LegState.ended
    call.cancel("message")
    call.cancel("talk")
    call.cancel(f"ring-{old.id}")
    pbx.emit(Notice(NoticeKind.released, call, old))
    pbx.free_leg(old)
    pbx.connect(call, target, number, replaced=old)
