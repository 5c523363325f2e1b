"""Every route of the API answers as its description says, whatever is sent to it.

The requests are made of the description itself: values that fit it, and values that don't; half of
them ask for things that are there. The API runs on a socket in a thread, on a database of its own,
with a Temporal and a worker of every workflow: nothing may be answered from the five hundreds.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from requests.structures import CaseInsensitiveDict
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dialer.simulation import Forecast, Question, gathered
from offhook.api.app import PREFIX, build_app
from offhook.api.backend import Backend
from offhook.api.routes import routes
from offhook.api.routes.ivr import EXAMPLE_TREE
from offhook.api.services import Services
from offhook.health import Health
from offhook.offices.forecasts import ForecastOffice
from offhook.settings import DatabaseSettings, Settings, TemporalSettings, WorkerSettings
from offhook.storage.database import Database
from offhook.storage.token_store import Scope, Tokens
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import connect
from offhook.temporal.worker import run_worker
from tests.support.aliens import plant
from tests.support.api import QUICK
from tests.support.backend import Served as App
from tests.support.serving import serving
from tests.support.stack import PostgresServer, temporal_server

pytestmark = [
    # The worker's threads are for activities that block; a dial needs none.
    pytest.mark.filterwarnings("ignore:Worker max_concurrent_activities:UserWarning"),
    # What draws at random is the API's thread, not a strategy.
    pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies"),
]

EXAMPLES = 6
"""Requests of each route; what they are is the same in every run."""
STREAM = "text/event-stream"
Operation = APIOperation[Any, Any, Any, Any]
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MADE: "dict[str, Any]" = {
    "POST ivr/trees": {"files": [{"file": "menu.yaml", "text": EXAMPLE_TREE}], "name": "menu"},
    "PUT ivr/routes": {"switch": "pbx", "tree": "menu", "called": "800123456"},
    "PUT schedules/{schedule}": {
        "job": {"kind": "start", "campaign_id": "alien-campaign"},
        "cron": ["0 9 * * *"],
        "zone": "Europe/Rome",
    },
    "POST users": {"login": "rossi", "role": "agent"},
    "POST tokens": {"name": "crm", "scopes": ["dnc:read"]},
    "POST pins": {"customer": "1001"},
}
"""What is made over HTTP before the requests, beside what is planted."""
KNOWN = {
    "ivr.name": "menu",
    "user_id": "rossi",
    "token_id": "crm",
    "customer": "1001",
    "session_id": "none",
}
NAMES = sorted(
    f"{method} {PREFIX}{route.path}" for route in routes() for method in route.methods or ()
)


@dataclass(frozen=True)
class Served:
    """The API on a socket, a token that may do everything, and what is there to be asked for."""

    url: str
    token: str
    known: "dict[str, str]"
    operations: "dict[str, Operation]"


@dataclass
class Said:
    """What the thread tells."""

    url: str = ""
    token: str = ""
    known: "dict[str, str]" = field(default_factory=dict)
    error: BaseException | None = None


async def _at_once(question: Question) -> Forecast:
    """Simulating takes seconds, and does not depend on how it was asked for."""
    return gathered(question, ())


async def _serve(settings: Settings, said: Said, up: threading.Event, end: asyncio.Event) -> None:
    assert settings.database.url is not None
    async with (
        Database.open(settings.database.url.get_secret_value(), pool_size=5) as database,
        Backend(database, settings, connect=partial(connect, settings, role="api")) as backend,
    ):
        backend.forecasts = ForecastOffice(database, backend.clock, simulate=_at_once)

        async def desk() -> CallbackDesk:
            return CallbackDesk(await backend.client())

        app = build_app(Health("api"), Services(database, desk, access=QUICK, given=backend))
        said.known = (await plant(App(app, backend, database))).params["alien-campaign"] | KNOWN
        tokens, now = Tokens(database), datetime.now(UTC)
        said.token = (await tokens.create("fuzz", list(Scope), now=now, lasts=None)).token
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(settings, stop=stop))
        async with serving(app) as address:
            said.url = address
            up.set()
            await asyncio.wait(
                {worker, asyncio.ensure_future(end.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        stop.set()
        # What the requests have begun is nobody's business any more.
        if (await asyncio.wait({worker}, timeout=10))[1]:
            worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def _thread(
    loop: asyncio.AbstractEventLoop,
    settings: Settings,
    said: Said,
    up: threading.Event,
    end: asyncio.Event,
) -> None:
    try:
        loop.run_until_complete(_serve(settings, said, up, end))
    except BaseException as error:
        said.error = error
        raise
    finally:
        up.set()


@pytest.fixture(scope="module")
def served(
    postgres: PostgresServer, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The API in a thread of its own, with something of everything in it."""
    url = asyncio.run(postgres.create(template=postgres_template))
    loop, said = asyncio.new_event_loop(), Said()
    up, end = threading.Event(), asyncio.Event()
    with temporal_server() as temporal:
        there = Settings(
            home=tmp_path_factory.mktemp("home"),
            database=DatabaseSettings(url=SecretStr(url)),
            temporal=TemporalSettings(address=temporal.address, namespace=temporal.namespace),
            worker=WorkerSettings(health_port=0, graceful_shutdown_s=0),
        )
        thread = threading.Thread(target=_thread, args=(loop, there, said, up, end), daemon=True)
        thread.start()
        try:
            assert up.wait(60)
            assert said.error is None
            yield _described(said)
        finally:
            loop.call_soon_threadsafe(end.set)
            thread.join(30)
            loop.close()
    asyncio.run(postgres.drop(url))


def _described(said: Said) -> Served:
    headers = {"authorization": f"Bearer {said.token}"}
    with httpx.Client(base_url=f"{said.url}{PREFIX}/", headers=headers, timeout=20) as client:
        for path, body in MADE.items():
            method, _, where = path.partition(" ")
            made = client.request(method, where.format_map(said.known), json=body)
            assert made.is_success, (path, made.text)
        described = client.get("openapi.json").json()
    schema = schemathesis.openapi.from_dict(described)
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return Served(said.url, said.token, said.known, {op.label: op for op in found})


def streams(operation: Operation) -> bool:
    """Whether an answer goes on until the client leaves."""
    responses = operation.definition.raw.get("responses", {})
    return any(STREAM in one.get("content", {}) for one in responses.values())


def test_every_route_is_in_the_description(served: Served) -> None:
    assert sorted(served.operations) == NAMES


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_route_answers_as_it_is_described(served: Served) -> None:
    faults: dict[str, str] = {}
    for name in sorted(NAMES, key=_order):
        operation = served.operations[name]
        # Its answer has no end; tests/api has tests of the stream.
        if not streams(operation):
            try:
                _asked(served, operation)
            except (Exception, FailureGroup) as error:
                faults[name] = f"{type(error).__name__}: {_said(error)[:1_500]}"
    assert not faults, "\n\n".join(f"{name}\n{fault}" for name, fault in faults.items())


def _said(error: BaseException) -> str:
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return " / ".join(str(part) for part in parts)


def _order(name: str) -> tuple[bool, str]:
    """What takes things away comes last."""
    return name.startswith("DELETE"), name


def _asked(served: Served, operation: Operation) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    asked = 0

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: "schemathesis.Case[Any]") -> None:
        nonlocal asked
        asked += 1
        if asked % 2:
            case.path_parameters = {
                name: known(served, operation, name) for name in case.path_parameters or {}
            }
        if asked == 1:
            _as_documented(case, operation)
        response = case.call(base_url=served.url, headers=headers, timeout=30)
        assert response.status_code < 500, f"{response.status_code}: {response.text[:500]}"
        case.validate_response(response, checks=CHECKS)

    check()


def _as_documented(case: "schemathesis.Case[Any]", operation: Operation) -> None:
    """Send the example of the description, and nothing besides."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    case.query, case.headers, case.cookies = {}, CaseInsensitiveDict(), {}
    for one in examples.values():
        case.body, case.media_type = one["value"], "application/json"


def known(served: Served, operation: Operation, name: str) -> str:
    """What is there under that name of a path."""
    resource = operation.path.split("/")[3]
    return served.known.get(f"{resource}.{name}") or served.known[name]
