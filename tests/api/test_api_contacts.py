"""Lists, contacts and calls over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest

from dialer.model import AttemptId, CampaignId
from dialer.outcomes import Outcome
from offhook.api.paging import write_cursor
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool, open_pool
from tests.integration.storage.steps import claim, closing, opening, take, write
from tests.support.backend import served
from tests.support.builders import NOW, Rows, at


@pytest.fixture
async def rows(database: Database) -> Rows:
    rows = Rows(database)
    await rows.switch()
    await rows.campaign("c1")
    return rows


@pytest.fixture
async def api(database: Database, rows: Rows) -> AsyncIterator[httpx.AsyncClient]:
    async with served(database) as app, app.client() as client:
        yield client


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=2)
    yield pool
    await pool.close()


async def test_a_list_is_made_mixed_filtered_and_dialed_anew(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    made = await api.post("campaigns/c1/lists", json={"name": "old"})
    assert made.status_code == 201
    twice = await api.post("campaigns/c1/lists", json={"name": "old"})
    assert (twice.status_code, twice.json()["code"]) == (409, "list_exists")
    patch = {"weight": 3, "order": "newest", "filter": 'region == "North"', "active": False}
    changed = (await api.patch("campaigns/c1/lists/old", json=patch)).json()
    assert {key: changed[key] for key in patch} == patch
    wrong = await api.patch("campaigns/c1/lists/old", json={"filter": "region ="})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_filter")
    assert (await api.get("campaigns/c1/lists/none")).json()["code"] == "list_not_found"
    assert (await api.post("campaigns/c1/lists/old/reset")).json() == {"contacts": 0}
    listed = (await api.get("campaigns/c1/lists")).json()["items"]
    assert {row["name"] for row in listed} == {"all", "old"}

    quota = {"disposition": "sold", "most": 5, "filter": ""}
    put = (await api.put("campaigns/c1/quotas/north", json=quota)).json()
    assert (put["reached"], put["full"]) == (0, False)
    assert (await api.delete("campaigns/c1/quotas/north")).status_code == 204
    gone = await api.delete("campaigns/c1/quotas/north")
    assert gone.json()["code"] == "quota_not_found"


async def test_pages_of_contacts_go_on_behind_the_last_while_others_are_added(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    campaign = CampaignId("c1")
    made = [await rows.contact(campaign, external_id=f"k{number % 2}") for number in range(5)]
    pages, cursor = [], None
    for _ in range(3):
        wanted = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("contacts", params=wanted)).json()
        pages.append([one["contact_id"] for one in page["items"]])
        cursor = page["next_cursor"]
        await rows.contact(campaign)
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert cursor is None

    first = (await api.get("contacts", params={"key": "k0", "limit": "2"})).json()
    rest = {"key": "k0", "limit": "2", "cursor": first["next_cursor"]}
    (last,) = (await api.get("contacts", params=rest)).json()["items"]
    assert last["contact_id"] == made[0]
    foreign = await api.get("contacts", params={"cursor": write_cursor("x")})
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_invalid")


async def test_contacts_are_found_and_tell_their_story(
    api: httpx.AsyncClient, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign("c2")
    contact = await rows.contact(campaign, numbers=("+390551234567",), external_id="CRM-7")
    store = PostgresDialStore(pool)
    lease = await take(store, campaign)
    (dialable,) = await claim(store, lease)
    await write(store, lease, opening(dialable), closing(dialable, Outcome.busy))

    for key in ("+39 055 123 4567", "055 1234567", "CRM-7", contact):
        (found,) = (await api.get("contacts", params={"key": key})).json()["items"]
        assert (found["contact_id"], found["campaign_id"]) == (contact, "c2"), key
    elsewhere = await api.get("contacts", params={"key": "CRM-7", "campaign": "c1"})
    assert elsewhere.json()["items"] == []
    story = (await api.get(f"contacts/{contact}")).json()
    assert [one["outcome"] for one in story["attempts"]] == ["busy"]
    why = (await api.get(f"contacts/{contact}/why")).json()
    assert why["contact"]["attempts_made"] == 1
    missing = await api.get("contacts/999999")
    assert (missing.status_code, missing.json()["code"]) == (404, "contact_not_found")


async def test_calls_are_found_by_campaign_outcome_time_and_in_pages(
    api: httpx.AsyncClient, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign("c2")
    for _ in range(3):
        await rows.contact(campaign)
    store = PostgresDialStore(pool)
    lease = await take(store, campaign)
    outcomes = [Outcome.busy, Outcome.no_answer, Outcome.busy]
    for number, (one, outcome) in enumerate(zip(await claim(store, lease), outcomes, strict=True)):
        attempt = AttemptId(f"c2-1-{number}")
        await write(
            store, lease, opening(one, attempt), closing(one, outcome, attempt), seq=number + 1
        )

    async def ids(**params: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = {"limit": "2", **params} | ({"cursor": cursor} if cursor else {})
            told = (await api.get("calls", params=page)).json()
            found += [one["attempt_id"] for one in told["items"]]
            cursor = told["next_cursor"]
            if cursor is None:
                return found

    assert await ids() == ["c2-1-2", "c2-1-1", "c2-1-0"]
    assert await ids(outcome="busy", campaign="c2") == ["c2-1-2", "c2-1-0"]
    assert await ids(campaign="c1") == []
    assert await ids(live="true") == []
    assert await ids(**{"from": at(1).isoformat()}) == []
    assert len(await ids(**{"from": NOW.isoformat()})) == 3
    one = (await api.get("calls/c2-1-1")).json()
    assert (one["outcome"], one["campaign_id"]) == ("no_answer", "c2")
    assert (await api.get("calls/none")).json()["code"] == "attempt_not_found"
    wrong = await api.get("calls", params={"number": "12"})
    assert wrong.status_code == 422
