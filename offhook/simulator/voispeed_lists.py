"""The lists that the VOIspeed face tells: entities, calls in progress, calls that are over."""

from __future__ import annotations

from datetime import timedelta

from offhook.simulator.engine import Pbx
from offhook.simulator.history import EndedCall
from offhook.simulator.model import Call, Entity, EntityKind, LegState, UserMode, UserState
from offhook.simulator.plant import CannotDo
from offhook.simulator.voispeed_events import connected, outcome, ref
from offhook.switches.voispeed import wire

_MODES = {
    UserMode.normal: wire.AvStatus.available,
    UserMode.do_not_disturb: wire.AvStatus.do_not_disturb,
    UserMode.absent: wire.AvStatus.absent,
    UserMode.divert: wire.AvStatus.diverting,
}


def av_status(user: UserState) -> wire.AvStatus:
    """What a user is doing on the telephone."""
    if any(leg.state is LegState.active for leg in user.legs):
        return wire.AvStatus.busy
    if user.legs:
        return wire.AvStatus.ringing
    return _MODES[user.mode]


def entity_list(pbx: Pbx, request: wire.GetEntities, dialect: wire.Dialect) -> bytes:
    """The reply of `get_entities`."""
    kind = request.entity_type
    if kind not in wire.LISTED_TYPES:
        raise CannotDo("entity type not available")
    entities = _entities(pbx, kind, request.owner_id)
    if request.entity_id is not None:
        entities = tuple(item for item in entities if item.id == request.entity_id)
    return wire.render_entities(entities, kind, dialect)


def _entities(pbx: Pbx, kind: wire.EntityType, owner_id: str | None) -> tuple[wire.AnyEntity, ...]:
    match kind:
        case wire.EntityType.user:
            return tuple(_user(user) for user in pbx.users.values())
        case wire.EntityType.gateway:
            return tuple(
                wire.Gateway(
                    id=item.id,
                    name=item.name,
                    type=wire.GatewayType.voip,
                    enabled=item.enabled,
                    link_status=wire.GatewayStatus.registered
                    if item.registered
                    else wire.GatewayStatus.unregistered,
                    lines=item.lines,
                    busy_lines=item.busy,
                    host_port="127.0.0.1:5060",
                )
                for item in pbx.gateways.values()
            )
        case wire.EntityType.ivr:
            node = wire.IvrNode(
                node_id="0", description="root", audio_loop=True,
                input_type=wire.IvrInputType.none, action=wire.IvrNodeAction.none,
            )  # fmt: skip
            return tuple(
                wire.Ivr(id=item.id, name=item.name, description=item.role, nodes=(node,))
                for item in pbx.ivrs.values()
            )
        case wire.EntityType.group:
            return tuple(_group(pbx, group_id) for group_id in pbx.groups)
        case wire.EntityType.terminal:
            return tuple(_device(user) for user in pbx.users.values() if user.id == owner_id)
        case _:
            return ()


def _user(user: UserState) -> wire.User:
    status = av_status(user)
    return wire.User(
        id=user.id,
        name=user.name,
        surname=user.surname,
        extension=user.extension,
        chat_status=wire.AvStatus.available,
        av_status=status,
        phrase=user.note,
    )


def _device(user: UserState) -> wire.Device:
    return wire.Device(
        id=f"{user.id}1",
        user_agent="offhook simulator",
        device_type=wire.TerminalType.sip,
        host_port="127.0.0.1:5062",
        registered=not user.phone_dead,
    )


def _group(pbx: Pbx, group_id: str) -> wire.Group:
    group = pbx.groups[group_id]
    members = (pbx.users[user_id] for user_id in group.users if user_id in pbx.users)
    return wire.Group(
        id=group.id,
        name=group.name,
        is_broadcast=False,
        visible=True,
        member_login=False,
        pick_disabled=False,
        ring_mode=wire.GroupRingMode.cyclic,
        users=tuple(
            wire.GroupMember(
                id=user.id, identity=f"{user.name} {user.surname}", extension=user.extension
            )
            for user in members
        ),
    )


def describe(pbx: Pbx, entity: Entity) -> str | None:
    """The name the PBX shows for an entity."""
    if entity.kind is EntityKind.user:
        user = pbx.users.get(entity.id)
        return f"{user.name} {user.surname}" if user else None
    if entity.kind is EntityKind.gateway:
        gateway = pbx.gateways.get(entity.id)
        return gateway.name if gateway else None
    if entity.kind is EntityKind.ivr:
        ivr = pbx.ivrs.get(entity.id)
        return ivr.name if ivr else None
    group = pbx.groups.get(entity.id)
    return group.name if group else None


def current_call(pbx: Pbx, call: Call) -> wire.CurrentCall:
    """A call in progress."""
    called = call.called.entity if call.called else call.wanted
    up = call.calling.state is LegState.active
    now = connected(call) if up else None
    return wire.CurrentCall(
        call_id=call.id,
        started_at=call.started_at.replace(microsecond=0),
        calling=ref(call.calling.entity),
        calling_number=call.calling.number or None,
        calling_desc=describe(pbx, call.calling.entity),
        called=ref(called) if called else None,
        called_number=call.wanted_number or None,
        called_desc=describe(pbx, called) if called else None,
        connected=ref(now) if now else None,
        connected_desc=describe(pbx, now) if now else None,
        recording=call.recording,
        extid=call.extid,
        p2p=False,
        codec="8",
    )


def reported_call(ended: EndedCall) -> wire.ReportedCall:
    """A call that is over, for the report of the PBX."""
    total = ended.ended_at - ended.started_at
    ring = (ended.answered_at or ended.ended_at) - ended.started_at
    talk = timedelta(seconds=round(ended.talk_s))
    outside = EntityKind.gateway
    return wire.ReportedCall(
        call_id=ended.call_id,
        started_at=ended.started_at.replace(microsecond=0),
        duration=_whole(total),
        outcome=outcome(ended.result, ended.side),
        calling=ref(ended.calling),
        calling_number=ended.calling_number or None,
        called=ref(ended.called) if ended.called else None,
        called_number=ended.called_number or None,
        connected=ref(ended.connected) if ended.connected else None,
        ring_time=_whole(ring),
        hold_time=timedelta(),
        ivr_time=_whole(max(total - ring - talk, timedelta())),
        talk_time=talk,
        queue_time=timedelta(),
        refer_id=ended.refer_id,
        extid=ended.extid,
        gateway_out=ended.calling.id if ended.calling.kind is outside else None,
        internal=ended.internal,
    )


def user_call(index: int, ended: EndedCall, extension: str | None) -> wire.UserReportedCall:
    """A call that is over, for the report of a user."""
    outgoing = ended.calling.kind is EntityKind.user
    remote = ended.called_number if outgoing else ended.calling_number
    return wire.UserReportedCall(
        id=str(index),
        call_id=ended.call_id,
        started_at=ended.started_at.replace(microsecond=0),
        answered_at=ended.answered_at.replace(microsecond=0) if ended.answered_at else None,
        duration=_whole(ended.ended_at - ended.started_at),
        outcome=outcome(ended.result, ended.side),
        direction="out" if outgoing else "in",
        my_number=extension,
        remote_number=remote or None,
    )


def _whole(value: timedelta) -> timedelta:
    return timedelta(seconds=round(value.total_seconds()))
