"""The console as a part of the API's application.

Its toolkit is one per process: there is one console, mounted beside the API's routes and found by
every path that isn't theirs.
"""

from fastapi import FastAPI
from nicegui import app as toolkit
from nicegui import ui
from nicegui.client import Client
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from offhook.api.auth import principal_of
from offhook.api.services import Services
from offhook.console import entry, pages, uploads
from offhook.console.console import Console
from offhook.console.guard import same_origin
from offhook.console.kit.document import asset
from offhook.console.scripts import SCRIPT, mark_scripts

_OTHERS = ("/api/", "/healthz", "/readyz", "/metrics")
_SOCKET = "/_nicegui_ws/"
RECONNECT_S = 30.0
"""How long a page is kept for a browser that has lost its connection."""


def mount_console(app: FastAPI, services: Services) -> Console:
    """Add the console to the application of the API."""
    console = Console(services)
    toolkit.state.console = console
    toolkit.state.pages = pages.__all__
    Client.shared_head_html = (
        f"<style>{asset('style.css')}</style>{SCRIPT}{asset('theme.js')}</script>"
    )
    mark_scripts()
    app.include_router(entry.router)
    app.include_router(uploads.router)
    ui.run_with(
        app,
        title="offhook",
        favicon="data:,",
        language="en-US",
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_S,
        message_history_length=100,
        show_welcome_message=False,
    )
    # A bar that says nothing to who doesn't see it; pages say themselves what they wait for.
    toolkit.config.quasar_config["loadingBar"]["skipHijack"] = True
    app.router.routes[-1] = _Beside("/", app=_Guarded(toolkit))
    return console


class _Beside(Mount):
    """A mount at the root that leaves the API's own paths alone, also those that it refuses."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is the console's."""
        path = str(scope.get("path", ""))
        if path.startswith(_OTHERS):
            return Match.NONE, {}
        return super().matches(scope)


class _Guarded:
    """The toolkit behind a look at who connects: its socket is for those who are logged in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, one request."""
        if str(scope.get("path", "")).startswith(_SOCKET):
            connection = HTTPConnection(scope)
            if not same_origin(connection) or await principal_of(connection) is None:
                await _refuse(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "log in"})
        return
    await PlainTextResponse("log in", 403)(scope, receive, send)
