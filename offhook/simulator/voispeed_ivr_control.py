"""The control plane of responders: place scripted callers, and read what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from offhook.simulator.voispeed_ivr import CallerScript, Responders

Handler = Callable[[web.BaseRequest], Awaitable[Any]]
_SCRIPTS: TypeAdapter[list[CallerScript]] = TypeAdapter(list[CallerScript])
MAX_REPEAT = 10_000


def ivr_controls(responders: Callable[[], Responders]) -> Mapping[tuple[str, str], Handler]:
    """`POST ivr/calls` with one script or a list (`?times=` of each), `GET ivr/calls`."""

    async def place(request: web.BaseRequest) -> object:
        body = await request.read()
        times = int(request.query.get("times", "1"))
        if not 1 <= times <= MAX_REPEAT:
            raise ValueError(f"times must be 1 to {MAX_REPEAT}")
        scripts = _SCRIPTS.validate_json(body if body.lstrip().startswith(b"[") else b"[%b]" % body)
        made = [responders().call(script) for script in scripts for _ in range(times)]
        return {"call_ids": [record.call_id for record in made]}

    async def look(_request: web.BaseRequest) -> object:
        found = responders()
        return {
            "summary": found.summary(),
            "calls": [record.model_dump(mode="json") for record in found.records],
        }

    return {("POST", "ivr/calls"): place, ("GET", "ivr/calls"): look}
