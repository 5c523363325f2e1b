"""Callback lists and callbacks over HTTP."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import insert
from temporalio.client import Client
from temporalio.worker import Worker

from activities.callback_contracts import CallbackResult
from activities.callbacks import CallbackActivities
from offhook.api.frame import MAX_BODY
from offhook.storage.account_audit import AuditFilter, AuditLog
from offhook.storage.callback_store import PostgresCallbacks
from offhook.storage.callback_tables import callback_tickets
from offhook.storage.database import Database
from offhook.storage.token_store import Scope
from offhook.temporal.callbacks import CallbackDesk, callback_workflow_id
from tests.support.api import EVENING, LISTS, MORNING, api_client, make_app, token_for
from tests.support.callbacks import CallbackWorld
from workflows.callback import CallbackWorkflow

NUMBER = "+390230210082"


@pytest.fixture
async def api(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do everything, with a list Support; Temporal is away."""
    token = await token_for(database, list(Scope))
    async with api_client(make_app(database), token) as client:
        made = await client.post(LISTS, json={"name": "Support", "periods": [MORNING, EVENING]})
        assert made.status_code == 201, made.text
        yield client


async def _book(api: httpx.AsyncClient, key: str = "", **more: Any) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    body = {"numbers": [NUMBER]} | more
    return await api.post(f"{LISTS}/support/callbacks", json=body, headers=headers)


async def test_a_list_is_found_by_id_and_name_changed_and_deleted(api: httpx.AsyncClient) -> None:
    change = {"rules": {"lease": "PT10M"}, "periods": {"periods": [EVENING]}}
    changed = (await api.patch(f"{LISTS}/Support", json=change)).json()

    assert (changed["list_id"], changed["rules"]["lease"]) == ("support", "PT10M")
    assert changed["rules"]["again_after"] == 1
    assert [(p["name"], p["default"]) for p in changed["periods"]] == [("evening", True)]
    assert (await api.get(f"{LISTS}/support")).json() == changed
    # Whoever keeps its callbacks must be told: without Temporal it stays.
    assert (await api.delete(f"{LISTS}/support")).json()["code"] == "temporal_unreachable"
    assert (await api.get(f"{LISTS}/support")).json() == changed


async def test_a_booking_repeated_with_its_key_is_found_and_not_doubled(
    api: httpx.AsyncClient,
) -> None:
    first, again, other = [await _book(api, key) for key in ("order-1", "order-1", "order-2")]

    assert [answer.status_code for answer in (first, again, other)] == [201, 201, 201]
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["callback_id"] == again.json()["callback_id"] != other.json()["callback_id"]
    assert len((await api.get(f"{LISTS}/support/callbacks")).json()["items"]) == 2


async def test_pages_of_callbacks_hold_each_of_them_once(api: httpx.AsyncClient) -> None:
    booked = {(await _book(api, f"k{n}")).json()["callback_id"] for n in range(5)}

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = (await api.get(f"{LISTS}/support/callbacks", params={"limit": 2, **cursor})).json()
        seen += [item["callback_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}

    assert page["next_cursor"] is None
    assert len(seen) == 5
    assert set(seen) == booked


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("nobody/callbacks", {"numbers": [NUMBER]}, 404, "callback_list_not_found"),
        ("support/callbacks", {"numbers": ["12"]}, 422, "too_short"),
        ("support/callbacks", {"numbers": [NUMBER], "due_on": "2020-01-01"}, 422,
         "callback_in_the_past"),
        ("support/callbacks", {"numbers": [NUMBER], "period": "night"}, 422,
         "callback_period_unknown"),
        ("support/callbacks", {"numbers": [NUMBER], "zone": "Mars/Base"}, 422, "request_invalid"),
        ("", {"name": "Support", "periods": [MORNING]}, 409, "callback_list_exists"),
        ("", {"name": "New", "periods": [MORNING], "switch_id": "none"}, 409, "record_conflict"),
        ("", {"name": "New", "periods": [MORNING, MORNING]}, 422, "request_invalid"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_a_code(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await api.post(f"{LISTS}/{path}".rstrip("/"), json=body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:offhook:problem:{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_a_refused_body_is_not_repeated_in_the_problem(api: httpx.AsyncClient) -> None:
    answer = await _book(api, zone="Sekret/Sekret", Sekret="Sekret", first_name="Sekret\0")

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert "Sekret" not in answer.text


async def test_a_file_is_counted_then_booked_once(api: httpx.AsyncClient) -> None:
    text = f"number,name\n{NUMBER},Rossi\n+390612345678,Bianchi\nnot a number,Verdi\n"

    async def send(dry_run: bool) -> dict[str, Any]:
        answer = await api.post(
            f"{LISTS}/support/imports", content=text.encode(), params={"dry_run": dry_run}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    results = [await send(dry_run) for dry_run in (True, False, False)]

    assert [(r["booked"], r["known"], r["refused"]) for r in results] == [
        (2, 0, 1),
        (2, 0, 1),
        (0, 2, 1),
    ]


async def test_refused_rows_come_back_to_be_mended_and_sent_again(api: httpx.AsyncClient) -> None:
    columns = {"map": ["due=Richiamare", "company=Ditta", "period=Fascia"]}
    header = "Telefono,Nome,Richiamare,Ditta,Fascia"
    good, bad = f"{NUMBER},Rossi,,=Rossi,evening", "+390612345678,Bianchi,,Verdi,midnight"

    async def send(text: str, accept: str) -> httpx.Response:
        return await api.post(
            f"{LISTS}/support/imports",
            content=text.encode(),
            params=columns,
            headers={"accept": accept, "content-type": "text/csv"},
        )

    answer = await send(f"{header}\n{good}\n{bad}\n", "text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    counts = json.loads(answer.headers["offhook-import"])
    assert (counts["booked"], counts["reasons"]) == (1, {"callback_period_unknown": 1})
    lines = answer.text.splitlines()
    assert lines[1].startswith("3,callback_period_unknown,")
    mended = await send(answer.text.replace("midnight", "morning"), "application/json")
    assert (mended.json()["booked"], mended.json()["refused"]) == (1, 0)
    rows = (await api.get(f"{LISTS}/support/callbacks")).json()["items"]
    requests = [row["promise"]["request"] for row in rows]
    assert {(one["company"], one["period"]["name"]) for one in requests} == {
        ("=Rossi", "evening"),
        ("Verdi", "morning"),
    }
    columns["map"].append("number")
    wrong = await send(f"{header}\n{good}\n", "text/csv")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "column_mapping_invalid")


async def test_tickets_come_in_pages_and_as_a_file_that_no_spreadsheet_runs(
    api: httpx.AsyncClient, database: Database
) -> None:
    callback = (await _book(api)).json()["callback_id"]
    now = datetime.now(UTC)
    async with database.transaction() as session:
        await session.execute(
            insert(callback_tickets),
            [
                {
                    "id": f"t{n}",
                    "callback_id": callback,
                    "agent_id": None,
                    "number": NUMBER,
                    "opened_at": now - timedelta(minutes=3 - n),
                    "comment": "=1+1",
                }
                for n in range(3)
            ],
        )
    path = f"{LISTS}/support/tickets"

    first = (await api.get(path, params={"limit": 2})).json()
    rest = (await api.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    file = await api.get(path, headers={"accept": "text/csv"})

    assert [t["ticket_id"] for t in first["items"] + rest["items"]] == ["t0", "t1", "t2"]
    assert rest["next_cursor"] is None
    lines = list(csv.DictReader(io.StringIO(file.text)))
    assert [line["comment"] for line in lines] == ["'=1+1"] * 3
    assert lines[0]["number"] == NUMBER
    assert (await api.get(path, params={"cursor": "bm8"})).json()["code"] == "cursor_invalid"
    assert (await api.get(f"{LISTS}/support/stats")).json()["booked"] == 1


async def test_a_body_beyond_the_bound_is_refused(api: httpx.AsyncClient) -> None:
    answer = await _book(api, description="x" * MAX_BODY)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_an_order_waits_for_temporal_to_be_back(api: httpx.AsyncClient) -> None:
    callback = (await _book(api)).json()["callback_id"]

    answer = await api.post(f"/api/v1/callbacks/{callback}/take", json={"agent_id": "anna"})

    assert (answer.status_code, answer.json()["code"]) == (503, "temporal_unreachable")
    assert answer.headers["retry-after"]


@pytest.fixture
async def desk(database: Database, temporal_client: Client) -> AsyncIterator[CallbackDesk]:
    """A worker on the real record; law and switch allow everything."""
    queue, world = f"api-{uuid4()}", CallbackWorld()
    acts = CallbackActivities(
        records=PostgresCallbacks(database),
        law=world,
        calls=world,
        starter=world,
        lists=world,
        clock=lambda: datetime.now(UTC),
    )
    async with Worker(
        temporal_client,
        task_queue=queue,
        workflows=[CallbackWorkflow],
        activities=[acts.begin, acts.record, acts.permit, acts.call, acts.drive],
    ):
        yield CallbackDesk(temporal_client, queue)


async def test_a_callback_is_taken_started_and_ticketed_once_each(
    database: Database, desk: CallbackDesk
) -> None:
    token = await token_for(database, list(Scope))
    async with api_client(make_app(database, desk), token) as api:
        await api.post(LISTS, json={"name": "Support", "periods": [MORNING, EVENING]})
        callback = (await _book(api)).json()["callback_id"]

        async def order(what: str, key: str, **body: Any) -> httpx.Response:
            return await api.post(
                f"/api/v1/callbacks/{callback}/{what}",
                json=body,
                headers={"idempotency-key": key},
            )

        taken = await order("take", "k1", agent_id="anna")
        again = await order("take", "k1", agent_id="anna")
        refused = await order("take", "k2", agent_id="bruno")
        started = await order("start", "k3", agent_id="anna")
        put_off = await order("ticket", "k4", agent_id="anna", status="callback", period="evening")
        cancelled = await order("cancel", "k5", reason="wrote instead")
        late = await order("release", "k6")
        row = (await api.get(f"/api/v1/callbacks/{callback}")).json()
        log = AuditLog(database)
        entries = await log.page(AuditFilter(subject=f"callback/{callback}"), limit=20)
        nobody = await api.post("/api/v1/callbacks/cb-0/take", json={"agent_id": "anna"})
        kept = (await _book(api)).json()["callback_id"]
        await api.post(f"/api/v1/callbacks/{kept}/take", json={"agent_id": "anna"})
        deleted = await api.delete(f"{LISTS}/Support")
        handle = desk.client.get_workflow_handle(
            callback_workflow_id(kept), result_type=CallbackResult
        )
        ended = await handle.result()
        gone = await api.get(f"{LISTS}/support")

    assert taken.status_code == 200, taken.text
    assert again.json() == taken.json()
    assert (refused.status_code, refused.json()["code"]) == (409, "callback_taken")
    assert started.json()["phase"] == "started", started.text
    assert put_off.status_code == 200, put_off.text
    assert cancelled.json()["phase"] == "cancelled"
    assert (late.status_code, late.json()["code"]) == (409, "callback_not_in_phase")
    assert row["promise"]["phase"] == "cancelled"
    moved = {one.action: (one.before, one.after) for one in entries if one.before}
    assert moved["callback.take"][0] == {"phase": "waiting", "holder": None}
    assert moved["callback.take"][1] == {"phase": "taken", "holder": "anna"}
    assert moved["callback.ticket"][0]["period"] == "morning"
    assert moved["callback.ticket"][1]["period"] == "evening"
    assert moved["callback.cancel"][1]["phase"] == "cancelled"
    assert row["promise"]["request"]["period"]["name"] == "evening"
    assert (nobody.status_code, nobody.json()["code"]) == (404, "callback_unknown")
    assert (deleted.status_code, ended.reason) == (204, "list_deleted")
    assert (gone.status_code, gone.json()["code"]) == (404, "callback_list_not_found")
