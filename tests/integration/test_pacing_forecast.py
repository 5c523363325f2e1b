"""`offhook pacing forecast --campaign` on a real database."""

import asyncio
import json

import pytest

from offhook.cli import main
from offhook.storage.database import Database
from tests.support.builders import Rows


async def test_forecast_of_a_campaign_goes_by_its_settings_and_the_contacts_left(
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = Rows(database)
    await rows.switch()
    campaign = await rows.campaign("c1", agents=await rows.agents("alice"))
    await rows.contacts(campaign, 40)
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    given = ["pacing", "forecast", "--campaign", "c1", "--agents", "1", "--pacer", "progressive"]
    assert await asyncio.to_thread(main.run, [*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["contacts"] == 40
    assert found["calls_per_contact"] == pytest.approx((1 - 0.75**3) / 0.25, rel=0.01)
    [row] = found["rows"]
    assert row["hours"] == pytest.approx(
        40 * found["calls_per_contact"] / row["calls_per_hour"], 0.01
    )
    assert await asyncio.to_thread(main.run, ["pacing", "forecast", "--campaign", "none"]) == 1
