"""The live stream over a real socket: events as they happen, and again where it broke off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from offhook.accounts.roles import Permission, Role
from offhook.api.routes import stream
from offhook.feed import live
from offhook.storage import account_sessions
from offhook.storage.database import Database
from tests.support.accounts import add_user, log_in
from tests.support.api import token_for
from tests.support.backend import API, Served, served
from tests.support.builders import Rows
from tests.support.feed import Scribe
from tests.support.serving import serving


@dataclass
class Browser:
    """Reads a stream as a browser does."""

    url: str
    token: str
    place: str = ""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def following(self, **params: str) -> AsyncIterator[AsyncIterator[str]]:
        headers = {"authorization": f"Bearer {self.token}"}
        headers |= {"last-event-id": self.place} if self.place else {}
        async with (
            httpx.AsyncClient(timeout=10) as client,
            client.stream("GET", f"{self.url}{API}/stream", params=params, headers=headers) as got,
        ):
            assert got.status_code == 200, await got.aread()
            assert got.headers["content-type"].startswith("text/event-stream")
            lines = got.aiter_lines()
            assert (await anext(lines)).startswith("retry: ")
            yield lines

    async def read(self, lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
        """So many more events."""
        found: list[dict[str, Any]] = []
        kind = ""
        async with asyncio.timeout(10):
            while len(found) < count:
                name, _, value = (await anext(lines)).partition(": ")
                if name == "id":
                    self.place = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    found.append({"event": kind, **json.loads(value)})
        return found


@dataclass
class Floor:
    """The API on a socket, and whoever writes what it tells."""

    app: Served
    url: str
    rows: Rows

    async def scribe(self, campaign: str) -> Scribe:
        return Scribe(
            await self.app.backend.pool(),
            await self.rows.campaign(campaign),
            clock=self.app.backend.clock(),
        )

    async def place(self) -> str:
        reader = (await self.app.backend.feed()).reader
        return (await reader.now(datetime.now(UTC))).word

    async def browser(self, *permissions: Permission) -> Browser:
        scopes = sorted(permissions or Permission)
        return Browser(self.url, await token_for(self.app.database, scopes, name=str(scopes)))


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[Floor]:
    rows = Rows(database)
    await rows.switch()
    async with served(database) as app, serving(app.app) as url:
        yield Floor(app, url, rows)


async def test_a_stream_that_breaks_off_goes_on_where_it_was(floor: Floor) -> None:
    scribe, browser = await floor.scribe("c1"), await floor.browser()
    async with browser.following() as lines:
        await scribe.call("a1")
        first = await browser.read(lines, 6)
    assert [one["event"] for one in first][:2] == ["call.placed", "call.answered"]
    assert first[0]["data"]["number"] == "…567"
    await scribe.call("a2")
    async with browser.following() as lines:
        second = await browser.read(lines, 6)
        await scribe.odd("live again")
        last = await browser.read(lines, 1)
    assert {one["data"].get("attempt_id", "a2") for one in second} == {"a2"}
    assert last[0]["data"]["code"] == "live again"
    assert not {one["id"] for one in first} & {one["id"] for one in second}


async def test_a_stream_tells_only_what_is_asked_for_and_allowed(floor: Floor) -> None:
    one, two = await floor.scribe("c1"), await floor.scribe("c2")
    everything = await floor.browser()
    no_calls = await floor.browser(Permission.floor_read, Permission.agents_read)
    async with (
        everything.following(campaign="c2", kind="call.ended") as ends,
        no_calls.following() as agents,
    ):
        await one.call()
        await two.call()
        (ended,) = await everything.read(ends, 1)
        changed = await no_calls.read(agents, 2)
    assert (ended["campaign_id"], ended["event"]) == ("c2", "call.ended")
    assert {event["event"] for event in changed} == {"agent.changed"}


async def test_who_reads_too_slowly_is_told_and_let_go(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BUFFER", 0)
    scribe, browser = await floor.scribe("c1"), await floor.browser()
    async with browser.following() as lines:
        await scribe.odd("one")
        (last,) = await browser.read(lines, 1)
        assert (last["event"], last["code"]) == ("stream.ended", "listener_too_slow")
    monkeypatch.undo()
    async with browser.following() as lines:
        (missed,) = await browser.read(lines, 1)
    assert missed["data"]["code"] == "one"


async def test_a_quiet_stream_beats_and_ends_by_itself(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", stream.BEAT / 1_000)
    browser = await floor.browser()
    async with browser.following(lasts_s="1") as lines:
        rest = [line async for line in lines]
    assert rest.count(": beat") > 3
    feed = await floor.app.backend.feed()
    assert feed.listeners == 0


async def test_whoever_logs_out_hears_no_more(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", stream.BEAT / 1_000)
    await add_user(floor.app.database, "rossi", Role.supervisor)
    async with httpx.AsyncClient(base_url=floor.url, timeout=10) as client:
        (await log_in(client, "rossi")).raise_for_status()
        async with client.stream("GET", f"{API}/stream") as told:
            lines = told.aiter_lines()
            assert (await anext(lines)).startswith("retry: ")
            assert (await client.delete(f"{API}/session")).status_code == 204
            async with asyncio.timeout(10):
                rest = [line async for line in lines]
    assert rest[-3] == "event: stream.ended"
    assert json.loads(rest[-2].removeprefix("data: "))["code"] == "not_authenticated"


async def test_a_stream_that_goes_on_by_itself_keeps_no_session_alive(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_sessions, "SEEN_EVERY", timedelta(0))
    await add_user(floor.app.database, "rossi", Role.supervisor)
    async with httpx.AsyncClient(base_url=floor.url, timeout=10) as client:
        (await log_in(client, "rossi")).raise_for_status()

        async def seen_at() -> str:
            by_itself = {"last-event-id": "x"}
            told = await client.get(f"{API}/me/sessions", headers=by_itself)
            found: str = told.json()["items"][0]["session"]["seen_at"]
            return found

        first = await seen_at()
        ours = {"last-event-id": (await floor.place())}
        async with client.stream("GET", f"{API}/stream?lasts_s=0", headers=ours) as told:
            assert told.status_code == 200
        assert await seen_at() == first
        await client.get(f"{API}/me")
        assert await seen_at() > first


async def test_many_browsers_cost_one_reader(floor: Floor) -> None:
    scribe, browser = await floor.scribe("c1"), await floor.browser()
    feed = await floor.app.backend.feed()
    reads = 0
    read = feed.reader.read

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args, **more)

    object.__setattr__(feed.reader, "read", counted)
    async with asyncio.TaskGroup() as group:
        told = asyncio.Barrier(11)

        async def one() -> None:
            async with browser.following() as lines:
                await told.wait()
                async with asyncio.timeout(10):
                    while not (await anext(lines)).startswith("data: "):
                        pass

        for _ in range(10):
            group.create_task(one())
        await told.wait()
        before = reads
        await scribe.odd("for all")
    assert reads - before < 5


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"after": "nonsense"}, 400, "position_invalid"),
        ({"after": "WzAsMCxbXV0"}, 410, "position_too_old"),
        ({"kind": "call.everything"}, 422, "request_invalid"),
        ({"campaign": "nobody"}, 404, "campaign_unknown"),
    ],
)
async def test_a_stream_that_can_not_be_is_a_problem(
    floor: Floor, params: dict[str, str], status: int, code: str
) -> None:
    async with floor.app.client() as client:
        answer = await client.get("stream", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
