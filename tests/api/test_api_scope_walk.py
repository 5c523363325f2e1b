"""Supervisors of a part: every route that there is, and none tells anything of the rest."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from offhook.accounts.roles import ROLES, Permission, Role
from offhook.accounts.service import user_principal
from offhook.api.auth import permission_of
from offhook.api.hearing import hearing_of
from offhook.feed.facts import Fact, FactKind, Origin
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of
from tests.support.aliens import ALIENS, NUMBER, Planted, plant, without_temporal
from tests.support.backend import API, Served
from tests.support.builders import NOW
from tests.support.matrix import ROUTES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READING = [route for method, route in ROUTES if method == "GET"]
OF_NOBODY = {
    "/audit": "for administrators",
    "/ivr/routes/{switch}": "menus answer for the whole house",
    "/ivr/sessions": "menus answer for the whole house",
    "/ivr/trees": "menus answer for the whole house",
    "/ivr/trees/{name}": "menus answer for the whole house",
    "/me": "about oneself",
    "/me/sessions": "about oneself",
    "/not-ready-reasons": "a setting of the whole house",
    "/pins": "customers of the whole house",
    "/session": "about oneself",
    "/stream": "has a test of its own, below",
    "/switches": "telephone systems of the whole house",
    "/switches/{switch}": "telephone systems of the whole house",
    "/tokens": "for administrators",
    "/users": "for administrators",
    "/users/{user_id}": "for administrators",
    "/users/{user_id}/sessions": "for administrators",
}
"""Routes that tell of no campaign, queue or group, and why."""
BY_OWNER = {
    "/agents/{agent}/preview",
    "/callback-lists/{list_id}/stats",
    "/callback-lists/{list_id}/tickets",
    "/campaigns/{campaign}/forecast",
}
"""Routes that tell figures of something without its name: they must not find it at all."""
QUERIES: dict[str, list[dict[str, str]]] = {
    "/calls": [{}, {"agent": "alien-group-agent"}, {"campaign": "alien-campaign"}],
    "/contacts": [{}, {"key": NUMBER}, {"key": "alien-campaign-contact"}],
    "/campaigns/{campaign}/why/contact": [{"key": NUMBER}],
    "/dnc": [{}, {"campaign": "alien-campaign"}],
    "/dnc/check": [{"number": NUMBER}],
}


@pytest.fixture
async def app(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with without_temporal(database, monkeypatch) as app:
        yield app


async def _told(client: httpx.AsyncClient, planted: Planted, route: APIRoute, word: str) -> str:
    """All that a route says of what is alien, however it is asked; its refusals left out."""
    told = ""
    paths = {planted.path(route.path, word)}
    paths.add(planted.path(route.path.replace("{campaign}", "own"), word))
    paths.add(planted.path(route.path.replace("{agent}", "shared"), word))
    for path in sorted(paths):
        for params in QUERIES.get(route.path, [{}]):
            for accept in _kinds(route):
                answer = await client.get(f"{API}{path}", params=params, headers={"accept": accept})
                if answer.is_success:
                    told += answer.text
                elif answer.is_server_error:
                    assert answer.json()["code"] == "temporal_unreachable"
    return told


def _kinds(route: APIRoute) -> Iterator[str]:
    yield "application/json"
    if "text/csv" in str(route.responses):
        yield "text/csv"


async def test_no_route_tells_a_supervisor_of_a_part_anything_of_the_rest(
    app: Served, database: Database
) -> None:
    planted = await plant(app)
    await add_user(database, "everybody", Role.admin)
    shown: set[str] = set()
    async with browser_of(app.app, "everybody") as client:
        for route in READING:
            for word in ALIENS:
                if route.path not in OF_NOBODY and word in await _told(
                    client, planted, route, word
                ):
                    shown.add(route.path)
    leaks: list[tuple[str, str, str]] = []
    for word, scope in ALIENS.items():
        for role in (Role.supervisor, Role.integration):
            login = f"{role}.{word}"
            await add_user(database, login, role, scope=scope)
            async with browser_of(app.app, login) as client:
                for route in READING:
                    # What supervisors may ask, they ask; the rest is asked as who else may.
                    asked = permission_of(route) in ROLES[Role.supervisor]
                    if route.path == "/stream" or asked != (role is Role.supervisor):
                        continue
                    told = (await _told(client, planted, route, word)).replace(login, "")
                    found = re.search(f".{{0,60}}{word}.{{0,30}}", told)
                    if found is not None:
                        leaks.append((role, route.path, found[0]))
    assert not leaks, "\n".join(map(str, leaks))
    quiet = {route.path for route in READING} - shown - OF_NOBODY.keys()
    assert quiet == BY_OWNER, "plant something alien that these show, or name them with a reason"


@pytest.mark.parametrize("word", ["alien-campaign", "alien-queue"])
async def test_figures_of_what_is_out_of_scope_are_not_found(
    app: Served, database: Database, word: str
) -> None:
    planted = await plant(app)
    await add_user(database, "rossi", Role.supervisor, scope=ALIENS[word])
    async with browser_of(app.app, "rossi") as client:
        for path in sorted(BY_OWNER):
            if word == "alien-campaign" or "{list_id}" in path:
                answer = await client.get(f"{API}{planted.path(path, word)}")
                assert answer.status_code == 404, path


def _fact(kind: FactKind, campaign: str | None = "own", **data: object) -> Fact:
    origin = Origin(campaign or "", 0, 1, 1)
    return Fact(id="f", kind=kind, at=NOW, campaign_id=campaign, data=data, origin=origin)


async def test_the_stream_tells_a_supervisor_of_a_part_nothing_of_the_rest(
    app: Served, database: Database
) -> None:
    await plant(app)
    async with app.client(Permission.callbacks_read) as api:
        lists = (await api.get("callback-lists")).json()["items"]
    ids = {one["name"]: one["list_id"] for one in lists}
    own = _fact(FactKind.call_ended, agent_id="own-agent")
    nobodys = _fact(FactKind.call_placed)
    promised = _fact(FactKind.callback_booked, list_id=ids["own-list"])
    aliens = {
        "alien-campaign": [
            _fact(FactKind.call_placed, "alien-campaign"),
            _fact(FactKind.pacing_noted, "alien-campaign"),
            _fact(FactKind.agent_changed, "alien-campaign", agent_id="own-agent"),
            _fact(FactKind.callback_booked, "alien-campaign", list_id=ids["alien-campaign-list"]),
            _fact(FactKind.webhook_disabled, None),
        ],
        "alien-queue": [
            _fact(FactKind.callback_booked, list_id=ids["alien-queue-list"]),
            _fact(FactKind.callback_changed, None, list_id="a list of tomorrow"),
        ],
        "alien-group": [
            _fact(FactKind.agent_changed, agent_id="alien-group-agent"),
            _fact(FactKind.call_joined, agent_id="alien-group-agent"),
            _fact(FactKind.call_ended, agent_id="an agent of tomorrow"),
        ],
    }
    assert aliens.keys() == ALIENS.keys()
    services = app.app.state.services
    for word, scope in ALIENS.items():
        user = await add_user(database, f"of.{word}", Role.supervisor, scope=scope)
        hearing = await hearing_of(services, user_principal(user))
        assert all(hearing.may_hear(fact) for fact in (own, nobodys, promised)), word
        assert not any(hearing.may_hear(fact) for fact in aliens[word]), word


async def test_who_sees_only_some_queues_or_groups_has_no_webhooks(
    app: Served, database: Database
) -> None:
    await plant(app)
    for word in ("alien-queue", "alien-group"):
        await add_user(database, word, Role.integration, scope=ALIENS[word])
        async with browser_of(app.app, word) as client:
            hook = {"name": "mine", "url": "https://crm.example.com/x", "campaigns": ["own"]}
            made = await client.post(f"{API}/webhooks", json=hook)
            seen = await client.get(f"{API}/webhooks")
        assert (made.status_code, made.json()["code"]) == (403, "out_of_scope")
        assert seen.json()["items"] == []


async def test_an_agent_of_another_group_is_not_moved_between_campaigns(
    app: Served, database: Database
) -> None:
    await plant(app)
    await add_user(database, "rossi", Role.supervisor, scope=ALIENS["alien-group"])
    async with browser_of(app.app, "rossi") as client:
        members = f"{API}/campaigns/alien-campaign/agents"
        moved = await client.patch(members, json={"add": ["alien-group-agent"]})
        taken = await client.patch(
            f"{API}/campaigns/own/agents", json={"remove": ["alien-group-agent"]}
        )
        joined = await client.patch(
            f"{API}/agents/own-agent/profile", json={"groups": {"alien-group": 1}}
        )
        fine = await client.patch(members, json={"add": ["own-agent"]})
    for refused in (moved, taken):
        assert (refused.status_code, refused.json()["code"]) == (404, "agent_not_found")
    assert (joined.status_code, joined.json()["code"]) == (403, "out_of_scope")
    assert "own-agent" in {one["agent_id"] for one in fine.json()["items"]}
