"""What every request and answer of the API has: an id, a bound, and headers for browsers."""

import re
import secrets

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offhook.api.problems import BodyTooLarge, UnexpectedError, problem_of

log = structlog.get_logger()

PREFIX = "/api/"
MAX_BODY = 1_000_000
MAX_UPLOAD = 50_000_000
UPLOADS = re.compile(r"/imports$")
"""Paths whose body is a file, which is written to disk as it comes."""
REQUEST_ID = "x-request-id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Frame:
    """Middleware around the routes under `/api/`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN.fullmatch(given) else f"req-{secrets.token_hex(8)}"
        scope["request_id"] = request_id
        begun = False

        async def framed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers.update(_SECURITY)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, _bounded(scope, receive), framed)
            except Exception:
                log.exception("api_request_broke", method=scope["method"])
                if begun:
                    raise
                await problem_of(request_id, UnexpectedError())(scope, receive, framed)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive`, which refuses to read more than is taken here."""
    most = MAX_UPLOAD if UPLOADS.search(scope["path"]) else MAX_BODY
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise BodyTooLarge(most)
        return message

    return bounded
