"""Who may use the API, and what every answer of it has."""

from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute

from offhook.api.app import PREFIX, build_app
from offhook.api.auth import permission_of
from offhook.api.routes import routes
from offhook.api.services import Services
from offhook.health import Health
from offhook.storage.database import Database
from offhook.storage.token_store import Scope, Tokens
from tests.support.api import LISTS, api_client, make_app, no_temporal, token_for

ROUTES = [(method, route) for route in routes() for method in sorted(route.methods or ())]
NAMES = [f"{method} {route.path}" for method, route in ROUTES]


def _path(route: APIRoute) -> str:
    return PREFIX + route.path.replace("{list_id}", "x").replace("{callback_id}", "x")


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=NAMES)
def test_every_route_asks_for_a_scope_that_fits_its_method(method: str, route: APIRoute) -> None:
    wanted = Scope.callbacks_read if method == "GET" else Scope.callbacks_write
    assert permission_of(route) is wanted
    assert route.summary


async def test_every_route_refuses_no_token_and_a_token_of_another_scope(
    database: Database,
) -> None:
    app = make_app(database)
    tokens = {scope: await token_for(database, [scope], scope) for scope in Scope}
    for method, route in ROUTES:
        for scope, token in [*tokens.items(), (None, None), (None, "offhook_wrong")]:
            async with api_client(app, token) as client:
                answer = await client.request(method, _path(route), json={})
            wanted = {permission_of(route)} if scope else set()
            allowed = scope in wanted
            expected = None if allowed else 403 if scope else 401
            if expected is None:
                assert answer.status_code in {200, 404, 422}, (method, route.path, answer.text)
            else:
                assert answer.status_code == expected, (method, route.path, scope)
                code = "scope_missing" if scope else "not_authenticated"
                assert answer.json()["code"] == code
            assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


async def test_a_revoked_token_is_refused_from_its_next_request_on(database: Database) -> None:
    token = await token_for(database, [Scope.callbacks_read], "crm")
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
            assert operation["security"] == [{"HTTPBearer": []}, {"Session": []}]
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
        answer = await client.get(LISTS)

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "secret" not in answer.text
