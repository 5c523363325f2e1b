"""`offhook user`, `token` and `audit log`; and every other command in the audit log."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from offhook.accounts.operator import operator
from offhook.accounts.service import Accounts
from offhook.api.welcome import welcome
from offhook.cli.main import run
from offhook.cli.recorded import LOOKING, NO_COMMANDS
from offhook.reference import commands
from offhook.storage.account_audit import AuditFilter, AuditLog, AuditRow
from offhook.storage.database import Database
from tests.support.accounts import PASSWORD
from tests.support.api import QUICK

Command = Callable[..., Any]


@pytest.fixture
def command(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line with `--json`; its document, after the exit code was looked at."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    for name in ("MEMORY_KIB", "PASSES", "LANES"):
        value = "8" if name == "MEMORY_KIB" else "1"
        monkeypatch.setenv(f"OFFHOOK_ACCESS__ARGON2_{name}", value)

    async def work(*words: str, exit_code: int = 0) -> Any:
        capsys.readouterr()
        code = await asyncio.to_thread(run, [*words, "--json"])
        out = capsys.readouterr()
        assert code == exit_code, out.err
        return json.loads(out.out) if out.out.strip() else None

    return work


async def _log(database: Database) -> list[AuditRow]:
    found = await AuditLog(database).page(AuditFilter(), limit=200)
    return sorted(found, key=lambda row: row.id)


async def test_people_are_added_changed_and_let_in_by_a_link(
    command: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = await command("user", "add", "Rossi", "--role", "supervisor", "--queue", "support")
    taken = await command("user", "add", "rossi", "--role", "agent", exit_code=1)
    await command("user", "role", "rossi", "admin", exit_code=0)
    last = await command("user", "disable", "rossi", exit_code=1)
    await command("user", "add", "admin", "--role", "admin")
    await command("user", "scope", "rossi", "--everything")
    await command("user", "disable", "rossi")
    link = await command("user", "link", "rossi")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    await command("user", "password", "rossi")
    listed = await command("user", "list")

    assert added["user"]["login"] == "rossi"
    assert added["link"]["url"].startswith("http://127.0.0.1:8400/link#")
    assert taken["error"]["code"] == "login_taken"
    assert last["error"]["code"] == "last_admin"
    assert link["url"] != added["link"]["url"]
    states = {one["login"]: (one["role"], one["has_password"]) for one in listed["users"]}
    assert states == {"admin": ("admin", False), "rossi": ("admin", True)}
    kept = [(row.action, row.result, row.code) for row in await _log(database)]
    assert kept == [
        ("user.create", "done", ""),
        ("user.create", "refused", "login_taken"),
        ("user.change", "done", ""),
        ("user.change", "refused", "last_admin"),
        ("user.create", "done", ""),
        ("user.change", "done", ""),
        ("user.change", "done", ""),
        ("user.link", "done", ""),
        ("user.password", "done", ""),
    ]
    changed = (await _log(database))[2]
    assert changed.before["role"] == "supervisor"
    assert changed.after["role"] == "admin"
    assert (changed.actor, changed.kind) == (operator().id, "operator")
    assert added["link"]["url"].partition("#")[2] not in str(await _log(database))


async def test_a_wrong_login_or_scope_is_a_wrong_command_line(command: Command) -> None:
    await command("user", "add", "no spaces", "--role", "agent", exit_code=2)
    await command("user", "scope", "rossi", exit_code=2)
    await command("user", "scope", "rossi", "--everything", "--queue", "x", exit_code=2)


async def test_a_token_expires_unless_asked_otherwise(command: Command, database: Database) -> None:
    made = await command("token", "create", "crm", "--scope", "campaigns:read")
    kept = await command("token", "create", "old", "--scope", "dnc:read", "--for-ever")
    await command("token", "revoke", "crm")

    assert made["view"]["expires_at"] is not None
    assert made["view"]["created_by"] == operator().name
    assert kept["view"]["expires_at"] is None
    entries = await _log(database)
    assert [row.action for row in entries] == ["token.create", "token.create", "token.revoke"]
    assert made["token"] not in str(entries)


async def test_a_command_that_changes_something_is_recorded_and_one_that_looks_is_not(
    command: Command, database: Database
) -> None:
    await command("dnc", "add", "+390612345678", "--source", "they called")
    await command("dnc", "list")
    await command("campaign", "pause", "nothing", exit_code=1)
    await command("dnc", "add", "not a number", exit_code=1)

    entries = await _log(database)
    assert (entries[0].action, entries[0].result) == ("dnc.add", "done")
    assert entries[0].after["asked"]["source"] == "they called"
    assert "12345678" not in str(entries)
    assert "dnc.list" not in {row.action for row in entries}
    assert entries[-1].result == "refused"
    assert entries[-1].code


def test_what_only_looks_is_named_and_everything_that_is_named_is_there() -> None:
    known = {words for words, _command in commands()}
    groups = {words[0] for words in known} | {"demo"}
    assert groups >= NO_COMMANDS
    for group, verbs in LOOKING.items():
        assert {(group, verb) for verb in verbs} <= known, group


async def test_the_log_is_filtered_and_written_as_a_file(command: Command, tmp_path: Path) -> None:
    await command("user", "add", "rossi", "--role", "agent", "--name", "=1+1")
    await command("token", "create", "crm", "--scope", "dnc:read")
    path = tmp_path / "audit.csv"

    users = await command("audit", "log", "--action", "user.")
    everybody = await command("audit", "log", "--actor", operator().name, "--kind", "operator")
    future = await command("audit", "log", "--from", "2199-01-01")
    written = await command("audit", "log", "--csv", str(path))

    assert [row["action"] for row in users["entries"]] == ["user.create"]
    assert len(everybody["entries"]) == 2
    assert future["entries"] == []
    assert written == {"entries": 2}
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert json.loads(rows[1]["after"])["name"] == "=1+1"


class _Terminal(io.StringIO):
    def __init__(self, *, is_one: bool) -> None:
        super().__init__()
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one


async def test_the_first_start_prints_a_link_on_a_terminal_and_never_into_a_log(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(database, QUICK)
    now = datetime.now(UTC)
    said = []
    for is_terminal in (True, False):
        terminal = _Terminal(is_one=is_terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        await welcome(accounts, base="http://here:1", now=now)
        said.append(terminal.getvalue())
    [user] = await accounts.users.page()
    secret = said[0].partition("/link#")[2].split()[0]
    await accounts.use_link(secret, PASSWORD, now=now)
    terminal = _Terminal(is_one=True)
    monkeypatch.setattr("sys.stderr", terminal)
    await welcome(accounts, base="http://here:1", now=now)

    assert (user.login, user.role, user.has_password) == ("admin", "admin", False)
    assert "http://here:1/link#" in said[0]
    assert "#" not in said[1]
    assert terminal.getvalue() == ""
