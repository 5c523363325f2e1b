"""Every route of the API with what a request to it needs, and only the head of its answer."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from offhook.api.app import PREFIX
from offhook.api.auth import SAFE
from offhook.api.routes import routes

OPEN = frozenset({"POST /session", "POST /session/link"})
"""Routes that anybody may ask: they are how one gets in."""
OWN = frozenset(
    {
        "GET /session",
        "DELETE /session",
        "GET /me",
        "PUT /me/password",
        "GET /me/sessions",
        "DELETE /me/sessions/{session_id}",
    }
)
"""Routes about oneself, for whoever is known."""
ROUTES: list[tuple[str, APIRoute]] = [
    (method, route) for route in routes() for method in sorted(route.methods or ())
]


def name_of(method: str, route: APIRoute) -> str:
    """A route as the reference names it."""
    return f"{method} {route.path}"


def path_of(route: APIRoute) -> str:
    """Its path, asking for things that are not there."""
    return PREFIX + re.sub(r"\{[^}]+\}", "x", route.path)


def scope_of(
    method: str, route: APIRoute, headers: Mapping[str, str], *, query: bytes = b""
) -> dict[str, Any]:
    """A request to it, as a server hands it to the app."""
    asked = {"content-type": "application/json", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path_of(route),
        "raw_path": path_of(route).encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in asked.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("api", 80),
    }


async def status_of(app: FastAPI, method: str, route: APIRoute, headers: Mapping[str, str]) -> int:
    """The status of the answer, without waiting for its body, which may never end."""
    head: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.shield(head)
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": b"" if method in SAFE else b"{}"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not head.done():
            head.set_result(message["status"])

    scope = scope_of(method, route, headers)
    asking: asyncio.Future[Any] = asyncio.ensure_future(app(scope, receive, send))
    either: set[asyncio.Future[Any]] = {asking, head}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not head.done():
            await asking
        return head.result()
    finally:
        # Whoever has hung up is let go by themselves; nothing is torn out of its work.
        await asyncio.wait({asking}, timeout=10)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
