"""Requests about a channel that has just been made."""

import asyncio
from datetime import timedelta

from dialer.switching import SwitchRefused
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.wire_requests import Request

_TRIES = 10
_PAUSE = timedelta(milliseconds=50)


async def once_there(client: AriClient, request: Request) -> None:
    """Make a request as soon as its channel has reached our application; until then it is refused.

    Safe to repeat because a refused request did nothing.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            await client.command(request)
        except SwitchRefused:
            if attempt == _TRIES:
                raise
            await asyncio.sleep(_PAUSE.total_seconds())
        else:
            return
