"""Whoever asks: what they may, their password, their sessions."""

from fastapi import APIRouter, Request, status
from pydantic import BaseModel

from offhook.accounts.errors import SessionNotFound
from offhook.api.auth import Who, device_of
from offhook.api.problems import RESPONSES
from offhook.api.refusals import NotAuthenticated
from offhook.api.requests import Key, Sent
from offhook.api.routes.session import Password, WhoView, who_view
from offhook.api.services import Svc
from offhook.storage.account_sessions import SessionView

router = APIRouter(prefix="/me", tags=["session"], responses=RESPONSES)


class PasswordBody(Sent):
    """The password that was, and the one that is to be."""

    current: Password
    password: Password


class OwnSession(BaseModel):
    """One of one's sessions."""

    session: SessionView
    this_one: bool


class OwnSessions(BaseModel):
    """Sessions that count, the newest first."""

    items: list[OwnSession]


@router.get("", summary="See who asks")
async def show(who: Who) -> WhoView:
    """The user or token that asks, and what it may."""
    return who_view(who)


@router.put("/password", status_code=status.HTTP_204_NO_CONTENT, summary="Change one's password")
async def change_password(body: PasswordBody, request: Request, services: Svc, who: Who) -> None:
    """Set another password; every other session of the user ends."""
    if who.session_id is None:
        raise NotAuthenticated
    async with services.audited(who, "user.password", f"user/{who.id}"):
        now = services.clock()
        await services.accounts.authenticate(
            who.name,
            body.current.get_secret_value(),
            address=who.address,
            now=now,
            device=device_of(request),
        )
        await services.accounts.set_password(
            who.id, body.password.get_secret_value(), now=now, keep_session=who.session_id
        )


@router.get("/sessions", summary="List one's sessions")
async def sessions(services: Svc, who: Who) -> OwnSessions:
    """Where the user is logged in."""
    accounts = services.accounts
    found = await accounts.sessions.of(who.id, now=services.clock(), idle=accounts.idle)
    return OwnSessions(
        items=[OwnSession(session=one, this_one=one.id == who.session_id) for one in found]
    )


@router.delete(
    "/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="End one of one's sessions",
)
async def end_session(session_id: Key, services: Svc, who: Who) -> None:
    """Log out elsewhere."""
    async with services.audited(who, "session.end", f"session/{session_id}"):
        if not await services.accounts.sessions.end(who.id, session_id):
            raise SessionNotFound(session_id)
