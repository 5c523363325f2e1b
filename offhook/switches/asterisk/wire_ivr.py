"""The requests to ARI that are about callers: to answer them, to refuse them."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from offhook.switches.asterisk.wire_requests import Request, channel_path


def answer(channel: str) -> Request:
    """Answer a channel; one that is answered already stays so."""
    return Request(
        method="POST", path=f"{channel_path(channel)}/answer", what="answer", may_be_done=True
    )


def refuse(channel: str) -> Request:
    """End a channel that wasn't answered as if the line were busy."""
    query = urlencode({"reason": "busy"})
    return Request(method="DELETE", path=f"{channel_path(channel)}?{query}", what="refuse")


def bridge_path(bridge: str) -> str:
    """Where a bridge is asked for."""
    return f"/bridges/{quote(bridge, safe='')}"
