"""What somebody tries who means no good, on every route that there is."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select

from offhook.accounts.devices import is_device_of, new_device
from offhook.accounts.roles import Permission, Role
from offhook.accounts.service import Accounts
from offhook.accounts.throttle import FREE_FOR_LOGIN
from offhook.api import frame
from offhook.api.auth import SAFE, asks_who, permission_of
from offhook.storage.account_tables import audit_log
from offhook.storage.database import Database
from tests.support.accounts import SESSION, add_user, browser_of, log_in
from tests.support.api import QUICK, api_client, make_app, token_for
from tests.support.matrix import OPEN, ROUTES, name_of, scope_of, status_of

CHANGING = [(method, route) for method, route in ROUTES if method not in SAFE]
GUARDED = [(method, route) for method, route in CHANGING if permission_of(route)]
PIECE = b" " * 65_536


async def test_what_changes_something_is_refused_without_the_sessions_token(
    database: Database,
) -> None:
    await add_user(database, "admin", Role.admin)
    app = make_app(database)
    async with browser_of(app, "admin") as browser, browser_of(app, "admin") as another:
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        anothers = another.headers["x-csrf-token"]
    forged: tuple[dict[str, str], ...] = (
        {},
        {"x-csrf-token": ""},
        {"x-csrf-token": "guess"},
        {"x-csrf-token": anothers},
    )
    for method, route in CHANGING:
        if name_of(method, route) not in OPEN:
            for headers in forged:
                status = await status_of(app, method, route, {"cookie": cookie, **headers})
                assert status == httpx.codes.FORBIDDEN, (method, route.path, headers)


async def test_every_command_is_in_the_audit_with_who_what_and_from_where(
    database: Database,
) -> None:
    token = await token_for(database, sorted(Permission), "crm")
    app = make_app(database)
    asked = {f"walk-{number}": one for number, one in enumerate(GUARDED)}
    for name, (method, route) in asked.items():
        headers = {"authorization": f"Bearer {token}", "x-request-id": name}
        headers["x-forwarded-for"] = "198.51.100.7"  # nobody is trusted to say so
        await status_of(app, method, route, headers)
    async with database.transaction() as session:
        rows = (await session.execute(select(audit_log))).all()

    found = {row.request_id: row for row in rows}
    assert found.keys() == asked.keys()
    assert len({row.action for row in rows}) > len(asked) // 2
    for name, (method, route) in asked.items():
        row = found[name]
        assert (row.kind, row.actor_name, row.address) == ("token", "crm", "127.0.0.1"), route.path
        noun, dot, verb = row.action.partition(".")
        assert noun, (method, route.path)
        assert dot, (method, route.path)
        assert verb, (method, route.path)
        assert bool(row.subject) == ("{" in route.path), (method, route.path)
        assert (row.result == "done") == (not row.code), (method, route.path)
        assert token not in str(row)


async def _swallowed(app: FastAPI, method: str, route: APIRoute) -> tuple[int, int]:
    """The status that a stranger gets who sends without end, and how much of it was read."""
    read, status = 0, 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        if status or read > 3 * frame.MAX_BODY:
            return {"type": "http.disconnect"}
        read += len(PIECE)
        return {"type": "http.request", "body": PIECE, "more_body": True}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    scope = scope_of(method, route, {"transfer-encoding": "chunked"}, query=b"source=x")
    await app(scope, receive, send)
    return status, read


async def test_a_stranger_who_sends_without_end_is_cut_off_early(database: Database) -> None:
    app = make_app(database)
    for method, route in CHANGING:
        status, read = await _swallowed(app, method, route)
        assert status in {401, 403, 413, 422}, (method, route.path, status)
        assert read <= frame.MAX_BODY + len(PIECE), (method, route.path, read)


async def test_a_body_that_does_not_come_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "BODY_WITHIN_S", 0.05)

    async def body() -> Any:
        yield b'{"login": '
        await asyncio.sleep(30)
        yield b'"x"}'

    async with api_client(make_app(database), None) as client, asyncio.timeout(10):
        answer = await client.post(SESSION, content=body())
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
    assert answer.headers["connection"] == "close"


async def test_a_stranger_who_fails_on_and_on_does_not_shut_out_whose_login_it_is(
    database: Database,
) -> None:
    await add_user(database, "rossi", Role.admin)
    app = make_app(database)
    async with api_client(app, None) as home:
        assert (await log_in(home, "rossi")).status_code == 200
        kept = {one.name: str(one.value) for one in home.cookies.jar}
    device = {"offhook_session_device": kept["offhook_session_device"]}
    async with api_client(app, None) as stranger:
        for _ in range(FREE_FOR_LOGIN):
            await log_in(stranger, "rossi", "guess")
        assert (await log_in(stranger, "rossi")).status_code == 429
        forged = device["offhook_session_device"].partition(".")[0]
        stranger.cookies.update({"offhook_session_device": f"{forged}.guess"})
        assert (await log_in(stranger, "rossi")).status_code == 429
    async with api_client(app, None) as home:
        home.cookies.update(device)
        assert (await log_in(home, "rossi")).status_code == 200
        home.cookies.update(device)
        for _ in range(FREE_FOR_LOGIN):
            assert (await log_in(home, "rossi", "guess")).status_code == 401
        held = await log_in(home, "rossi")
    assert (held.status_code, held.json()["code"]) == (429, "login_throttled")


async def test_a_device_is_one_users_and_of_one_password(database: Database) -> None:
    accounts, now = Accounts(database, QUICK), datetime.now(UTC)
    user = await add_user(database, "rossi", Role.agent)
    other = await add_user(database, "bianchi", Role.agent)
    word = await accounts.device_of(user)
    found = await accounts.users.password_of("rossi")
    assert found is not None
    assert is_device_of(user.id, found[1], word)
    assert not is_device_of(other.id, found[1], word)
    assert not is_device_of(user.id, None, new_device(user.id, None))
    await accounts.set_password("rossi", "another four words altogether", now=now)
    found = await accounts.users.password_of("rossi")
    assert found is not None
    assert not is_device_of(user.id, found[1], word)


def test_a_route_that_changes_something_asks_who_it_is() -> None:
    assert {name_of(*one) for one in CHANGING if not asks_who(one[1])} == OPEN
