"""How a VOIspeed message becomes a typed value and back: the type of a field is its wire format.

Every message is a flat set of named texts: query parameters one way, XML leaves the other. A
message class is a frozen dataclass; this module compiles its annotations once per link into a plan
of (attribute, names to try, load, dump). A field is read from the names of its `Fact` (the link's
alias table, because the vendor's parameter lists are lost) or from its own name.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from offhook.switches.voispeed.wire_tables import EntityType, OpenIntEnum


class WireError(Exception):
    """A VOIspeed message that can't be understood: what is wrong, where, and on which link."""

    code = "voispeed_malformed_message"

    def __init__(self, what: str, *, where: str, link: str) -> None:
        super().__init__(
            f"link {link}: {where}: {what}; compare the message with the link's aliases "
            "and parameter names, then correct them or the PBX"
        )
        self.what = what
        self.where = where
        self.link = link


class UnknownFactError(ValueError):
    """A link's alias table names a fact that does not exist."""

    code = "voispeed_unknown_fact"

    def __init__(self, fact: str) -> None:
        super().__init__(f"{fact!r} is not a fact; choose from: {', '.join(sorted(Fact))}")


class Fact(StrEnum):
    """What an event can tell, whatever the PBX calls it."""

    call_id = "call_id"
    extid = "extid"
    entity_call_id = "entity_call_id"
    sender_call_id = "sender_call_id"
    recipient_call_id = "recipient_call_id"
    user_call_id = "user_call_id"
    request_id = "request_id"
    outcome = "outcome"
    error_code = "error_code"
    error = "error"
    calling_id = "calling_id"
    calling_type = "calling_type"
    calling_number = "calling_number"
    called_id = "called_id"
    called_type = "called_type"
    called_number = "called_number"
    connected_id = "connected_id"
    connected_type = "connected_type"
    sender_id = "sender_id"
    sender_type = "sender_type"
    recipient_id = "recipient_id"
    recipient_type = "recipient_type"
    refer_id = "refer_id"
    user_id = "user_id"
    ext = "ext"
    number = "number"
    datetime = "datetime"
    duration = "duration"
    progress = "progress"
    digits = "digits"
    domain = "domain"
    token = "token"  # noqa: S105 - the name of a parameter


DEFAULT_ALIASES: Mapping[Fact, tuple[str, ...]] = {
    **{fact: (fact.value,) for fact in Fact},
    Fact.call_id: ("call_id", "callid", "com_id"),
    Fact.extid: ("extid", "external_id"),
    Fact.entity_call_id: ("local_id", "entity_call_id", "usercallid"),
    Fact.sender_call_id: ("sender_call_id", "sender_local_id"),
    Fact.recipient_call_id: ("recipient_call_id", "recipient_local_id"),
    Fact.user_call_id: ("usercallid", "call_id", "callid"),
    Fact.error: ("error_msg", "error"),
    Fact.calling_number: ("calling", "calling_number"),
    Fact.called_number: ("called", "called_number"),
    Fact.datetime: ("datetime", "date_time"),
    Fact.progress: ("progress", "code"),
    Fact.digits: ("dtmf", "digits"),
}


@dataclass(frozen=True, eq=False)
class Dialect:
    """What one link calls things: alias table, parameter names, clock zone, event type.

    `aliases` overrides the names tried for a fact in events. `parameter_names` renames what we
    send, by `service.parameter` or by `parameter`.
    """

    link: str = "voispeed"
    zone: tzinfo = UTC
    aliases: Mapping[Fact, tuple[str, ...]] = field(default_factory=dict)
    parameter_names: Mapping[str, str] = field(default_factory=dict)
    extended_event_type: int = 1

    @classmethod
    def from_config(
        cls,
        link: str,
        *,
        zone: tzinfo = UTC,
        aliases: Mapping[str, list[str] | tuple[str, ...]] | None = None,
        parameter_names: Mapping[str, str] | None = None,
        extended_event_type: int = 1,
    ) -> Dialect:
        """The dialect an operator configured; `UnknownFactError` when an alias is for no fact."""
        table: dict[Fact, tuple[str, ...]] = {}
        for name, names in (aliases or {}).items():
            if name not in Fact.__members__ or not names:
                raise UnknownFactError(name)
            table[Fact(name)] = tuple(names)
        return cls(link, zone, table, dict(parameter_names or {}), extended_event_type)

    def names(self, fact: Fact) -> tuple[str, ...]:
        """The parameter names that carry `fact` on this link, in the order to try them."""
        return self.aliases.get(fact) or DEFAULT_ALIASES[fact]

    def parameter(self, service: str, name: str) -> str:
        """What this link calls parameter `name` of `service`."""
        scoped = self.parameter_names.get(f"{service}.{name}")
        return scoped or self.parameter_names.get(name, name)


DEFAULT_DIALECT = Dialect()


class EntityRef(NamedTuple):
    """The coordinates of an entity: ids are unique within a type only."""

    type: EntityType
    id: str


@dataclass(frozen=True, slots=True)
class Named:
    """The wire name of a field that is not called after its attribute; more names are aliases."""

    name: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """A field the flat codec leaves to its message."""


Load = Callable[[str, Dialect], Any]  # one signature for all field types; the dataclass types them
Dump = Callable[[Any, Dialect], str]


class Step(NamedTuple):
    """How one attribute is read and written on one link."""

    attr: str
    names: tuple[str, ...]
    type_names: tuple[str, ...]  # only for an EntityRef
    required: bool
    load: Load
    dump: Dump


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """The instant a PBX wrote, in UTC; a time without offset is in the link's zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def render_moment(moment: datetime, zone: tzinfo) -> str:
    """`YYYY-MM-DD hh:mm:ss` in the link's zone, with a fraction when there is one."""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ")


def _load_bool(text: str, _: Dialect) -> bool:
    if text in ("0", "1"):
        return text == "1"
    raise ValueError(f"{text[:40]!r} is neither 0 nor 1")


def _load_seconds(text: str, _: Dialect) -> timedelta:
    try:
        return timedelta(seconds=float(text))
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _dump_seconds(value: timedelta, _: Dialect) -> str:
    return f"{value.total_seconds():.6f}".rstrip("0").rstrip(".")


def _converters(kind: Any) -> tuple[Load, Dump]:
    if isinstance(kind, type) and issubclass(kind, OpenIntEnum):
        return (lambda text, _: kind(int(text))), (lambda value, _: str(int(value)))
    table: dict[Any, tuple[Load, Dump]] = {
        str: (lambda text, _: text, lambda value, _: value),
        int: (lambda text, _: int(text), lambda value, _: str(value)),
        bool: (_load_bool, lambda value, _: "1" if value else "0"),
        timedelta: (_load_seconds, _dump_seconds),
        datetime: (
            lambda text, dialect: parse_moment(text, dialect.zone),
            lambda value, dialect: render_moment(value, dialect.zone),
        ),
        EntityRef: (lambda text, _: text, lambda value, _: value.id),
    }
    return table[kind]


def _unwrap(hint: Any) -> tuple[Any, Any]:
    """The bare type of a field and its wire annotation, if any."""
    note: Any = None
    if get_origin(hint) is Annotated:
        hint, note, *_ = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    return hint, note


@lru_cache(maxsize=1024)
def plan(cls: type, dialect: Dialect, scope: str) -> tuple[Step, ...]:
    """How the fields of `cls` are read and written on this link; compiled once."""
    hints = get_type_hints(cls, include_extras=True)
    steps = []
    for item in fields(cls):
        kind, note = _unwrap(hints[item.name])
        if isinstance(note, Skip):
            continue
        is_ref = kind is EntityRef
        if isinstance(note, Fact):
            names = dialect.names(note)
        elif isinstance(note, Named):
            names = (dialect.parameter(scope, note.name), *note.others)
        else:
            names = (dialect.parameter(scope, f"{item.name}_id" if is_ref else item.name),)
        type_names: tuple[str, ...] = ()
        if is_ref and isinstance(note, Fact):
            type_names = dialect.names(Fact(note.value.removesuffix("_id") + "_type"))
        elif is_ref:
            type_names = (dialect.parameter(scope, f"{item.name}_type"),)
        required = item.default is MISSING and item.default_factory is MISSING
        load, dump = _converters(kind)
        steps.append(Step(item.name, names, type_names, required, load, dump))
    return tuple(steps)


def _first(params: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str] | None:
    for name in names:
        value = params.get(name)
        if value is not None:
            value = value.strip()
            if value:
                return name, value
    return None


T = TypeVar("T")


def load(
    cls: type[T],
    params: Mapping[str, str],
    dialect: Dialect,
    *,
    scope: str,
    used: set[str] | None = None,
    **more: object,
) -> T:
    """`cls` read from `params`; `used` collects the names that were read.

    Raises `WireError` when a required field is missing or a value is not of its type.
    """
    values: dict[str, Any] = dict(more)
    for attr, names, type_names, required, convert, _ in plan(cast(Hashable, cls), dialect, scope):
        found = _first(params, names)
        kind = _first(params, type_names) if found and type_names else None
        if found is None or (type_names and kind is None):
            if required:
                lacking = names if found is None else type_names
                raise WireError(f"no {' or '.join(lacking)}", where=scope, link=dialect.link)
            continue
        try:
            value = convert(found[1], dialect)
            if kind:
                value = EntityRef(EntityType(int(kind[1])), value)
        except ValueError as error:
            where = f"{scope}, {found[0]}"
            raise WireError(f"bad value ({error})", where=where, link=dialect.link) from error
        values[attr] = value
        if used is not None:
            used.add(found[0])
            if kind:
                used.add(kind[0])
    return cls(**values)


def dump(message: object, dialect: Dialect, *, scope: str) -> dict[str, str]:
    """The named texts of `message`; fields that are None are left out."""
    params: dict[str, str] = {}
    for attr, names, type_names, _, _, render in plan(
        cast(Hashable, type(message)), dialect, scope
    ):
        value = getattr(message, attr)
        if value is None:
            continue
        params[names[0]] = render(value, dialect)
        if type_names:
            params[type_names[0]] = str(int(value.type))
    return params
