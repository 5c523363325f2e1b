"""Forecasts of campaigns over HTTP: made, kept, bounded, and within a scope."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from dialer.simulation import Forecast, Question, gathered
from offhook.accounts.principal import Scope
from offhook.accounts.roles import Role
from offhook.offices import forecasts
from offhook.offices.forecast_process import SimulationBroke
from offhook.offices.forecasts import ForecastOffice
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of
from tests.support.backend import Served, served
from tests.support.builders import Rows

HERE = "campaigns/c1/forecast"


@pytest.fixture
async def api(database: Database) -> AsyncIterator[Served]:
    rows = Rows(database)
    await rows.switch()
    campaign = await rows.campaign("c1", agents=await rows.agents("anna", "bruno"))
    await rows.contacts(campaign, 40)
    await rows.campaign("c2")
    async with served(database) as app:
        yield app


async def test_a_forecast_is_simulated_and_kept(api: Served) -> None:
    async with api.client() as client:
        none = await client.get(HERE)
        assert (none.status_code, none.json()["code"]) == (404, "forecast_not_found")
        made = await client.post(HERE, json={"agents": [2, 1], "pacer": "progressive"})
        assert made.status_code == 200, made.text
        told = made.json()
        assert (told["campaign_id"], told["contacts"], told["pacer"]) == ("c1", 40, "progressive")
        one, two = told["rows"]
        assert (one["agents"], two["agents"]) == (1, 2)
        assert one["hours"] > two["hours"] > 0
        assert (await client.get(HERE)).json() == told


async def test_a_campaign_that_cannot_be_forecast_says_why(api: Served) -> None:
    async with api.client() as client:
        empty = await client.post("campaigns/c2/forecast")
        assert (empty.status_code, empty.json()["code"]) == (409, "no_forecast")
        unpaced = await client.post(HERE, json={"pacer": "preview"})
        assert (unpaced.status_code, unpaced.json()["code"]) == (409, "no_forecast")
        assert "pacer" in unpaced.json()["hint"]
        assert (await client.post(HERE, json={"agents": [0]})).status_code == 422


async def test_forecasts_are_made_one_by_one_and_too_many_are_turned_away(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, busy = asyncio.Event(), asyncio.Event(), 0

    async def slow(question: Question) -> Forecast:
        nonlocal busy
        busy += 1
        assert busy == 1
        begun.set()
        await go_on.wait()
        busy -= 1
        return gathered(question, ())

    office = ForecastOffice(api.database, api.backend.clock, simulate=slow)
    monkeypatch.setattr(api.backend, "forecasts", office)
    async with api.client() as client:
        first = asyncio.ensure_future(client.post(HERE))
        await begun.wait()
        room = forecasts.MOST_WAITING - office.waiting
        asked = [asyncio.ensure_future(client.post(HERE)) for _ in range(room + 1)]
        early, _ = await asyncio.wait([first, *asked], return_when=asyncio.FIRST_COMPLETED)
        go_on.set()
        answers = await asyncio.gather(first, *asked)

    (refused,) = [one for one in answers if one.status_code != httpx.codes.OK]
    assert early == {one for one in asked if one.result() is refused}
    assert (refused.status_code, refused.json()["code"]) == (503, "forecasts_busy")
    assert refused.headers["retry-after"]
    assert len(answers) == forecasts.MOST_WAITING + 1


@pytest.mark.parametrize("how", ["hangs", "breaks"])
async def test_a_simulation_that_does_not_end_well_leaves_room_for_the_next(
    api: Served, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def never(question: Question) -> Forecast:
        if how == "breaks":
            raise SimulationBroke("gone")
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(forecasts, "LONGEST_S", 0.05)
    office = ForecastOffice(api.database, api.backend.clock, simulate=never)
    monkeypatch.setattr(api.backend, "forecasts", office)
    async with api.client() as client:
        slow = await client.post(HERE)
    assert (slow.status_code, slow.json()["code"]) == (503, "forecast_too_slow")
    assert office.waiting == 0


async def test_a_forecast_is_made_for_whoever_sees_the_campaign_only(api: Served) -> None:
    await add_user(api.database, "vera", Role.supervisor, scope=Scope(campaigns=("c2",)))
    async with browser_of(api.app, "vera") as browser:
        for answer in (await browser.get(f"/api/v1/{HERE}"), await browser.post(f"/api/v1/{HERE}")):
            assert (answer.status_code, answer.json()["code"]) == (404, "campaign_unknown")
