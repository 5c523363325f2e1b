"""Logging in and out: sessions, links, and who tries too often."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from offhook.accounts.passwords import Passwords
from offhook.accounts.roles import Role
from offhook.accounts.service import Accounts
from offhook.accounts.throttle import FREE_FOR_ADDRESS, FREE_FOR_LOGIN
from offhook.api.app import build_app
from offhook.api.services import Services
from offhook.health import Health
from offhook.settings_access import AccessSettings
from offhook.storage.database import Database
from tests.support.accounts import PASSWORD, SESSION, add_user, browser_of, log_in
from tests.support.api import QUICK, api_client, make_app, no_temporal

USERS = "/api/v1/users"
ME = "/api/v1/me"
NEW_PASSWORD = "another four words altogether"
COOKIE = "offhook_session"


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **much: float) -> None:
        self.now += timedelta(**much)


def _on(database: Database, clock: Clock, access: AccessSettings = QUICK) -> httpx.AsyncClient:
    app = build_app(Health("api"), Services(database, no_temporal, clock=clock, access=access))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api")


async def test_a_user_logs_in_sees_who_they_are_and_logs_out(database: Database) -> None:
    user = await add_user(database, "rossi", Role.supervisor)
    async with api_client(make_app(database), None) as client:
        opened = await log_in(client, "Rossi")
        shown = await client.get(SESSION)
        secret = client.cookies[COOKIE]
        gone = await client.delete(SESSION)
        client.cookies.set(COOKIE, secret)
        after = await client.get(ME)

    assert (opened.status_code, opened.json()["who"]["id"]) == (200, user.id)
    assert shown.json()["csrf_token"] == opened.json()["csrf_token"]
    assert gone.status_code == 204
    assert 'offhook_session=""' in gone.headers["set-cookie"]
    assert after.status_code == 401


async def test_the_cookie_is_kept_from_scripts_and_other_sites(database: Database) -> None:
    await add_user(database, "rossi", Role.admin)
    app = make_app(database)
    async with api_client(app, None) as client:
        plain = (await log_in(client, "rossi")).headers
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://api") as client:
        secure = (await log_in(client, "rossi")).headers
        known = await client.get(ME)

    behind = Services(database, no_temporal, access=QUICK, public_url="https://dialer.example")
    async with api_client(build_app(Health("api"), behind), None) as client:
        proxied = (await log_in(client, "rossi")).headers

    assert proxied["set-cookie"].startswith("__Host-offhook_session=")
    assert "Secure" in proxied["set-cookie"]
    assert "strict-transport-security" in proxied
    for name in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert name in plain["set-cookie"]
        assert name in secure["set-cookie"]
    assert "Secure" not in plain["set-cookie"]
    assert "strict-transport-security" not in plain
    assert "Secure" in secure["set-cookie"]
    assert secure["set-cookie"].startswith("__Host-offhook_session=")
    assert secure["strict-transport-security"] == "max-age=31536000"
    assert known.status_code == 200


async def test_a_session_that_was_planted_is_not_the_one_that_begins_at_login(
    database: Database,
) -> None:
    await add_user(database, "rossi", Role.admin)
    await add_user(database, "mallory", Role.agent)
    app = make_app(database)
    async with browser_of(app, "mallory") as attacker:
        planted = attacker.cookies[COOKIE]
        async with api_client(app, None) as victim:
            victim.cookies.set(COOKIE, planted, domain="api.local")
            await log_in(victim, "rossi")
            begun = [
                cookie.value
                for cookie in victim.cookies.jar
                if cookie.name == COOKIE and cookie.value != planted
            ]
        attackers = await attacker.get(ME)
        made_up = await attacker.get(ME, headers={"cookie": f"{COOKIE}=made-up"})

    assert len(begun) == 1
    assert attackers.status_code == 401
    assert made_up.status_code == 401


async def test_a_browsers_change_needs_the_token_of_its_own_session(database: Database) -> None:
    await add_user(database, "rossi", Role.admin)
    app = make_app(database)
    body = {"login": "bianchi", "role": "agent"}
    async with browser_of(app, "rossi") as other, browser_of(app, "rossi") as client:
        own = client.headers.pop("x-csrf-token")
        answers = [
            await client.post(USERS, json=body),
            await client.post(USERS, json=body, headers={"x-csrf-token": ""}),
            await client.post(
                USERS, json=body, headers={"x-csrf-token": other.headers["x-csrf-token"]}
            ),
            await client.delete(SESSION),
        ]
        reading = await client.get(USERS)
        right = await client.post(USERS, json=body, headers={"x-csrf-token": own})

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "csrf_failed")] * 4
    assert reading.status_code == 200
    assert [one["login"] for one in reading.json()["items"]] == ["rossi"]
    assert right.status_code == 201


async def test_a_login_that_another_site_sends_is_refused(database: Database) -> None:
    await add_user(database, "mallory", Role.agent)
    async with api_client(make_app(database), None) as client:
        for site, expected in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
            client.headers["sec-fetch-site"] = site
            assert (await log_in(client, "mallory")).status_code == expected, site
        form = await client.post(
            SESSION,
            content=f'{{"login": "mallory", "password": "{PASSWORD}"}}',
            headers={"content-type": "text/plain"},
        )
    assert form.status_code == 422


async def test_a_session_ends_when_idle_and_in_any_case_after_its_hours(
    database: Database,
) -> None:
    await add_user(database, "rossi", Role.admin)
    clock = Clock()
    async with _on(database, clock) as client:
        await log_in(client, "rossi")
        seen = []
        for minutes in (29, 29, 31):
            clock.forward(minutes=minutes)
            seen.append((await client.get(ME)).status_code)
        await log_in(client, "rossi")
        for _ in range(25):
            clock.forward(minutes=29)
            seen.append((await client.get(ME)).status_code)

    assert seen[:3] == [200, 200, 401]
    assert seen[3:] == [200] * 24 + [401]


async def test_a_change_of_rights_counts_from_the_next_request_on(database: Database) -> None:
    await add_user(database, "rossi", Role.admin)
    await add_user(database, "bianchi", Role.admin)
    app = make_app(database)
    async with browser_of(app, "rossi") as admin, browser_of(app, "bianchi") as other:
        await admin.patch(f"{USERS}/bianchi", json={"role": "supervisor"})
        demoted = await other.get(USERS)
        await admin.patch(f"{USERS}/bianchi", json={"disabled": True})
        disabled = await other.get(ME)
        again = await log_in(other, "bianchi")

    assert (demoted.status_code, demoted.json()["code"]) == (403, "permission_missing")
    assert disabled.status_code == 401
    assert (again.status_code, again.json()["code"]) == (401, "login_failed")


async def test_a_changed_password_ends_every_other_session(database: Database) -> None:
    await add_user(database, "rossi", Role.agent)
    app = make_app(database)
    async with browser_of(app, "rossi") as here, browser_of(app, "rossi") as elsewhere:
        wrong = await here.put(
            f"{ME}/password", json={"current": "not that one", "password": NEW_PASSWORD}
        )
        weak = await here.put(f"{ME}/password", json={"current": PASSWORD, "password": "short"})
        listed = (await here.get(f"{ME}/sessions")).json()["items"]
        done = await here.put(
            f"{ME}/password", json={"current": PASSWORD, "password": NEW_PASSWORD}
        )
        assert (await here.get(ME)).status_code == 200
        assert (await elsewhere.get(ME)).status_code == 401
        old = await log_in(elsewhere, "rossi")
        new = await log_in(elsewhere, "rossi", NEW_PASSWORD)

    assert (wrong.status_code, wrong.json()["code"]) == (401, "login_failed")
    assert (weak.status_code, weak.json()["code"]) == (422, "password_refused")
    assert sorted(one["this_one"] for one in listed) == [False, True]
    assert done.status_code == 204
    assert (old.status_code, new.status_code) == (401, 200)


async def test_a_user_ends_one_of_their_sessions_and_nobody_elses(database: Database) -> None:
    await add_user(database, "rossi", Role.agent)
    await add_user(database, "bianchi", Role.agent)
    app = make_app(database)
    async with (
        browser_of(app, "rossi") as here,
        browser_of(app, "rossi") as elsewhere,
        browser_of(app, "bianchi") as other,
    ):
        theirs = (await other.get(f"{ME}/sessions")).json()["items"][0]["session"]["id"]
        refused = await here.delete(f"{ME}/sessions/{theirs}")
        listed = (await here.get(f"{ME}/sessions")).json()["items"]
        [second] = [one["session"]["id"] for one in listed if not one["this_one"]]
        ended = await here.delete(f"{ME}/sessions/{second}")
        statuses = [(await one.get(ME)).status_code for one in (here, elsewhere, other)]

    assert (refused.status_code, ended.status_code) == (404, 204)
    assert statuses == [200, 401, 200]


async def test_guessing_one_login_waits_longer_each_time_and_costs_no_hash(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_user(database, "rossi", Role.admin)
    looked = []
    check = Passwords.check

    async def counted(self: Passwords, kept: str | None, password: str) -> object:
        looked.append(kept is not None)
        return await check(self, kept, password)

    monkeypatch.setattr(Passwords, "check", counted)
    clock, waits = Clock(), []
    async with _on(database, clock) as client:
        for _ in range(FREE_FOR_LOGIN - 1):
            assert (await log_in(client, "rossi", "guess")).status_code == 401
        for _ in range(4):
            assert (await log_in(client, "rossi", "guess")).status_code == 401
            before = len(looked)
            held = await log_in(client, "rossi")
            assert (held.status_code, held.json()["code"]) == (429, "login_throttled")
            assert len(looked) == before
            waits.append(int(held.headers["retry-after"]))
            clock.forward(seconds=waits[-1])
        clock.forward(seconds=1)
        right = await log_in(client, "rossi")
        fresh = [await log_in(client, "rossi", "guess") for _ in range(2)]

    assert waits == [1, 2, 4, 8]
    assert right.status_code == 200
    assert [one.status_code for one in fresh] == [401, 401]
    assert all(looked)


async def test_guessing_many_logins_makes_the_address_wait(database: Database) -> None:
    await add_user(database, "rossi", Role.admin)
    clock = Clock()
    async with _on(database, clock) as client:
        answers = [
            await log_in(client, f"user{number}", "guess") for number in range(FREE_FOR_ADDRESS)
        ]
        held = await log_in(client, "rossi")
        clock.forward(seconds=5)
        later = await log_in(client, "rossi")

    assert {one.status_code for one in answers} == {401}
    assert {one.json()["code"] for one in answers} == {"login_failed"}
    assert held.status_code == 429
    assert later.status_code == 200


async def test_an_unknown_login_costs_as_much_work_as_a_wrong_password(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_user(database, "rossi", Role.admin)
    await Accounts(database, QUICK).add_user("fresh", Role.agent, now=datetime.now(UTC))
    checked: list[str | None] = []
    check = Passwords.check

    async def counted(self: Passwords, kept: str | None, password: str) -> object:
        checked.append(kept)
        return await check(self, kept, password)

    monkeypatch.setattr(Passwords, "check", counted)
    async with api_client(make_app(database), None) as client:
        answers = [
            await log_in(client, login, "guess") for login in ("rossi", "nobody", "fresh", "\x01")
        ]
        shown = {(one.status_code, one.json()["detail"]) for one in answers}

    assert len(shown) == 1
    assert [kept is not None for kept in checked] == [True, False, False, False]


async def test_a_link_sets_a_password_once_and_begins_a_session(database: Database) -> None:
    await add_user(database, "rossi", Role.admin)
    app = make_app(database)
    async with browser_of(app, "rossi") as admin, api_client(app, None) as client:
        made = (await admin.post(USERS, json={"login": "bianchi", "role": "agent"})).json()
        first = made["link"]["url"].partition("#")[2]
        again = (await admin.post(f"{USERS}/bianchi/link")).json()
        secret = again["url"].partition("#")[2]

        async def use(secret: str, password: str = NEW_PASSWORD) -> httpx.Response:
            return await client.post(
                f"{SESSION}/link", json={"secret": secret, "password": password}
            )

        replaced, weak = await use(first), await use(secret, "bianchibianchi")
        used, twice = await use(secret), await use(secret)
        who = (await client.get(ME)).json()

    assert made["link"]["url"].startswith("http://api/link#")
    assert (replaced.status_code, replaced.json()["code"]) == (403, "link_refused")
    assert (weak.status_code, weak.json()["code"]) == (422, "password_refused")
    assert (used.status_code, twice.status_code) == (200, 403)
    assert (who["name"], who["permissions"]) == ("bianchi", ["desk:use"])


async def test_a_link_is_void_after_its_hours(database: Database) -> None:
    clock = Clock()
    accounts = Accounts(database, QUICK)
    await accounts.add_user("rossi", Role.agent, now=clock())
    made = await accounts.make_link("rossi", now=clock())
    clock.forward(hours=24, seconds=1)
    async with _on(database, clock) as client:
        late = await client.post(
            f"{SESSION}/link", json={"secret": made.secret, "password": NEW_PASSWORD}
        )
    assert late.status_code == 403
