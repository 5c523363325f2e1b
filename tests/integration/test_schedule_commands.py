"""`offhook schedule` and `offhook webhook` on real services."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from offhook.cli import main
from offhook.storage.account_audit import AuditFilter, AuditLog
from offhook.storage.database import Database
from tests.support.builders import Rows
from tests.support.webhooks import receiving

Run = Callable[..., Any]


@pytest.fixture
def offhook(
    services_env: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command line in a thread of its own; returns its JSON after checking its exit."""
    monkeypatch.setenv("OFFHOOK_WEBHOOKS__ALLOW_PRIVATE", "true")

    async def run(*words: str, code: int = 0, plain: bool = False) -> Any:
        found = await asyncio.to_thread(main.run, [*words] if plain else [*words, "--json"])
        shown = capsys.readouterr()
        assert found == code, shown
        return shown.out if plain else json.loads(shown.out)

    return run


@pytest.fixture
async def rows(database: Database) -> Rows:
    rows = Rows(database)
    await rows.switch()
    await rows.campaign("c1")
    return rows


async def test_a_schedule_is_added_shown_paused_and_removed(offhook: Run, rows: Rows) -> None:
    name = f"s-{uuid4().hex[:8]}"
    words = [
        "schedule", "add", name, "start", "--campaign", "c1", "--at", "09:00", "--days", "fri-mon",
        "--zone", "Europe/Rome",
    ]  # fmt: skip
    made = await offhook(*words)
    assert made["new"]
    assert made["schedule"]["plan"]["calendar"][0]["weekdays"] == ["fri", "sat", "sun", "mon"]
    assert not (await offhook(*words))["changed"]
    due = await offhook("schedule", "next", name)
    assert len(due["next_at"]) == 10
    assert all("T09:00:00+0" in one for one in due["next_at"])
    assert (await offhook("schedule", "pause", name, "--note", "holidays"))["paused"]
    assert "paused: holidays" in await offhook("schedule", "show", name, plain=True)
    assert not (await offhook("schedule", "resume", name))["paused"]
    assert await offhook("schedule", "remove", name) == {"removed": name}
    entries = await AuditLog(rows.database).page(AuditFilter(), limit=4)
    removed, resumed, paused, _same = [(one.before, one.after) for one in entries]
    assert (paused[0], paused[1]["paused"]) == ({"paused": False}, True)
    assert (resumed[0], resumed[1]["paused"]) == ({"paused": True}, False)
    assert (removed[0]["schedule_id"], removed[1].keys()) == (name, {"asked"})
    gone = await offhook("schedule", "show", name, code=1)
    assert gone["error"]["code"] == "schedule_not_found"


async def test_a_schedule_that_makes_no_sense_says_where(offhook: Run, rows: Rows) -> None:
    never = await offhook("schedule", "add", "x", "start", "--campaign", "c1", code=1)
    assert never["error"]["code"] == "bad_schedule"
    assert "say when" in never["error"]["message"]
    job = await offhook("schedule", "add", "x", "sing", "--campaign", "c1", "--at", "9", code=1)
    assert job["error"]["code"] == "bad_schedule"
    await offhook("schedule", "add", "x", "import", "--campaign", "c1", code=2, plain=True)
    await offhook("schedule", "add", "x", "call_check", "--at", "9", code=2, plain=True)
    wrong = ["schedule", "add", "x", "start", "--campaign", "c1", "--at", "09:00", "--days", "xx"]
    await offhook(*wrong, code=2, plain=True)


async def test_a_webhook_is_added_tried_and_removed(offhook: Run, rows: Rows) -> None:
    async with receiving() as receiver:
        made = await offhook("webhook", "add", "crm", receiver.url, "--kind", "call")
        receiver.secrets.append(made["secret"])
        tried = await offhook("webhook", "test", "crm")
        assert (tried["state"], tried["last_status"]) == ("delivered", 200)
        assert "webhook.test" in await offhook("webhook", "deliveries", "crm", plain=True)
        assert "well" in await offhook("webhook", "list", plain=True)
        done = await offhook("webhook", "replay", "crm", "--event", tried["event_id"])
        assert done["deliveries"] == 0  # tests are no kind that it asked for
        assert (await offhook("webhook", "rotate", "crm"))["secret"] != made["secret"]
        await offhook("webhook", "enable", "crm")
        await offhook("webhook", "remove", "crm")
    refused = await offhook("webhook", "add", "x", "ftp://example.com", code=1)
    assert refused["error"]["code"] == "webhook_address_refused"
    assert (await offhook("webhook", "test", "crm", code=1))["error"]["code"] == "webhook_not_found"
