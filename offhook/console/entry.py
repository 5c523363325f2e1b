"""Logging in and out, and the page of a one-time link: plain forms."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from offhook.accounts.errors import AccountRefused
from offhook.accounts.service import OpenSession
from offhook.api.auth import (
    address_of,
    cookie_name,
    device_of,
    is_secure,
    principal_of,
    remember_device,
    session_secret,
)
from offhook.api.services import services_of
from offhook.console.guard import same_origin
from offhook.console.kit.document import document
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.parts import field, notice, submit
from offhook.errors import OffhookError

router = APIRouter(include_in_schema=False)
LONGEST = 1_000
Text = Annotated[str, Form(max_length=LONGEST)]


@router.get("/login")
async def login(request: Request, next: str = "/", ended: str = "") -> Response:  # noqa: A002 - the address has it
    """The form, or on to the console for who is logged in."""
    if await principal_of(request) is not None:
        return RedirectResponse(_inside(next), 303)
    told = "Your session has ended. Log in to go on." if ended else ""
    return HTMLResponse(_login_form(_inside(next), told=told))


@router.post("/login")
async def log_in(
    request: Request,
    login: Text,
    password: Text,
    next: Text = "/",  # noqa: A002
) -> Response:
    """Open a session."""
    if not same_origin(request):
        return HTMLResponse(_login_form("/", refused="This form was sent from another site."), 403)
    services = services_of(request)
    address = address_of(request)
    try:
        user = await services.accounts.authenticate(
            login, password, address=address, now=services.clock(), device=device_of(request)
        )
    except OffhookError as error:
        form = _login_form(_inside(next), login=login, refused=f"{error}.".capitalize())
        return HTMLResponse(form, 429 if error.code == "login_throttled" else 403)
    opened = await services.accounts.open_session(
        user,
        now=services.clock(),
        address=address,
        browser=request.headers.get("user-agent", ""),
        instead_of=session_secret(request),
    )
    device = await services.accounts.device_of(user)
    return _with_session(request, RedirectResponse(_inside(next), 303), opened, device)


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    answer = RedirectResponse(url("/login"), 303)
    who = await principal_of(request)
    if who is not None and who.session_id is not None and same_origin(request):
        services = services_of(request)
        await services.accounts.close_session(who, now=services.clock())
        answer.delete_cookie(cookie_name(request), path="/", secure=is_secure(request))
    return answer


@router.get("/link")
async def link() -> Response:
    """The form of a one-time link, whose secret stands behind the # of the address."""
    return HTMLResponse(_link_form())


@router.post("/link")
async def use_link(request: Request, secret: Text, password: Text, again: Text) -> Response:
    """Set the password, and log in with it."""
    if not same_origin(request):
        return HTMLResponse(_link_form("This form was sent from another site."), 403)
    if password != again:
        return HTMLResponse(_link_form("The two passwords differ."), 422)
    services = services_of(request)
    try:
        user = await services.accounts.use_link(
            secret, password, now=services.clock(), address=address_of(request)
        )
    except AccountRefused as error:
        text = f"{error}; {error.hint}." if error.hint else f"{error}."
        return HTMLResponse(_link_form(text.capitalize()), 422)
    opened = await services.accounts.open_session(
        user,
        now=services.clock(),
        address=address_of(request),
        browser=request.headers.get("user-agent", ""),
        instead_of=session_secret(request),
    )
    device = await services.accounts.device_of(user)
    return _with_session(request, RedirectResponse(url("/"), 303), opened, device)


def _with_session(request: Request, answer: Response, opened: OpenSession, device: str) -> Response:
    answer.set_cookie(
        cookie_name(request),
        opened.secret,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    remember_device(request, answer, device)
    return answer


def _inside(wanted: str) -> str:
    """A page of ours to go on to, whatever the address said."""
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/login"))
    return wanted if inside and wanted.isprintable() else "/"


def _login_form(to: str, *, login: str = "", told: str = "", refused: str = "") -> str:
    return document(
        "Log in",
        el("h1", el("i"), "offhook"),
        notice("plain", told) if told else None,
        notice("bad", refused) if refused else None,
        el(
            "form",
            field(
                "Login",
                "login",
                value=login,
                required=True,
                autofocus=True,
                autocomplete="username",
            ),
            field(
                "Password",
                "password",
                kind="password",
                required=True,
                autocomplete="current-password",
            ),
            el("input", type="hidden", name="next", value=to),
            submit("Log in"),
            method="post",
            action=url("/login"),
            class_="section",
        ),
        el(
            "p",
            "Forgotten? An administrator makes a link with ",
            el("code", "offhook user link"),
            ".",
            class_="muted",
        ),
    )


def _link_form(refused: str = "") -> str:
    return document(
        "Choose a password",
        el("h1", el("i"), "Choose a password"),
        notice("bad", refused) if refused else None,
        el(
            "form",
            field(
                "New password",
                "password",
                kind="password",
                required=True,
                autofocus=True,
                autocomplete="new-password",
                minlength=12,
                note="At least 12 characters. Four words that nobody expects do well.",
            ),
            field(
                "The same again",
                "again",
                kind="password",
                required=True,
                autocomplete="new-password",
            ),
            el("input", type="hidden", name="secret", id="secret"),
            submit("Set password and log in"),
            method="post",
            id="link",
            class_="section",
        ),
        script=(
            "document.getElementById('secret').value = location.hash.slice(1);"
            "document.getElementById('link').action = '/link' + location.hash;"
        ),
    )
