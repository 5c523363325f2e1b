"""When it is certain that a message never left."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest

from offhook.switches.xivo.sending import NeverLeft, send_at_once


@dataclass
class Transport:
    """What a WebSocket writes to."""

    waiting: int = 0
    closing: bool = False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing


@dataclass
class Connection:
    transport: Transport | None


@dataclass
class Socket:
    """A WebSocket that raises, or whose transport the kernel refuses."""

    transport: Transport | None = field(default_factory=Transport)
    raises: Exception | None = None
    refused: bool = False

    @property
    def _conn(self) -> Connection:
        return Connection(self.transport)

    async def send_str(self, _text: str) -> None:
        if self.raises is not None:
            raise self.raises
        if self.refused and self.transport is not None:
            self.transport.closing = True

    def send(self) -> None:
        asyncio.run(send_at_once(cast(aiohttp.ClientWebSocketResponse, self), "{}"))


RESET = aiohttp.ClientConnectionResetError("Cannot write to closing transport")


def test_message_is_sent_on_a_good_connection() -> None:
    Socket().send()


@pytest.mark.parametrize(
    "socket", [Socket(raises=RESET), Socket(refused=True), Socket(transport=None, raises=RESET)]
)
def test_message_never_left_where_nothing_waited_before_it_and_it_failed(socket: Any) -> None:
    with pytest.raises(NeverLeft):
        socket.send()


def test_nothing_is_certain_while_bytes_wait_before_it() -> None:
    with pytest.raises(ConnectionResetError):
        Socket(transport=Transport(waiting=5), raises=RESET).send()
    Socket(transport=Transport(waiting=5), refused=True).send()
