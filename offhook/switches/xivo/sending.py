"""Sends a message on a WebSocket, and says for certain when nothing of it left this machine."""

from __future__ import annotations

import asyncio
from typing import cast

import aiohttp


class NeverLeft(Exception):
    """The connection had ended before a byte of a message could leave."""


async def send_at_once(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
    """Send a message; `NeverLeft` where it is certain that nothing of it went out.

    While nothing else waits to be written, a message is handed to the kernel at once. If that
    fails, or finds the transport closing after it, the kernel took nothing. With bytes waiting
    before it nothing is certain, and the error is the connection's.
    """
    transport = _transport(socket)
    calm = transport is None or not transport.get_write_buffer_size()
    try:
        await socket.send_str(text)
    except (ConnectionError, aiohttp.ClientError):
        if calm:
            raise NeverLeft from None
        raise
    if calm and transport is not None and transport.is_closing():
        raise NeverLeft


def _transport(socket: aiohttp.ClientWebSocketResponse) -> asyncio.WriteTransport | None:
    """What a WebSocket writes to; None when its connection is gone."""
    connection = socket._conn  # aiohttp says nowhere else what it writes to
    if connection is None or connection.transport is None:
        return None
    # uvloop's transports are no subclass of asyncio's, but have their methods.
    return cast(asyncio.WriteTransport, connection.transport)
