"""Requests that may be repeated: `Idempotency-Key` names one.

A router whose routes may be repeated says so, and its routes need nothing more:

    router = APIRouter(prefix="/callbacks", route_class=Repeatable)

The first request with a key is carried out, and what it answered is kept for 24 hours; the same
request again has the same answer, and another one with that key is refused. While the first is
under way a second is told to come back. What was refused did nothing and isn't kept: the key may be
used again, with a request that was put right. A key belongs to whoever sent it, with the rights
that they had then: an answer is never told again to somebody who may see less by now.

Routes whose answer holds a secret are not to be repeatable: answers are kept as they are.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message

from offhook.accounts.principal import Principal
from offhook.api.auth import permission_of, principal_of
from offhook.api.refusals import ApiError
from offhook.api.services import services_of
from offhook.storage.api_memory import ApiMemory, Named, Remembered

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
_PATTERN = r"^[\x21-\x7e]{1,100}$"
_IN_MEMORY = 1_000_000
_CHUNK = 65_536
_LONGEST_ANSWER = 1_000_000
_KEPT_HEADERS = ("content-type", "location", "etag", "offhook-import")

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=_PATTERN,
        description="Names this request: repeated with the same key within 24 hours, it does "
        "nothing twice and has the answer that it had.",
    ),
]


class IdempotencyKeyReused(ApiError):
    """The key was sent with another request before, or with other rights."""

    code = "idempotency_key_reused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was sent with another request in the last 24 hours, or before "
            "your rights were changed",
            hint="what it asked for then was done; send a new key with a new request",
        )


class RequestUnderWay(ApiError):
    """The same request is being carried out just now."""

    code = "request_under_way"
    status = HTTPStatus.CONFLICT
    headers = {"retry-after": "1"}  # noqa: RUF012 - as in the base class

    def __init__(self) -> None:
        super().__init__(
            "a request with this Idempotency-Key is being carried out",
            hint="repeat it in a second: it has the answer of the first",
        )


def request_id_of(key: str | None) -> str:
    """The id of an order: the key that was sent, else one of its own."""
    return key or f"api-{secrets.token_hex(8)}"


def _described(idempotency_key: IdempotencyKey = None) -> None:
    """The header, where the API is described and requests are looked at."""


class Repeatable(APIRoute):
    """A route whose POST does nothing twice for the same key."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            needed = [*(options.get("dependencies") or ()), Depends(_described)]
            options["dependencies"] = needed
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI makes, behind a look at the key."""
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            principal = await principal_of(request) if key else None
            permission = permission_of(self)
            if key is None or principal is None or permission is None:
                return await handle(request)
            if not principal.may(permission):
                return await handle(request)
            with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
                digest = await _digest(request, principal, body)
                named = Named(principal=f"{principal.kind}/{principal.id}", key=key, digest=digest)
                again = Request(request.scope, _replayed(request, body))
                return await _once(request, named, lambda: handle(again))

        return once


async def _once(
    request: Request, named: Named, handle: Callable[[], Coroutine[Any, Any, Response]]
) -> Response:
    services = services_of(request)
    memory = ApiMemory(services.database)
    known = await memory.begin(named, now=services.clock())
    if known is not None:
        return _told_again(named, known)
    kept = False
    try:
        response = await handle()
        body = getattr(response, "body", None)
        if response.status_code < HTTPStatus.BAD_REQUEST and isinstance(body, bytes):
            kept = len(body) <= _LONGEST_ANSWER
        if kept and isinstance(body, bytes):
            headers = {
                name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers
            }
            await memory.answered(named, response.status_code, headers, body)
    finally:
        if not kept:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(memory.give_back(named))
    return response


def _told_again(named: Named, known: Remembered) -> Response:
    if known.digest != named.digest:
        raise IdempotencyKeyReused
    if known.status is None:
        raise RequestUnderWay
    headers = {**(known.headers or {}), REPLAYED: "true"}
    return Response(known.body, status_code=known.status, headers=headers)


async def _digest(request: Request, who: Principal, body: "SpooledTemporaryFile[bytes]") -> bytes:
    """What a request asks, and with which rights; its body is written to `body`."""
    content_type = request.headers.get("content-type", "")
    rights = (who.role, sorted(who.permissions), who.scope.model_dump_json(), who.agent_id)
    head = (request.method, request.url.path, request.url.query, content_type, rights)
    digest = hashlib.sha256(repr(head).encode())
    async for chunk in request.stream():
        digest.update(chunk)
        body.write(chunk)
    body.seek(0)
    return digest.digest()


def _replayed(
    request: Request, body: "SpooledTemporaryFile[bytes]"
) -> Callable[[], Coroutine[Any, Any, Message]]:
    """`receive` for somebody who reads the body once more."""
    done = False

    async def receive() -> Message:
        nonlocal done
        if done:
            return await request.receive()
        chunk = body.read(_CHUNK)
        done = len(chunk) < _CHUNK
        return {"type": "http.request", "body": chunk, "more_body": not done}

    return receive
