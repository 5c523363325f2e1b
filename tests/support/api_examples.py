"""Examples for the description of the API, recorded: `python -m tests.support.api_examples`.

Every route is asked once, on a stack with a worker, in an order in which each finds what it needs;
what was sent and answered goes to `offhook/api/examples.json`.
"""

import asyncio
import json
import re
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr
from sqlalchemy import insert

from offhook.accounts.roles import Permission, Role
from offhook.api import description
from offhook.api.app import PREFIX, build_app
from offhook.api.backend import Backend
from offhook.api.routes.ivr import EXAMPLE_TREE
from offhook.api.services import Services
from offhook.health import Health
from offhook.settings import DatabaseSettings, Settings, TemporalSettings, WorkerSettings
from offhook.storage.database import Database
from offhook.storage.list_tables import previews
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import connect
from offhook.temporal.worker import run_worker
from tests.support.accounts import PASSWORD, add_user
from tests.support.aliens import plant
from tests.support.api import QUICK, api_client, token_for
from tests.support.backend import Served
from tests.support.builders import NOW
from tests.support.stack import make_template, postgres_server, temporal_server

TARGET = Path(description.__file__).with_name("examples.json")
NAMES = {
    "alien-campaign-agent": "201",
    "alien-campaign-contact": "crm-17",
    "alien-campaign-list": "support",
    "alien-campaign-daily": "spring-daily",
    "alien-campaign-hook": "crm",
    "alien-campaign-import": "import-1",
    "alien-campaign-event": "spring.0.1.42.0",
    "alien-campaign-call": "spring-1-42",
    "alien-campaign-sale": "sold",
    "alien-campaign-quota": "north",
    "alien-campaign-more": "second",
    "alien-campaign-row": "+39 06",
    "alien-campaign": "spring",
    "alien-queue": "billing",
    "alien-group": "gold",
    "own-": "other-",
    "menu": "hello",
}
"""What planted things are called in examples."""
FILES = {"files": [{"file": "hello.yaml", "text": EXAMPLE_TREE}]}


class Ask(NamedTuple):
    """One request."""

    route: str
    """Method and path, as the description names them."""
    body: Any = None
    params: "dict[str, str] | None" = None
    file: str = ""
    """A CSV file, as the whole body."""
    who: str = "token"
    """`token`, `browser`, or `nobody`."""
    again: bool = False
    """Asked only for what follows."""


HOME = "campaigns/{campaign}"
ONE = "callbacks/{second}"
CSV_FILE = "number,name\n+390612345678,Mario Rossi\nnone,Nobody\n"
ASKED = (
    Ask("GET agents"),
    Ask("GET not-ready-reasons"),
    Ask("GET agents/{agent}"),
    Ask("PUT agents/{agent}/status", {"status": "not_ready", "status_reason": "lunch"}),
    Ask("GET agents/{agent}/profile"),
    Ask("PATCH agents/{agent}/profile", {"skills": {"router": 8}, "languages": ["it"]}),
    Ask("GET agents/{agent}/preview"),
    Ask("POST agents/{agent}/preview", {"answer": "accept"}),
    Ask(f"GET {HOME}/agents"),
    Ask(f"PATCH {HOME}/agents", {"add": ["shared"], "remove": []}),
    Ask("GET calls", params={"limit": "1"}),
    Ask("GET calls/{attempt}"),
    Ask("GET campaigns", params={"limit": "1"}),
    Ask(
        "POST campaigns",
        {"settings": {"name": "Summer", "switch": "pbx", "mode": "predictive"}},
    ),
    Ask(f"GET {HOME}"),
    Ask(f"GET {HOME}/settings"),
    Ask(f"PATCH {HOME}/settings", {"wrap_up": 20, "pacing": {"target_abandonment": 0.02}}),
    Ask(f"POST {HOME}/imports", file=CSV_FILE, params={"list": "second"}),
    Ask(f"GET {HOME}/imports", params={"limit": "1"}),
    Ask(f"GET {HOME}/imports/{{import_id}}"),
    Ask(f"GET {HOME}/imports/{{import_id}}/refused"),
    Ask(f"GET {HOME}/lists"),
    Ask(f"POST {HOME}/lists", {"name": "leads of May"}),
    Ask(f"GET {HOME}/lists/{{name}}"),
    Ask(f"PATCH {HOME}/lists/{{name}}", {"weight": 3, "order": "newest"}),
    Ask(f"POST {HOME}/lists/{{name}}/reset", {"everybody": False}),
    Ask(f"GET {HOME}/quotas"),
    Ask(f"PUT {HOME}/quotas/{{name}}", {"disposition": "sold", "most": 200, "filter": ""}),
    Ask(f"POST {HOME}/forecast", {"agents": [1, 2], "contacts": 500}),
    Ask(f"GET {HOME}/forecast"),
    Ask(f"POST {HOME}/start", {"run_key": "2026-03-02"}),
    Ask(f"POST {HOME}/pause", {"clear": False}),
    Ask(f"POST {HOME}/resume"),
    Ask(f"GET {HOME}/status"),
    Ask(f"GET {HOME}/report"),
    Ask(f"GET {HOME}/why"),
    Ask(f"GET {HOME}/why/contact", params={"key": "alien-campaign-contact"}),
    Ask(f"GET {HOME}/compliance"),
    Ask(f"POST {HOME}/stop", {"clear": True}),
    Ask("GET contacts", params={"limit": "1"}),
    Ask("GET contacts/{contact}"),
    Ask("GET contacts/{contact}/why"),
    Ask("GET callback-lists", params={"limit": "1"}),
    Ask(
        "POST callback-lists",
        {
            "name": "Claims",
            "queue": "claims",
            "periods": [
                {"period_id": "am", "name": "morning", "start": "09:00", "end": "12:00"},
            ],
        },
    ),
    Ask("GET callback-lists/{list_id}"),
    Ask("PATCH callback-lists/{list_id}", {"rules": {"lease": "PT15M", "again_after": 2}}),
    Ask("GET callback-lists/{list_id}/callbacks", params={"limit": "1"}),
    Ask(
        "POST callback-lists/{list_id}/callbacks",
        {"numbers": ["+390612345670"], "first_name": "Mario", "description": "about the bill"},
    ),
    Ask("POST callback-lists/{list_id}/imports", file="phoneNumber\n+390612345671\n"),
    Ask(f"GET {ONE}"),
    Ask(f"POST {ONE}/take", {"agent_id": "alien-campaign-agent"}),
    Ask(f"POST {ONE}/release", {"agent_id": "alien-campaign-agent"}),
    Ask(f"POST {ONE}/reschedule", {"due_on": "2027-03-02", "period": "morning"}),
    Ask(f"POST {ONE}/take", {"agent_id": "alien-campaign-agent"}, again=True),
    Ask(f"POST {ONE}/start", {"agent_id": "alien-campaign-agent", "number": "+390612345670"}),
    Ask(
        f"POST {ONE}/ticket",
        {"agent_id": "alien-campaign-agent", "status": "answered", "comment": "Solved."},
    ),
    Ask("POST callbacks/{callback_id}/cancel", {"reason": "has written meanwhile"}),
    Ask("GET callback-lists/{list_id}/stats"),
    Ask("GET callback-lists/{list_id}/tickets"),
    Ask("GET dnc", params={"limit": "1"}),
    Ask("POST dnc", {"numbers": ["+390612345679"], "source": "asked on the telephone"}),
    Ask("GET dnc/check", params={"number": "+390612345679"}),
    Ask("POST dnc/remove", {"number": "+390612345679"}),
    Ask("POST dnc/imports", file="number\n+390612345672\n", params={"source": "register"}),
    Ask("POST ivr/check", FILES),
    Ask("POST ivr/trees", FILES | {"name": "menu"}),
    Ask("GET ivr/trees"),
    Ask("GET ivr/trees/{tree}"),
    Ask("PUT ivr/routes", {"switch": "pbx", "tree": "menu", "called": "800123456"}),
    Ask("GET ivr/routes/{switch}"),
    Ask("GET ivr/sessions"),
    Ask("POST pins", {"customer": "1001", "valid_until": "2027-12-31T23:59:59+01:00"}),
    Ask("GET pins"),
    Ask("POST pins/{customer}/reset", {"policy": "default"}),
    Ask("POST pins/imports", file="customer\n1002\n"),
    Ask(
        "PUT schedules/{schedule}",
        {
            "job": {"kind": "start", "campaign_id": "alien-campaign"},
            "cron": ["0 9 * * mon-fri"],
            "zone": "Europe/Rome",
        },
    ),
    Ask("GET schedules"),
    Ask("GET schedules/{schedule}"),
    Ask("POST schedules/{schedule}/pause", {"note": "fair until Friday"}),
    Ask("POST schedules/{schedule}/resume", {"note": ""}),
    Ask("POST schedules/{schedule}/trigger"),
    Ask("GET switches"),
    Ask("GET switches/{switch}"),
    Ask("POST switches/{switch}/check"),
    Ask("POST tokens", {"name": "crm", "scopes": ["callbacks:read"], "days": 90}),
    Ask("GET tokens"),
    Ask("DELETE tokens/{token_id}"),
    Ask("POST users", {"login": "bianchi", "role": "agent", "agent_id": "alien-campaign-agent"}),
    Ask("GET users", params={"limit": "1"}),
    Ask("GET users/{user_id}"),
    Ask("PATCH users/{user_id}", {"role": "supervisor", "scope": {"queues": ["support"]}}),
    Ask("POST session", {"login": "rossi", "password": PASSWORD}, who="browser"),
    Ask("GET session", who="browser"),
    Ask("GET me", who="browser"),
    Ask("GET me/sessions", who="browser"),
    Ask("PUT me/password", {"current": PASSWORD, "password": "four other words"}, who="browser"),
    Ask("GET users/{user_id}/sessions"),
    Ask("POST users/{user_id}/link"),
    Ask("POST session/link", {"secret": "", "password": "five words that nobody expects"}),
    Ask(
        "POST webhooks", {"name": "bi", "url": "https://bi.example.com/x", "kinds": ["call.ended"]}
    ),
    Ask("GET webhooks", params={"limit": "1"}),
    Ask("GET webhooks/{webhook}"),
    Ask("GET webhooks/{webhook}/deliveries"),
    Ask("GET webhooks/{webhook}/deliveries/{delivery}/tries"),
    Ask("POST webhooks/{webhook}/test"),
    Ask("POST webhooks/{webhook}/rotate"),
    Ask("POST webhooks/{webhook}/enable"),
    Ask("POST webhooks/{webhook}/replay", {"since": "2026-03-02T09:00:00Z"}),
    Ask("GET audit", params={"limit": "1"}),
)
MOST_ITEMS = 2
"""Of a list in an example."""
WORKER = re.compile(r"[\w.-]+:\d+/\d+\.\d+\.\d+-[0-9a-f]{8}")
SECRETS = re.compile(r"(offhook_|whsec_|#)[A-Za-z0-9_+/=-]{16,}")


@asynccontextmanager
async def _stage(settings: Settings) -> AsyncIterator[Served]:
    assert settings.database.url is not None
    url = settings.database.url.get_secret_value()
    async with (
        Database.open(url, pool_size=10) as database,
        Backend(database, settings, connect=partial(connect, settings, role="api")) as backend,
    ):

        async def desk() -> CallbackDesk:
            return CallbackDesk(await backend.client())

        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(settings, stop=stop))
        services = Services(database, desk, access=QUICK, given=backend)
        try:
            yield Served(build_app(Health("api"), services), backend, database)
        finally:
            stop.set()
            await worker


class Recorder:
    """Asks, and keeps what was sent and answered."""

    def __init__(self, app: Served, known: dict[str, str]) -> None:
        self._app = app
        self._known = known
        self.kept: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """Ask everything."""
        token = await token_for(self._app.database, sorted(Permission), "examples")
        async with (
            api_client(self._app.app, token) as program,
            api_client(self._app.app, None) as browser,
        ):
            for one in ASKED:
                answer = await self._ask(browser if one.who == "browser" else program, one)
                if not answer.is_success:
                    sys.stderr.write(f"{one.route}: {answer.status_code} {answer.text}\n")
                elif not one.again:
                    self._keep(one, answer)
                self._learn(one, answer, browser)

    async def _ask(self, client: httpx.AsyncClient, one: Ask) -> httpx.Response:
        method, _, path = one.route.partition(" ")
        if one.route == "POST session/link":
            one.body["secret"] = self._known["secret"]
        return await client.request(
            method,
            f"{PREFIX}/{path.format_map(self._known)}",
            params=one.params,
            json=one.body,
            content=one.file or None,
            headers={"content-type": "text/csv"} if one.file else None,
        )

    def _learn(self, one: Ask, answer: httpx.Response, browser: httpx.AsyncClient) -> None:
        match one.route:
            case "POST session":
                browser.headers["x-csrf-token"] = answer.json()["csrf_token"]
            case "POST users/{user_id}/link":
                self._known["secret"] = answer.json()["url"].partition("#")[2]
            case "POST callback-lists/{list_id}/callbacks":
                self._known["second"] = answer.json()["callback_id"]

    def _keep(self, one: Ask, answer: httpx.Response) -> None:
        route = one.route.replace(" ", " /").replace("{second}", "{callback_id}")
        kept = self.kept.setdefault(route.replace("{tree}", "{name}"), {})
        if one.body is not None:
            kept["request"] = _renamed(one.body)
        if answer.headers.get("content-type", "").startswith("application/json"):
            if not answer.content:
                sys.stderr.write(f"{one.route}: {answer.status_code} without a body\n")
                return
            kept.setdefault("responses", {})[str(answer.status_code)] = _renamed(answer.json())


def _renamed(value: Any) -> Any:
    text = json.dumps(_short(value), ensure_ascii=False)
    for planted, said in NAMES.items():
        text = text.replace(planted, said)
    text = WORKER.sub("worker-1:4711/0.1.0", text)
    return json.loads(SECRETS.sub(r"\1EXAMPLE", text))


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(one) for one in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return value


async def _prepare(app: Served, known: dict[str, str]) -> None:
    """What no route makes: an offer in preview, and somebody with a password."""
    await add_user(app.database, "rossi", Role.supervisor)
    async with app.database.transaction() as session:
        await session.execute(
            insert(previews).values(
                agent_id=known["agent"],
                campaign_id=known["campaign"],
                contact_id=int(known["contact"]),
                offered_at=NOW,
                ends_at=NOW,
                skips_left=2,
            )
        )


async def record(settings: Settings) -> dict[str, dict[str, Any]]:
    """Examples by route."""
    async with _stage(settings) as app:
        known = (await plant(app)).params["alien-campaign"]
        known |= {"user_id": "rossi", "token_id": "crm", "customer": "1001", "tree": "menu"}
        await _prepare(app, known)
        recorder = Recorder(app, known)
        await recorder.run()
    return dict(sorted(recorder.kept.items()))


def main() -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    with (
        tempfile.TemporaryDirectory(prefix="offhook-examples-") as home,
        postgres_server() as postgres,
        temporal_server() as temporal,
    ):
        make_template(postgres)
        settings = Settings(
            home=Path(home),
            database=DatabaseSettings(url=SecretStr(postgres.url("template_offhook"))),
            temporal=TemporalSettings(address=temporal.address, namespace=temporal.namespace),
            worker=WorkerSettings(health_port=0, graceful_shutdown_s=0),
        )
        found = asyncio.run(record(settings))
    TARGET.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{TARGET}: {len(found)} routes\n")


if __name__ == "__main__":
    main()
