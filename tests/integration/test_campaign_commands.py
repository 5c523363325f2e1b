"""`offhook campaign`, `audit` and `db prune` on a real database; no Temporal server is needed."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from activities.ports import JournalEntry
from dialer.commands import COMMANDS, ContactState, NotePacing, ReturnContact
from dialer.engine import Engine
from dialer.events import EVENT, Started, Tick
from dialer.model import CampaignId, CampaignPhase
from dialer.version import DECISIONS
from offhook.cli import main
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.database import Database, asyncpg_dsn
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import open_pool
from tests.integration.storage.steps import CAPABILITIES, claim, take, write
from tests.support.builders import NOW, Rows

Run = Callable[..., Any]


@pytest.fixture
def offhook(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command line in a thread of its own; returns its JSON after checking its exit."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)

    async def run(*words: str, code: int = 0, plain: bool = False) -> Any:
        arguments = [*words] if plain else [*words, "--json"]
        found = await asyncio.to_thread(main.run, arguments)
        shown = capsys.readouterr()
        assert found == code, shown
        return shown.out if plain else json.loads(shown.out)

    return run


@pytest.fixture
async def rows(database: Database) -> Rows:
    rows = Rows(database)
    await rows.switch()
    return rows


async def journalled(
    url: str, rows: Rows, *, changed: bool = False, made_by: int = DECISIONS
) -> None:
    """A campaign with one epoch of a real engine's journal, a tick a second."""
    await rows.campaign("c1", agents=await rows.agents("alice"))
    pool = await open_pool(url, size=2)
    try:
        store = PostgresDialStore(pool)
        lease = await take(store, CampaignId("c1"))
        engine, entries = Engine(), []
        first_event = await store.load_started(lease, CAPABILITIES, NOW)
        events: list[Started | Tick] = [replace(first_event, decisions=made_by)]
        events += [Tick() for _ in range(30)]
        for seq, event in enumerate(events, 1):
            at = NOW + timedelta(seconds=seq)
            commands = engine.handle(event, at)
            entries.append(
                JournalEntry(
                    seq=seq,
                    at=at,
                    event=EVENT.dump_json(event),
                    commands=COMMANDS.dump_json(list(commands)),
                )
            )
        if changed:
            first = entries[0]
            entries[0] = JournalEntry(seq=1, at=first.at, event=first.event, commands=b"[]")
        await store.apply(lease, entries=entries, records=[], cursors=[], now=NOW)
    finally:
        await pool.close()


async def test_replay_of_an_honest_journal_is_identical(
    offhook: Run, database_url: str, rows: Rows
) -> None:
    await journalled(database_url, rows)
    told = await offhook("audit", "replay", "c1")
    assert (told["identical"], told["entries"], told["differences"]) == (True, 31, 0)
    assert "identical: 31 entries" in await offhook("audit", "replay", "c1", plain=True)


async def test_replay_of_a_changed_journal_says_where_and_exits_1(
    offhook: Run, database_url: str, rows: Rows
) -> None:
    await journalled(database_url, rows, changed=True)
    told = await offhook("audit", "replay", "c1", "--epoch", "1", code=1)
    assert not told["identical"]
    first = told["first_differences"][0]
    assert (first["epoch"], first["seq"], first["event"], first["expected"]) == (
        1,
        1,
        "started",
        None,
    )
    assert first["found"]["kind"]
    shown = await offhook("audit", "replay", "c1", code=1, plain=True)
    assert "journal: nothing" in shown


async def test_replay_of_a_journal_of_another_engine_names_it(
    offhook: Run, database_url: str, rows: Rows
) -> None:
    await journalled(database_url, rows, changed=True, made_by=1)
    told = await offhook("audit", "replay", "c1")
    assert (told["identical"], told["explained"], told["engine"]) == (False, True, DECISIONS)
    assert [one["made_by"] for one in told["epochs"]] == [1]
    shown = await offhook("audit", "replay", "c1", plain=True)
    assert f"decided by engine 1, and this is engine {DECISIONS}" in shown


async def test_replay_of_what_is_not_there_says_what_is(
    offhook: Run, database_url: str, rows: Rows
) -> None:
    await journalled(database_url, rows)
    error = (await offhook("audit", "replay", "c1", "--epoch", "7", code=1))["error"]
    assert error["code"] == "nothing_to_replay"
    assert error["hint"] == "it has epochs 1"
    assert (await offhook("audit", "replay", "c9", code=1))["error"]["code"] == "campaign_unknown"


async def test_replay_reads_a_packed_journal_too(
    offhook: Run, database_url: str, rows: Rows, database: Database
) -> None:
    await journalled(database_url, rows)
    await PostgresCampaignRecords(database).set_phase(
        CampaignId("c1"),
        phase=CampaignPhase.completed,
        reason="",
        now=NOW,
    )
    pruned = await offhook("db", "prune", "--older-than", "10000d", "--dry-run")
    assert pruned["journal_removed"] == 0
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    await connection.execute("UPDATE journal SET at = at - interval '3 years'")
    await connection.close()
    old = {"journal_packed": 31, "journal_removed": 0}
    pruned = await offhook("db", "prune", "--older-than", "90000d")
    assert {name: pruned[name] for name in old} == old
    assert (await offhook("audit", "replay", "c1"))["entries"] == 31


@pytest.mark.parametrize("age", ["30", "soon", "-1d"])
async def test_age_that_is_none_is_a_usage_error(offhook: Run, age: str) -> None:
    await offhook("db", "prune", "--older-than", age, code=2, plain=True)


async def test_why_a_campaign_is_not_dialing(offhook: Run, rows: Rows) -> None:
    await rows.campaign("c1", agents=await rows.agents("alice"))
    told = await offhook("campaign", "why", "c1")
    assert (told["code"], told["facts"]["agents"]["here"]) == ("not_started", 1)
    assert "has not been started" in await offhook("campaign", "why", "c1", plain=True)


async def test_why_counts_whom_a_filter_keeps_out_apart_from_who_is_due(
    offhook: Run, rows: Rows
) -> None:
    campaign = await rows.campaign("c1", agents=await rows.agents("alice"))
    await rows.contact(campaign, numbers=("+390551234567",))
    assert (await offhook("campaign", "why", "c1"))["facts"]["due_now"] == 1
    (contacts,) = (await offhook("list", "show", "c1"))["lists"]
    await offhook("list", "set", "c1", contacts["name"], "--where", 'tier == "gold"')
    facts = (await offhook("campaign", "why", "c1"))["facts"]
    assert (facts["due_now"], facts["kept_out"], facts["next_due_at"]) == (0, 1, None)


async def test_why_a_contact_is_not_dialed(
    offhook: Run, database_url: str, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign("c1", agents=await rows.agents("alice"))
    contact = await rows.contact(campaign, external_id="CRM-7", numbers=("+390551234567",))
    await PostgresCampaignRecords(database).begin(campaign, run_key="monday", now=NOW)
    pool = await open_pool(database_url, size=2)
    store = PostgresDialStore(pool)
    lease = await take(store, campaign)
    await claim(store, lease)
    later = datetime.now(UTC) + timedelta(hours=2)
    await write(
        store,
        lease,
        ReturnContact(
            contact_id=contact,
            reason="outside_hours",
            at=NOW,
            due_at=later,
            number="+390551234567",
        ),
        NotePacing(
            place=0,
            wanted=0,
            reason="no agent free",
            free=0,
            ringing=0,
            waiting=0,
            talking=0,
            abandonment=0.0,
        ),
    )
    await pool.close()
    for key in (contact, "CRM-7", "+390551234567", "055 1234567"):
        told = await offhook("campaign", "why", "c1", key)
        assert told["code"] == "not_due"
        assert "outside the contact's hours" in told["says"]
        assert told["contact"]["not_placed"][0]["times"] == 1
        assert told["facts"]["pacer"] == "no agent free"
        assert "1234567" not in json.dumps(told)
    shown = await offhook("campaign", "why", "c1", "CRM-7", plain=True)
    assert shown.startswith("The contact is not due before")
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    await connection.execute(
        "INSERT INTO do_not_call (number, scope, is_prefix, source, added_at)"
        " VALUES ('+39055', '', true, 'registry', now())"
    )
    await connection.close()
    told = await offhook("campaign", "why", "c1", "CRM-7")
    assert told["code"] == "do_not_call"
    assert "registry" in told["says"]


async def test_why_of_an_unknown_contact_says_so(offhook: Run, rows: Rows) -> None:
    await rows.campaign("c1")
    error = (await offhook("campaign", "why", "c1", "+39 055 7654321", code=1))["error"]
    assert error["code"] == "contact_not_found"
    assert "7654321" not in error["message"]


async def test_campaign_is_listed_and_reported(offhook: Run, rows: Rows) -> None:
    campaign = await rows.campaign("c1", agents=await rows.agents("alice"))
    await rows.contact(campaign)
    await rows.contact(campaign, state=ContactState.finished)
    assert [row["campaign_id"] for row in (await offhook("campaign", "list"))["campaigns"]] == [
        "c1"
    ]
    told = await offhook("campaign", "report", "c1")
    assert told["contacts"] == {"ready": 1, "finished": 1, "total": 2}
    assert told["answer_to_agent_ms"]["joined"] == 0
    assert (await offhook("campaign", "status", "c1"))["attempts"] == 0
    assert "answer to agent" in await offhook("campaign", "report", "c1", plain=True)
    assert "c1" in await offhook("campaign", "list", plain=True)


async def test_start_of_an_empty_campaign_says_how_to_fill_it(offhook: Run, rows: Rows) -> None:
    await rows.campaign("c1")
    error = (await offhook("campaign", "start", "c1", code=1))["error"]
    assert error["code"] == "campaign_empty"
    assert "campaign import" in error["hint"]


async def test_start_with_a_used_key_starts_nothing(
    offhook: Run, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign("c1")
    await rows.contact(campaign)
    records = PostgresCampaignRecords(database)
    await records.begin(campaign, run_key="monday", now=NOW)
    await records.set_phase(campaign, phase=CampaignPhase.completed, reason="", now=NOW)
    told = await offhook("campaign", "start", "c1", "--run-key", "monday")
    assert (told["started"], told["ended"]) == (False, "completed")
    shown = await offhook("campaign", "start", "c1", "--run-key", "monday", plain=True)
    assert "give another --run-key" in shown


@pytest.mark.parametrize("words", ["nothing", "number=", "colour=red", "zone=a zone=b"])
async def test_column_that_is_mapped_to_nothing_of_ours_is_a_usage_error(
    offhook: Run, tmp_path: Path, words: str
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("phone\n3471234567\n")
    options = [part for word in words.split() for part in ("--map", word)]
    await offhook("campaign", "import", "c1", str(file), *options, code=2, plain=True)
