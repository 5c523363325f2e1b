"""What `get_entities` lists, one record for each type of entity that the guide shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from xml.etree.ElementTree import Element

from offhook.switches.voispeed.wire_codec import DEFAULT_DIALECT, Dialect, Named, Skip, WireError
from offhook.switches.voispeed.wire_replies import (
    Record,
    Refused,
    parse_record,
    parse_result,
    render_record,
    render_records,
)
from offhook.switches.voispeed.wire_tables import (
    AvStatus,
    EntityType,
    GatewayStatus,
    GatewayType,
    GroupRingMode,
    IvrInputType,
    IvrNodeAction,
    TerminalType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Record):
    """A person with an extension."""

    tag = "user"

    id: str
    name: str | None = None
    surname: str | None = None
    extension: str | None = None
    email: str | None = None
    chat_status: AvStatus | None = None
    av_status: AvStatus | None = None
    office: Annotated[str | None, Named("numoffice")] = None
    home: Annotated[str | None, Named("numhome")] = None
    mobile: Annotated[str | None, Named("nummobile")] = None
    fax: Annotated[str | None, Named("numfax")] = None
    phrase: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember(Record):
    """A user inside a ring group."""

    tag = "user"

    id: str
    identity: str | None = None
    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Record):
    """Users who ring together or in turn."""

    tag = "group"

    id: str
    name: str | None = None
    is_broadcast: bool | None = None
    visible: bool | None = None
    member_login: bool | None = None
    pick_disabled: bool | None = None
    ring_mode: GroupRingMode | None = None
    users: Annotated[tuple[GroupMember, ...], Skip()] = ()

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> str:
        """The XML of the group with its members."""
        members = "".join(render_record(user, dialect) for user in self.users)
        return render_record(self, dialect, f"<users>{members}</users>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(Record):
    """A way to the public network, with so many lines."""

    tag = "gateway"

    id: str
    name: str | None = None
    type: GatewayType | None = None
    enabled: bool | None = None
    link_status: GatewayStatus | None = None
    lines: int | None = None
    busy_lines: int | None = None
    host_port: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IvrNode(Record):
    """One step of an IVR: what it plays, what it waits for and what it does then."""

    tag = "node"

    node_id: str
    parent_id: str | None = None
    description: str | None = None
    select_key: str | None = None
    go_back_key: str | None = None
    audio_type: int | None = None
    audio_message: str | None = None
    audio_loop: bool | None = None
    input_type: IvrInputType | None = None
    input_length: int | None = None
    term_char: str | None = None
    timeout_last_digit: timedelta | None = None
    waiting_input_time: timedelta | None = None
    action: IvrNodeAction | None = None
    called_type: EntityType | None = None
    called_id: str | None = None
    called_external_number: str | None = None
    script: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ivr(Record):
    """An automatic responder and its nodes."""

    tag = "ivr"

    id: str
    name: str | None = None
    description: str | None = None
    nodes: Annotated[tuple[IvrNode, ...], Skip()] = ()

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> str:
        """The XML of the IVR with its nodes."""
        nodes = "".join(render_record(node, dialect) for node in self.nodes)
        return render_record(self, dialect, f"<nodes>{nodes}</nodes>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Record):
    """A terminal of a user."""

    tag = "device"

    id: str
    user_agent: str | None = None
    device_type: TerminalType | None = None
    host_port: str | None = None
    registered: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail(Record):
    """A company voicemail box."""

    tag = "voicemail"

    id: str
    vmid: str | None = None
    vmname: str | None = None
    vmcode: str | None = None
    to_be_listened: Annotated[bool | None, Named("vmtobelisten")] = None
    recordings_to_be_listened: Annotated[bool | None, Named("rectobelisten")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkLine(Record):
    """A line where calls are parked."""

    tag = "park_line"

    id: str
    linecode: str | None = None
    number: str | None = None
    name: str | None = None
    parked_at: Annotated[datetime | None, Named("parktime")] = None
    status: AvStatus | None = None
    note: str | None = None
    user_id: str | None = None


AnyEntity = User | Group | Gateway | Ivr | Device | Voicemail | ParkLine

_RECORDS: Mapping[EntityType, tuple[type[Any], str]] = {
    EntityType.user: (User, "users"),
    EntityType.group: (Group, "groups"),
    EntityType.gateway: (Gateway, "gateways"),
    EntityType.ivr: (Ivr, "ivrs"),
    EntityType.terminal: (Device, "devices"),
    EntityType.voicemail: (Voicemail, "voicemails"),
    EntityType.park_line: (ParkLine, "lines"),
}


def _nested(element: Element, dialect: Dialect) -> dict[str, object]:
    if element.tag == "group":
        users = element.findall("users/user")
        return {"users": tuple(parse_record(GroupMember, user, dialect) for user in users)}
    if element.tag == "ivr":
        nodes = element.findall("nodes/node")
        return {"nodes": tuple(parse_record(IvrNode, node, dialect) for node in nodes)}
    return {}


def parse_entities(
    body: bytes, entity_type: EntityType, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[AnyEntity, ...] | Refused:
    """The entities of one type; an empty list when the PBX has none."""
    where = f"get_entities {entity_type.name}"
    if entity_type not in _RECORDS:
        raise WireError("the guide shows no list of this type", where=where, link=dialect.link)
    cls, around = _RECORDS[entity_type]
    root = parse_result(body, dialect, where)
    if isinstance(root, Refused):
        return root
    return tuple(
        parse_record(cls, element, dialect, **_nested(element, dialect))
        for element in root.findall(f"{around}/{cls.tag}")
    )


def render_entities(
    entities: tuple[AnyEntity, ...], entity_type: EntityType, dialect: Dialect = DEFAULT_DIALECT
) -> bytes:
    """The reply of `get_entities` for one type."""
    return render_records(entities, dialect, around=_RECORDS[entity_type][1])


LISTED_TYPES = frozenset(_RECORDS)
