"""XiVO xuc on the wire: one JSON object a WebSocket message, both ways.

A command is `{"claz": "web", "command": NAME, ...}`, an event is
`{"msgType": NAME, "ctiMessage": ...}`, and `{"claz": "ping"}` keeps the connection alive. What a
message holds beyond the document is kept in the model; a message that nobody knows is kept whole
(`UnknownEvent`, `UnknownCommand`). Only what can't be read at all is an error. Names are those of
the vendor document and of the vendor's own JavaScript client, whose case changes from command to
command.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

PING = '{"claz":"ping"}'
LOGIN_PATH = "/xuc/api/2.0/auth/login"
CHECK_PATH = "/xuc/api/2.0/auth/check"
SOCKET_PATH = "/xuc/api/2.0/cti"
LARGEST = 4 * 1024 * 1024
"""Most characters of a message that are looked at."""


class WireError(ValueError):
    """A message can't be read: what of it, from which link, and why."""

    code = "xivo_malformed_message"

    def __init__(self, what: str, why: str, *, link: str = "") -> None:
        where = f"link {link}: " if link else ""
        super().__init__(
            f"{where}{what}: {why}; look whether the other side is an xuc server of this version"
        )
        self.what = what
        self.why = why


class Wire(BaseModel):
    """Base of all that travels: immutable, names as on the wire, unknown fields kept."""

    model_config = ConfigDict(
        frozen=True, extra="allow", populate_by_name=True, alias_generator=to_camel
    )


class Command(Wire):
    """Something that a client asks for."""

    name: ClassVar[str] = ""


class Event(Wire):
    """Something that the server tells: the content of `ctiMessage`."""

    name: ClassVar[str] = ""
    listed: ClassVar[str] = ""
    """The field that holds the elements, where the content is an array on the wire."""


class Ping(Wire):
    """A sign of life, the same both ways."""


class UnknownCommand(Wire):
    """A command that this version does not know."""

    command: str
    fields: Mapping[str, Any] = Field(default_factory=dict)


class UnknownEvent(Wire):
    """A message that this version does not know, kept whole."""

    msg_type: str
    content: Any = None


class LoginRequest(Wire):
    """Body of `POST auth/login`."""

    login: str
    password: str = Field(repr=False)


class LoginReply(Wire):
    """A token, to open the WebSocket with."""

    login: str = ""
    token: str = Field(repr=False, min_length=1)


class AuthError(Wire):
    """Why a login or token was refused: InvalidCredentials, TokenExpired and kin."""

    error: str
    message: str = ""


COMMANDS: dict[str, type[Command]] = {}
EVENTS: dict[str, type[Event]] = {}


def register_commands(*models: type[Command]) -> None:
    """Make commands known to `parse_command`."""
    COMMANDS.update((model.name, model) for model in models)


def register_events(*models: type[Event]) -> None:
    """Make events known to `parse_message`."""
    EVENTS.update((model.name, model) for model in models)


def render_command(command: Command | UnknownCommand) -> str:
    """The message that carries a command."""
    if isinstance(command, UnknownCommand):
        return _text({"claz": "web", "command": command.command, **command.fields})
    body = command.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _text({"claz": "web", "command": command.name, **body})


def render_event(event: Event | UnknownEvent) -> str:
    """The message that carries an event; fields that were never given are left out."""
    if isinstance(event, UnknownEvent):
        return _text({"msgType": event.msg_type, "ctiMessage": event.content})
    content = event.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if event.listed:
        content = content.get(to_camel(event.listed), [])
    return _text({"msgType": event.name, "ctiMessage": content})


def parse_command(text: str, *, link: str = "") -> Command | UnknownCommand | Ping:
    """What a client asks for; `WireError` when it can't be read."""
    message = _object(text, "a command", link)
    if message.get("claz") == "ping":
        return Ping()
    name = message.get("command")
    if message.get("claz") != "web" or not isinstance(name, str):
        raise WireError("a command", "it has no claz `web` with a command", link=link)
    fields = {key: value for key, value in message.items() if key not in ("claz", "command")}
    model = COMMANDS.get(name)
    if model is None:
        return UnknownCommand(command=name, fields=fields)
    return _validated(model, fields, f"command {name}", link)


def parse_message(text: str, *, link: str = "") -> Event | UnknownEvent | Ping:
    """What the server tells; `WireError` when it can't be read."""
    message = _object(text, "a message", link)
    name = message.get("msgType")
    if not isinstance(name, str):
        if message.get("claz") == "ping":
            return Ping()
        raise WireError("a message", "it has no msgType", link=link)
    content = message.get("ctiMessage")
    model = EVENTS.get(name)
    if model is None:
        return UnknownEvent(msg_type=name, content=content)
    return _validated(model, _content(model, content), f"message {name}", link)


def parse_content(model: type[Event], content: object, *, link: str = "") -> Event:
    """An event from its bare content, as the document prints many of them."""
    return _validated(model, _content(model, content), f"message {model.name}", link)


def _content(model: type[Event], content: object) -> object:
    if model.listed and not (isinstance(content, dict) and to_camel(model.listed) in content):
        # The document prints one element alone where several may come.
        return {model.listed: content if isinstance(content, list) else [content]}
    return {} if content is None else content


def _object(text: str, what: str, link: str) -> dict[str, Any]:
    if len(text) > LARGEST:
        raise WireError(what, f"it is longer than {LARGEST} characters", link=link)
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError(what, "it is no JSON", link=link) from None
    if not isinstance(message, dict):
        raise WireError(what, "it is no JSON object", link=link)
    return message


M = TypeVar("M", bound=BaseModel)


def _validated(model: type[M], content: object, what: str, link: str) -> M:
    try:
        return model.model_validate(content)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise WireError(what, "it is nested too deeply", link=link) from None
        # By place and reason only: what was sent may name a person.
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "its content"
    raise WireError(what, f"{place}: {first['msg']}", link=link)


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
