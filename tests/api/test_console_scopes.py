"""Supervisors of a part, in the console: every page that there is, and none shows the rest."""

import re
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
from nicegui.client import Client
from starlette.requests import Request

from dialer.callback_refusals import CallbackUnknown
from offhook.accounts.roles import Role
from offhook.accounts.service import user_principal
from offhook.api.refusals import OutOfScope
from offhook.console.console import Console
from offhook.console.kit.page import Visit
from offhook.console.kit.panel import Act
from offhook.console.mount import mount_console
from offhook.console.pages.callbacks import BoardDesk, board_feed
from offhook.console.pages.schedules import ScheduleOrders, planned_feed
from offhook.storage.database import Database
from offhook.temporal.schedule_desk import ScheduleNotFound
from tests.support.accounts import add_user, browser_of
from tests.support.aliens import ALIENS, Planted, plant, without_temporal
from tests.support.backend import Served

OF_NOBODY = frozenset(
    {"/", "/ivr", "/ivr/{name}", "/new-campaign", "/people", "/switches", "/switches/{key}"}
)
"""Pages about no campaign, queue or group."""


@pytest.fixture
async def app(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with without_temporal(database, monkeypatch) as app:
        yield app


@pytest.fixture
async def console(app: Served) -> AsyncIterator[Served]:
    """The same with its pages: once in a process, as the toolkit is one for each."""
    mount_console(app.app, app.app.state.services)
    async with app.app.router.lifespan_context(app.app):
        yield app


def _address(path: str, planted: Planted, word: str) -> str:
    key = planted.params[word]["contact"] if path.startswith("/contacts/") else "alien-campaign"
    return path.replace("{key}", key).replace("{name}", "alien-campaign")


async def _only_marked_scripts_run(client: httpx.AsyncClient) -> None:
    """Look at the policy of a page: the toolkit can be mounted once in a process only."""
    seen = set()
    for path in ("/floor", "/floor", "/link"):
        page = await client.get(path)
        rules = page.headers["content-security-policy"].split("; ")
        (rule,) = [one for one in rules if one.startswith("script-src ")]
        assert "unsafe-inline" not in rule
        assert "script-src-attr 'none'" in rules
        assert ("'unsafe-eval'" in rule) == (path == "/floor")
        word = rule.partition("'nonce-")[2].partition("'")[0]
        seen.add(word)
        begun = re.findall(r"<script\b[^>]*>", page.text)
        assert begun
        assert all(f'nonce="{word}"' in one or "text/x-template" in one for one in begun)
    assert len(seen) == 3


async def test_no_page_shows_a_supervisor_of_a_part_anything_of_the_rest(
    console: Served, database: Database
) -> None:
    app = console
    planted = await plant(app)
    pages = sorted({path for path in Client.page_routes.values() if path.startswith("/")})
    assert {"/floor", "/campaigns/{key}", "/callbacks", "/schedules", "/desk"} <= set(pages)
    await add_user(database, "everybody", Role.admin)
    shown, leaks = set(), []
    async with browser_of(app.app, "everybody") as client:
        await _only_marked_scripts_run(client)
        for path in pages:
            for word in ALIENS:
                if word in (await client.get(_address(path, planted, word))).text:
                    shown.add(path)
    for word, scope in ALIENS.items():
        login = f"of.{word.removeprefix('alien-')}"
        await add_user(database, login, Role.supervisor, scope=scope)
        async with browser_of(app.app, login) as client:
            for path in pages:
                asked = _address(path, planted, word)
                answer = await client.get(asked)
                assert answer.status_code in {200, 303}, asked
                # What somebody asked for by its name may be called so where it is not found.
                refused = re.search("(There is no|No) [a-z]+ (called )?alien-campaign", answer.text)
                found = re.search(f".{{0,80}}{word}.{{0,30}}", answer.text)
                if found is not None and refused is None:
                    leaks.append((login, path, found[0]))
    assert not leaks, "\n".join(map(str, leaks))
    assert set(pages) - shown <= OF_NOBODY, "plant something alien that these show"


async def _visit(app: Served, database: Database, word: str) -> Visit:
    user = await add_user(database, "rossi", Role.supervisor, scope=ALIENS[word])
    request = Request({"type": "http", "headers": [], "query_string": b"", "request_id": "r"})
    return Visit(Console(app.app.state.services), request, user_principal(user), cast(Client, None))


async def test_an_order_about_a_callback_of_another_queue_is_refused_whatever_a_browser_sends(
    app: Served, database: Database
) -> None:
    planted = await plant(app)
    visit = await _visit(app, database, "alien-queue")
    desk = BoardDesk(visit, board_feed(visit.console, ""))
    await desk.look()
    for name in ("start", "release"):
        with pytest.raises(CallbackUnknown):
            await desk.acted(Act(name, planted.params["alien-queue"]["callback_id"], {}))
    with pytest.raises(OutOfScope):
        await desk.acted(Act("list", "", {}))


async def test_a_schedule_of_another_campaign_is_left_alone_whatever_a_browser_sends(
    app: Served, database: Database
) -> None:
    await plant(app)
    visit = await _visit(app, database, "alien-campaign")
    orders = ScheduleOrders(visit, planned_feed(visit.console))
    for name in ("pause", "resume", "trigger"):
        with pytest.raises(ScheduleNotFound):
            await orders.acted(Act(name, "alien-campaign-daily", {}))
