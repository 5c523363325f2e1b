"""What a stranger may cost the hook or the API before anybody has looked at what he says.

The server underneath keeps a request's head until it is whole, however long it grows and however
long it takes. Whoever can reach the port could fill memory with one endless address, or use up
every connection with half requests. So a head is bounded in size and in time, and connections in
number; each refusal is counted, and none is logged by itself.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from offhook.telemetry import counter

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers; an event has at most 8 KB."""
HEAD_WITHIN_S = 10.0
MAX_CONNECTIONS = 1_000

_REFUSED = counter(
    "dialer_hook_connections_refused_total",
    "Connections to the hook or the API that were ended before a request was whole, by reason.",
    labels=("reason",),
)


class GuardedProtocol(HttpToolsProtocol):
    """HTTP with bounds on the head of a request and on connections."""

    max_head: ClassVar[int] = MAX_HEAD
    head_within_s: ClassVar[float] = HEAD_WITHIN_S
    max_connections: ClassVar[int] = MAX_CONNECTIONS

    _head_timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._turn_away(503, "too_many")
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has grown too long."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.max_head:
            self._turn_away(431, "too_long")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Another request starts."""
        super().on_message_begin()
        if not self._in_head:
            self._head_bytes = 0
            self._expect_head()

    def on_headers_complete(self) -> Any:
        """The head is whole; the rest is the application's business."""
        self._in_head = False
        self._forget_timer()
        return super().on_headers_complete()

    def _expect_head(self) -> None:
        self._in_head = True
        self._head_timer = self.loop.call_later(self.head_within_s, self._too_slow)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._turn_away(408, "too_slow")

    def _turn_away(self, status: int, reason: str) -> None:
        """End the connection with a bare status."""
        self._forget_timer()
        if self.transport.is_closing():
            return
        _REFUSED.labels(reason).inc()
        self.transport.write(
            STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n"
        )
        self.transport.close()
