"""What was before and after, in the audit log, of commands that change something that exists."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from offhook.cli.main import run
from offhook.storage.account_audit import AuditFilter, AuditLog
from offhook.storage.database import Database
from tests.support.backend import configure
from tests.support.builders import Rows

Fields = Mapping[str, Any]
CHANGES: tuple[tuple[tuple[str, ...], Fields, Fields], ...] = (
    (
        ("agent", "status", "anna", "not_ready", "--reason", "lunch"),
        {"status": "available", "status_reason": ""},
        {"status": "not_ready", "status_reason": "lunch"},
    ),
    (("agent", "skills", "anna", "router=8"), {"skills": {}}, {"skills": {"router": 8}}),
    (("agent", "groups", "anna", "support=0"), {"groups": {}}, {"groups": {"support": 0}}),
    (("campaign", "agents", "c1", "--remove", "anna"), {"campaigns": ["c1"]}, {"campaigns": []}),
    (("campaign", "set", "c1", "wrap_up=20"), {"wrap_up": "PT30S"}, {"wrap_up": "PT20S"}),
    (("list", "set", "c1", "all", "--priority", "5"), {"priority": 0}, {"priority": 5}),
    (("list", "deactivate", "c1", "all"), {"active": True}, {"active": False}),
    (
        ("campaign", "quotas", "c1", "--set", "north", "--disposition", "sold", "--most", "7"),
        {"most": 5},
        {"most": 7},
    ),
    (("switch", "limit", "pbx", "--cps", "5"), {"calls": None}, {"calls": 5.0}),
)


@pytest.fixture
async def log(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AuditLog:
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    rows = Rows(database)
    await rows.switch()
    await configure(database)
    campaign = await rows.campaign("c1", agents=await rows.agents("anna"))
    await rows.contact(campaign)
    return AuditLog(database)


async def _done(*words: str) -> None:
    assert await asyncio.to_thread(run, [*words, "--json"]) == 0, words


async def test_a_command_is_kept_with_what_was_before_and_what_after(log: AuditLog) -> None:
    await _done("campaign", "set", "c1", "wrap_up=30")
    await _done(
        "campaign", "quotas", "c1", "--set", "north", "--disposition", "sold", "--most", "5"
    )
    for words, before, after in CHANGES:
        await _done(*words)
        [entry] = await log.page(AuditFilter(), limit=1)
        assert entry.action == f"{words[0]}.{words[1]}"
        told = {name: value for name, value in entry.after.items() if name != "asked"}
        if words[0] == "switch":
            (limited,) = entry.before
            before, after = {limited: before["calls"]}, {limited: after["calls"]}
        assert (entry.before, told) == (before, after), words
        assert entry.after["asked"]


async def test_a_command_that_takes_something_away_is_kept_with_what_it_was(
    log: AuditLog,
) -> None:
    await _done("dnc", "add", "+390612345678", "--source", "they called")
    await _done("dnc", "remove", "+390612345678")
    [entry] = await log.page(AuditFilter(), limit=1)
    [was] = entry.before["entries"]
    assert was["source"] == "they called"
    assert entry.after["entries"] == []
    assert "12345678" not in str(entry)
