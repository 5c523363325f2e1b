"""A small HTTP and WebSocket proxy that lies: between an adapter and a real PBX.

What the PBX itself can't be made to do on demand is done here, on real sockets: a reply that is
slow, wrong, cut short or never comes, a request that is refused, events that get lost, come twice
or late. Everything else passes through unchanged.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

HELD_BACK_S = 0.05


class Wrong(StrEnum):
    """What a request meets."""

    server_error = "server_error"
    web_page = "web_page"
    reset = "reset"
    half_reply = "half_reply"
    """The PBX acts; half its answer arrives."""
    silence_after_acting = "silence_after_acting"
    slow = "slow"
    refusal = "refusal"


class Mistreat(StrEnum):
    """What happens to an event."""

    drop = "drop"
    duplicate = "duplicate"
    reorder = "reorder"


Matches = Callable[[str, str], bool]
"""Method and path."""
About = Callable[[dict[str, Any]], bool]


@dataclass
class FaultProxy:
    """Passes on, counts, and lies when told to."""

    target: str
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests that were passed on, by what `kind` calls them."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same by method and path."""
    kind: Callable[[str, str], str] = field(default=lambda method, path: f"{method} {path}")
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _faults: list[tuple[Matches, Wrong]] = field(default_factory=list)
    _lies: list[tuple[About, Mistreat]] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None
    _runner: web.ServerRunner | None = None

    def next(self, matches: Matches, wrong: Wrong) -> None:
        """Let the next request that matches fail."""
        self._faults.append((matches, wrong))

    def lie(self, about: About, how: Mistreat) -> None:
        """Mistreat every event that matches from now on."""
        self._lies.append((about, how))

    async def cut(self) -> None:
        """Cut every event socket."""
        for socket in list(self.sockets):
            await socket.close()

    async def stop(self) -> None:
        """Listen no more: whoever connects is refused."""
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._relay(request)
        wrong = self._fault(request.method, request.path)
        match wrong:
            case Wrong.server_error:
                return web.Response(status=500, text="no")
            case Wrong.web_page:
                return web.Response(text="<html>hello</html>", content_type="text/html")
            case Wrong.refusal:
                return web.json_response({"message": "No, thank you"}, status=400)
            case Wrong.reset:
                _abort(request)
                return web.Response()
            case Wrong.slow:
                await asyncio.sleep(0.1)
            case _:
                pass
        return await self._pass_on(request, wrong)

    def _fault(self, method: str, path: str) -> Wrong | None:
        for index, (matches, wrong) in enumerate(self._faults):
            if matches(method, path):
                del self._faults[index]
                return wrong
        return None

    async def _pass_on(self, request: web.BaseRequest, wrong: Wrong | None) -> web.StreamResponse:
        assert self._session is not None
        self.asked[self.kind(request.method, request.path)] += 1
        self.requests[request.method, request.path] += 1
        async with self._session.request(
            request.method,
            URL(f"{self.target}{request.raw_path}", encoded=True),
            data=await request.read(),
            headers=_passed(request),
        ) as reply:
            body = await reply.read()
        if wrong is Wrong.silence_after_acting:
            await asyncio.sleep(3600)
        if wrong is Wrong.half_reply:
            return await _half(request, reply.status, body)
        return web.Response(status=reply.status, body=body, content_type=reply.content_type or None)

    async def _relay(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._session is not None
        ours = web.WebSocketResponse()
        await ours.prepare(request)
        theirs = await self._session.ws_connect(
            URL(f"{self.target}{request.raw_path}", encoded=True), headers=_passed(request)
        )
        self.sockets.append(ours)
        forward = asyncio.create_task(self._forward(theirs, ours))
        try:
            async for _ in ours:
                pass
        finally:
            self.sockets.remove(ours)
            forward.cancel()
            with suppress(asyncio.CancelledError):
                await forward
            await theirs.close()
        return ours

    async def _forward(
        self, theirs: aiohttp.ClientWebSocketResponse, ours: web.WebSocketResponse
    ) -> None:
        late: list[str] = []
        while True:
            try:
                async with asyncio.timeout(HELD_BACK_S if late else None):
                    message = await theirs.receive()
            except TimeoutError:
                for text in reversed(late):
                    await ours.send_str(text)
                late.clear()
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                await ours.close()
                return
            how = self._mistreatment(message.data)
            if how is Mistreat.reorder:
                late.append(message.data)
                continue
            for _ in range({None: 1, Mistreat.drop: 0}.get(how, 2)):
                await ours.send_str(message.data)

    def _mistreatment(self, text: str) -> Mistreat | None:
        event = json.loads(text)
        return next((how for about, how in self._lies if about(event)), None)


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _passed(request: web.BaseRequest) -> dict[str, str]:
    return {
        name: request.headers[name]
        for name in ("Authorization", "Content-Type")
        if name in request.headers
    }


async def _half(request: web.BaseRequest, status: int, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Length": str(len(body) + 64)})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _abort(request)
    return response


@asynccontextmanager
async def fault_proxy(target: str) -> AsyncIterator[FaultProxy]:
    """A proxy to `target` (an origin) on a free port."""
    proxy = FaultProxy(target)
    runner = web.ServerRunner(web.Server(proxy.handle, access_log=None), shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as session:
            proxy._session, proxy._runner = session, runner
            yield proxy
    finally:
        await runner.cleanup()
