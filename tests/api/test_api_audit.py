"""The audit log over the API: what gets into it, and how it is read."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from offhook.accounts.principal import Kind, system_principal
from offhook.accounts.roles import Permission, Role
from offhook.api.app import build_app
from offhook.api.services import Services
from offhook.health import Health
from offhook.storage.account_audit import AuditEntry, AuditLog
from offhook.storage.account_tables import AuditResult
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of, log_in
from tests.support.api import LISTS, MORNING, QUICK, api_client, make_app, no_temporal, token_for

USERS = "/api/v1/users"
AUDIT = "/api/v1/audit"


async def _entries(database: Database, **params: Any) -> list[dict[str, Any]]:
    token = await token_for(database, [Permission.audit_read], f"reader {datetime.now(UTC)}")
    async with api_client(make_app(database), token) as client:
        answer = await client.get(AUDIT, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_command_is_kept_with_who_what_where_before_and_after(
    database: Database,
) -> None:
    admin = await add_user(database, "admin", Role.admin)
    rossi = await add_user(database, "rossi", Role.agent)
    async with browser_of(make_app(database), "admin") as client:
        await client.patch(
            f"{USERS}/rossi", json={"role": "supervisor"}, headers={"x-request-id": "mine-7"}
        )
        await client.get(f"{USERS}/rossi")

    entry, login = await _entries(database)
    assert (entry["actor"], entry["actor_name"], entry["kind"]) == (admin.id, "admin", "user")
    assert (entry["action"], entry["subject"]) == ("user.change", f"user/{rossi.id}")
    assert (entry["address"], entry["request_id"]) == ("127.0.0.1", "mine-7")
    assert (entry["before"]["role"], entry["after"]["role"]) == ("agent", "supervisor")
    assert (entry["result"], entry["code"]) == ("done", "")
    assert (login["action"], login["result"]) == ("session.open", "done")


async def test_a_route_that_says_nothing_is_kept_with_its_answer(database: Database) -> None:
    token = await token_for(database, [Permission.callbacks_write], "crm")
    async with api_client(make_app(database), token) as client:
        await client.post(LISTS, json={"name": "Support", "periods": [MORNING]})
        await client.post(f"{LISTS}/Support/callbacks", json={"numbers": ["+390612345678"]})
        await client.post(f"{LISTS}/nothing/callbacks", json={"numbers": ["+390612345678"]})

    gone, booked, made = await _entries(database, kind="token")
    assert (made["action"], made["actor_name"]) == ("callback-list.create", "crm")
    assert made["after"]["name"] == "Support"
    assert (booked["action"], booked["subject"]) == ("callback-list.book", "callback-list/Support")
    assert "12345678" not in str(booked)
    assert (gone["result"], gone["subject"]) == ("refused", "callback-list/nothing")
    assert gone["code"] == "callback_list_not_found"


async def test_what_was_not_allowed_is_kept_as_refused(database: Database) -> None:
    await add_user(database, "rossi", Role.supervisor)
    app = make_app(database)
    async with browser_of(app, "rossi") as client:
        await client.post(USERS, json={"login": "mine", "role": "admin"})
        await log_in(client, "rossi", "guess")
        await log_in(client, "nobody-by-this-name", "guess")

    unknown, guessed, refused, _login = await _entries(database)
    assert (refused["action"], refused["code"]) == ("user.create", "permission_missing")
    assert (guessed["action"], guessed["code"]) == ("session.open", "login_failed")
    assert (guessed["actor_name"], guessed["result"]) == ("rossi", "refused")
    assert unknown["actor"] == "unknown"
    assert "nobody-by-this-name" not in str(unknown)


async def test_secrets_that_an_answer_shows_once_are_not_kept(database: Database) -> None:
    await add_user(database, "admin", Role.admin)
    async with browser_of(make_app(database), "admin") as client:
        made = (await client.post(USERS, json={"login": "rossi", "role": "agent"})).json()
        link = (await client.post(f"{USERS}/rossi/link")).json()
        token = (
            await client.post("/api/v1/tokens", json={"name": "crm", "scopes": ["dnc:read"]})
        ).json()

    kept = str(await _entries(database))
    for secret in (made["link"]["url"], link["url"], token["token"]):
        assert secret.partition("#")[2] or secret
        assert (secret.partition("#")[2] or secret) not in kept
    assert "token.create" in kept


async def _fill(database: Database, count: int = 7) -> None:
    log, began = AuditLog(database), datetime(2026, 3, 2, 9, tzinfo=UTC)
    for number in range(count):
        await log.add(
            AuditEntry(
                at=began + timedelta(minutes=number),
                kind=Kind.operator if number % 2 else Kind.user,
                actor=f"usr-{number}",
                actor_name=f"user{number}",
                action="campaign.pause" if number < 4 else "campaignx.pause",
                subject=f"campaign/c{number}",
                result=AuditResult.done,
            )
        )


async def test_entries_come_in_pages_by_what_is_asked_for(database: Database) -> None:
    await _fill(database)
    token = await token_for(database, [Permission.audit_read])
    async with api_client(make_app(database), token) as client:

        async def subjects(**params: Any) -> list[str]:
            found, cursor = [], None
            while True:
                asked = params | ({"cursor": cursor} if cursor else {})
                page = (await client.get(AUDIT, params={"limit": 2, **asked})).json()
                found += [one["subject"].removeprefix("campaign/") for one in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    return found

        assert await subjects() == ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]
        assert await subjects(kind="operator") == ["c5", "c3", "c1"]
        assert await subjects(action="campaign.") == ["c3", "c2", "c1", "c0"]
        assert await subjects(action="campaign.pause", kind="user") == ["c2", "c0"]
        assert await subjects(actor="user5") == await subjects(actor="usr-5") == ["c5"]
        assert await subjects(subject="campaign/c1") == ["c1"]
        span = {"from": "2026-03-02T09:02:00Z", "to": "2026-03-02T09:04:00Z"}
        assert await subjects(**span) == ["c3", "c2"]
        wrong = await client.get(AUDIT, params={"cursor": "WyJ4Il0"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "cursor_invalid")


async def test_as_a_file_no_cell_is_run_by_a_spreadsheet(database: Database) -> None:
    evil = ("=cmd|' /C calc'!A1", "+1+cmd", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "ok")
    for name in evil:
        entry = AuditEntry(
            at=datetime.now(UTC),
            kind=Kind.user,
            actor="usr-1",
            actor_name=name,
            action="user.change",
            subject=name,
            result=AuditResult.done,
            after={"name": name},
        )
        await AuditLog(database).add(entry)
    token = await token_for(database, [Permission.audit_read])
    async with api_client(make_app(database), token) as client:
        answer = await client.get(AUDIT, headers={"accept": "text/csv"})

    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [row["actor_name"].removeprefix("'") for row in reversed(rows)] == list(evil)
    for row in rows:
        assert not any(cell[:1] in "=+-@\t\r\n" for cell in row.values() if cell), row


async def test_nobody_changes_or_deletes_what_is_in_the_log(database: Database) -> None:
    await _fill(database, 1)
    for statement in (
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        with pytest.raises(DBAPIError, match="only added"):
            async with database.transaction() as session:
                await session.execute(text(statement))
    assert len(await _entries(database)) == 1


async def test_whoever_is_no_route_records_with_the_same_helper(database: Database) -> None:
    services = Services(database, no_temporal)
    who = system_principal().model_copy(update={"address": "console"})
    async with services.audited(who, "campaign.pause", "campaign/c1") as entry:
        entry.after = {"phase": "paused"}
    [kept] = await _entries(database)
    assert (kept["address"], kept["after"]) == ("console", {"phase": "paused"})


async def test_metrics_are_for_who_may_watch_the_floor_where_that_is_set(
    database: Database,
) -> None:
    async def broken() -> str:
        return "the disk is full"

    access = QUICK.model_copy(update={"open_metrics": False})
    app = build_app(Health("api", {"disk": broken}), Services(database, no_temporal, access=access))
    allowed = await token_for(database, [Permission.floor_read], "prometheus")
    other = await token_for(database, [Permission.audit_read], "other")
    shown = {}
    for name, token in (("nobody", None), ("other", other), ("allowed", allowed)):
        async with api_client(app, token) as client:
            paths = ("/healthz", "/readyz", "/metrics")
            shown[name] = [await client.get(path) for path in paths]

    statuses = {name: [one.status_code for one in answers] for name, answers in shown.items()}
    assert statuses == {
        "nobody": [200, 503, 401],
        "other": [200, 503, 403],
        "allowed": [200, 503, 200],
    }
    assert shown["nobody"][1].json() == {"status": "unready", "process": "api"}
    assert shown["allowed"][1].json()["checks"] == {"disk": "the disk is full"}
    assert "dialer_logins_total" in shown["allowed"][2].text


async def test_pages_have_headers_against_framing_and_sniffing(database: Database) -> None:
    async with api_client(make_app(database), None) as client:
        api, page = await client.get(AUDIT), await client.get("/healthz")

    def policy(answer: httpx.Response) -> dict[str, str]:
        parts = answer.headers["content-security-policy"].split("; ")
        return dict(part.split(" ", 1) for part in parts)

    for answer in (api, page):
        assert policy(answer)["frame-ancestors"] == "'none'"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-request-id"]
    assert policy(api)["default-src"] == "'none'"
    assert policy(page)["default-src"] == "'none'"
