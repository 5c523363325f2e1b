"""Whoever sees a part may not change anything of the rest, by any route that there is."""

from collections.abc import AsyncIterator

import pytest
from fastapi.routing import APIRoute

from offhook.accounts.roles import Role
from offhook.api import seeing
from offhook.api.auth import SAFE
from offhook.api.description import examples
from offhook.storage.database import Database
from tests.support.accounts import add_user, browser_of
from tests.support.aliens import ALIENS, Planted, plant, without_temporal
from tests.support.backend import API, Served
from tests.support.matrix import ROUTES, name_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OWNED = {
    "alien-campaign": ("campaign", "agent", "list_id", "callback_id", "schedule", "webhook"),
    "alien-queue": ("list_id", "callback_id"),
    "alien-group": ("agent",),
}
"""By what paths name things that belong to a campaign, a queue or a group."""
HIDDEN = {403: "out_of_scope", 404: ""}


@pytest.fixture
async def app(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with without_temporal(database, monkeypatch) as app:
        yield app


def _orders(word: str) -> list[tuple[str, APIRoute]]:
    """Routes that change something of what a scope leaves out."""
    return [
        (method, route)
        for method, route in ROUTES
        if method not in SAFE and any(f"{{{name}}}" in route.path for name in OWNED[word])
    ]


async def _holes(app: Served, planted: Planted, word: str) -> list[str]:
    """Routes that took an order about what is out of scope, or told that it is there."""
    await add_user(app.database, word, Role.admin, scope=ALIENS[word])
    found = []
    async with browser_of(app.app, word) as client:
        for method, route in _orders(word):
            name = name_of(method, route)
            body = examples().get(name, {}).get("request")
            answer = await client.request(
                method, f"{API}{planted.path(route.path, word)}", json=body
            )
            code = answer.json().get("code", "") if answer.content else ""
            wanted = HIDDEN.get(answer.status_code)
            if wanted is None or (wanted and code != wanted):
                found.append(f"{name}: {answer.status_code} {code}")
    return found


@pytest.mark.parametrize("word", sorted(OWNED))
async def test_no_route_takes_an_order_about_what_is_out_of_scope(app: Served, word: str) -> None:
    assert len(_orders(word)) > 1
    assert await _holes(app, await plant(app), word) == []


async def test_a_route_that_forgot_to_look_is_found(
    app: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = await plant(app)
    monkeypatch.setattr(seeing, "require_seen", lambda *_args, **_more: None)
    found = await _holes(app, planted, "alien-campaign")
    assert any(one.startswith("PATCH /campaigns/{campaign}/settings: 200") for one in found)
