"""Every route of the API answers as its description says, whatever is sent to it.

The requests are made of the description itself: values that fit it, and values that don't. The API
runs on a socket in a thread, on a database of its own; Temporal is away, so that a route that needs
it may say 503 with that code and nothing else from the five hundreds.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from offhook.api.app import PREFIX
from offhook.api.routes import routes
from offhook.storage.database import Database
from offhook.storage.token_store import Scope, Tokens
from tests.support.api import EVENING, LISTS, MORNING, make_app
from tests.support.serving import serving
from tests.support.stack import PostgresServer

EXAMPLES = 8
"""Requests of each route; what they are is the same in every run."""
STREAM = "text/event-stream"
Operation = APIOperation[Any, Any, Any, Any]
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NAMES = sorted(
    f"{method} {PREFIX}{route.path}" for route in routes() for method in route.methods or ()
)


@dataclass(frozen=True)
class Served:
    """The API on a socket, and a token that may do everything."""

    url: str
    token: str
    operations: "dict[str, Operation]"


async def _serve(url: str, said: "dict[str, str]", up: threading.Event, end: asyncio.Event) -> None:
    async with Database.open(url, pool_size=5) as database:
        tokens, now = Tokens(database), datetime.now(UTC)
        said["token"] = (await tokens.create("fuzz", list(Scope), now=now, lasts=None)).token
        async with serving(make_app(database)) as address:
            said["url"] = address
            up.set()
            await end.wait()


@pytest.fixture(scope="module")
def served(postgres: PostgresServer, postgres_template: str) -> Iterator[Served]:
    """The API in a thread of its own, with a list that has a callback."""
    url = asyncio.run(postgres.create(template=postgres_template))
    loop, said = asyncio.new_event_loop(), dict[str, str]()
    up, end = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(_serve(url, said, up, end)))
    thread.start()
    try:
        assert up.wait(20)
        headers = {"authorization": f"Bearer {said['token']}"}
        with httpx.Client(base_url=said["url"], headers=headers) as client:
            body = {"name": "Support", "periods": [MORNING, EVENING]}
            assert client.post(LISTS, json=body).status_code == 201
            booked = client.post(f"{LISTS}/support/callbacks", json={"numbers": ["+390230210082"]})
            assert booked.status_code == 201
            described = client.get(f"{PREFIX}/openapi.json").json()
        schema = schemathesis.openapi.from_dict(described)
        found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
        yield Served(said["url"], said["token"], {op.label: op for op in found})
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()
        asyncio.run(postgres.drop(url))


def streams(operation: Operation) -> bool:
    """Whether an answer goes on until the client leaves."""
    responses = operation.definition.raw.get("responses", {})
    return any(STREAM in one.get("content", {}) for one in responses.values())


def ways_to_fail(response: "schemathesis.Response") -> str:
    """What is wrong with the status of an answer; nothing with one that refuses."""
    if response.status_code < 500:
        return ""
    code = response.json().get("code") if response.status_code == 503 else None
    return (
        "" if code == "temporal_unreachable" else f"{response.status_code}: {response.text[:500]}"
    )


def test_every_route_is_in_the_description(served: Served) -> None:
    assert sorted(served.operations) == NAMES


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
def test_route_answers_as_it_is_described(served: Served, name: str) -> None:
    operation = served.operations[name]
    if streams(operation):
        pytest.skip("its answer has no end; tests/api has tests of the stream")

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: "schemathesis.Case[Any]") -> None:
        headers = {"Authorization": f"Bearer {served.token}"}
        response = case.call(base_url=served.url, headers=headers, timeout=20)
        assert not ways_to_fail(response), ways_to_fail(response)
        case.validate_response(response, checks=CHECKS)

    check()
