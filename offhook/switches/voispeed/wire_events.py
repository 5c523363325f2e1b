"""Events a VOIspeed PBX sends to our URL, as query parameters, for users and for the whole system.

An event is recognised by `event_name` first, then by its code: the two interfaces use the same
codes for different events (1 is `call_in` and `cmd_failed`) and the guide prints an `event_type`
for one of them only. Everything received and not understood stays in `extra`; an event nobody has
described is an `UnknownEvent`, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl, quote_plus

from offhook.switches.voispeed import wire_codec as codec
from offhook.switches.voispeed.wire_codec import (
    DEFAULT_DIALECT,
    Dialect,
    EntityRef,
    Fact,
    Skip,
    WireError,
)
from offhook.switches.voispeed.wire_tables import (
    CallOutcome,
    ExtendedEventCode,
    ForwardingCode,
    OpenIntEnum,
    UserEventCode,
)

USER_EVENT_TYPE = 2
_PLAIN = re.compile(r"[A-Za-z0-9_.-]*").fullmatch
_HEADER = frozenset({"event", "event_type", "event_name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event may tell: which call of ours, when, and whatever we don't know."""

    code: ClassVar[OpenIntEnum]

    extid: Annotated[str | None, Fact.extid] = None
    occurred_at: Annotated[datetime | None, Fact.datetime] = None
    domain: Annotated[str | None, Fact.domain] = None
    token: Annotated[str | None, Fact.token] = field(default=None, repr=False)
    extra: Annotated[Mapping[str, str], Skip()] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent(Event):
    """An event from the point of view of one extension."""

    ext: Annotated[str | None, Fact.ext] = None
    number: Annotated[str | None, Fact.number] = None
    call_id: Annotated[str | None, Fact.user_call_id] = None
    duration: Annotated[timedelta | None, Fact.duration] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CmdFailed(Event):
    """A service that was accepted could not be done."""

    code = UserEventCode.cmd_failed

    request_id: Annotated[str, Fact.request_id]
    error_code: Annotated[str | None, Fact.error_code] = None
    error: Annotated[str | None, Fact.error] = None
    ext: Annotated[str | None, Fact.ext] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall(UserEvent):
    """A call reaches the extension."""

    code = UserEventCode.incoming_call


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCall(UserEvent):
    """The extension calls a number."""

    code = UserEventCode.outgoing_call


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVoicemail(UserEvent):
    """A message was left for the extension."""

    code = UserEventCode.new_voicemail


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCall(UserEvent):
    """The extension missed a call."""

    code = UserEventCode.lost_call


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(UserEvent):
    """The extension and the number talk."""

    code = UserEventCode.call_answered


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRejected(UserEvent):
    """The call ended before anybody talked."""

    code = UserEventCode.call_rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDisconnectOut(UserEvent):
    """The extension ended the call."""

    code = UserEventCode.call_disconnect_out


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDisconnectIn(UserEvent):
    """The other side ended the call."""

    code = UserEventCode.call_disconnect_in


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCallTransferred(UserEvent):
    """The call was transferred; the vendor has reserved the code and not sent it yet."""

    code = UserEventCode.call_transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedEvent(Event):
    """An event from the point of view of the PBX, about one communication."""

    call_id: Annotated[str, Fact.call_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIn(ExtendedEvent):
    """An entity calls the PBX."""

    code = ExtendedEventCode.call_in

    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    calling: Annotated[EntityRef | None, Fact.calling_id] = None
    calling_number: Annotated[str | None, Fact.calling_number] = None
    called_number: Annotated[str | None, Fact.called_number] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOut(ExtendedEvent):
    """The PBX calls an entity."""

    code = ExtendedEventCode.call_out

    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    called: Annotated[EntityRef | None, Fact.called_id] = None
    calling_number: Annotated[str | None, Fact.calling_number] = None
    called_number: Annotated[str | None, Fact.called_number] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProgress(ExtendedEvent):
    """The entity called is ringing, or its call is being forwarded."""

    code = ExtendedEventCode.call_progress

    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    sender: Annotated[EntityRef | None, Fact.sender_id] = None
    progress: Annotated[ForwardingCode | None, Fact.progress] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResponse(ExtendedEvent):
    """The entity called accepted or refused; the actors follow only when it accepted."""

    code = ExtendedEventCode.call_response

    outcome: Annotated[CallOutcome, Fact.outcome]
    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    sender: Annotated[EntityRef | None, Fact.sender_id] = None
    calling: Annotated[EntityRef | None, Fact.calling_id] = None
    called: Annotated[EntityRef | None, Fact.called_id] = None
    connected: Annotated[EntityRef | None, Fact.connected_id] = None

    @property
    def accepted(self) -> bool:
        """Whether the entity took the call."""
        return self.outcome is CallOutcome.ok


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectIn(ExtendedEvent):
    """An entity hung up."""

    code = ExtendedEventCode.disconnect_in

    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    sender: Annotated[EntityRef | None, Fact.sender_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectOut(ExtendedEvent):
    """The PBX hung up on an entity."""

    code = ExtendedEventCode.disconnect_out

    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None
    recipient: Annotated[EntityRef | None, Fact.recipient_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(ExtendedEvent):
    """`recipient`, so far in `refer_id`, replaced `sender` in `call_id`; `refer_id` ends."""

    code = ExtendedEventCode.call_transfer

    refer_id: Annotated[str | None, Fact.refer_id] = None
    sender: Annotated[EntityRef | None, Fact.sender_id] = None
    sender_call_id: Annotated[str | None, Fact.sender_call_id] = None
    recipient: Annotated[EntityRef | None, Fact.recipient_id] = None
    recipient_call_id: Annotated[str | None, Fact.recipient_call_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfOut(ExtendedEvent):
    """A digit was sent; withdrawn by the vendor, still sent by old releases."""

    code = ExtendedEventCode.dtmf_out

    digits: Annotated[str | None, Fact.digits] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDiverted(ExtendedEvent):
    """`recipient` is ringing in the place of `sender`."""

    code = ExtendedEventCode.call_divert

    sender: Annotated[EntityRef | None, Fact.sender_id] = None
    sender_call_id: Annotated[str | None, Fact.sender_call_id] = None
    recipient: Annotated[EntityRef | None, Fact.recipient_id] = None
    recipient_call_id: Annotated[str | None, Fact.recipient_call_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerminated(ExtendedEvent):
    """The communication is over, with its final outcome."""

    code = ExtendedEventCode.call_terminated

    outcome: Annotated[CallOutcome, Fact.outcome]
    duration: Annotated[timedelta | None, Fact.duration] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeld(ExtendedEvent):
    """A user put the call on hold."""

    code = ExtendedEventCode.call_held

    user_id: Annotated[str | None, Fact.user_id] = None
    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRetrieved(ExtendedEvent):
    """A user took the call back from hold."""

    code = ExtendedEventCode.call_retrieved

    user_id: Annotated[str | None, Fact.user_id] = None
    entity_call_id: Annotated[str | None, Fact.entity_call_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """An event no document describes, kept as it came."""

    params: Mapping[str, str]


AnyEvent = Event | UnknownEvent

USER_EVENTS: Mapping[int, type[Event]] = {
    int(cls.code): cls
    for cls in (
        CmdFailed, IncomingCall, OutgoingCall, NewVoicemail, LostCall, CallAnswered,
        CallRejected, CallDisconnectOut, CallDisconnectIn, UserCallTransferred,
    )
}  # fmt: skip
EXTENDED_EVENTS: Mapping[int, type[Event]] = {
    int(cls.code): cls
    for cls in (
        CallIn, CallProgress, CallOut, CallResponse, DisconnectIn, DisconnectOut, CallTransferred,
        DtmfOut, CallDiverted, CallTerminated, CallHeld, CallRetrieved,
    )
}  # fmt: skip
_USER_NAMES = {cls.code.name: cls for cls in USER_EVENTS.values()}
_EXTENDED_NAMES = {cls.code.name: cls for cls in EXTENDED_EVENTS.values()}


def _classify(params: Mapping[str, str], code: int | None) -> type[Event] | None:
    name = params.get("event_name", "").strip()
    of_user = params.get("event_type", "").strip() == str(USER_EVENT_TYPE)
    user, extended = _USER_NAMES.get(name), _EXTENDED_NAMES.get(name)
    if user and extended:  # only call_transfer: its codes differ, and only one is about an ext
        if code in (user.code, extended.code):
            return user if code == user.code else extended
        return user if of_user and "ext" in params else extended
    if name:
        return user or extended
    if code is None:
        return None
    return (USER_EVENTS if of_user else EXTENDED_EVENTS).get(code)


def parse_event(params: Mapping[str, str], dialect: Dialect = DEFAULT_DIALECT) -> AnyEvent:
    """The event that `params` tell; `WireError` when it lacks what its kind can't do without."""
    raw = params.get("event", "").strip()
    try:
        code = int(raw) if raw else None
    except ValueError as error:
        raise WireError(f"bad value ({error})", where="event code", link=dialect.link) from error
    cls = _classify(params, code)
    if cls is None:
        if code is None and not params.get("event_name", "").strip():
            raise WireError("neither event nor event_name", where="event", link=dialect.link)
        return UnknownEvent(params=dict(params))
    used = set(_HEADER)
    try:
        event = codec.load(cls, params, dialect, scope=f"event {cls.code.name}", used=used)
    except WireError as error:
        moments = dialect.names(Fact.datetime)
        if not error.where.endswith(moments):
            raise
        # A clock we can't read must not cost us the event: it stays in `extra` as text.
        used = set(_HEADER)
        timeless = {name: value for name, value in params.items() if name not in moments}
        event = codec.load(cls, timeless, dialect, scope=f"event {cls.code.name}", used=used)
    for name, value in params.items():
        if name not in used:
            event.extra[name] = value  # type: ignore[index]  # ours alone until returned
    return event


def parse_event_query(query: str | bytes, dialect: Dialect = DEFAULT_DIALECT) -> AnyEvent:
    """The event in a raw query string; bytes that are not UTF-8 are read as Latin-1."""
    try:
        text = query.decode("ascii") if isinstance(query, bytes) else query
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except UnicodeDecodeError:
        raw = query if isinstance(query, bytes) else query.encode("utf-8", "replace")
        text = raw.decode("latin-1")
        pairs = _latin_pairs(text, dialect)
    except ValueError as error:
        raise WireError(str(error), where="event query", link=dialect.link) from error
    return parse_event(dict(pairs), dialect)


def _latin_pairs(text: str, dialect: Dialect) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200, encoding="latin-1")
    except ValueError as error:
        raise WireError(str(error), where="event query", link=dialect.link) from error


def render_event(event: AnyEvent, dialect: Dialect = DEFAULT_DIALECT) -> dict[str, str]:
    """The query parameters of `event`, header first."""
    if isinstance(event, UnknownEvent):
        return dict(event.params)
    code = event.code
    kind = USER_EVENT_TYPE if isinstance(code, UserEventCode) else dialect.extended_event_type
    params = {"event_type": str(kind), "event": str(int(code)), "event_name": code.name}
    params.update(codec.dump(event, dialect, scope=code.name))
    for name, value in event.extra.items():
        params.setdefault(name, value)
    return params


def render_event_query(event: AnyEvent, dialect: Dialect = DEFAULT_DIALECT) -> str:
    """The query string of `event`."""
    params = render_event(event, dialect)
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in params.items()])


def _quoted(text: str) -> str:
    # Nearly all values are plain: looking first is five times quicker than quoting (measured).
    return text if _PLAIN(text) else quote_plus(text)
