"""A listener for the events of a VOIspeed PBX, and the few requests its tests make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from aiohttp import web

from offhook.simulator.config import GATEWAY, HOLD_IVR, RECEPTION_IVR
from offhook.simulator.serve import Simulator
from offhook.switches.voispeed import wire

GATEWAY_REF = wire.EntityRef(wire.EntityType.gateway, GATEWAY)
RECEPTION = wire.EntityRef(wire.EntityType.ivr, RECEPTION_IVR)
HOLD = wire.EntityRef(wire.EntityType.ivr, HOLD_IVR)


def agent(user_id: str = "101") -> wire.EntityRef:
    """The coordinates of a user."""
    return wire.EntityRef(wire.EntityType.user, user_id)


def customer_call(
    number: str,
    extid: str,
    *,
    called: wire.EntityRef = RECEPTION,
    ring_timeout: timedelta | None = None,
) -> wire.CallRequestExt:
    """The order to dial a customer and let them wait at the reception."""
    return wire.CallRequestExt(
        calling=GATEWAY_REF,
        calling_number=number,
        called=called,
        called_number="0800",
        extid=extid,
        ring_timeout=ring_timeout,
    )


def agent_call(extid: str, user_id: str = "101") -> wire.CallRequestExt:
    """The order to park an agent."""
    return wire.CallRequestExt(
        calling=agent(user_id),
        calling_number="0800",
        called=HOLD,
        called_number="201",
        extid=extid,
        auto_answer=wire.AutoAnswer.calling,
    )


@dataclass
class Listener:
    """Everything that was told, in the order it came."""

    url: str = ""
    status: int = 204
    events: list[wire.AnyEvent] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Take one event."""
        self.events.append(wire.parse_event_query(request.query_string))
        self._news.set()
        return web.Response(status=self.status)

    def of(self, extid: str) -> list[wire.Event]:
        """What was told about one of our calls."""
        return [
            event for event in self.events if isinstance(event, wire.Event) and event.extid == extid
        ]

    def names(self, extid: str) -> list[str]:
        """The names of the events about one of our calls."""
        return [event.code.name for event in self.of(extid)]

    async def until(self, told: Callable[[], object]) -> None:
        """Wait until `told` holds; fails after 10 s with what was told."""
        try:
            async with asyncio.timeout(10):
                while not told():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not told; only {self.events}") from None

    async def until_told(self, extid: str, name: str, times: int = 1) -> None:
        """Wait until an event about one of our calls came so many times."""
        await self.until(lambda: self.names(extid).count(name) >= times)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A listener on a free port."""
    listener = Listener()
    server = web.Server(listener.handle, access_log=None)
    loop = asyncio.get_running_loop()
    sock = await loop.create_server(server, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{sock.sockets[0].getsockname()[1]}/events/secret"
    try:
        yield listener
    finally:
        sock.close()
        await server.shutdown(0.05)


@dataclass(frozen=True)
class Caller:
    """Asks a simulator for services and controls."""

    http: httpx.AsyncClient
    simulator: Simulator

    async def ask(self, request: wire.Request) -> bytes:
        """The body of the reply to a service request."""
        params = {**request.to_params(), "token": self.simulator.config.token}
        return (await self.http.get(self.simulator.url, params=params)).content

    async def order(self, request: wire.Request) -> str:
        """The id under which an order was accepted."""
        reply = wire.parse_command_reply(await self.ask(request))
        assert isinstance(reply, wire.Accepted), reply
        assert reply.request_id
        return reply.request_id

    async def control(self, path: str, body: object = None, method: str = "POST") -> httpx.Response:
        """The answer of the control plane."""
        url = f"{self.simulator.control_url}/{path}"
        return await self.http.request(method, url, json=body)

    async def record(self, extid: str) -> dict[str, object]:
        """What really happened to one of our calls."""
        answer = (await self.control("record", method="GET")).json()
        found: list[dict[str, object]] = [
            call for call in answer["calls"] if call["extid"] == extid
        ]
        assert len(found) == 1
        return found[0]
