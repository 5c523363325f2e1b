"""Who may use the API, and what every answer of it has."""

from datetime import UTC, datetime

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route
from structlog.testing import capture_logs

from offhook.accounts.roles import ROLES, Permission, Role
from offhook.api.app import PREFIX, build_app
from offhook.api.auth import CSRF_HEADER, asks_who, permission_of
from offhook.api.routes import ROUTERS
from offhook.api.services import Services
from offhook.health import Health
from offhook.storage.database import Database
from offhook.storage.token_store import Tokens
from tests.support.accounts import add_user, browser_of
from tests.support.api import LISTS, api_client, make_app, no_temporal, token_for
from tests.support.matrix import OPEN, OWN, ROUTES, name_of, status_of

NAMES = [name_of(method, route) for method, route in ROUTES]
GUARDED = [(method, route) for method, route in ROUTES if permission_of(route)]
COMMANDS_THAT_READ = frozenset({"switches:read", "campaigns:read", "contacts:read", "ivr:read"})
"""Permissions to look that also let somebody have something checked or computed."""


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=NAMES)
def test_every_route_asks_for_a_permission_that_fits_its_method(
    method: str, route: APIRoute
) -> None:
    wanted = permission_of(route)
    assert route.summary
    if name_of(method, route) in OPEN | OWN:
        assert wanted is None
        assert asks_who(route) == (name_of(method, route) in OWN)
        return
    assert wanted is not None, "a route that asks for nothing is in OPEN or OWN, by its name"
    if method == "GET":
        assert wanted.endswith(":read") or wanted in {"desk:use", "imports:write"}
    else:
        assert not wanted.endswith(":read") or wanted in COMMANDS_THAT_READ


def test_what_is_named_as_open_is_there() -> None:
    assert set(NAMES) >= OPEN | OWN


def test_the_application_has_no_other_routes_than_these(database: Database) -> None:
    every = make_app(database).routes
    included = [getattr(route, "original_router", None) for route in every]
    paths = {route.path for route in every if isinstance(route, Route)}
    assert [router for router in included if router is not None] == list(ROUTERS)
    assert paths == {f"{PREFIX}/openapi.json", "/healthz", "/readyz", "/metrics"}
    assert len(every) == len(ROUTERS) + len(paths)


@pytest.mark.parametrize("role", Role)
async def test_a_role_gets_through_to_the_routes_of_its_permissions_only(
    role: Role, database: Database
) -> None:
    await add_user(database, "somebody", role)
    app = make_app(database)
    async with browser_of(app, "somebody") as browser:
        headers = {
            "cookie": "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar),
            CSRF_HEADER: browser.headers[CSRF_HEADER],
        }
    found = {
        name_of(method, route): await status_of(app, method, route, headers)
        for method, route in GUARDED
    }

    refused = {name for name, status in found.items() if status == httpx.codes.FORBIDDEN}
    assert refused == {
        name_of(method, route)
        for method, route in GUARDED
        if permission_of(route) not in ROLES[role]
    }
    assert httpx.codes.UNAUTHORIZED not in found.values()


async def test_a_token_gets_through_with_the_scope_of_the_route_and_with_no_other(
    database: Database,
) -> None:
    app = make_app(database)
    only, others = {}, {}
    for one in Permission:
        only[one] = await token_for(database, [one], one)
        others[one] = await token_for(
            database, [p for p in Permission if p is not one], f"not {one}"
        )
    for method, route in GUARDED:
        wanted = permission_of(route)
        assert wanted is not None
        name = name_of(method, route)
        allowed = await status_of(app, method, route, _bearer(only[wanted]))
        assert allowed not in {401, 403}, name
        assert await status_of(app, method, route, _bearer(others[wanted])) == 403, name
        assert await status_of(app, method, route, _bearer("offhook_wrong")) == 401, name
        assert await status_of(app, method, route, {}) == 401, name


async def test_a_refusal_says_what_is_missing_and_how_to_ask(database: Database) -> None:
    token = await token_for(database, [Permission.callbacks_write])
    app = make_app(database)
    async with api_client(app, token) as client:
        refused = await client.get(LISTS)
    async with api_client(app, None) as client:
        unknown = await client.get(LISTS)

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "callbacks:read" in refused.json()["detail"]
    assert (unknown.status_code, unknown.json()["code"]) == (401, "not_authenticated")
    assert unknown.headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in refused.headers


async def test_routes_about_oneself_refuse_whoever_is_nobody(database: Database) -> None:
    app = make_app(database)
    for method, route in ROUTES:
        if name_of(method, route) in OWN:
            for headers in ({}, _bearer("offhook_wrong"), {"cookie": "offhook_session=wrong"}):
                assert await status_of(app, method, route, headers) == 401, route.path


async def test_a_revoked_token_is_refused_from_its_next_request_on(database: Database) -> None:
    token = await token_for(database, [Permission.callbacks_read], "crm")
    async with api_client(make_app(database), token) as client:
        assert (await client.get(LISTS)).status_code == 200
        await Tokens(database).revoke("crm", now=datetime.now(UTC))
        assert (await client.get(LISTS)).status_code == 401


async def test_the_description_names_every_route_and_its_problems(database: Database) -> None:
    async with api_client(make_app(database), None) as client:
        described = (await client.get(f"{PREFIX}/openapi.json")).json()

    found = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, item in described["paths"].items()
        for method in item
    }
    assert found == set(NAMES)
    for item in described["paths"].values():
        for operation in item.values():
            assert "application/problem+json" in operation["responses"]["422"]["content"]
    for method, route in ROUTES:
        described_as = described["paths"][PREFIX + route.path][method.lower()]
        ways: list[dict[str, list[str]]]
        ways = [] if name_of(method, route) in OPEN else [{"HTTPBearer": []}, {"Session": []}]
        assert described_as.get("security", []) == ways, route.path
    assert {"Problem", "Fault"} <= described["components"]["schemas"].keys()


async def test_every_answer_has_the_id_of_its_request_and_headers_for_browsers(
    database: Database,
) -> None:
    async with api_client(make_app(database), None) as client:
        named = await client.get(LISTS, headers={"x-request-id": "mine-1"})
        forged = await client.get(f"{PREFIX}/nothing", headers={"x-request-id": "a b"})
        wrong = await client.put(LISTS)
        health = await client.get("/healthz")

    assert named.headers["x-request-id"] == named.json()["request_id"] == "mine-1"
    assert forged.headers["x-request-id"].startswith("req-")
    assert (forged.status_code, forged.json()["code"]) == (404, "no_such_route")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert named.headers["x-content-type-options"] == "nosniff"
    assert named.headers["cache-control"] == "no-store"
    assert health.status_code == 200


async def test_a_bug_of_ours_is_a_problem_that_tells_nothing_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Tokens, "known", broken)
    app = build_app(Health("api"), Services(database, no_temporal))
    async with api_client(app, "offhook_any") as client:
        with capture_logs() as logged:
            answer = await client.get(LISTS)

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "secret" not in answer.text
    assert [entry["event"] for entry in logged] == ["api_request_broke"]
