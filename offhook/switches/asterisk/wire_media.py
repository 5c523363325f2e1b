"""The requests to ARI that are about sound: dialplan, recordings, snooping and playing."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from offhook.switches.asterisk.wire_requests import Request, channel_path

FORMAT = "wav"
"""8 kHz, 16 bit, mono: what telephony has, and everything plays."""


def leave_for_dialplan(channel: str, *, context: str, extension: str) -> Request:
    """Send a channel from our application to a place in the dialplan."""
    query = urlencode({"context": context, "extension": extension, "priority": 1})
    path = f"{channel_path(channel)}/continue?{query}"
    return Request(method="POST", path=path, what="leave_for_dialplan")


def set_variable(channel: str, *, name: str, value: str) -> Request:
    """Give a channel a variable; sent as a document, because values may be private."""
    return Request(
        method="POST",
        path=f"{channel_path(channel)}/variable",
        document={"variable": name, "value": value},
        what="set_variable",
    )


def variable_path(channel: str, expression: str) -> str:
    """Where a variable or function of a channel is asked for."""
    return f"{channel_path(channel)}/variable?{urlencode({'variable': expression})}"


def create(channel: str, *, endpoint: str, app: str) -> Request:
    """Make a channel that isn't dialled."""
    query = urlencode({"endpoint": endpoint, "app": app, "channelId": channel})
    return Request(method="POST", path=f"/channels/create?{query}", what="create_channel")


def snoop(channel: str, *, snoop_id: str, app: str, whisper: bool, args: str) -> Request:
    """Make a channel that hears both sides of another one, and may speak to its party."""
    query = urlencode(
        {"spy": "both", "whisper": "out" if whisper else "none", "app": app, "appArgs": args}
    )
    path = f"{channel_path(channel)}/snoop/{quote(snoop_id, safe='')}?{query}"
    return Request(method="POST", path=path, what="snoop")


def record(channel: str, *, name: str) -> Request:
    """Write what a channel hears to a new file."""
    query = urlencode({"name": name, "format": FORMAT, "ifExists": "fail"})
    path = f"{channel_path(channel)}/record?{query}"
    return Request(method="POST", path=path, what="record")


def stop_recording(name: str) -> Request:
    """End a recording and keep its file."""
    return Request(method="POST", path=f"{_live(name)}/stop", what="stop_recording")


def pause_recording(name: str) -> Request:
    """Write nothing until it goes on."""
    return Request(method="POST", path=f"{_live(name)}/pause", what="pause_recording")


def resume_recording(name: str) -> Request:
    """Write again."""
    return Request(method="DELETE", path=f"{_live(name)}/pause", what="resume_recording")


def delete_recording(name: str) -> Request:
    """Delete a file."""
    return Request(method="DELETE", path=stored_path(name), what="delete_recording")


def play_list(channel: str, *, media: Sequence[str], playback: str) -> Request:
    """Play several things to a channel, one after the other, as one playback."""
    query = urlencode({"media": ",".join(media)})
    path = f"{channel_path(channel)}/play/{quote(playback, safe='')}?{query}"
    return Request(method="POST", path=path, what="play")


def stop_playback(playback: str) -> Request:
    """End a playback."""
    path = f"/playbacks/{quote(playback, safe='')}"
    return Request(method="DELETE", path=path, what="stop_playback")


def stored_path(name: str) -> str:
    """Where a finished recording is asked for."""
    return f"/recordings/stored/{quote(name, safe='')}"


def _live(name: str) -> str:
    return f"/recordings/live/{quote(name, safe='')}"
