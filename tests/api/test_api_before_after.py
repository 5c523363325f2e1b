"""Before and after, in the audit log, of every route that changes something that exists."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from offhook.api.auth import SAFE
from offhook.api.routes.ivr import EXAMPLE_TREE
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from offhook.storage.webhook_store import WebhookStore
from tests.support.backend import configure, served
from tests.support.builders import Rows
from tests.support.matrix import ROUTES

HELLO = {"files": [{"file": "hello.yaml", "text": EXAMPLE_TREE}], "name": "hello"}
BYE = HELLO | {
    "files": [{"file": "hello.yaml", "text": EXAMPLE_TREE.replace("Welcome", "Good day")}]
}
ROUTE = {"switch": "pbx", "tree": "hello", "called": "800123456"}
HOOK = {"name": "crm", "url": "https://crm.example.com/x"}
SOLD = {"disposition": "sold", "most": 5}
SUPPORT = {
    "name": "Support",
    "periods": [{"period_id": "am", "name": "morning", "start": "09:00", "end": "12:00"}],
}
ROSSI = {"login": "rossi", "role": "agent"}
CRM = {"name": "crm", "scopes": ["dnc:read"]}


class Step(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any = None

    async def ask(self, api: httpx.AsyncClient) -> None:
        """Send it; it must be carried out."""
        answer = await api.request(self.method, self.path, json=self.body)
        assert answer.is_success, answer.text


class Case(NamedTuple):
    """A route that changes something, what has to be there first, and what it makes of what."""

    route: str
    change: Step
    before: Any
    after: Any
    first: tuple[Step, ...] = ()


CASES = (
    Case(
        "PUT agents/{agent}/status",
        Step("PUT", "agents/anna/status", {"status": "not_ready"}),
        {"status": "available"},
        {"status": "not_ready"},
    ),
    Case(
        "PATCH agents/{agent}/profile",
        Step("PATCH", "agents/anna/profile", {"skills": {"router": 3}}),
        {"skills": {"router": 8}},
        {"skills": {"router": 3}},
        (Step("PATCH", "agents/anna/profile", {"skills": {"router": 8}, "languages": ["it"]}),),
    ),
    Case(
        "PATCH campaigns/{campaign}/agents",
        Step("PATCH", "campaigns/c1/agents", {"remove": ["bruno"]}),
        {"campaigns": ["c1"]},
        {"campaigns": []},
    ),
    Case(
        "PATCH campaigns/{campaign}/settings",
        Step(
            "PATCH",
            "campaigns/c1/settings",
            {"wrap_up": 47, "pacing": {"target_abandonment": 0.02}},
        ),
        {"wrap_up": "PT30S", "pacing": ...},
        {"wrap_up": "PT47S", "pacing": ...},
        (Step("PATCH", "campaigns/c1/settings", {"wrap_up": 30}),),
    ),
    Case(
        "PATCH campaigns/{campaign}/lists/{name}",
        Step("PATCH", "campaigns/c1/lists/new", {"weight": 3}),
        {"weight": 1},
        {"weight": 3},
        (Step("POST", "campaigns/c1/lists", {"name": "new"}),),
    ),
    Case(
        "POST campaigns/{campaign}/lists/{name}/reset",
        Step("POST", "campaigns/c1/lists/new/reset"),
        {"reset_at": None, "made_ready": None},
        {"reset_at": ..., "made_ready": 0},
        (Step("POST", "campaigns/c1/lists", {"name": "new"}),),
    ),
    Case(
        "PUT campaigns/{campaign}/quotas/{name}",
        Step("PUT", "campaigns/c1/quotas/north", SOLD | {"most": 7}),
        {"most": 5},
        {"most": 7},
        (Step("PUT", "campaigns/c1/quotas/north", SOLD),),
    ),
    Case(
        "DELETE campaigns/{campaign}/quotas/{name}",
        Step("DELETE", "campaigns/c1/quotas/north"),
        SOLD | {"filter": ""},
        None,
        (Step("PUT", "campaigns/c1/quotas/north", SOLD),),
    ),
    Case(
        "POST dnc",
        Step("POST", "dnc", {"numbers": ["+390612345678"], "source": "register"}),
        {"entries": [...]},
        {"entries": [...]},
        (Step("POST", "dnc", {"numbers": ["+390612345678"], "source": "asked"}),),
    ),
    Case(
        "POST dnc/remove",
        Step("POST", "dnc/remove", {"number": "+390612345678"}),
        {"entries": [...]},
        {"entries": []},
        (Step("POST", "dnc", {"numbers": ["+390612345678"], "source": "asked"}),),
    ),
    Case(
        "POST ivr/trees",
        Step("POST", "ivr/trees", BYE),
        {"version": 1},
        {"version": 2},
        (Step("POST", "ivr/trees", HELLO),),
    ),
    Case(
        "PUT ivr/routes",
        Step("PUT", "ivr/routes", ROUTE | {"hold_audio": "wait"}),
        {"hold_audio": ""},
        {"hold_audio": "wait"},
        (Step("POST", "ivr/trees", HELLO), Step("PUT", "ivr/routes", ROUTE)),
    ),
    Case(
        "POST pins/{customer}/reset",
        Step("POST", "pins/1001/reset"),
        {"state": "in force"},
        {"state": "newly given"},
        (Step("POST", "pins", {"customer": "1001"}),),
    ),
    Case(
        "DELETE pins/{customer}",
        Step("DELETE", "pins/1001"),
        {"state": "in force", "valid_from": None, "valid_until": None, "callers": []},
        None,
        (Step("POST", "pins", {"customer": "1001"}),),
    ),
    Case(
        "POST webhooks/{webhook}/rotate",
        Step("POST", "webhooks/crm/rotate"),
        {"signs_with": "old"},
        {"signs_with": "new and old"},
        (Step("POST", "webhooks", HOOK),),
    ),
    Case(
        "DELETE webhooks/{webhook}",
        Step("DELETE", "webhooks/crm"),
        ...,
        None,
        (Step("POST", "webhooks", HOOK),),
    ),
    Case(
        "PATCH callback-lists/{list_id}",
        Step("PATCH", "callback-lists/support", {"rules": {"again_after": 4}}),
        {"rules": ...},
        {"rules": ...},
        (Step("POST", "callback-lists", SUPPORT),),
    ),
    Case(
        "PATCH users/{user_id}",
        Step("PATCH", "users/rossi", {"role": "supervisor"}),
        ...,
        ...,
        (Step("POST", "users", ROSSI),),
    ),
    Case(
        "DELETE tokens/{token_id}",
        Step("DELETE", "tokens/crm"),
        {"revoked_at": None},
        ...,
        (Step("POST", "tokens", CRM),),
    ),
)
ELSEWHERE = frozenset(
    {
        "POST webhooks/{webhook}/enable",
        "DELETE callback-lists/{list_id}",
        "POST campaigns/{campaign}/start",
        "POST campaigns/{campaign}/pause",
        "POST campaigns/{campaign}/resume",
        "POST campaigns/{campaign}/stop",
        "PUT schedules/{schedule}",
        "DELETE schedules/{schedule}",
        "POST schedules/{schedule}/pause",
        "POST schedules/{schedule}/resume",
    }
    | {
        f"POST callbacks/{{callback_id}}/{order}"
        for order in ("take", "start", "ticket", "release", "reschedule", "cancel")
    }
)
"""Need Temporal, or more than requests: shown with the callbacks, campaigns and schedules."""
MAKING = frozenset(
    {
        "POST callback-lists",
        "POST callback-lists/{list_id}/callbacks",
        "POST callback-lists/{list_id}/imports",
        "POST campaigns",
        "POST campaigns/{campaign}/imports",
        "POST campaigns/{campaign}/lists",
        "POST dnc/imports",
        "POST pins",
        "POST pins/imports",
        "POST tokens",
        "POST users",
        "POST users/{user_id}/link",
        "POST webhooks",
    }
)
"""Nothing was there before."""
ACTING = frozenset(
    {
        "POST agents/{agent}/preview",
        "POST campaigns/{campaign}/forecast",
        "POST ivr/check",
        "POST schedules/{schedule}/trigger",
        "POST switches/{switch}/check",
        "POST webhooks/{webhook}/replay",
        "POST webhooks/{webhook}/test",
    }
)
"""Change nothing that is kept; what came of them is their answer."""
OF_SESSIONS = frozenset(
    {
        "DELETE me/sessions/{session_id}",
        "DELETE session",
        "DELETE users/{user_id}/sessions",
        "POST session",
        "POST session/link",
        "PUT me/password",
    }
)
"""Log in or out, or are about a password: which is all that may be told."""


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    rows = Rows(database)
    await rows.switch()
    await configure(database)
    await rows.campaign("c1", agents=await rows.agents("anna", "bruno"))
    async with served(database, home=tmp_path / "home") as app, app.client() as client:
        yield client


async def _newest(api: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("audit", params={"limit": 1})).json()["items"][0]
    return found


def _fits(found: Any, wanted: Any) -> bool:
    """Whether it is what is wanted; an ellipsis is anything but nothing."""
    if wanted is ...:
        return found not in (None, {}, [])
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(
            _fits(found[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_fits, found, wanted))
    return bool(found == wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.route)
async def test_a_change_is_kept_with_what_was_before_and_what_after(
    case: Case, api: httpx.AsyncClient
) -> None:
    for step in case.first:
        await step.ask(api)
    await case.change.ask(api)

    entry = await _newest(api)
    assert entry["result"] == "done"
    assert _fits(entry["before"], case.before), entry["before"]
    assert _fits(entry["after"], case.after), entry["after"]
    assert entry["before"] != entry["after"]


async def test_what_changes_nothing_is_kept_with_its_answer(api: httpx.AsyncClient) -> None:
    change = Step("PUT", "agents/anna/status", {"status": "not_ready"})
    await change.ask(api)
    await change.ask(api)
    entry = await _newest(api)
    assert (entry["before"], entry["after"]["agent_id"]) == (None, "anna")


async def test_several_things_that_one_command_changes_are_each_kept_by_name(
    api: httpx.AsyncClient,
) -> None:
    await Step("PATCH", "campaigns/c1/agents", {"remove": ["anna", "bruno"]}).ask(api)
    entry = await _newest(api)
    assert entry["before"] == {f"agent/{one}": {"campaigns": ["c1"]} for one in ("anna", "bruno")}
    assert entry["after"] == {f"agent/{one}": {"campaigns": []} for one in ("anna", "bruno")}


async def test_a_webhook_that_is_enabled_again_is_kept_with_why_it_was_not(
    api: httpx.AsyncClient, database_url: str
) -> None:
    await Step("POST", "webhooks", HOOK).ask(api)
    pool = await open_pool(database_url, size=1, application="test")
    try:
        store = WebhookStore(pool)
        known = await store.find("crm")
        await store.disable(known.id, reason="gone", now=datetime.now(UTC))
    finally:
        await pool.close()
    await Step("POST", "webhooks/crm/enable").ask(api)
    entry = await _newest(api)
    assert (entry["before"]["disabled_reason"], entry["after"]["disabled_reason"]) == ("gone", "")


def test_every_route_that_changes_something_is_known_here() -> None:
    unsafe = {f"{method} {route.path[1:]}" for method, route in ROUTES if method not in SAFE}
    shown = {case.route for case in CASES}
    assert unsafe == shown | ELSEWHERE | MAKING | ACTING | OF_SESSIONS
