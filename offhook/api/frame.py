"""What requests and answers have: an id, a bound, headers for browsers, an entry in the audit."""

import asyncio
import re
import secrets

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offhook.api.audit import AnswerKept, write_entry
from offhook.api.problems import BodyTooLarge, BodyTooSlow, UnexpectedError, problem_of
from offhook.api.security import begin_answer, headers_for
from offhook.api.services import Services
from offhook.change_notes import keeping_notes

log = structlog.get_logger()

MAX_BODY = 1_000_000
MAX_UPLOAD = 50_000_000
BODY_WITHIN_S = 30.0
BODY_BYTES_PER_S = 10_000
"""What a body may take to come: half a minute, and longer only as long as it comes so fast."""
UPLOADS = re.compile(r"^/api/.*/imports$|^/uploads$")
"""Paths whose body is a file, which is written to disk as it comes."""
REQUEST_ID = "x-request-id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Frame:
    """Middleware around all routes and pages."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        scope["request_id"] = given if _GIVEN.fullmatch(given) else f"req-{secrets.token_hex(8)}"
        scope["services"] = self._services
        with structlog.contextvars.bound_contextvars(request_id=scope["request_id"]):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
            else:
                with keeping_notes():
                    await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin_answer()
        answer = _Answer(scope, send)
        try:
            await self._app(scope, _bounded(scope, receive), answer.send)
        except Exception:
            log.exception("api_request_broke", method=scope["method"])
            if answer.begun:
                raise
            problem = problem_of(scope["request_id"], UnexpectedError())
            scope["problem"] = UnexpectedError.code
            await problem(scope, receive, answer.send)


class _Answer:
    """What is sent back, framed; held until its entry is in the audit, where it has one."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._kept = AnswerKept()
        self._held: list[Message] = []
        self._holding = False
        self.begun = False

    async def send(self, message: Message) -> None:
        """Send a part of it, or hold it."""
        if message["type"] == "http.response.start":
            self._begin(message)
        elif message["type"] == "http.response.body" and self._holding:
            self._kept.add(message)
        if not self._holding:
            await self._send(message)
            return
        self._held.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._holding = False
            await write_entry(self._scope, self._kept)
            for one in self._held:
                await self._send(one)

    def _begin(self, message: Message) -> None:
        self.begun = True
        headers = MutableHeaders(scope=message)
        headers[REQUEST_ID] = self._scope["request_id"]
        headers.update(headers_for(self._scope))
        self._kept.begin(message)
        self._holding = "audit" in self._scope


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive`, which refuses to read more than is taken here, and to wait for it for long."""
    most = MAX_UPLOAD if UPLOADS.search(scope["path"]) else MAX_BODY
    clock = asyncio.get_running_loop().time
    seen, waited, whole = 0, 0.0, False

    async def bounded() -> Message:
        nonlocal seen, waited, whole
        if whole:
            return await receive()
        began = clock()
        try:
            async with asyncio.timeout(BODY_WITHIN_S + seen / BODY_BYTES_PER_S - waited):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        waited += clock() - began
        whole = not message.get("more_body", False)
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise BodyTooLarge(most)
        return message

    return bounded
