"""Breaking a WebSocket, and keeping the record of what was on its way and is lost with it.

What a peer sent and nobody has read when a connection breaks is what a broken connection swallows:
the peer can't tell it from what was read. So that a test can, it is taken from the kernel first.
The connection ends with a reset, as it does when a machine or a network in between goes down.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterator

_CHUNK = 65_536
_TEXT, _MASKED, _FINAL = 0x1, 0x80, 0x80
_RESET = struct.pack("ii", 1, 0)


def cut_off(transport: asyncio.BaseTransport | None, lost: Callable[[str], None]) -> None:
    """Break a connection; `lost` is told each message that nobody has read, before the reset."""
    if transport is None or transport.is_closing():
        return
    shown = transport.get_extra_info("socket")
    if shown is None or shown.fileno() < 0:
        return
    held = socket.socket(fileno=os.dup(shown.fileno()))
    held.setblocking(False)
    transport.abort()  # type: ignore[attr-defined]  # every transport of a socket has it
    # Closed by then is the transport's own end, so that nobody but us reads what is left.
    asyncio.get_running_loop().call_soon(_finish, held, lost)


def _finish(held: socket.socket, lost: Callable[[str], None]) -> None:
    with held:
        for message in texts(_left(held)):
            lost(message)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _left(held: socket.socket) -> bytes:
    parts = []
    while True:
        try:
            part = held.recv(_CHUNK)
        except OSError:  # nothing more, or the peer was first to break it
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def texts(data: bytes) -> Iterator[str]:
    """The whole text messages among a client's frames (RFC 6455); ends where it isn't frames."""
    at = 0
    while at + 6 <= len(data):
        first, second = data[at], data[at + 1]
        size, at = second & 0x7F, at + 2
        if not second & _MASKED:
            return
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at : at + width]), at + width
        mask, body = data[at : at + 4], data[at + 4 : at + 4 + size]
        at += 4 + size
        if len(body) < size:
            return
        if first == _FINAL | _TEXT:
            plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
            yield plain.decode("utf-8", "replace")
