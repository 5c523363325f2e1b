"""Agents, the do-not-call lists, switches, menus, PINs and webhooks over HTTP."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from offhook.api.routes.ivr import EXAMPLE_TREE
from offhook.storage.database import Database
from tests.support.backend import configure, served
from tests.support.builders import Rows


@pytest.fixture
async def rows(database: Database) -> Rows:
    rows = Rows(database)
    await rows.switch()
    await configure(database)
    await rows.campaign("c1", agents=await rows.agents("anna", "bruno"))
    return rows


@pytest.fixture
async def api(database: Database, rows: Rows, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(database, home=tmp_path / "home") as app, app.client() as client:
        yield client


async def test_agents_are_listed_and_set_and_say_what_they_can(api: httpx.AsyncClient) -> None:
    first = (await api.get("agents", params={"limit": 1})).json()
    assert [row["agent_id"] for row in first["items"]] == ["anna"]
    rest = (await api.get("agents", params={"cursor": first["next_cursor"]})).json()
    assert [row["agent_id"] for row in rest["items"]] == ["bruno"]

    skills = {"skills": {"router": 8}, "languages": ["it"], "hours": "mon-fri 09:00-18:00"}
    profile = (await api.patch("agents/anna/profile", json=skills)).json()
    assert profile["skills"] == {"router": 8}
    gone = (await api.patch("agents/anna/profile", json={"skills": {"router": 0}})).json()
    assert (gone["skills"], gone["languages"]) == ({}, ["it"])
    assert (await api.get("agents/anna/profile")).json() == gone
    wrong = await api.patch("agents/anna/profile", json={"hours": "always on"})
    assert wrong.status_code == 422
    nothing = await api.get("agents/anna/preview")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nothing_on_offer")
    assert (await api.get("agents/nobody")).json()["code"] == "agent_not_found"


async def test_an_agent_says_why_he_is_not_ready_and_is_found_by_it(api: httpx.AsyncClient) -> None:
    known = (await api.get("not-ready-reasons")).json()["items"]
    assert "lunch" in known
    lunch = {"status": "not_ready", "status_reason": "lunch"}
    told = (await api.put("agents/anna/status", json=lunch)).json()
    assert (told["status"], told["status_reason"]) == ("not_ready", "lunch")
    assert told["status_at"]

    async def found(**wanted: str) -> list[str]:
        rows = (await api.get("agents", params=wanted)).json()["items"]
        return [row["agent_id"] for row in rows]

    assert await found(status="not_ready") == await found(status_reason="lunch") == ["anna"]
    assert await found(status_reason="break") == []
    assert await found(status="available", campaign="c1") == ["bruno"]
    assert await found(group="nobody") == []

    odd = await api.put("agents/anna/status", json={**lunch, "status_reason": "nap"})
    assert (odd.status_code, odd.json()["code"]) == (422, "not_ready_reason_unknown")
    back = {"status": "available", "status_reason": "lunch"}
    placed = await api.put("agents/anna/status", json=back)
    assert (placed.status_code, placed.json()["code"]) == (422, "not_ready_reason_out_of_place")
    ready = (await api.put("agents/anna/status", json={"status": "available"})).json()
    assert (ready["status"], ready["status_reason"]) == ("available", "")


async def test_agents_join_and_leave_a_campaign(api: httpx.AsyncClient) -> None:
    left = await api.patch("campaigns/c1/agents", json={"remove": ["bruno"]})
    assert [row["agent_id"] for row in left.json()["items"]] == ["anna"]
    again = await api.patch("campaigns/c1/agents", json={"remove": ["bruno"]})
    assert (again.status_code, again.json()["code"]) == (409, "agent_not_in_campaign")
    back = await api.patch("campaigns/c1/agents", json={"add": ["bruno"]})
    assert len(back.json()["items"]) == 2
    assert len((await api.get("campaigns/c1/agents")).json()["items"]) == 2


async def test_numbers_are_put_on_the_do_not_call_lists_and_taken_off(
    api: httpx.AsyncClient,
) -> None:
    number = "+393471234567"
    added = await api.post("dnc", json={"numbers": [number], "source": "asked"})
    assert (added.status_code, added.json()["entries"]) == (201, 1)
    await api.post("dnc", json={"numbers": ["+39899"], "prefix": True, "campaign": "c1"})
    checked = (await api.get("dnc/check", params={"number": "347 1234567"})).json()
    assert (checked["listed"], checked["entries"][0]["source"]) == (True, "asked")
    file = await api.post(
        "dnc/imports", params={"source": "RPO"}, content="number\n+390551234567\nx\n"
    )
    assert (file.json()["entries"], file.json()["refused"]) == (1, 1)
    first = (await api.get("dnc", params={"limit": 2})).json()
    second = (await api.get("dnc", params={"cursor": first["next_cursor"]})).json()
    assert len(first["items"]) + len(second["items"]) == 3
    of_campaign = (await api.get("dnc", params={"campaign": "c1"})).json()["items"]
    assert [entry["number"] for entry in of_campaign] == ["+39899"]
    gone = await api.post("dnc/remove", json={"number": number})
    assert gone.json()["entries"] == 1
    again = await api.post("dnc/remove", json={"number": number})
    assert (again.status_code, again.json()["code"]) == (422, "bad_do_not_call_entry")


async def test_switches_are_shown_without_secrets_and_checked(api: httpx.AsyncClient) -> None:
    (one,) = (await api.get("switches")).json()["items"]
    assert (one["name"], one["state"]) == ("pbx", "unknown")
    shown = await api.get("switches/pbx")
    assert len(shown.json()["trunks"]) == 1
    assert "h" * 32 not in shown.text
    checked = (await api.post("switches/pbx/check")).json()
    assert checked["ok"] is False
    assert any(not check["ok"] and check["detail"] for check in checked["checks"])
    assert (await api.get("switches/none")).json()["code"] == "switch_not_found"


async def test_trees_are_checked_published_routed_and_shown(api: httpx.AsyncClient) -> None:
    files = [{"file": "hello.yaml", "text": EXAMPLE_TREE}]
    broken = [{"file": "hello.yaml", "text": EXAMPLE_TREE.replace("next: bye", "next: nowhere")}]
    verdict = (await api.post("ivr/check", json={"files": files})).json()
    assert verdict["ok"], verdict
    wrong = (await api.post("ivr/check", json={"files": broken})).json()
    assert (wrong["ok"], bool(wrong["problems"])) == (False, True)
    refused = await api.post("ivr/trees", json={"files": broken, "name": "hello"})
    assert (refused.status_code, refused.json()["version"]) == (200, None)
    made = await api.post("ivr/trees", json={"files": files, "name": "hello"})
    again = await api.post("ivr/trees", json={"files": files, "name": "hello"})
    assert (made.status_code, made.json()["version"], made.json()["new"]) == (201, 1, True)
    assert (again.status_code, again.json()["new"]) == (200, False)
    tree = (await api.get("ivr/trees/hello")).json()
    assert (tree["version"], list(tree["trees"])) == (1, ["hello"])
    assert (await api.get("ivr/trees/none")).status_code == 404
    route = {"switch": "pbx", "tree": "hello", "called": "800123456"}
    (routed,) = (await api.put("ivr/routes", json=route)).json()["items"]
    assert routed["tree"] == "hello"
    assert len((await api.get("ivr/routes/pbx")).json()["items"]) == 1
    nobody = (await api.get("ivr/sessions", params={"live": True})).json()
    assert nobody == {"items": [], "next_cursor": None}
    unknown = await api.put("ivr/routes", json=route | {"tree": "none"})
    assert unknown.json()["code"] == "ivr_tree_unknown"


async def test_pins_are_given_once_and_never_shown_again(api: httpx.AsyncClient) -> None:
    made = await api.post("pins", json={"customer": "1001"})
    assert made.status_code == 201, made.text
    pin = made.json()["pin"]
    assert pin.isdigit()
    twice = await api.post("pins", json={"customer": "1001"})
    assert (twice.status_code, twice.json()["code"]) == (409, "pin_exists")
    weak = await api.post("pins", json={"customer": "1002", "pin": "11111"})
    assert (weak.status_code, weak.json()["code"]) == (422, "pin_weak")
    assert "11111" not in weak.text
    listed = await api.get("pins")
    assert [row["customer"] for row in listed.json()["items"]] == ["1001"]
    assert pin not in listed.text
    other = (await api.post("pins/1001/reset")).json()["pin"]
    assert other != pin
    file = await api.post("pins/imports", content="customer,pin\n1003,\n,\n1001,\n")
    told = file.json()
    assert (told["enrolled"], told["refused"]) == (1, 2)
    assert told["pins"].startswith("1003,")
    assert (await api.delete("pins/1001")).status_code == 204
    assert (await api.delete("pins/1001")).json()["code"] == "pin_not_found"


async def test_pins_that_were_made_for_a_file_are_safe_in_a_spreadsheet(
    api: httpx.AsyncClient,
) -> None:
    file = "customer\n=HYPERLINK(A1)\n1001\n"
    answer = await api.post("pins/imports", content=file, headers={"content-type": "text/csv"})
    rows = list(csv.reader(io.StringIO(answer.json()["pins"])))
    assert [row[0] for row in rows] == ["'=HYPERLINK(A1)", "1001"]


async def test_pins_leave_nothing_of_themselves_in_the_audit(api: httpx.AsyncClient) -> None:
    pin = (await api.post("pins", json={"customer": "1001"})).json()["pin"]
    entries = await api.get("audit")
    assert "pin.enrol" in entries.text
    assert f'"{pin}"' not in entries.text


async def test_webhooks_are_added_listed_and_removed_and_show_no_secret_twice(
    api: httpx.AsyncClient,
) -> None:
    body = {"name": "crm", "url": "https://crm.example.com/x", "kinds": ["call.ended"]}
    made = await api.post("webhooks", json=body | {"campaigns": ["c1"]})
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    for path in ("webhooks", "webhooks/crm", "audit"):
        assert secret not in (await api.get(path)).text
    private = await api.post("webhooks", json=body | {"name": "x", "url": "https://10.0.0.1/"})
    assert (private.status_code, private.json()["code"]) == (422, "webhook_address_refused")
    twice = await api.post("webhooks", json=body)
    assert (twice.status_code, twice.json()["code"]) == (409, "webhook_exists")
    replayed = await api.post("webhooks/crm/replay", headers={"idempotency-key": "k"})
    assert (replayed.json()["order"], replayed.json()["deliveries"]) == ("k", 0)
    assert (await api.get("webhooks/crm/deliveries")).json()["items"] == []
    assert (await api.get("webhooks/crm/deliveries/7/tries")).json()["code"] == "delivery_not_found"
    assert (await api.post("webhooks", json=body | {"name": "Büro"})).status_code == 201
    assert (await api.post("webhooks", json=body | {"name": "Zoo"})).status_code == 201
    names: list[str] = []
    cursor = None
    while not names or cursor:
        params = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("webhooks", params=params)).json()
        names += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert names == ["Büro", "Zoo", "crm"]
    assert (await api.post("webhooks/crm/rotate")).json()["secret"] != secret
    assert (await api.delete("webhooks/crm")).status_code == 204
    assert (await api.get("webhooks/crm")).json()["code"] == "webhook_not_found"
