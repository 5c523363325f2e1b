"""Users and tokens over the API."""

import asyncio

import httpx
import pytest

from offhook.accounts.roles import Permission, Role
from offhook.api import frame
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of, log_in
from tests.support.api import LISTS, MORNING, api_client, make_app, token_for

USERS = "/api/v1/users"
TOKENS = "/api/v1/tokens"


async def test_users_are_added_listed_in_pages_and_seen_with_their_scope(
    database: Database,
) -> None:
    await add_user(database, "admin", Role.admin)
    async with browser_of(make_app(database), "admin") as client:
        made = await client.post(
            USERS,
            json={"login": "Rossi", "role": "supervisor", "scope": {"queues": ["support"]}},
        )
        taken = await client.post(USERS, json={"login": "rossi", "role": "agent"})
        nobody = await client.post(
            USERS, json={"login": "bianchi", "role": "agent", "agent_id": "no-such"}
        )
        first = (await client.get(USERS, params={"limit": 1})).json()
        second = (
            await client.get(USERS, params={"limit": 1, "cursor": first["next_cursor"]})
        ).json()
        seen = await client.get(f"{USERS}/rossi")
        missing = await client.get(f"{USERS}/nobody")

    assert made.status_code == 201
    assert made.json()["user"]["scope"] == {
        "campaigns": None,
        "queues": ["support"],
        "groups": None,
    }
    assert (taken.status_code, taken.json()["code"]) == (409, "login_taken")
    assert (nobody.status_code, nobody.json()["code"]) == (409, "agent_taken")
    assert [one["login"] for one in first["items"] + second["items"]] == ["admin", "rossi"]
    assert second["next_cursor"] is None
    assert seen.headers["etag"] == '"v1"'
    assert "password" not in seen.json()
    assert (missing.status_code, missing.json()["code"]) == (404, "user_not_found")


async def test_a_change_is_refused_that_was_decided_on_what_is_no_longer_so(
    database: Database,
) -> None:
    await add_user(database, "admin", Role.admin)
    await add_user(database, "rossi", Role.agent)
    async with browser_of(make_app(database), "admin") as client:
        seen = (await client.get(f"{USERS}/rossi")).headers["etag"]
        answers = [
            await client.patch(f"{USERS}/rossi", json=body, headers={"if-match": tag})
            for body, tag in (
                ({"name": "Anna"}, seen),
                ({"name": "Carla"}, seen),
                ({"name": "Berta"}, "W/what"),
                ({"name": "Dora"}, "*"),
                ({}, "*"),
            )
        ]
        now = (await client.get(f"{USERS}/rossi")).json()

    assert [one.status_code for one in answers] == [200, 412, 400, 200, 422]
    assert answers[1].json()["code"] == "user_changed"
    assert answers[2].json()["code"] == "etag_invalid"
    assert answers[0].headers["etag"] != seen
    assert now["name"] == "Dora"


async def test_the_last_administrator_stays_one_even_if_two_leave_at_once(
    database: Database,
) -> None:
    await add_user(database, "admin", Role.admin)
    await add_user(database, "second", Role.admin)
    app = make_app(database)
    async with browser_of(app, "admin") as one, browser_of(app, "second") as two:
        answers = await asyncio.gather(
            one.patch(f"{USERS}/second", json={"role": "agent"}),
            two.patch(f"{USERS}/admin", json={"disabled": True}),
        )
        left = [client for client in (one, two) if (await client.get(USERS)).status_code == 200]
        [client] = left
        name = (await client.get("/api/v1/me")).json()["name"]
        alone = await client.patch(f"{USERS}/{name}", json={"role": "agent"})

    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert (alone.status_code, alone.json()["code"]) == (409, "last_admin")


async def test_nobody_gives_or_takes_over_rights_that_they_lack(database: Database) -> None:
    await add_user(database, "admin", Role.admin)
    scopes = [Permission.users_read, Permission.users_write, Permission.tokens_write]
    token = await token_for(database, [*scopes, Permission.desk_use])
    async with api_client(make_app(database), token) as client:
        refused = [
            await client.post(USERS, json={"login": "mine", "role": "admin"}),
            await client.post(f"{USERS}/admin/link"),
            await client.patch(f"{USERS}/admin", json={"disabled": True}),
            await client.delete(f"{USERS}/admin/sessions"),
            await client.post(TOKENS, json={"name": "more", "scopes": ["audit:read"]}),
        ]
        agent = await client.post(USERS, json={"login": "agent", "role": "agent"})
        raised = await client.patch(f"{USERS}/agent", json={"role": "supervisor"})
        same = await client.post(TOKENS, json={"name": "same", "scopes": ["users:read"]})

    assert {(one.status_code, one.json()["code"]) for one in [*refused, raised]} == {
        (403, "beyond_oneself")
    }
    assert (agent.status_code, same.status_code) == (201, 201)


async def test_an_administrator_ends_a_users_sessions(database: Database) -> None:
    await add_user(database, "admin", Role.admin)
    await add_user(database, "rossi", Role.agent)
    app = make_app(database)
    async with browser_of(app, "admin") as admin, browser_of(app, "rossi") as user:
        listed = (await admin.get(f"{USERS}/rossi/sessions")).json()["items"]
        ended = await admin.delete(f"{USERS}/rossi/sessions")
        after = await user.get("/api/v1/me")
        again = await log_in(user, "rossi")

    assert [one["address"] for one in listed] == ["127.0.0.1"]
    assert (ended.status_code, after.status_code, again.status_code) == (204, 401, 200)


async def test_a_token_is_shown_once_expires_and_ends(database: Database) -> None:
    await add_user(database, "admin", Role.admin)
    app = make_app(database)
    async with browser_of(app, "admin") as admin:
        made = (
            await admin.post(TOKENS, json={"name": "crm", "scopes": ["users:read"], "days": 7})
        ).json()
        listed = await admin.get(TOKENS)
        async with api_client(app, made["token"]) as program:
            before = await program.get(USERS)
            ended = await admin.delete(f"{TOKENS}/crm")
            after = await program.get(USERS)
        again = await admin.delete(f"{TOKENS}/crm")

    view = made["view"]
    assert (view["created_by"], view["scopes"]) == ("admin", ["users:read"])
    assert view["expires_at"][:10] > view["created_at"][:10]
    assert made["token"] not in listed.text
    assert (before.status_code, ended.status_code, after.status_code) == (200, 200, 401)
    assert (again.status_code, again.json()["code"]) == (404, "token_not_found")


async def test_a_session_cookie_is_of_no_use_as_a_token_nor_the_other_way(
    database: Database,
) -> None:
    await add_user(database, "admin", Role.admin)
    token = await token_for(database, [Permission.users_read])
    app = make_app(database)
    async with browser_of(app, "admin") as browser:
        secret = browser.cookies["offhook_session"]
    async with api_client(app, secret) as client:
        as_token = await client.get(USERS)
    async with api_client(app, None) as client:
        as_cookie = await client.get(USERS, headers={"cookie": f"offhook_session={token}"})
        own = await client.get("/api/v1/session", headers={"authorization": f"Bearer {token}"})

    assert [one.status_code for one in (as_token, as_cookie, own)] == [401, 401, 401]


async def test_bodies_and_uploads_are_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "MAX_UPLOAD", 2_500_000)
    await add_user(database, "admin", Role.admin)
    async with browser_of(make_app(database), "admin") as client:

        async def endless(pieces: int, path: str = USERS) -> httpx.Response:
            async def body() -> object:
                for _ in range(pieces):
                    yield b"x" * 1_000_000

            return await client.post(path, content=body())  # type: ignore[arg-type]  # a stream

        declared = await client.post(USERS, content=b" " * 1_000_001)
        streamed = await endless(3)
        await client.post(LISTS, json={"name": "Support", "periods": [MORNING]})
        uploaded = await endless(3, f"{LISTS}/Support/imports")
        fits = await endless(2, f"{LISTS}/Support/imports")

    assert fits.status_code != 413
    for answer in (declared, streamed, uploaded):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
