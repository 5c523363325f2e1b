"""Events as HTTP GETs: in order within a call, at once across calls, over a few kept connections.

A general client costs several times what the whole PBX does, so this one knows only what a listener
of events needs: GET, keep-alive, a status and a body to skip.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

_RETRY_DELAY_S = 0.2


@dataclass(slots=True, eq=False)
class _Chain:
    """The events of one call that still have to go out."""

    waiting: deque[str] = field(default_factory=deque)
    tries: int = 0
    busy: bool = False


class _Connection(asyncio.Protocol):
    """One kept connection; tells its sender the status of each answer, 0 for none."""

    def __init__(self, sender: EventSender) -> None:
        self._sender = sender
        self.transport: asyncio.Transport | None = None
        self.chain: _Chain | None = None
        self.used = False
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's, so an isinstance check would lie.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, chain: _Chain, head: bytes, timeout: float) -> None:
        self.chain = chain
        self._buffer = b""
        self._timer = asyncio.get_running_loop().call_later(timeout, self._give_up)
        if self.transport is not None:
            self.transport.write(head)

    def data_received(self, data: bytes) -> None:
        if self.chain is None:
            return
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        if not _whole(head, self._buffer[end + 4 :]):
            return
        status = int(head[9:12]) if head[9:12].isdigit() else 0
        self.used = True
        self._finish(status, keep=status > 0 and b"\r\nconnection: close" not in head)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.chain is not None:
            self._finish(0, keep=False)
        else:
            self._sender.forget(self)

    def _give_up(self) -> None:
        self.used = False  # a slow listener is no stale connection: don't send again for free
        if self.transport is not None:
            self.transport.abort()

    def _finish(self, status: int, *, keep: bool) -> None:
        chain, self.chain = self.chain, None
        if self._timer is not None:
            self._timer.cancel()
        if chain is None:
            return
        if not keep and self.transport is not None:
            self.transport.close()
        stale = status == 0 and self.used and not self._buffer
        self._sender.finished(self, chain, status, keep=keep, stale=stale)


def _whole(head: bytes, body: bytes) -> bool:
    """Whether the body that `head` announces has come; one it doesn't announce is none."""
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    mark = head.find(b"\r\ncontent-length:")
    if mark < 0:
        return True
    length = head[mark + 17 :].split(b"\r\n", 1)[0].strip()
    return not length.isdigit() or len(body) >= int(length[:12])


class EventSender:
    """Sends queries to one URL."""

    def __init__(self, url: str, *, connections: int, timeout: float, retries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http address; give one like http://127.0.0.1:8000/x")
        self.url = url
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        base = parts.path or "/"
        self._before = f"GET {base}?{parts.query + '&' if parts.query else ''}".encode()
        self._after = f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n\r\n".encode()
        self._most = connections
        self._timeout = timeout
        self._retries = retries
        self._chains: dict[str, _Chain] = {}
        self._keys: dict[int, str] = {}
        self._ready: deque[_Chain] = deque()
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.counts: Counter[str] = Counter()

    def send(self, key: str, query: str) -> None:
        """Queue one event of the call `key`."""
        self._quiet.clear()
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = _Chain()
            self._keys[id(chain)] = key
        chain.waiting.append(query)
        if not chain.busy and len(chain.waiting) == 1:
            self._ready.append(chain)
        self._pump()

    async def drained(self) -> None:
        """Everything queued so far was sent or given up."""
        await self._quiet.wait()

    async def close(self) -> None:
        """Drop what is queued and every connection."""
        self._chains.clear()
        self._keys.clear()
        self._ready.clear()
        self._quiet.set()
        for task in list(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in list(self._all):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)

    def _pump(self) -> None:
        while self._ready and self._idle:
            connection = self._idle.pop()
            if connection.transport is None or connection.transport.is_closing():
                self._all.discard(connection)
                continue
            self._start(connection, self._ready.popleft())
        room = self._most - len(self._all) - len(self._opening)
        for _ in range(min(room, len(self._ready) - len(self._opening))):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opened)

    def _start(self, connection: _Connection, chain: _Chain) -> None:
        chain.busy = True
        query = chain.waiting[0].encode("ascii", "replace")
        connection.send(chain, self._before + query + self._after, self._timeout)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError):
            self.counts["unreachable"] += 1
            if self._ready:
                self._failed(self._ready.popleft())
            return
        self._all.add(connection)
        self._idle.append(connection)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._pump()

    def forget(self, connection: _Connection) -> None:
        """An idle connection is gone."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def finished(
        self, connection: _Connection, chain: _Chain, status: int, *, keep: bool, stale: bool
    ) -> None:
        """A connection has its answer, or lost it; `stale` when it may have been closed before."""
        chain.busy = False
        if keep and connection.transport is not None:
            self._idle.append(connection)
        else:
            self._all.discard(connection)
        if 200 <= status < 300:
            self.counts["delivered"] += 1
            self._next(chain)
        elif stale:
            self._ready.appendleft(chain)
        else:
            self.counts["refused" if status else "unanswered"] += 1
            self._failed(chain)
        self._pump()

    def _failed(self, chain: _Chain) -> None:
        if chain.tries < self._retries:
            chain.tries += 1
            chain.busy = True
            loop = asyncio.get_running_loop()
            loop.call_later(_RETRY_DELAY_S * 2 ** (chain.tries - 1), self._again, chain)
            return
        self.counts["lost"] += 1
        self._next(chain)

    def _again(self, chain: _Chain) -> None:
        chain.busy = False
        if id(chain) in self._keys:
            self._ready.append(chain)
            self._pump()

    def _next(self, chain: _Chain) -> None:
        chain.tries = 0
        if chain.waiting:
            chain.waiting.popleft()
        if chain.waiting:
            self._ready.append(chain)
            return
        key = self._keys.pop(id(chain), None)
        if key is not None:
            del self._chains[key]
        if not self._chains:
            self._quiet.set()
