"""The commands of the law, as people run them."""

import json
from pathlib import Path

from sqlalchemy import select, update

from dialer.model import CampaignId
from offhook.storage import tables
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from tests.integration.test_campaign_commands import Run, offhook, rows
from tests.support.builders import NOW, Rows
from tests.support.dialing import seconds, settings

__all__ = ["offhook", "rows"]
NUMBER = "+390551234567"


async def test_number_is_listed_checked_imported_and_taken_off(
    offhook: Run, rows: Rows, tmp_path: Path
) -> None:
    await rows.campaign("c1")
    told = await offhook("dnc", "add", "055 1234567", "--source", "asked by phone")
    assert (told["entries"], told["version"]) == (1, 1)
    register = tmp_path / "register.csv"
    register.write_text("name,phone\nA,055 7654321\nB,not a number\n")
    told = await offhook("dnc", "import", str(register), "--campaign", "c1", "--days", "31")
    assert (told["entries"], told["refused"], told["version"]) == (1, 1, 2)
    assert told["refused_lines"] == [{"line": 3, "code": "not_a_number"}]

    told = await offhook("dnc", "check", NUMBER)
    assert told["listed"]
    assert told["entries"][0]["source"] == "asked by phone"
    assert "1234567" not in told["number"]
    listed = (await offhook("dnc", "list", "--campaign", "c1"))["entries"]
    assert [(one["number"], one["scope"]) for one in listed] == [("+390557654321", "c1")]
    assert "all campaigns" in await offhook("dnc", "list", plain=True)

    assert (await offhook("dnc", "remove", "055 1234567"))["removed"]
    assert not (await offhook("dnc", "check", NUMBER))["listed"]
    error = (await offhook("dnc", "remove", "055 1234567", code=1))["error"]
    assert error["code"] == "bad_do_not_call_entry"


async def test_profiles_say_the_source_of_each_number(offhook: Run) -> None:
    names = {one["name"] for one in (await offhook("compliance", "profiles"))["profiles"]}
    assert {"us", "uk", "it", "fr", "de", "none"} <= names
    found = (await offhook("compliance", "show", "us"))["profiles"]
    assert {one["name"] for one in found} >= {"us", "us-tsr", "us-fl"}
    assert all(rule["source"] for one in found for rule in one["rules"])
    shown = await offhook("compliance", "show", "it", plain=True)
    assert "a lawyer must check" in shown
    error = (await offhook("compliance", "show", "mars", code=1))["error"]
    assert error["code"] == "unknown_profile"


async def test_campaign_is_stored_as_strict_as_its_law(rows: Rows, database: Database) -> None:
    wanted = settings(compliance={"profiles": ["uk"]}, patience=seconds(9))
    views = CampaignViews(database)
    await views.create(CampaignId("c9"), wanted, now=NOW)
    stored = await views.settings("c9")
    assert stored.patience == seconds(2)
    assert stored.compliance.profiles == ("uk",)


async def test_why_explains_each_rule_of_the_law_and_until_when(
    offhook: Run, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign("c1")
    await rows.contact(campaign, numbers=(NUMBER,), external_id="CRM-7")
    law = {"profiles": ["it"], "rules": [NEVER]}
    async with database.transaction() as session:
        of_campaign = tables.campaigns.c.id == campaign
        known = await session.scalar(select(tables.campaigns.c.settings).where(of_campaign))
        assert known is not None
        values = {"settings": known | {"compliance": law}, "phase": "running", "started_at": NOW}
        await session.execute(update(tables.campaigns).where(of_campaign).values(**values))

    told = await offhook("campaign", "why", "c1", "CRM-7")

    [number] = told["contact"]["numbers"]
    said = {one["rule"]: one for one in number["law"]}
    assert said["it/abandoned"]["allowed"]
    assert not said["campaign/never"]["allowed"]
    assert told["code"] == "campaign/never"
    assert "outside the hours" in told["says"]
    assert "1234567" not in json.dumps(told)


NEVER = {
    "kind": "hours",
    "id": "never",
    "hours": "never",
    "source": {"text": "the house's own rule", "evidence": "assumed"},
}


async def test_report_of_a_campaign_is_json_csv_or_a_page(offhook: Run, rows: Rows) -> None:
    await rows.campaign("c1")
    told = await offhook("compliance", "report", "c1", "--from", "2026-01-01")
    assert (told["campaign_id"], told["attempts"], told["windows"]) == ("c1", 0, [])
    text = await offhook("compliance", "report", "c1", "--csv", plain=True)
    assert text.startswith("campaign_id,rule,begins")
    assert "Not legal advice" in await offhook("compliance", "report", "c1", plain=True)
    listed = await offhook("compliance", "calls", "c1", plain=True)
    assert listed.splitlines()[0].startswith("attempt_id,number,placed_at,placed_local")
    assert await offhook("compliance", "calls", "c1") == {"calls": []}
    error = (await offhook("compliance", "report", "c1", "--to", "soon", code=1))["error"]
    assert error["code"] == "bad_instant"
