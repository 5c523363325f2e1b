"""The requests that offhook makes of ARI; each is one HTTP request that changes something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlencode

from offhook.switches.asterisk.wire import EVENTS

EVERYTHING = ("channel:", "bridge:", "endpoint:")
"""Event sources: all of a kind. `subscribeAll` would do the same, and can block the application for
ever when its socket is closed (asterisk/asterisk#2170)."""


ARGUMENTS = "OFFHOOK_ARGS"
"""Channel variable: what the application is to be told of a channel that the dialplan gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A method, a path below `/ari`, and a document."""

    method: str
    path: str
    document: Mapping[str, object] | None = field(default=None, repr=False)
    what: str
    """Names it in errors and log lines."""
    may_be_done: bool = False
    """A refusal may mean that it was done before, and what follows may be tried."""

    @property
    def body(self) -> bytes | None:
        """The document as it is sent."""
        return None if self.document is None else json.dumps(self.document).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the dialplan, at its first priority."""

    context: str
    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Originate:
    """A channel to make: whom to call, and what for."""

    channel_id: str
    other_channel_id: str = ""
    """Of the other end of a `Local` channel."""
    endpoint: str
    app: str
    args: str
    timeout: timedelta
    caller_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    hold: Place | None = None
    """Where in the dialplan an answered channel begins; None is right in the application."""

    def request(self) -> Request:
        """As ARI takes it; numbers travel in the document, not in the address that is logged."""
        document: dict[str, object] = {
            "endpoint": self.endpoint,
            # Whole seconds, and 0 would mean at once.
            "timeout": max(1, round(self.timeout.total_seconds())),
        }
        variables = dict(self.variables)
        if self.hold is None:
            document |= {"app": self.app, "appArgs": self.args}
        else:
            document |= {"context": self.hold.context, "extension": self.hold.extension}
            variables[ARGUMENTS] = self.args
        if self.other_channel_id:
            document["otherChannelId"] = self.other_channel_id
        if self.caller_id:
            document["callerId"] = self.caller_id
        if variables:
            document["variables"] = variables
        path = f"/channels/{_segment(self.channel_id)}"
        return Request(method="POST", path=path, document=document, what="originate")


def headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The channel variables by which a call gets SIP headers."""
    return {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}


def hang_up(channel: str) -> Request:
    """End a channel, ringing or answered."""
    return Request(method="DELETE", path=f"/channels/{_segment(channel)}", what="hang_up")


def make_bridge(bridge: str, *, name: str) -> Request:
    """Make a bridge in which channels hear each other; refused where it is there already."""
    query = urlencode({"type": "mixing", "name": name})
    path = f"/bridges/{_segment(bridge)}?{query}"
    return Request(method="POST", path=path, what="make_bridge", may_be_done=True)


def add_channel(bridge: str, channel: str) -> Request:
    """Put a channel into a bridge, out of the one where it is."""
    query = urlencode({"channel": channel})
    path = f"/bridges/{_segment(bridge)}/addChannel?{query}"
    return Request(method="POST", path=path, what="add_channel")


def destroy_bridge(bridge: str) -> Request:
    """Take a bridge apart; whoever was in it waits alone."""
    return Request(method="DELETE", path=f"/bridges/{_segment(bridge)}", what="destroy_bridge")


def play(channel: str, *, media: str, playback: str) -> Request:
    """Play media to a channel."""
    query = urlencode({"media": media})
    path = f"/channels/{_segment(channel)}/play/{_segment(playback)}?{query}"
    return Request(method="POST", path=path, what="play")


def start_music(channel: str, *, music: str) -> Request:
    """Play a class of music on hold to a channel alone."""
    query = urlencode({"mohClass": music})
    path = f"/channels/{_segment(channel)}/moh?{query}"
    return Request(method="POST", path=path, what="start_music")


def stop_music(channel: str) -> Request:
    """End the music of a channel."""
    return Request(method="DELETE", path=f"/channels/{_segment(channel)}/moh", what="stop_music")


def start_ringing(channel: str) -> Request:
    """Let an answered channel hear that somebody is being rung."""
    path = f"/channels/{_segment(channel)}/ring"
    return Request(method="POST", path=path, what="start_ringing")


def stop_ringing(channel: str) -> Request:
    """Let it hear that no longer."""
    return Request(method="DELETE", path=f"/channels/{_segment(channel)}/ring", what="stop_ringing")


def subscribe(app: str) -> Request:
    """Have the application told of every channel, bridge and endpoint."""
    query = urlencode({"eventSource": ",".join(EVERYTHING)})
    path = f"/applications/{_segment(app)}/subscription?{query}"
    return Request(method="POST", path=path, what="subscribe")


def filter_events(app: str) -> Request:
    """Have only the events sent that mean something here."""
    return Request(
        method="PUT",
        path=f"/applications/{_segment(app)}/eventFilter",
        document={"allowed": [{"type": name} for name in EVENTS]},
        what="filter_events",
    )


def channel_path(channel: str) -> str:
    """Where a channel is asked for."""
    return f"/channels/{_segment(channel)}"


def playback_path(playback: str) -> str:
    """Where a playback is asked for."""
    return f"/playbacks/{_segment(playback)}"


def application_path(app: str) -> str:
    """Where an application is asked for."""
    return f"/applications/{_segment(app)}"


def sound_path(sound: str) -> str:
    """Where a sound of the PBX is asked for."""
    return f"/sounds/{_segment(sound)}"


def _segment(text: str) -> str:
    return quote(text, safe="")
