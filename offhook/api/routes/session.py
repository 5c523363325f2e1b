"""A browser's session: log in, see who it is, log out; and links that set a password once."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response, status
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from offhook.accounts.passwords import LONGEST
from offhook.accounts.principal import Kind, Principal, Scope
from offhook.accounts.roles import Permission, Role
from offhook.accounts.service import OpenSession, csrf_of
from offhook.api.auth import (
    Who,
    address_of,
    cookie_name,
    device_of,
    is_secure,
    remember_device,
    require_same_site,
    session_secret,
)
from offhook.api.problems import RESPONSES
from offhook.api.refusals import NotAuthenticated
from offhook.api.requests import Sent
from offhook.api.services import Services, Svc
from offhook.storage.account_store import UserView

router = APIRouter(prefix="/session", tags=["session"], responses=RESPONSES)

Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]


class LoginBody(Sent):
    """Who wants in."""

    login: Annotated[str, Field(min_length=1, max_length=100, examples=["rossi"])]
    password: Annotated[Password, Field(examples=["four words nobody expects"])]


class LinkBody(Sent):
    """A one-time link, and the password that is to be set with it."""

    secret: Annotated[SecretStr, Field(max_length=200)]
    """What stands behind `#` in the link."""
    password: Password


class WhoView(BaseModel):
    """Who asks, and what they may."""

    id: str
    name: str
    kind: Kind
    role: Role
    permissions: list[Permission]
    scope: Scope
    agent_id: str | None


class SessionInfo(BaseModel):
    """The session of a browser."""

    who: WhoView
    csrf_token: str
    """Goes with every request that changes something, as `X-CSRF-Token`."""
    idle_minutes: float
    """How long it may do nothing."""


class OpenedSession(SessionInfo):
    """A session that just began."""

    ends_at: AwareDatetime


@router.post("", summary="Log in")
async def login(
    body: LoginBody, request: Request, response: Response, services: Svc
) -> OpenedSession:
    """Begin a session, whose cookie is in the answer; the session that there was ends."""
    require_same_site(request)
    user = await services.accounts.authenticate(
        body.login,
        body.password.get_secret_value(),
        address=address_of(request),
        now=services.clock(),
        device=device_of(request),
    )
    return await _open(services, request, response, user)


@router.get("", summary="See the session")
async def show(request: Request, services: Svc, who: Who) -> SessionInfo:
    """Who is logged in; 401 for a request without a session."""
    secret = session_secret(request)
    if who.session_id is None or secret is None:
        raise NotAuthenticated
    return SessionInfo(
        who=who_view(who),
        csrf_token=csrf_of(secret),
        idle_minutes=services.access.session_idle_minutes,
    )


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, summary="Log out")
async def logout(request: Request, response: Response, services: Svc, who: Who) -> None:
    """End the session."""
    if who.session_id is None:
        raise NotAuthenticated
    await services.accounts.close_session(who, now=services.clock())
    response.delete_cookie(cookie_name(request), secure=is_secure(request), httponly=True)


@router.post("/link", summary="Set a password with a link")
async def use_link(
    body: LinkBody, request: Request, response: Response, services: Svc
) -> OpenedSession:
    """Set the password of whoever the link was made for, and log them in; once."""
    require_same_site(request)
    user = await services.accounts.use_link(
        body.secret.get_secret_value(),
        body.password.get_secret_value(),
        address=address_of(request),
        now=services.clock(),
    )
    return await _open(services, request, response, user)


async def _open(
    services: Services, request: Request, response: Response, user: UserView
) -> OpenedSession:
    opened = await services.accounts.open_session(
        user,
        now=services.clock(),
        address=address_of(request),
        browser=request.headers.get("user-agent", "").replace("\0", ""),
        instead_of=session_secret(request),
    )
    _set_cookie(request, response, services, opened)
    remember_device(request, response, await services.accounts.device_of(user))
    return OpenedSession(
        who=who_view(opened.principal),
        csrf_token=opened.csrf,
        idle_minutes=services.access.session_idle_minutes,
        ends_at=opened.view.ends_at,
    )


def _set_cookie(
    request: Request, response: Response, services: Services, opened: OpenSession
) -> None:
    response.set_cookie(
        cookie_name(request),
        opened.secret,
        max_age=round(timedelta(hours=services.access.session_hours).total_seconds()),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def who_view(principal: Principal) -> WhoView:
    """A principal as it may be shown to itself."""
    return WhoView(
        id=principal.id,
        name=principal.name,
        kind=principal.kind,
        role=principal.role,
        permissions=sorted(principal.permissions),
        scope=principal.scope,
        agent_id=principal.agent_id,
    )
