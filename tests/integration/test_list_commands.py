"""`offhook list`, `campaign set|show|lists|quotas` and `agent preview` on a real database."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from dialer.commands import SavePreview
from dialer.events import EVENT, PreviewAnswered
from dialer.model import AgentId, CampaignId, Mode
from offhook.cli import main
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import open_pool
from tests.integration.storage.steps import ALICE, started, take, write
from tests.support.builders import Rows, at

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
async def campaign(database: Database) -> CampaignId:
    """A campaign with one list, a contact in it, and an agent."""
    rows = Rows(database)
    await rows.switch()
    campaign = await rows.campaign("c1", agents=await rows.agents("alice"), mode=Mode.preview)
    await rows.contact(campaign)
    return campaign


@pytest.mark.usefixtures("campaign")
async def test_lists_are_made_and_told_how_they_are_dialed(offhook: Run) -> None:
    assert (await offhook("list", "create", "c1", "new"))["name"] == "new"
    told = await offhook("list", "weights", "c1", "new=3", "all=2")
    assert [(row["name"], row["weight"]) for row in told["lists"]] == [("new", 3), ("all", 2)]
    words = ("--order", "newest", "--priority", "5", "--where", "region == 'North'")
    row = await offhook("list", "set", "c1", "all", *words)
    assert (row["order"], row["priority"], row["weight"]) == ("newest", 5, 2)
    assert row["filter"] == "region == 'North'"
    assert (await offhook("list", "deactivate", "c1", "new"))["active"] is False
    assert (await offhook("list", "activate", "c1", "new"))["active"] is True
    assert (await offhook("list", "reset", "c1", "all"))["contacts"] == 0
    shown = await offhook("campaign", "lists", "c1", plain=True)
    assert "newest" in shown
    assert await offhook("list", "show", "c1") == await offhook("campaign", "lists", "c1")


@pytest.mark.usefixtures("campaign")
async def test_list_change_that_makes_no_sense_is_refused(offhook: Run) -> None:
    error = (await offhook("list", "set", "c1", "all", "--where", "region = 1", code=1))["error"]
    assert error["code"] == "bad_filter"
    assert "character 8" in error["message"]
    error = (await offhook("list", "weights", "c1", "all=0", code=1))["error"]
    assert error["code"] == "bad_campaign_settings"
    error = (await offhook("list", "activate", "c1", "none", code=1))["error"]
    assert error["code"] == "list_not_found"
    error = (await offhook("list", "show", "nowhere", code=1))["error"]
    assert error["code"] == "campaign_unknown"
    await offhook("list", "weights", "c1", "all", code=2, plain=True)


@pytest.mark.usefixtures("campaign")
async def test_quotas_are_made_listed_and_taken_away(offhook: Run) -> None:
    words = ("--set", "north", "--disposition", "sold", "--most", "200")
    told = await offhook("campaign", "quotas", "c1", *words, "--where", 'region == "North"')
    [quota] = told["quotas"]
    assert (quota["most"], quota["reached"], quota["full"]) == (200, 0, False)
    assert "0 of 200" in await offhook("campaign", "quotas", "c1", plain=True)
    assert await offhook("campaign", "quotas", "c1", "--remove", "north") == {"quotas": []}
    await offhook("campaign", "quotas", "c1", "--set", "north", code=2, plain=True)


@pytest.mark.usefixtures("campaign")
async def test_settings_of_a_campaign_are_changed_by_name(offhook: Run) -> None:
    told = await offhook(
        "campaign",
        "set",
        "c1",
        "wrap_up=20",
        "retry.busy.delay=600",
        "preview.skips=2",
        'retry.dispositions={"callback": {"delay": 7200}}',
    )
    after = told["settings"]
    assert after["wrap_up"] == "PT20S"
    assert after["retry"]["busy"]["delay"] == "PT10M"
    assert after["preview"]["skips"] == 2
    assert after["retry"]["dispositions"]["callback"]["delay"] == "PT2H"
    assert after["mode"] == "preview"
    assert (await offhook("campaign", "show", "c1"))["settings"] == after
    assert "preview.skips=2" in await offhook("campaign", "show", "c1", plain=True)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("words", ["wrap_up=-1", "colour=red", "name.first=x", "retry.busy.x=1"])
async def test_setting_that_makes_no_sense_is_refused_and_changes_nothing(
    offhook: Run, words: str
) -> None:
    before = (await offhook("campaign", "show", "c1"))["settings"]
    error = (await offhook("campaign", "set", "c1", words, code=1))["error"]
    assert error["code"] == "bad_campaign_settings"
    assert (await offhook("campaign", "show", "c1"))["settings"] == before
    await offhook("campaign", "set", "c1", "wrap_up", code=2, plain=True)


async def test_agent_sees_what_is_on_offer_and_answers(
    offhook: Run, campaign: CampaignId, database_url: str
) -> None:
    error = (await offhook("agent", "preview", "alice", code=1))["error"]
    assert error["code"] == "nothing_on_offer"
    pool = await open_pool(database_url, size=2)
    try:
        store = PostgresDialStore(pool)
        lease = await take(store, campaign)
        await started(store, lease)
        [who] = (await store.claim_contacts(lease, limit=1, now=at(0)))[0]
        offered = SavePreview(
            agent_id=ALICE, at=at(0), contact_id=who.contact_id, ends_at=at(30), skips_left=0
        )
        await write(store, lease, offered)
        assert (await offhook("agent", "preview", "alice"))["contact_id"] == who.contact_id
        assert "0 skips left" in await offhook("agent", "preview", "alice", plain=True)
        error = (await offhook("agent", "preview", "alice", "skip", code=1))["error"]
        assert error["code"] == "skip_not_allowed"
        await offhook("agent", "preview", "alice", "accept")
        posted = await pool.fetchval("SELECT event FROM inbox WHERE channel = 'campaign:c1'")
        assert EVENT.validate_json(posted) == PreviewAnswered(
            agent_id=AgentId("alice"), contact_id=who.contact_id, dial=True
        )
        assert (await offhook("campaign", "status", "c1"))["agents"] == {"idle": 1}
    finally:
        await pool.close()
