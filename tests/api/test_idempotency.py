"""Requests that are named by `Idempotency-Key`, and repeated."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from offhook.accounts.principal import Scope as Seen
from offhook.accounts.roles import Role
from offhook.storage.api_memory import KEPT, LEASE, ApiMemory, Named
from offhook.storage.database import Database
from offhook.storage.token_store import Scope
from tests.support.accounts import add_user, browser_of
from tests.support.api import EVENING, LISTS, MORNING, api_client, make_app, token_for

NUMBER = "+390230210082"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def api(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do everything, with a list Support; Temporal is away."""
    token = await token_for(database, list(Scope))
    async with api_client(make_app(database), token) as client:
        made = await client.post(LISTS, json={"name": "Support", "periods": [MORNING, EVENING]})
        assert made.status_code == 201, made.text
        yield client


async def book(api: httpx.AsyncClient, key: str, **body: Any) -> httpx.Response:
    return await api.post(
        f"{LISTS}/support/callbacks",
        json={"numbers": [NUMBER]} | body,
        headers={"idempotency-key": key},
    )


async def booked(api: httpx.AsyncClient) -> int:
    return len((await api.get(f"{LISTS}/support/callbacks")).json()["items"])


async def test_same_request_has_the_same_answer_and_another_one_is_refused(
    api: httpx.AsyncClient,
) -> None:
    first, again = await book(api, "k"), await book(api, "k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]

    other_body = await book(api, "k", last_name="Rossi")
    other_path = await api.post(
        LISTS, json={"name": "Sales", "periods": [MORNING]}, headers={"idempotency-key": "k"}
    )
    for refused in (other_body, other_path):
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await booked(api) == 1


async def test_request_that_was_refused_may_be_put_right_under_its_key(
    api: httpx.AsyncClient,
) -> None:
    assert (await book(api, "k", numbers=["nonsense"])).status_code == 422
    assert (await book(api, "k", numbers=5)).status_code == 422
    assert (await book(api, "k")).status_code == 201


async def test_requests_at_the_same_moment_do_it_once(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(book(api, "k") for _ in range(5)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum(answer.status_code == 201 for answer in answers) >= 1
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json()["code"], answer.headers["retry-after"]) == (
                "request_under_way",
                "1",
            )
    assert await booked(api) == 1


async def test_key_belongs_to_whoever_sent_it(api: httpx.AsyncClient, database: Database) -> None:
    token = await token_for(database, list(Scope), "another")
    async with api_client(make_app(database), token) as other:
        first, second = await book(api, "k"), await book(other, "k", last_name="Rossi")
    assert (first.status_code, second.status_code) == (201, 200)
    assert "idempotency-replayed" not in second.headers


async def test_without_a_permission_nothing_is_told_again(
    api: httpx.AsyncClient, database: Database
) -> None:
    token = await token_for(database, [Scope.callbacks_read], "reader")
    async with api_client(make_app(database), token) as reader:
        assert (await book(reader, "k")).json()["code"] == "scope_missing"
    async with api_client(make_app(database), None) as nobody:
        assert (await book(nobody, "k")).json()["code"] == "not_authenticated"


async def test_nothing_is_told_again_to_whoever_sees_less_by_now(database: Database) -> None:
    app = make_app(database)
    await add_user(database, "rossi", Role.supervisor, scope=Seen(queues=("A",)))
    admin = await token_for(database, list(Scope))
    async with api_client(app, admin) as boss, browser_of(app, "rossi") as rossi:
        made = {"name": "Support", "queue": "A", "periods": [MORNING]}
        assert (await boss.post(LISTS, json=made)).status_code == 201
        assert (await book(rossi, "k")).status_code == 201
        assert (await book(rossi, "k")).headers["idempotency-replayed"] == "true"
        less = await boss.patch("/api/v1/users/rossi", json={"scope": {"queues": ["B"]}})
        assert less.status_code == 200
        again = await book(rossi, "k")
        new = await book(rossi, "k2")

    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")
    assert (new.status_code, new.json()["code"]) == (404, "callback_list_not_found")


async def test_name_without_an_answer_is_free_after_its_lease_and_any_after_a_day(
    database: Database,
) -> None:
    memory = ApiMemory(database)
    request = Named(principal="token/1", key="k", digest=bytes(32))
    other = Named(principal="token/1", key="k", digest=bytes([1] * 32))

    assert await memory.begin(request, now=NOW) is None
    under_way = await memory.begin(request, now=NOW + LEASE - timedelta(seconds=1))
    assert under_way is not None
    assert under_way.status is None
    assert await memory.begin(other, now=NOW + LEASE) is not None
    assert await memory.begin(request, now=NOW + LEASE) is None
    await memory.answered(request, 201, {"content-type": "application/json"}, b"{}")
    known = await memory.begin(request, now=NOW + KEPT)
    assert known is not None
    assert (known.status, known.body) == (201, b"{}")
    assert await memory.begin(other, now=NOW + KEPT + LEASE) is None
