"""Replies of VOIspeed services, both ways: XML to typed values, and values to the XML a PBX sends.

Any service may answer `Refused`. `Accepted` means only that the PBX will try: a failure comes later
as the event `cmd_failed` with the same request id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, TypeVar
from xml.etree.ElementTree import Element

from offhook.switches.voispeed import wire_codec as codec
from offhook.switches.voispeed.wire_codec import (
    DEFAULT_DIALECT,
    Dialect,
    EntityRef,
    Named,
    Skip,
    WireError,
)
from offhook.switches.voispeed.wire_tables import CallOutcome
from offhook.switches.voispeed.wire_xml import escape, leaves, parse_tree

PROLOGUE = '<?xml version="1.0" encoding="UTF-8" ?>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The PBX took the request and will try to do it."""

    request_id: str | None = None

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> bytes:
        """The XML of this reply."""
        tag = f"<request_id>{escape(self.request_id)}</request_id>" if self.request_id else ""
        return f"{PROLOGUE}<result><outcome>0</outcome>{tag}</result>".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The PBX won't do it, and says why."""

    error: str

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> bytes:
        """The XML of this reply."""
        error = escape(self.error)
        return f"{PROLOGUE}<result><outcome>1</outcome><error>{error}</error></result>".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One item of a list in a reply; what we don't know of it stays in `extra`."""

    tag: ClassVar[str]

    extra: Annotated[Mapping[str, str], Skip()] = field(default_factory=dict)


R = TypeVar("R", bound=Record)


def parse_record(cls: type[R], element: Element, dialect: Dialect, **more: object) -> R:
    """The record that `element` holds; `more` are its nested parts."""
    texts = leaves(element)
    used: set[str] = set()
    record = codec.load(cls, texts, dialect, scope=f"<{cls.tag}>", used=used, **more)
    for name, text in texts.items():
        if name not in used and text:
            record.extra[name] = text  # type: ignore[index]  # ours alone until returned
    return record


def render_record(record: Record, dialect: Dialect, inner: str = "") -> str:
    """The XML of a record; `inner` is that of its nested parts."""
    texts = codec.dump(record, dialect, scope=f"<{record.tag}>")
    for name, text in record.extra.items():
        texts.setdefault(name, text)
    body = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())
    return f"<{record.tag}>{body}{inner}</{record.tag}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentCall(Record):
    """A communication in progress."""

    tag = "call"

    call_id: Annotated[str, Named("id", ("callid", "call_id"))]
    started_at: Annotated[datetime | None, Named("start_time")] = None
    calling: EntityRef | None = None
    calling_number: str | None = None
    calling_desc: str | None = None
    called: EntityRef | None = None
    called_number: str | None = None
    called_desc: str | None = None
    connected: EntityRef | None = None
    connected_desc: str | None = None
    recording: bool | None = None
    extid: Annotated[str | None, Named("external_id", ("extid",))] = None
    p2p: bool | None = None
    codec: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCall(Record):
    """A communication that ended, as the PBX's history tells it."""

    tag = "call"

    call_id: Annotated[str, Named("id", ("callid", "call_id"))]
    started_at: Annotated[datetime | None, Named("start_time")] = None
    duration: timedelta | None = None
    outcome: CallOutcome | None = None
    calling: EntityRef | None = None
    calling_number: str | None = None
    called: EntityRef | None = None
    called_number: str | None = None
    connected: EntityRef | None = None
    connected_number: str | None = None
    ring_time: timedelta | None = None
    hold_time: timedelta | None = None
    ivr_time: timedelta | None = None
    talk_time: timedelta | None = None
    queue_time: timedelta | None = None
    refer_id: Annotated[str | None, Named("call_ref_id", ("call_ref_if",))] = None
    extid: Annotated[str | None, Named("external_id", ("extid",))] = None
    gateway_in: str | None = None
    gateway_out: str | None = None
    internal: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReportedCall(Record):
    """A call in the history of one user."""

    tag = "call"

    id: str
    call_id: Annotated[str | None, Named("callid", ("call_id",))] = None
    started_at: Annotated[datetime | None, Named("start_time")] = None
    answered_at: Annotated[datetime | None, Named("answer_time")] = None
    duration: timedelta | None = None
    outcome: CallOutcome | None = None
    direction: str | None = None
    my_number: str | None = None
    remote_number: str | None = None
    local_id: str | None = None
    group_name: str | None = None
    company: str | None = None
    surname: str | None = None
    name: str | None = None
    remote_company: str | None = None
    remote_surname: str | None = None
    remote_name: str | None = None


def parse_result(body: bytes, dialect: Dialect, where: str) -> Element | Refused:
    """The root of a reply that succeeded, or why it did not."""
    root = parse_tree(body, where=where, link=dialect.link)
    texts = leaves(root)
    outcome = texts.get("outcome")
    if outcome is None:
        # Two lists of the guide come without an outcome; anything else without one is no reply.
        if len(root):
            return root
        raise WireError("no outcome", where=where, link=dialect.link)
    if outcome == "0":
        return root
    if outcome == "1":
        return Refused(error=texts.get("error") or "no reason given")
    raise WireError("the outcome is neither 0 nor 1", where=where, link=dialect.link)


def parse_command_reply(
    body: bytes, dialect: Dialect = DEFAULT_DIALECT, *, where: str = "reply"
) -> Accepted | Refused:
    """What the PBX said to a command."""
    root = parse_result(body, dialect, where)
    if isinstance(root, Refused):
        return root
    if root.find("outcome") is None:
        raise WireError("no outcome", where=where, link=dialect.link)
    return Accepted(request_id=leaves(root).get("request_id") or None)


def _calls(cls: type[R], body: bytes, dialect: Dialect, where: str) -> tuple[R, ...] | Refused:
    root = parse_result(body, dialect, where)
    if isinstance(root, Refused):
        return root
    return tuple(parse_record(cls, call, dialect) for call in root.iter("call"))


def parse_current_calls(
    body: bytes, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[CurrentCall, ...] | Refused:
    """The calls in progress."""
    return _calls(CurrentCall, body, dialect, "get_current_calls")


def parse_call_report(
    body: bytes, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[ReportedCall, ...] | Refused:
    """The history of the PBX."""
    return _calls(ReportedCall, body, dialect, "get_call_report")


def parse_user_call_report(
    body: bytes, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[UserReportedCall, ...] | Refused:
    """The history of a user."""
    return _calls(UserReportedCall, body, dialect, "get_user_call_report")


def render_records(
    records: tuple[Any, ...], dialect: Dialect = DEFAULT_DIALECT, *, around: str = ""
) -> bytes:
    """A successful reply holding `records`, inside the tag `around` when there is one."""
    inner = "".join(record.render(dialect) if hasattr(record, "render") else
                    render_record(record, dialect) for record in records)  # fmt: skip
    if around:
        inner = f"<{around}>{inner}</{around}>"
    return f"{PROLOGUE}<result><outcome>0</outcome>{inner}</result>".encode()
