"""A simulated PBX on a real socket: in-process for tests and benchmarks, or as a command.

async with running_simulator(SimulatorConfig(events_urls=(url,))) as sim:
    ...  # sim.url takes services, sim.control_url scripts people and faults
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from offhook.simulator.clock import LoopClock
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.control import PREFIX, ControlPlane
from offhook.simulator.door import Door
from offhook.simulator.faults import SERVICE_FAULTS, Fault, FaultBook, FaultKind
from offhook.simulator.sender import EventSender
from offhook.simulator.voispeed import VoispeedFace
from offhook.simulator.voispeed_ivr import Responders
from offhook.simulator.voispeed_ivr_control import ivr_controls
from offhook.switches.voispeed import wire

ENDPOINT = "/PBX/seri_endpoint.php"
_HANG_S = 300.0
_XML = {"Content-Type": "text/xml; charset=UTF-8"}

log = structlog.get_logger()


class Simulator:
    """One simulated VOIspeed PBX; start and stop it with `running_simulator`."""

    def __init__(self, config: SimulatorConfig, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.config = config
        self.clock = LoopClock(config.speed)
        self.faults = FaultBook(config.seed)
        self.senders: list[EventSender] = []
        self.face = self._new_face()
        self.responders = self._new_responders()
        self._control = ControlPlane(self, ivr_controls(lambda: self.responders))
        self._door = Door(self._handle, host, port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._door.port

    @property
    def url(self) -> str:
        """Where services are asked for."""
        return f"{self._door.url}{ENDPOINT}"

    @property
    def control_url(self) -> str:
        """Where the simulator itself takes orders."""
        return f"{self._door.url}{PREFIX.rstrip('/')}"

    async def start(self) -> None:
        """Listen."""
        await self.set_events_urls(self.config.events_urls)
        await self._door.open()

    async def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        self._forget_calls()
        await self.responders.close()
        await self._door.close()
        for sender in self.senders:
            await sender.close()

    async def set_events_urls(self, urls: Sequence[str]) -> None:
        """Send events to these addresses from now on."""
        senders = [
            EventSender(
                url,
                connections=self.config.event_connections,
                timeout=self.config.event_timeout_s,
                retries=self.config.event_retries,
            )
            for url in urls
        ]
        old, self.senders = self.senders, senders
        for sender in old:
            await sender.close()

    async def drained(self) -> None:
        """Every event so far was delivered or given up."""
        for sender in self.senders:
            await sender.drained()

    def restart(self, down_s: float) -> None:
        """Lose every call without a word and be unreachable for `down_s` real seconds."""
        self.face.pbx.restart()
        self._door.go_away(down_s)

    def cut(self) -> None:
        """Break every connection; calls go on."""
        self._door.cut()

    async def reset(self) -> None:
        """A new PBX: no calls, no record, no faults, no scripts beyond the configured ones."""
        self._forget_calls()
        self.faults.clear()
        self.faults.struck.clear()
        self.face = self._new_face()
        await self.responders.close()
        self.responders = self._new_responders()

    def counters(self) -> dict[str, object]:
        """What was asked, told, delivered and broken so far."""
        deliveries: dict[str, int] = {}
        for sender in self.senders:
            for name, count in sender.counts.items():
                deliveries[name] = deliveries.get(name, 0) + count
        pbx = self.face.pbx
        return {
            **pbx.recorder.summary(),
            "current_calls": len(pbx.calls),
            "services": dict(self.face.services),
            "events": dict(self.face.events),
            "deliveries": deliveries,
            "faults": dict(self.faults.struck),
        }

    def _new_face(self) -> VoispeedFace:
        return VoispeedFace(self.config, self.clock, self.faults, send=self._send)

    def _new_responders(self) -> Responders:
        return Responders(
            self.face.dialect,
            speed=self.config.speed,
            domain=self.config.domain,
            ended=self._caller_ended,
        )

    def _caller_ended(self, call_id: str) -> None:
        """Tell, as of every communication, that it is over."""
        over = wire.CallTerminated(
            call_id=call_id,
            outcome=wire.CallOutcome.ok,
            occurred_at=self.clock.wall(),
            domain=self.config.domain,
        )
        self._send(call_id, wire.render_event_query(over, self.face.dialect))

    def _send(self, key: str, query: str) -> None:
        for sender in self.senders:
            sender.send(key, query)

    def _forget_calls(self) -> None:
        self.face.pbx.restart()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == ENDPOINT:
            return await self._service(request)
        if request.path.startswith(PREFIX):
            return await self._control.handle(request)
        return web.Response(status=404, text=f"services are at {ENDPOINT}, controls at {PREFIX}\n")

    async def _service(self, request: web.BaseRequest) -> web.StreamResponse:
        params = dict(request.query)
        contacts: str | None = None
        if request.method == "POST":
            try:
                field = (await request.post()).get("contacts")
            except ValueError:
                field = None
            contacts = field if isinstance(field, str) else None
        service = params.get("service", "")
        fault = self.faults.strike(SERVICE_FAULTS, name=service, extid=params.get("extid"))
        if fault is not None:
            return await self._faulty(request, fault, params, contacts)
        return web.Response(body=self.face.answer(params, contacts), headers=_XML)

    async def _faulty(
        self, request: web.BaseRequest, fault: Fault, params: dict[str, str], contacts: str | None
    ) -> web.StreamResponse:
        """Answer as badly as `fault` says; only some kinds do what was asked."""
        match fault.kind:
            case FaultKind.status_500:
                return web.Response(status=500, text="Internal Server Error")
            case FaultKind.html:
                page = "<html><head><title>Login</title></head><body>Please log in</body></html>"
                return web.Response(text=page, content_type="text/html")
            case FaultKind.refuse:
                body = wire.Refused(error="refused on demand").render()
                return web.Response(body=body, headers=_XML)
            case FaultKind.hang:
                await asyncio.sleep(_HANG_S)
                return web.Response(status=504)
            case FaultKind.reset:
                return _cut(request)
        body = self.face.answer(params, contacts)
        match fault.kind:
            case FaultKind.latency:
                await asyncio.sleep(fault.delay_s)
            case FaultKind.wrong_encoding:
                text = body.decode().replace("<result>", "<result><note>perch\xe9</note>")
                return web.Response(body=text.encode("latin-1", "replace"), headers=_XML)
            case FaultKind.half_reply:
                half = web.StreamResponse(headers=_XML)
                half.content_length = len(body)
                await half.prepare(request)
                await half.write(body[: len(body) // 2])
                if request.transport is not None:
                    request.transport.close()
                return half
            case FaultKind.act_then_timeout:
                await asyncio.sleep(_HANG_S)
            case _:
                pass
        return web.Response(body=body, headers=_XML)


def _cut(request: web.BaseRequest) -> web.Response:
    """Drop the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


@asynccontextmanager
async def running_simulator(
    config: SimulatorConfig | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Simulator]:
    """A simulator that listens while the block runs; port 0 takes a free one."""
    simulator = Simulator(config or SimulatorConfig(), host=host, port=port)
    await simulator.start()
    log.info("simulator_started", family="voispeed", port=simulator.port)
    try:
        yield simulator
    finally:
        await simulator.stop()
