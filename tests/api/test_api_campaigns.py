"""Campaigns over HTTP: made once, changed by version, given orders, explained."""

from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client

from dialer.model import CampaignId, CampaignPhase
from offhook.accounts.principal import Principal, Scope
from offhook.accounts.roles import Permission
from offhook.accounts.service import token_principal
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.database import Database
from tests.support.backend import configure, served
from tests.support.builders import NOW, Rows
from tests.support.campaigns import FakeFloor, campaigns_on, until

SPRING = {"settings": {"name": "Spring", "switch": "pbx", "mode": "progressive"}}


@pytest.fixture
async def rows(database: Database) -> Rows:
    rows = Rows(database)
    await rows.switch()
    await configure(database)
    return rows


@pytest.fixture
async def api(database: Database, rows: Rows) -> AsyncIterator[httpx.AsyncClient]:
    async with served(database) as app, app.client() as client:
        yield client


async def test_a_campaign_is_made_once_for_a_key_and_found_by_name(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await rows.agents("anna", "bruno")
    body = SPRING | {"agents": ["anna"]}
    first = await api.post("campaigns", json=body, headers={"idempotency-key": "k1"})
    again = await api.post("campaigns", json=body, headers={"idempotency-key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["campaign"] == again.json()["campaign"]

    found = (await api.get("campaigns/Spring")).json()
    assert found["campaign_id"] == first.json()["campaign"]["campaign_id"]
    assert found["phase"] == "scheduled"


async def test_a_campaign_that_makes_no_sense_is_refused_with_the_place(
    api: httpx.AsyncClient,
) -> None:
    unknown = await api.post("campaigns", json={"settings": SPRING["settings"] | {"switch": "x"}})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "switch_not_found")
    wrong = await api.post("campaigns", json={"settings": SPRING["settings"] | {"mode": "loud"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request_invalid")
    assert wrong.json()["errors"][0]["pointer"] == "body/settings/mode"
    stranger = await api.post("campaigns", json=SPRING | {"agents": ["nobody"]})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "agent_not_found")


async def test_campaigns_are_listed_in_pages_newest_first(
    api: httpx.AsyncClient, rows: Rows, database: Database
) -> None:
    for number in range(5):
        await rows.campaign(f"c{number}")
    await PostgresCampaignRecords(database).set_phase(
        CampaignId("c3"), phase=CampaignPhase.running, reason="", now=NOW
    )
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("campaigns", params=params)).json()
        seen += [row["campaign_id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["c4", "c3", "c2", "c1", "c0"]
    running = (await api.get("campaigns", params={"phase": "running"})).json()
    assert [row["campaign_id"] for row in running["items"]] == ["c3"]
    assert (await api.get("campaigns", params={"cursor": "x"})).json()["code"] == "cursor_invalid"


async def test_settings_change_only_at_the_version_that_was_read(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await rows.campaign("c1")
    read = await api.get("campaigns/c1/settings")
    etag = read.headers["etag"]
    unchanged = await api.get("campaigns/c1/settings", headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    patch = {"wrap_up": "PT20S", "pacing": {"target_abandonment": 0.02}}
    changed = await api.patch("campaigns/c1/settings", json=patch, headers={"if-match": etag})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] != etag
    after = changed.json()
    assert (after["wrap_up"], after["pacing"]["target_abandonment"]) == ("PT20S", 0.02)
    kept = read.json()["pacing"] | {"target_abandonment": 0.02}
    assert after["pacing"] == kept

    late = await api.patch("campaigns/c1/settings", json=patch, headers={"if-match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "settings_moved")
    back = await api.patch("campaigns/c1/settings", json={"wrap_up": None})
    assert back.json()["wrap_up"] == "PT10S"


async def test_settings_that_make_no_sense_change_nothing(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await rows.campaign("c1")
    before = (await api.get("campaigns/c1/settings")).json()
    for patch, status, code in (
        ({"wrap_up": "for ever"}, 422, "bad_campaign_settings"),
        ({"nothing": 1}, 422, "bad_campaign_settings"),
        ({"name": None}, 422, "bad_campaign_settings"),
        ({"caller_id": "\0"}, 422, "request_invalid"),
        ({"switch": "other"}, 404, "switch_not_found"),
    ):
        answer = await api.patch("campaigns/c1/settings", json=patch)
        assert (answer.status_code, answer.json()["code"]) == (status, code), patch
    wrong = await api.patch("campaigns/c1/settings", json={}, headers={"if-match": '"x"'})
    assert wrong.json()["code"] == "etag_invalid"
    assert (await api.get("campaigns/c1/settings")).json() == before


async def test_status_report_and_why_say_how_it_stands(api: httpx.AsyncClient, rows: Rows) -> None:
    campaign = await rows.campaign("c1")
    contact = await rows.contact(campaign, numbers=("+390551234567",), external_id="CRM-7")
    view = (await api.get("campaigns/c1/status")).json()
    assert view["contacts"] == {"ready": 1, "total": 1}
    report = (await api.get("campaigns/c1/report")).json()
    assert report["answer_to_agent_ms"]["joined"] == 0
    why = (await api.get("campaigns/c1/why")).json()
    assert why["code"] == "not_started"
    for key in (contact, "CRM-7", "+390551234567"):
        told = (await api.get("campaigns/c1/why/contact", params={"key": key})).json()
        assert told["contact"]["contact_id"] == contact
        assert "+390551234567" not in str(told)
    missing = await api.get("campaigns/c1/why/contact", params={"key": "nobody"})
    assert (missing.status_code, missing.json()["code"]) == (404, "contact_not_found")


async def test_compliance_is_reported_as_json_and_as_a_safe_file(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await rows.campaign("=1+1")
    plain = await api.get("campaigns/=1+1/compliance")
    assert plain.json()["campaign_id"] == "=1+1"
    file = await api.get("campaigns/=1+1/compliance", headers={"accept": "text/csv"})
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.startswith("campaign_id,")


async def test_orders_go_to_the_run_and_are_carried_out_once(
    database: Database, rows: Rows, temporal_client: Client
) -> None:
    floor = FakeFloor()
    async with (
        campaigns_on(temporal_client, floor) as desk,
        served(database, client=temporal_client, task_queue=desk.queue) as app,
        app.client() as api,
    ):
        campaign = await rows.campaign(f"c-{desk.queue}")
        at = f"campaigns/{campaign}"
        empty = await api.post(f"{at}/start")
        assert (empty.status_code, empty.json()["code"]) == (409, "campaign_empty")
        idle = await api.post(f"{at}/pause")
        assert (idle.status_code, idle.json()["code"]) == (409, "campaign_not_running")

        await rows.contact(campaign)
        started = await api.post(f"{at}/start", json={"run_key": "monday"})
        assert started.json()["started"] is True, started.text
        again = await api.post(f"{at}/start", json={"run_key": "monday"})
        assert again.json()["started"] is False
        await until(lambda: floor.dialing == 1)

        key = {"idempotency-key": "p1"}
        paused = await api.post(f"{at}/pause", headers=key, json={"clear": True})
        repeated = await api.post(f"{at}/pause", headers=key, json={"clear": True})
        assert paused.json() == repeated.json()
        assert paused.json()["phase"] == "paused"
        assert floor.kinds().count("pause_requested") == 1
        assert (await api.post(f"{at}/resume")).json()["phase"] == "running"
        assert (await api.post(f"{at}/stop")).json()["phase"] == "draining"
        await until(lambda: floor.dialing == 0)
        kept = (await api.get("audit", params={"subject": f"campaign/{campaign}"})).json()["items"]
        moves = {one["action"]: (one["before"], one["after"]) for one in kept if one["before"]}
        # This floor records no phases, so what was before is what the campaign was made with.
        assert moves["campaign.pause"] == ({"phase": "scheduled"}, {"phase": "paused"})
        assert moves["campaign.resume"] == ({"phase": "scheduled"}, {"phase": "running"})
        assert moves["campaign.start"][0]["run_key"] is None
        assert moves["campaign.start"][1]["run_key"] == "monday"
        assert "campaign.stop" in moves


async def test_whoever_may_see_one_campaign_sees_no_other(
    database: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.campaign("c1")
    await rows.campaign("c2")

    def scoped(*args: object, **more: object) -> Principal:
        found = token_principal(*args, **more)  # type: ignore[arg-type]  # handed on
        return found.model_copy(update={"scope": Scope(campaigns=("c1",))})

    monkeypatch.setattr("offhook.api.auth.token_principal", scoped)
    async with served(database) as app, app.client(Permission.campaigns_read) as api:
        listed = (await api.get("campaigns")).json()["items"]
        assert [row["campaign_id"] for row in listed] == ["c1"]
        assert (await api.get("campaigns/c1/status")).status_code == 200
        for path in ("campaigns/c2", "campaigns/c2/status", "campaigns/c2/settings"):
            hidden = await api.get(path)
            assert (hidden.status_code, hidden.json()["code"]) == (404, "campaign_unknown")


async def test_what_changes_settings_is_in_the_audit_with_before_and_after(
    database: Database, rows: Rows
) -> None:
    await rows.campaign("c1")
    async with served(database) as app, app.client() as api:
        await api.patch("campaigns/c1/settings", json={"wrap_up": 20})
        entries = (await api.get("audit")).json()["items"]
    (entry,) = [one for one in entries if one["action"] == "campaign.change"]
    assert entry["subject"] == "campaign/c1"
    assert (entry["before"], entry["after"]) == ({"wrap_up": "PT10S"}, {"wrap_up": "PT20S"})
