"""What watching costs: fifty browsers on *Floor* while calls are placed; how soon a page is there.

    python -m tests.bench.console_load --browsers 50 --rate 40 --calls 2000 --agents 100

runs the dial bench twice, with nobody and with that many on *Floor*, and prints for both the
bench's own figures, what the API answers a program meanwhile, and what the API's process costs. The
watchers have no window: they load the page and speak its socket as a browser does, so that what is
measured is the server; they are a process of their own, as is the program that asks: none of them
waits for another one's work. `--first-load` measures with a real Chromium instead: bytes on first
load, and when the page can be used.
"""

import argparse
import asyncio
import json
import re
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import socketio
from playwright.sync_api import sync_playwright

from offhook.accounts import Role
from offhook.accounts.service import Accounts
from offhook.api.auth import COOKIE
from offhook.bench.dial import measure, population, prepare
from offhook.bench.options import BenchOptions
from offhook.bench.report import Percentiles
from offhook.console.kit.layout import url
from offhook.demo.rehearsal import Cast, Rehearsal, rehearsal
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogLevel, LogSettings, Settings
from tests.support.browser import SharedStage, browser, log_in

PROBE_S = 0.1
"""A program asks the API ten times a second."""
_CLIENT = re.compile(r"[\"']client_id[\"']\s*:\s*[\"']([0-9a-f-]{36})")


@dataclass
class Watchers:
    """Browsers without windows."""

    base: str
    secret: str
    messages: int = 0
    bytes: int = 0
    _sockets: list[socketio.AsyncClient] = field(default_factory=list)

    async def open(self, number: int) -> None:
        """Have so many pages of *Floor* open."""
        for _ in range(number):
            await self._one()

    async def _one(self) -> None:
        async with httpx.AsyncClient(base_url=self.base, cookies={COOKIE: self.secret}) as http:
            page = (await http.get(url("/floor"))).raise_for_status().text
        found = _CLIENT.search(page)
        if found is None:
            raise RuntimeError("the page names no client")
        asked = (
            f"client_id={found[1]}&next_message_id=0&implicit_handshake=true"
            f"&document_id={secrets.token_hex(8)}&tab_id={secrets.token_hex(8)}&old_tab_id=null"
        )
        client = socketio.AsyncClient(reconnection=False)
        client.on("*", self._got)
        await client.connect(
            f"{self.base}?{asked}",
            socketio_path="/_nicegui_ws/socket.io",
            transports=["websocket"],
            headers={"Cookie": f"{COOKIE}={self.secret}"},
        )
        self._sockets.append(client)

    async def _got(self, _event: str, *data: Any) -> None:
        self.messages += 1
        self.bytes += len(json.dumps(data))

    async def close(self) -> None:
        """Leave."""
        for client in self._sockets:
            await client.disconnect()

    def told(self) -> dict[str, Any]:
        """What came."""
        return {"messages": self.messages, "bytes": self.bytes}


@dataclass
class Probe:
    """A program that asks the API all the time."""

    base: str
    secret: str
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0

    async def run(self) -> None:
        """Ask, until cancelled."""
        async with httpx.AsyncClient(
            base_url=self.base, cookies={COOKIE: self.secret}, timeout=30
        ) as http:
            while True:
                began = time.perf_counter()
                answer = await http.get("/api/v1/campaigns")
                self.took_ms.append((time.perf_counter() - began) * 1_000)
                self.failed += answer.status_code != httpx.codes.OK
                await asyncio.sleep(PROBE_S)

    def told(self) -> dict[str, Any]:
        """How long answers took."""
        return {"took_ms": self.took_ms, "failed": self.failed}


async def stand_by(base: str, browsers: int) -> None:
    """Be the watchers, or with no browsers the program that asks, until the input ends.

    The first line of input is the secret of a session; what was seen is printed at the end.
    """
    secret = (await asyncio.to_thread(sys.stdin.readline)).strip()
    watchers, probe = Watchers(base, secret), Probe(base, secret)
    if browsers:
        await watchers.open(browsers)
    asking = None if browsers else asyncio.create_task(probe.run())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    if asking is not None:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    sys.stdout.write(json.dumps(watchers.told() if browsers else probe.told()) + "\n")
    sys.stdout.flush()
    await watchers.close()


@asynccontextmanager
async def _bystander(base: str, secret: str, browsers: int) -> AsyncIterator[dict[str, Any]]:
    """A process that stands by during the block; what it tells is there after it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.console_load"),
        *("--stand-by", base, "--browsers", str(browsers)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=10_000_000,
    )
    told: dict[str, Any] = {}
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    try:
        process.stdin.write(f"{secret}\n".encode())
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError("who was to stand by did not start")
        yield told
        process.stdin.close()
        told.update(json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(options: BenchOptions, browsers: int) -> dict[str, Any]:
    """One bench with so many browsers."""
    cast = Cast(
        agents=options.agents, lines=options.agents * 2, seed=options.seed, population=population()
    )
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="offhook-load-"))
        stage = await closing.enter_async_context(
            rehearsal(Home(Path(folder)), Settings(home=Path(folder)), cast)
        )
        campaign = await prepare(stage, options)
        base, secret = stage.stack.stack.api_url or "", await _session(stage)
        watched: dict[str, Any] = {"messages": 0, "bytes": 0}
        async with AsyncExitStack() as around:
            asked = await around.enter_async_context(_bystander(base, secret, 0))
            if browsers:
                watched = await around.enter_async_context(_bystander(base, secret, browsers))
            began = time.monotonic()
            report = await measure(stage, campaign, options)
            lasted = time.monotonic() - began
        return {
            "browsers": browsers,
            "bench": {
                "calls_per_s": report.calls_per_s,
                "answer_to_agent_ms": report.answer_to_agent_ms.model_dump(),
                "cpu_s_per_call": report.cpu_s_per_call,
                "rss_mb": report.rss_mb,
                "sound": report.sound,
            },
            "api_ms": Percentiles.of(asked["took_ms"]).model_dump(),
            "api_requests": len(asked["took_ms"]),
            "api_failed": asked["failed"],
            "messages_per_browser_s": _rate(watched["messages"], browsers, lasted),
            "kb_per_browser_s": _rate(watched["bytes"] / 1_000, browsers, lasted),
        }


def _rate(amount: float, browsers: int, lasted: float) -> float:
    return round(amount / browsers / lasted, 2) if browsers else 0.0


async def _session(stage: Rehearsal) -> str:
    """The secret of an administrator's session."""
    accounts, now = Accounts(stage.database), datetime.now(UTC)
    user = await accounts.add_user("bench", Role.admin, now=now)
    opened = await accounts.open_session(user, now=now, address="127.0.0.1")
    return opened.secret


def first_load() -> dict[str, Any]:
    """What a browser loads before *Floor* can be used, with nothing kept and with all kept."""
    with tempfile.TemporaryDirectory(prefix="offhook-load-") as folder:
        shared = SharedStage(Path(folder))
        stage = shared.take()
        try:
            with sync_playwright() as playwright, browser(playwright) as chromium:
                context = chromium.new_context(viewport={"width": 1280, "height": 860})
                page = context.new_page()
                log_in(page, stage, "ada")
                cookies = context.cookies()
                fresh = chromium.new_context(viewport={"width": 1280, "height": 860})
                fresh.add_cookies(cookies)  # type: ignore[arg-type]
                again = fresh.new_page()
                cold = _load(again, f"{stage.url}{url('/floor')}")
                warm = _load(again, f"{stage.url}{url('/floor')}")
                return {"cold": cold, "warm": warm}
        finally:
            shared.give_back()


def _load(page: Any, address: str) -> dict[str, float]:
    """Bytes on the wire, and milliseconds until the figures are there and the socket answers."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    requests: list[str] = []
    session.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    session.on("Network.requestWillBeSent", lambda e: requests.append(e["request"]["url"]))
    page.goto(address, wait_until="commit")
    page.wait_for_function("document.querySelector('.figure') !== null")
    shown = page.evaluate("performance.now()")
    page.wait_for_function("window.did_handshake === true")
    usable = page.evaluate("performance.now()")
    painted = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    )
    page.wait_for_timeout(500)
    foreign = [one for one in requests if not one.startswith((address.split("/floor")[0], "data:"))]
    return {
        "kilobytes": round(sum(received) / 1_000, 1),
        "requests": len(requests),
        "to_other_hosts": len(foreign),
        "first_paint_ms": round(painted),
        "figures_ms": round(shown),
        "usable_ms": round(usable),
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--browsers", type=int, default=50)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--rate", type=float, default=40.0)
    parser.add_argument("--first-load", action="store_true")
    parser.add_argument("--stand-by", metavar="URL", help=argparse.SUPPRESS)
    said = parser.parse_args()
    configure_logging(LogSettings(level=LogLevel.warning), process="bench")
    if said.stand_by:
        asyncio.run(stand_by(said.stand_by, said.browsers))
        return
    if said.first_load:
        sys.stdout.write(json.dumps(first_load(), indent=2) + "\n")
        return
    options = BenchOptions(calls=said.calls, agents=said.agents, rate=said.rate)
    for number in (0, said.browsers):
        sys.stdout.write(json.dumps(asyncio.run(run(options, number)), indent=2) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
