"""What a VOIspeed PBX says when something happens: a notice of the engine becomes its events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from offhook.simulator.model import (
    Call,
    Entity,
    EntityKind,
    Failure,
    Leg,
    LegState,
    Notice,
    NoticeKind,
    Result,
    Side,
)
from offhook.switches.voispeed import wire

TYPES = {
    EntityKind.user: wire.EntityType.user,
    EntityKind.group: wire.EntityType.group,
    EntityKind.gateway: wire.EntityType.gateway,
    EntityKind.ivr: wire.EntityType.ivr,
}
KINDS = {int(code): kind for kind, code in TYPES.items()}

_OUTCOMES = {
    Side.calling: {
        Result.ok: wire.CallOutcome.ok,
        Result.busy: wire.CallOutcome.calling_busy,
        Result.rejected: wire.CallOutcome.calling_rejected,
        Result.unavailable: wire.CallOutcome.calling_unavailable,
        Result.no_answer: wire.CallOutcome.calling_no_answer,
        Result.no_lines: wire.CallOutcome.calling_no_lines,
        Result.do_not_disturb: wire.CallOutcome.calling_unavailable,
        Result.absent: wire.CallOutcome.calling_unavailable,
        Result.cancelled: wire.CallOutcome.unknown,
    },
    Side.called: {
        Result.ok: wire.CallOutcome.ok,
        Result.busy: wire.CallOutcome.called_busy,
        Result.rejected: wire.CallOutcome.called_rejected,
        Result.unavailable: wire.CallOutcome.called_unavailable,
        Result.no_answer: wire.CallOutcome.called_no_answer,
        Result.no_lines: wire.CallOutcome.called_no_lines,
        Result.do_not_disturb: wire.CallOutcome.called_do_not_disturb,
        Result.absent: wire.CallOutcome.called_absent,
        Result.cancelled: wire.CallOutcome.unknown,
    },
}


def outcome(result: Result, side: Side) -> wire.CallOutcome:
    """The code of table 8 for a result of one side."""
    return _OUTCOMES[side][result]


def ref(entity: Entity) -> wire.EntityRef:
    """The coordinates of an entity on the wire."""
    return wire.EntityRef(TYPES[entity.kind], entity.id)


def connected(call: Call) -> Entity:
    """Who is connected now: the called side once it is up."""
    leg = call.called
    if leg is not None and leg.state is LegState.active:
        return leg.connected or leg.entity
    return call.calling.entity


def extended_event(notice: Notice, *, at: datetime, domain: str) -> wire.ExtendedEvent:
    """The extended event of a notice."""
    call, leg = notice.call, notice.leg
    extid = call.extid
    if notice.kind is NoticeKind.ended or leg is None:
        return wire.CallTerminated(
            call_id=call.id,
            extid=extid,
            occurred_at=at,
            domain=domain,
            outcome=outcome(notice.result, notice.side),
            duration=timedelta(seconds=round(notice.duration)),
        )
    me = ref(leg.entity)
    match notice.kind:
        case NoticeKind.called_in:
            return wire.CallIn(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain, calling=me,
                entity_call_id=leg.id, calling_number=leg.number, called_number=call.wanted_number,
            )  # fmt: skip
        case NoticeKind.called_out:
            from_number = call.wanted_number if leg.side is Side.calling else call.calling.number
            return wire.CallOut(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain, called=me,
                entity_call_id=leg.id, calling_number=from_number, called_number=leg.number,
            )  # fmt: skip
        case NoticeKind.progress:
            return wire.CallProgress(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain, sender=me,
                entity_call_id=leg.id, progress=wire.ForwardingCode.ringing,
            )  # fmt: skip
        case NoticeKind.response:
            return _response(notice, leg, at, domain)
        case NoticeKind.hung_up:
            return wire.DisconnectIn(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain, sender=me,
                entity_call_id=leg.id,
            )  # fmt: skip
        case NoticeKind.released:
            return wire.DisconnectOut(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain, recipient=me,
                entity_call_id=leg.id,
            )  # fmt: skip
        case NoticeKind.transferred | NoticeKind.diverted:
            return _moved(notice, leg, at, domain)
        case NoticeKind.held:
            return wire.CallHeld(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain,
                user_id=leg.entity.id, entity_call_id=leg.id,
            )  # fmt: skip
        case NoticeKind.retrieved:
            return wire.CallRetrieved(
                call_id=call.id, extid=extid, occurred_at=at, domain=domain,
                user_id=leg.entity.id, entity_call_id=leg.id,
            )  # fmt: skip


def _response(notice: Notice, leg: Leg, at: datetime, domain: str) -> wire.CallResponse:
    call = notice.call
    code = outcome(notice.result, notice.side)
    if notice.result is not Result.ok:
        return wire.CallResponse(
            call_id=call.id, extid=call.extid, occurred_at=at, domain=domain,
            outcome=code, sender=ref(leg.entity), entity_call_id=leg.id,
        )  # fmt: skip
    called = call.called.entity if call.called else call.wanted
    return wire.CallResponse(
        call_id=call.id,
        extid=call.extid,
        occurred_at=at,
        domain=domain,
        outcome=code,
        sender=ref(leg.entity),
        entity_call_id=leg.id,
        calling=ref(call.calling.entity),
        called=ref(called) if called else None,
        connected=ref(connected(call)),
    )


def _moved(notice: Notice, leg: Leg, at: datetime, domain: str) -> wire.ExtendedEvent:
    call, other = notice.call, notice.other or leg
    if notice.kind is NoticeKind.transferred:
        return wire.CallTransferred(
            call_id=call.id, extid=call.extid, occurred_at=at, domain=domain,
            refer_id=notice.refer_id, sender=ref(leg.entity), sender_call_id=leg.id,
            recipient=ref(other.entity), recipient_call_id=other.id,
        )  # fmt: skip
    return wire.CallDiverted(
        call_id=call.id, extid=call.extid, occurred_at=at, domain=domain,
        sender=ref(leg.entity), sender_call_id=leg.id,
        recipient=ref(other.entity), recipient_call_id=other.id,
    )  # fmt: skip


def failure_event(failure: Failure, *, at: datetime, domain: str) -> wire.CmdFailed:
    """The event of an order that could not be done."""
    return wire.CmdFailed(
        request_id=failure.request_id,
        error_code="1",
        error=failure.error,
        extid=failure.extid,
        ext=failure.ext,
        occurred_at=at,
        domain=domain,
    )


def user_events(
    notice: Notice, extensions: dict[str, str], *, at: datetime
) -> Iterator[wire.UserEvent]:
    """The events of the user interface: what each user in the call sees of the notice."""
    for leg in notice.call.legs():
        who = leg.connected or leg.entity
        if who.kind is not EntityKind.user or who.id not in extensions:
            continue
        cls = _as_seen_by(leg, notice)
        if cls is None:
            continue
        other = notice.call.other(leg)
        yield cls(
            ext=extensions[who.id],
            number=other.number if other else notice.call.wanted_number,
            call_id=leg.id,
            extid=notice.call.extid,
            occurred_at=at,
            duration=timedelta(seconds=round(notice.duration)) if notice.duration else None,
        )


def _as_seen_by(leg: Leg, notice: Notice) -> type[wire.UserEvent] | None:
    mine = notice.leg is leg
    ok = notice.result is Result.ok
    match notice.kind:
        case NoticeKind.called_out if mine and leg.side is Side.called:
            return wire.IncomingCall
        case NoticeKind.called_out if not mine and leg.side is Side.calling:
            return wire.OutgoingCall
        case NoticeKind.response if ok and notice.side is Side.called:
            return wire.CallAnswered
        case NoticeKind.response if not ok and mine and leg.side is Side.called:
            missed = notice.result is Result.no_answer
            return wire.LostCall if missed else wire.CallRejected
        case NoticeKind.response if not ok and not mine:
            return wire.CallRejected
        case NoticeKind.hung_up:
            return wire.CallDisconnectOut if mine else wire.CallDisconnectIn
        case _:
            return None
