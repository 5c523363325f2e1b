"""Who asks, and whether they may: tokens of programs, sessions of browsers.

A route names the permission that it asks for:

    @router.get("", dependencies=[requires(Permission.campaigns_read)])

and, where it wants to know who asks, takes `Who`. A page of the console asks `principal_of`. A
browser's session is a cookie; a request with one that changes something carries `X-CSRF-Token`
besides, which other sites can't know.
"""

import hmac
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from fastapi import Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.accounts.service import csrf_of, token_principal
from offhook.api import security
from offhook.api.audit import begin_entry
from offhook.api.refusals import CsrfFailed, NotAuthenticated, PermissionMissing, ScopeMissing
from offhook.api.services import services_of

COOKIE = "offhook_session"
SECURE_COOKIE = "__Host-offhook_session"
DEVICE_S = 180 * 86_400
"""For which a browser is known as one that somebody logged in from."""
CSRF_HEADER = "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = HTTPBearer(auto_error=False, description="A token of `offhook token create`.")
_SESSION = APIKeyCookie(
    name=COOKIE,
    scheme_name="Session",
    auto_error=False,
    description="A browser's session, of `POST /api/v1/session`; what changes something carries "
    "`X-CSRF-Token` besides. Over HTTPS the cookie's name begins with `__Host-`.",
)
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_Cookie = Annotated[str | None, Depends(_SESSION)]


async def principal_of(connection: HTTPConnection) -> Principal | None:
    """Who asks, by token or session; None for nobody that counts.

    Asked of the database once for each request; a session's time without a request starts again.
    """
    if "principal" not in connection.scope:
        # A browser goes on with a stream by itself: that is nobody who does something.
        by_itself = "last-event-id" in connection.headers
        connection.scope["principal"] = await _found(connection, prolong=not by_itself)
    found: Principal | None = connection.scope["principal"]
    return found


async def principal_now(connection: HTTPConnection) -> Principal | None:
    """The same as of now, while a long answer goes on; it doesn't count as a request."""
    return await _found(connection, prolong=False)


async def _found(connection: HTTPConnection, *, prolong: bool) -> Principal | None:
    services, address = services_of(connection), address_of(connection)
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        known = await services.tokens.known(token.strip(), now=services.clock())
        return None if known is None else token_principal(known, address=address)
    secret = session_secret(connection)
    if secret is None:
        return None
    return await services.accounts.principal_of_session(
        secret, now=services.clock(), address=address, prolong=prolong
    )


async def optional_principal(
    request: Request, _bearer: _Bearer, _cookie: _Cookie
) -> Principal | None:
    """Who asks; None for nobody. What changes something is refused without the session's token."""
    principal = await principal_of(request)
    if principal is not None and principal.session_id is not None:
        _require_csrf(request)
    return principal


Maybe = Annotated[Principal | None, Depends(optional_principal)]


async def authenticated(principal: Maybe) -> Principal:
    """Who asks; raises `NotAuthenticated` for nobody."""
    if principal is None:
        raise NotAuthenticated
    return principal


Who = Annotated[Principal, Depends(authenticated)]
"""Who asks: anybody who is known, whatever they may."""


class Requires:
    """A dependency that lets nobody through who may not; gives who asks."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, principal: Who) -> Principal:
        """Raise `NotAuthenticated`, `CsrfFailed`, `ScopeMissing` or `PermissionMissing`."""
        if request.method not in SAFE:
            begin_entry(request, principal)
        if not principal.may(self.permission):
            missing = PermissionMissing if principal.session_id else ScopeMissing
            raise missing(self.permission)
        return principal


@cache
def _requirement(permission: Permission) -> Requires:
    return Requires(permission)


def requires(permission: Permission) -> Any:
    """A dependency that lets nobody through who lacks a permission.

    In `dependencies=[...]` of a route, or as `Annotated[Principal, requires(...)]` of a parameter.
    """
    return Depends(_requirement(permission))


CanRead = requires(Permission.callbacks_read)
CanWrite = requires(Permission.callbacks_write)


def permission_of(route: APIRoute) -> Permission | None:
    """The permission that a route asks for; None when it asks for none."""
    return next(_permissions(route.dependant), None)


def asks_who(route: APIRoute) -> bool:
    """Whether a route answers only those who are known."""
    return authenticated in _calls(route.dependant)


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _permissions(dependant: Dependant) -> Iterator[Permission]:
    for call in _calls(dependant):
        if isinstance(call, Requires):
            yield call.permission


def address_of(connection: HTTPConnection) -> str:
    """Where a request came from, as far as the proxies that are trusted say."""
    return connection.client.host if connection.client is not None else ""


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser speaks HTTPS."""
    return security.is_secure(connection.scope)


def cookie_name(connection: HTTPConnection) -> str:
    """The name of the session's cookie; over HTTPS one that no other host can set."""
    return SECURE_COOKIE if is_secure(connection) else COOKIE


def session_secret(connection: HTTPConnection) -> str | None:
    """What the session's cookie holds."""
    return connection.cookies.get(cookie_name(connection))


def device_of(connection: HTTPConnection) -> str:
    """What the browser says of logins before; nothing for one that had none."""
    return connection.cookies.get(f"{cookie_name(connection)}_device", "")


def remember_device(connection: HTTPConnection, response: Response, device: str) -> None:
    """Have the browser say so at its next login."""
    response.set_cookie(
        f"{cookie_name(connection)}_device",
        device,
        max_age=DEVICE_S,
        path="/",
        secure=is_secure(connection),
        httponly=True,
        samesite="strict",
    )


def require_same_site(request: Request) -> None:
    """Raise `CsrfFailed` for a login that a browser sends from a page of another site.

    Nobody is to be logged in as somebody else without knowing it. Programs say nothing of a site.
    """
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise CsrfFailed


def _require_csrf(request: Request) -> None:
    if request.method in SAFE:
        return
    sent = request.headers.get(CSRF_HEADER, "")
    wanted = csrf_of(session_secret(request) or "")
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), wanted.encode()):
        raise CsrfFailed
