"""`offhook ivr`, `offhook pin`, `offhook inbound` and who takes callers, on a real database."""

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from activities.ivr_contracts import SeekAgent, StartSession
from dialer.model import SwitchId
from dialer.suitability import Needs
from offhook.cli import main
from offhook.ivr.agents import PostgresAgentFinder
from offhook.storage.database import Database
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pool import open_pool
from tests.support.builders import SWITCH, Rows

Run = Callable[..., Any]
VOISPEED = {
    "base_url": "http://127.0.0.1:1", "reception_ivr": "1", "hold_ivr": "2", "zone": "UTC",
}  # fmt: skip
TREE = "docs/tutorial/ivr-pin/support.yaml"


@pytest.fixture
def offhook(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command line in a thread of its own; returns its JSON after checking its exit."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)

    async def run(*words: str, code: int = 0, plain: bool = False, typed: str = "") -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        found = await asyncio.to_thread(main.run, [*words] if plain else [*words, "--json"])
        shown = capsys.readouterr()
        assert found == code, shown
        return shown.out if plain else json.loads(shown.out)

    return run


@pytest.fixture
async def rows(database: Database) -> Rows:
    """A switch with two agents."""
    rows = Rows(database)
    await rows.switch()
    await rows.agents("ann", "bea")
    return rows


@pytest.fixture
async def voispeed(rows: Rows) -> None:
    """The switch as a VOIspeed whose responders ask."""
    async with rows.database.transaction() as session:
        await session.execute(
            text("UPDATE switches SET settings = :settings, secret = 'x', hook_secret = 'secret'"),
            {"settings": json.dumps(VOISPEED)},
        )


async def answers(database_url: str, called: str) -> str | None:
    """The tree that a called number meets."""
    pool = await open_pool(database_url, size=1)
    try:
        found = await IvrStore(pool).route(
            StartSession(switch_id=SwitchId("pbx"), call_id="1", called=called)
        )
    finally:
        await pool.close()
    return found.tree if found else None


@pytest.mark.usefixtures("rows")
async def test_tree_is_published_once_and_again_only_when_it_changed(
    offhook: Run, tmp_path: Path
) -> None:
    made = await offhook("ivr", "publish", TREE, "--as", "support")
    assert (made["published"], made["version"], made["new"]) == (True, 1, True)
    again = await offhook("ivr", "publish", TREE, "--as", "support")
    assert (again["version"], again["new"]) == (1, False)
    broken = tmp_path / "broken.yaml"
    broken.write_text("ivr: x\nlanguage: en\nstart: a\nnodes:\n  a: {kind: goto, tree: gone}\n")
    refused = await offhook("ivr", "publish", str(broken), "--as", "support", code=1)
    assert not refused["published"]
    assert refused["errors"] >= 1
    listed = (await offhook("ivr", "list"))["trees"]
    assert [(one["name"], one["version"], one["newest"]) for one in listed] == [
        ("support", 1, True)
    ]
    assert "support" in await offhook("ivr", "list", plain=True)


@pytest.mark.usefixtures("voispeed")
async def test_route_that_names_more_of_the_number_answers(offhook: Run, database_url: str) -> None:
    for name in ("all", "region", "town", "desk"):
        await offhook("ivr", "publish", TREE, "--as", name)
    await offhook("ivr", "route", "pbx", "all")
    await offhook("ivr", "route", "pbx", "region", "--called", "07*")
    await offhook("ivr", "route", "pbx", "town", "--called", "0733*")
    await offhook("ivr", "route", "pbx", "desk", "--called", "0733999")
    met = [await answers(database_url, one) for one in ("0733999", "0733998", "0799", "06", "")]
    assert met == ["desk", "town", "region", "all", "all"]
    assert (await offhook("ivr", "unroute", "pbx", "--called", "0733*"))["removed"]
    assert await answers(database_url, "0733998") == "region"
    assert not (await offhook("ivr", "unroute", "pbx", "--called", "0733*", code=1))["removed"]
    error = (await offhook("ivr", "route", "pbx", "nothing", code=1))["error"]
    assert error["code"] == "ivr_tree_unknown"


@pytest.mark.usefixtures("rows")
async def test_numbers_are_answered_here_only_where_the_switch_does_not(
    offhook: Run, database: Database
) -> None:
    error = (await offhook("inbound", "add", "pbx", "0733", "--queue", "sales", code=1))["error"]
    assert error["code"] == "inbound_not_here"
    async with database.transaction() as session:
        await session.execute(text("UPDATE switches SET family = 'asterisk'"))
    await offhook("inbound", "add", "pbx", "0733*", "--queue", "sales")
    await offhook("inbound", "add", "pbx", "any", "--callback", "later", "--language", "it")
    routes = (await offhook("inbound", "list", "pbx"))["routes"]
    assert [one["number"] for one in routes] == ["any", "0733*"]
    assert "0733*" in await offhook("inbound", "list", "pbx", plain=True)
    assert (await offhook("inbound", "remove", "pbx", "0733*"))["removed"]
    await offhook("inbound", "remove", "pbx", "0733*", code=1)
    await offhook("inbound", "add", "pbx", "1", code=2, plain=True)


async def test_audio_files_and_drawings_of_a_tree_are_listed(offhook: Run) -> None:
    files = (await offhook("ivr", "audio", TREE))["files"]
    spoken = {one["says"] for one in files}
    assert "Digiti il suo PIN di sei cifre." in spoken
    assert any(one["varies"] for one in files)
    assert "welcome" in await offhook("ivr", "show", TREE, plain=True)
    schema = json.loads(await offhook("ivr", "schema", plain=True))
    assert "nodes" in json.dumps(schema)


@pytest.mark.usefixtures("rows")
async def test_agent_is_given_skills_groups_and_hours(offhook: Run) -> None:
    told = await offhook(
        "agent", "skills", "ann", "router=8", "sales=2", "--language", "it", "--hours",
        "mon-fri 09:00-18:00",
    )  # fmt: skip
    assert told["skills"] == {"router": 8, "sales": 2}
    assert (await offhook("agent", "skills", "ann", "sales=0"))["skills"] == {"router": 8}
    told = await offhook("agent", "groups", "ann", "support=0", "sales=10")
    assert (told["groups"], told["languages"]) == ({"support": 0, "sales": 10}, ["it"])
    left = await offhook("agent", "groups", "ann", "--leave", "sales")
    assert left["groups"] == {"support": 0}
    assert "router 8" in await offhook("agent", "skills", "ann", plain=True)
    await offhook("agent", "skills", "ann", "router=11", code=2, plain=True)
    await offhook("agent", "skills", "ann", "--hours", "mon-fri", code=2, plain=True)


@pytest.mark.usefixtures("rows")
async def test_callers_of_importance_and_their_own_agents_are_kept(offhook: Run) -> None:
    assert await offhook("ivr", "caller", "--customer", "1001", "--vip", "--owner", "bea") == {
        "vip": True,
        "owner": "bea",
    }
    assert (await offhook("ivr", "caller", "--customer", "1001", "--no-vip"))["owner"] == "bea"
    assert (await offhook("ivr", "caller", "--number", "0733 123456"))["vip"] is False
    await offhook("ivr", "caller", code=2, plain=True)


@pytest.mark.usefixtures("rows")
async def test_queue_and_sessions_show_who_waits_and_an_agent_is_set_free(
    offhook: Run, database_url: str
) -> None:
    await offhook("agent", "groups", "ann", "support=0")
    pool = await open_pool(database_url, size=2)
    now = datetime.now(UTC)
    for number in (1, 2):
        await pool.execute(
            "INSERT INTO ivr_sessions (id, switch_id, call_id, tree, version, phase, started_at,"
            " changed_at) VALUES ($1, $2, $1, 'support', 1, 'queued', $3, $3)",
            f"s{number}",
            SWITCH,
            now,
        )
        await PostgresAgentFinder(pool, lambda: datetime.now(UTC)).find(
            SeekAgent(
                session_id=f"s{number}", switch_id=SWITCH, needs=Needs(group="support"),
                since=now, max_wait=timedelta(minutes=5),
            )
        )  # fmt: skip
    waiting = (await offhook("ivr", "queue", "support"))["waiting"]
    assert [(one["session"], one["position"]) for one in waiting] == [("s2", 1)]
    assert (await offhook("ivr", "queue", "sales"))["waiting"] == []
    live = (await offhook("ivr", "sessions", "--live"))["sessions"]
    assert {one["id"] for one in live} == {"s1", "s2"}
    assert "queued" in await offhook("ivr", "sessions", plain=True)
    assert await offhook("agent", "free", "ann") == {"agent": "ann"}
    assert await pool.fetchval("SELECT count(*) FROM agent_offers") == 0
    await pool.close()


async def test_pin_is_given_replaced_and_taken_back_and_shown_only_when_made(
    offhook: Run,
) -> None:
    made = await offhook("pin", "enrol", "1001", "--generate", "--until", "2099-12-31")
    assert len(made["pin"]) == 6
    typed = await offhook("pin", "enrol", "1002", "--caller", "+39 0733 123456", typed="730462\n")
    assert "730462" not in json.dumps(typed)
    assert (await offhook("pin", "enrol", "1002", code=1, typed="915038"))["error"]["code"]
    weak = (await offhook("pin", "enrol", "1003", code=1, typed="111111"))["error"]
    assert "111111" not in json.dumps(weak)
    assert (await offhook("pin", "reset", "1001", "--generate"))["pin"] != made["pin"]
    listed = (await offhook("pin", "list"))["pins"]
    assert [one["customer"] for one in listed] == ["1001", "1002"]
    assert "730462" not in json.dumps(listed)
    assert (await offhook("pin", "revoke", "1002"))["revoked"]
    assert [one["customer"] for one in (await offhook("pin", "list"))["pins"]] == ["1001"]
    assert (await offhook("pin", "revoke", "1002", code=1))["error"]["code"]


async def test_policy_of_pins_is_shown_and_changed(offhook: Run) -> None:
    words = ("--asks", "customer_and_pin", "--length", "4-6", "--limit", "customer=3/1h/24h")
    (made,) = (await offhook("pin", "policy", "club", *words))["policies"]
    assert (made["name"], made["asks"]) == ("club", "customer_and_pin")
    assert [one["name"] for one in (await offhook("pin", "policy"))["policies"]] == ["club"]
    assert "club" in await offhook("pin", "policy", plain=True)
    await offhook("pin", "policy", "club", "--limit", "customer=many", code=2, plain=True)


async def test_alerts_verdicts_and_locks_are_shown_and_ended(
    offhook: Run, database_url: str
) -> None:
    await offhook("pin", "enrol", "1001", "--generate")
    pool = await open_pool(database_url, size=1)
    now = datetime.now(UTC)
    for number in range(2):
        await pool.execute(
            "INSERT INTO pin_attempts (at, policy, ref, call, calling, answer, reason, failed)"
            " VALUES ($1, 'default', $2, 'c', '+390733123456', 'wrong', 'no_match', true)",
            now - timedelta(minutes=number),
            f"ref{number}",
        )
    await pool.execute(
        "INSERT INTO pin_failures (policy, over, key, at, attempt_id)"
        " SELECT policy, 'caller', calling, at, id FROM pin_attempts"
    )
    await pool.execute(
        "INSERT INTO pin_alerts (at, policy, over, who) VALUES ($1, 'default', 'caller', '…56')",
        now,
    )
    audit = await offhook("pin", "audit", "--answer", "wrong", "--caller", "0733 123456")
    assert len(audit["verdicts"]) == 2
    assert "0733123456" not in json.dumps(audit)
    (alert,) = (await offhook("pin", "alerts"))["alerts"]
    await offhook("pin", "alerts", "--ack", str(alert["id"]))
    assert (await offhook("pin", "alerts"))["alerts"] == []
    assert len((await offhook("pin", "alerts", "--all"))["alerts"]) == 1
    assert (await offhook("pin", "unlock", "caller", "0733 123456"))["forgotten"] == 2
    assert await pool.fetchval("SELECT count(*) FROM pin_failures") == 0
    await pool.close()
