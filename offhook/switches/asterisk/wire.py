"""ARI's messages, typed: what Asterisk lists, and the events of its WebSocket.

After the interface's own description (`/ari/api-docs`) and what Asterisk 22.10 and 16.28 were seen
to send. Fields that this release doesn't know are kept on the model, an event of an unknown type is
an `Event` with all its fields, and a message that can't be read is a `WireError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_EVENT = 256 * 1024
"""Characters; Asterisk's events are one or two thousand."""

Id = Annotated[str, Field(max_length=400)]


class WireError(ValueError):
    """A message is not what ARI sends: what is wrong, where in it, and on which link."""

    code = "asterisk_wire_error"

    def __init__(self, what: str, *, where: str, link: str) -> None:
        super().__init__(f"link {link}: {where}: {what}")
        self.what = what
        self.where = where
        self.link = link


class Message(BaseModel):
    """Anything that Asterisk says; what we don't know of it is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class ChannelState(StrEnum):
    """The states of a channel that mean something here; others are kept as text."""

    down = "Down"
    ring = "Ring"
    ringing = "Ringing"
    up = "Up"


class Dialplan(Message):
    """Where a channel is in the dialplan."""

    context: str = ""
    exten: str = ""
    app_name: str = ""
    """`Stasis` while an ARI application holds it."""
    app_data: str = ""


class Party(Message):
    """A name and number."""

    name: str = ""
    number: str = ""


class Channel(Message):
    """One leg of a call."""

    id: Id
    name: str = ""
    """Technology, endpoint and a counter: `PJSIP/carrier-0000002a`."""
    state: str = ""
    caller: Party = Party()
    dialplan: Dialplan = Dialplan()
    creationtime: datetime | None = None

    @property
    def up(self) -> bool:
        """Whether it is answered."""
        return self.state == ChannelState.up

    @property
    def endpoint(self) -> str:
        """The technology and endpoint, without the counter."""
        return self.name.rpartition("-")[0]

    @property
    def in_stasis(self) -> bool:
        """Whether an ARI application holds it, as far as Asterisk says."""
        return self.dialplan.app_name == "Stasis"


class Bridge(Message):
    """Channels that hear each other."""

    id: Id
    name: str = ""
    technology: str = ""
    bridge_type: str = ""
    channels: tuple[Id, ...] = ()


class Playback(Message):
    """A sound being played."""

    id: Id
    media_uri: str = ""
    target_uri: str = ""
    state: str = ""


class LiveRecording(Message):
    """A recording in progress or just done."""

    name: str
    target_uri: str = ""
    state: str = ""
    cause: str = ""


class Endpoint(Message):
    """Something that can be called, as the PBX is configured."""

    technology: str
    resource: str
    state: str | None = None
    channel_ids: tuple[Id, ...] = ()

    @property
    def address(self) -> str:
        """As it is dialled."""
        return f"{self.technology}/{self.resource}"


class Application(Message):
    """A Stasis application that somebody is connected for."""

    name: str
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()


class Module(Message):
    """A loadable module of Asterisk."""

    name: str
    status: str = ""


class System(Message):
    """What Asterisk is."""

    version: str = ""


class Info(Message):
    """What `GET /asterisk/info` says."""

    system: System = System()


class Problem(Message):
    """The body of a refusal."""

    message: str = ""
    error: str = ""


class Event(Message):
    """Anything that happened."""

    type: str
    application: str = ""
    timestamp: datetime | None = None


class ChannelEvent(Event):
    """Something about one channel."""

    channel: Channel


class ChannelCreated(ChannelEvent):
    """A channel was made."""


class ChannelStateChange(ChannelEvent):
    """A channel rings or is up."""


class ChannelHangupRequest(ChannelEvent):
    """Somebody ends a channel: its own device, or (`soft`) Asterisk on somebody's order."""

    cause: int | None = None
    soft: bool = False
    tech_cause: int | None = None


class ChannelDestroyed(ChannelEvent):
    """A channel is gone."""

    cause: int = 0
    cause_txt: str = ""
    tech_cause: int | None = None
    """The SIP code that ended it; since Asterisk 22."""


class StasisStart(ChannelEvent):
    """A channel came to our application; `args` say why."""

    args: tuple[str, ...] = ()


class StasisEnd(ChannelEvent):
    """A channel left our application."""


class ChannelEnteredBridge(ChannelEvent):
    """A channel is in a bridge now; `bridge.channels` counts it."""

    bridge: Bridge


class ChannelLeftBridge(ChannelEvent):
    """A channel is in a bridge no more; `bridge.channels` are those who stayed."""

    bridge: Bridge


class ChannelDtmfReceived(ChannelEvent):
    """Somebody pressed a key."""

    digit: str = ""
    duration_ms: int = 0


class ChannelTalkingStarted(ChannelEvent):
    """Somebody began to speak (with talk detection on)."""


class ChannelTalkingFinished(ChannelEvent):
    """Somebody stopped speaking."""

    duration: int = 0


class Dial(Event):
    """How the dialling of a channel goes."""

    peer: Channel
    dialstatus: str = ""


class PlaybackStarted(Event):
    """A sound begins."""

    playback: Playback


class PlaybackFinished(Event):
    """A sound is over, stopped or impossible."""

    playback: Playback


class RecordingEvent(Event):
    """A recording started, finished or failed."""

    recording: LiveRecording


class RecordingStarted(RecordingEvent):
    """A recording began."""


class RecordingFinished(RecordingEvent):
    """A recording is stored."""


class RecordingFailed(RecordingEvent):
    """A recording could not be made."""


class ApplicationReplaced(Event):
    """Somebody else connected with our application's name, and gets its events now."""


EVENTS: Mapping[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        ChannelCreated, ChannelStateChange, ChannelHangupRequest, ChannelDestroyed, StasisStart,
        StasisEnd, ChannelEnteredBridge, ChannelLeftBridge, ChannelDtmfReceived,
        ChannelTalkingStarted, ChannelTalkingFinished, Dial, PlaybackStarted, PlaybackFinished,
        RecordingStarted, RecordingFinished, RecordingFailed, ApplicationReplaced,
    )
}  # fmt: skip
"""The events that are asked for; Asterisk has others, about things that are none of dialing's."""

CHANNELS = TypeAdapter(tuple[Channel, ...])
BRIDGES = TypeAdapter(tuple[Bridge, ...])
ENDPOINTS = TypeAdapter(tuple[Endpoint, ...])
MODULES = TypeAdapter(tuple[Module, ...])
_DOCUMENT: TypeAdapter[object] = TypeAdapter(object)

T = TypeVar("T")


def parse_event(text: str | bytes, link: str = "asterisk") -> Event:
    """The event in a message of the WebSocket, or in what was stored of one."""
    if len(text) > MAX_EVENT:
        raise WireError("longer than an event can be", where="event", link=link)
    try:
        found = _DOCUMENT.validate_json(text)
    except ValueError as error:
        raise WireError("not JSON", where="event", link=link) from error
    kind = found.get("type") if isinstance(found, dict) else None
    cls = EVENTS.get(kind, Event) if isinstance(kind, str) else Event
    try:
        return cls.model_validate(found)
    except ValidationError as error:
        raise _unreadable(error, "event", link) from error


def parse(adapter: TypeAdapter[T], body: bytes, *, where: str, link: str = "asterisk") -> T:
    """The body of a reply."""
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise _unreadable(error, where, link) from error


def problem(body: bytes) -> str:
    """Why Asterisk refused, in its words, or nothing when it gave no reason."""
    try:
        said = Problem.model_validate_json(body)
    except ValidationError:
        return ""
    return said.message or said.error


def _unreadable(error: ValidationError, where: str, link: str) -> WireError:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return WireError(first["msg"], where=f"{where} {place}".strip(), link=link)
