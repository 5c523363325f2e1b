"""The control plane, under `/_control`: script people, break things, read the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from offhook.simulator.engine import Pbx
from offhook.simulator.faults import AT_ONCE, Fault, FaultBook, FaultKind
from offhook.simulator.model import Entity, EntityKind
from offhook.simulator.plant import CannotDo
from offhook.simulator.population import Behaviour
from offhook.simulator.record import CallRecord

PREFIX = "/_control/"
_FOLLOW_IDLE_S = 3600.0


class Face(Protocol):
    """What is controlled of a family's face."""

    @property
    def pbx(self) -> Pbx: ...
    @property
    def requests(self) -> Iterable[dict[str, str]]: ...


class Controlled(Protocol):
    """A simulator that takes orders."""

    @property
    def config(self) -> BaseModel: ...
    @property
    def face(self) -> Face: ...
    @property
    def faults(self) -> FaultBook: ...
    def counters(self) -> dict[str, object]: ...
    def restart(self, down_s: float) -> None: ...
    def cut(self) -> None:
        """Break every connection; calls go on."""
        ...

    async def reset(self) -> None: ...
    async def set_events_urls(self, urls: Sequence[str]) -> None: ...


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptNumber(_Body):
    """What the next tries at a number meet; the last one goes on for ever."""

    number: str
    behaviour: list[Behaviour] = Field(min_length=1)


class EventsUrls(_Body):
    """Where events go."""

    urls: list[str]


class Inbound(_Body):
    """Somebody outside calls."""

    number: str
    called: str
    called_type: EntityKind = EntityKind.ivr
    gateway: str = "1"
    called_number: str = "100"


class HangUp(_Body):
    """Somebody in a call hangs up now."""

    extid: str | None = None
    call_id: str | None = None
    by: EntityKind = EntityKind.gateway


_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
_SCRIPTS: TypeAdapter[list[ScriptNumber]] = TypeAdapter(list[ScriptNumber])


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


class ControlPlane:
    """Answers `/_control/...` for one simulator."""

    def __init__(
        self,
        simulator: Controlled,
        more: Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]] = {},
    ) -> None:
        self._sim = simulator
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]] = {
            ("GET", "record"): self._record,
            ("GET", "counters"): self._counters,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "numbers"): self._script,
            ("GET", "requests"): self._requests,
            ("POST", "events-urls"): self._events_urls,
            ("POST", "inbound"): self._inbound,
            ("POST", "hangup"): self._hang_up,
            ("POST", "reset"): self._reset,
            ("GET", "config"): self._config,
            **more,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one control request; mistakes are told as 400 with what is wrong."""
        name = request.path.removeprefix(PREFIX).strip("/")
        handler = self._routes.get((request.method, name))
        if handler is None:
            offered = sorted(f"{method} {PREFIX}{path}" for method, path in self._routes)
            return _json({"error": "no such control", "controls": offered}, status=404)
        try:
            answer = await handler(request)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _json({"error": f"{where}: {first['msg']}"}, status=400)
        except (ValueError, CannotDo) as error:
            return _json({"error": str(error)}, status=400)
        return answer if isinstance(answer, web.StreamResponse) else _json(answer)

    async def _record(self, request: web.BaseRequest) -> object:
        recorder = self._sim.face.pbx.recorder
        if request.query.get("format") != "ndjson":
            return {
                "summary": recorder.summary(),
                "times_dialled": dict(recorder.times_dialled),
                "calls": [record.as_json() for record in recorder.calls.values()],
            }
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        queue: asyncio.Queue[CallRecord] = asyncio.Queue()
        follow = request.query.get("follow") == "1"
        if follow:
            recorder.followers.append(queue.put_nowait)
        try:
            await response.prepare(request)
            lines = [orjson.dumps(record.as_json()) for record in recorder.calls.values()]
            await response.write(b"".join(line + b"\n" for line in lines))
            while follow:
                record = await asyncio.wait_for(queue.get(), _FOLLOW_IDLE_S)
                await response.write(orjson.dumps(record.as_json()) + b"\n")
        except (ConnectionError, TimeoutError):
            return response
        finally:
            if follow:
                recorder.followers.remove(queue.put_nowait)
        return response

    async def _counters(self, request: web.BaseRequest) -> object:
        return self._sim.counters()

    async def _list_faults(self, request: web.BaseRequest) -> object:
        return self._sim.faults.listing()

    async def _clear_faults(self, request: web.BaseRequest) -> object:
        self._sim.faults.clear()
        return []

    async def _add_faults(self, request: web.BaseRequest) -> object:
        faults = _FAULTS.validate_json(_as_list(await request.read()))
        for fault in faults:
            if fault.kind in AT_ONCE:
                await self._at_once(fault)
            else:
                self._sim.faults.add(fault)
        return self._sim.faults.listing()

    async def _at_once(self, fault: Fault) -> None:
        pbx = self._sim.face.pbx
        if fault.kind is FaultKind.restart:
            self._sim.restart(fault.delay_s)
        elif fault.kind is FaultKind.cut:
            self._sim.cut()
        elif fault.kind is FaultKind.lines:
            gateway = pbx.gateways.get(fault.gateway or next(iter(pbx.gateways)))
            if gateway is None or fault.lines is None:
                raise CannotDo("lines needs a gateway that exists, and lines")
            gateway.lines = fault.lines
        else:
            user = pbx.users.get(fault.user or "")
            if user is None:
                raise CannotDo("phone_dead needs the id of a user")
            user.phone_dead = fault.dead

    async def _script(self, request: web.BaseRequest) -> object:
        scripts = _SCRIPTS.validate_json(_as_list(await request.read()))
        pbx = self._sim.face.pbx
        for script in scripts:
            pbx.scripts[script.number] = script.behaviour
            pbx.tries.pop(script.number, None)
        return {"scripted": len(scripts)}

    async def _requests(self, request: web.BaseRequest) -> object:
        return list(self._sim.face.requests)

    async def _events_urls(self, request: web.BaseRequest) -> object:
        body = EventsUrls.model_validate_json(await request.read())
        await self._sim.set_events_urls(body.urls)
        return {"urls": body.urls}

    async def _inbound(self, request: web.BaseRequest) -> object:
        body = Inbound.model_validate_json(await request.read())
        called = Entity(body.called_type, body.called)
        call_id = self._sim.face.pbx.inbound(
            body.number, gateway=body.gateway, called=called, called_number=body.called_number
        )
        return {"call_id": call_id}

    async def _hang_up(self, request: web.BaseRequest) -> object:
        body = HangUp.model_validate_json(await request.read())
        pbx = self._sim.face.pbx
        for call in list(pbx.calls.values()):
            if body.call_id == call.id or (body.extid and body.extid == call.extid):
                for leg in call.legs():
                    if leg.entity.kind is body.by:
                        pbx.hang_up(call, leg)
                        return {"call_id": call.id}
        raise CannotDo("nobody of that kind is in such a call")

    async def _reset(self, request: web.BaseRequest) -> object:
        await self._sim.reset()
        return {}

    async def _config(self, request: web.BaseRequest) -> object:
        return self._sim.config.model_dump(mode="json", exclude={"token"})


def _as_list(body: bytes) -> bytes:
    """One object is taken as a list of one."""
    return body if body.lstrip().startswith(b"[") else b"[" + body + b"]"
