"""The listening socket of a simulated PBX: opened, cut, gone for a while, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

_SHUTDOWN_S = 0.05  # aiohttp takes 0 for "wait for ever"
_WAITING = 512
"""Connections that may wait to be accepted."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Door:
    """Where requests come in; port 0 takes a free one, and keeps it over `go_away`."""

    def __init__(self, handler: Handler, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._web = web.Server(handler, access_log=None)
        self._server: asyncio.Server | None = None
        self._coming_back: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://{self.host}:{self.port}"

    async def open(self) -> None:
        """Listen; raises `OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._web, self.host, self.port, reuse_address=True, backlog=_WAITING
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and end what is open."""
        if self._coming_back is not None:
            self._coming_back.cancel()
            await asyncio.gather(self._coming_back, return_exceptions=True)
        self._stop_listening()
        self.cut()
        await self._web.shutdown(_SHUTDOWN_S)

    def cut(self) -> None:
        """Break every connection without a word."""
        for connection in self._web.connections:
            if connection.transport is not None:
                connection.transport.abort()

    def go_away(self, down_s: float) -> None:
        """Be unreachable for `down_s` real seconds."""
        self._stop_listening()
        self.cut()
        self._coming_back = asyncio.get_running_loop().create_task(self._come_back(down_s))

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _come_back(self, down_s: float) -> None:
        await asyncio.sleep(down_s)
        await self.open()
