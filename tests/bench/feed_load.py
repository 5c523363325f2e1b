"""What the live stream carries: events a second, how late they are, what a reader costs.

Run `python -m tests.bench.feed_load [--rate N] [--seconds N] [--readers N] [--slow N]`; it prints
one JSON object. A journal is written as dial loops would, `rate` facts a second; the API is a
process of its own, and each reader follows its stream over a socket. Readers break off at random
and go on behind the last event they heard; `missed` and `repeated` count what that cost them. The
`slow` ones take nothing at all. `delay_ms` is from when a fact was written until a reader had it.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import psutil

from offhook.accounts.roles import Permission
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from tests.bench.own import own_process, print_measured
from tests.support.api import token_for
from tests.support.backend import API, served
from tests.support.builders import Rows
from tests.support.feed import Scribe
from tests.support.serving import serving

STEP_S = 0.02
"""How often the journal is written."""
STAYS_S = (1.0, 4.0)
"""How long a reader stays before it breaks off."""
CAMPAIGN = "bench"


async def serve(url: str) -> None:
    """The API, until its input ends."""
    async with Database.open(url) as database, served(database) as app, serving(app.app) as where:
        sys.stdout.write(where + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


@asynccontextmanager
async def api_process(url: str) -> AsyncIterator[tuple[psutil.Process, str]]:
    """The API in a process of its own, and where it is."""
    async with own_process("tests.bench.feed_load", "--serve", url) as process:
        assert process.stdout is not None
        yield psutil.Process(process.pid), (await process.stdout.readline()).decode().strip()


@dataclass
class Reader:
    """Follows the stream, breaks off, and goes on."""

    url: str
    token: str
    place: str = ""
    heard: list[tuple[str, float]] = field(default_factory=list)
    breaks: int = 0

    async def follow(self, last: str) -> None:
        """Until the fact of that id came."""
        timeout = httpx.Timeout(30)
        async with httpx.AsyncClient(base_url=self.url, timeout=timeout) as client:
            while not await self._stay(client, last):
                self.breaks += 1

    async def _stay(self, client: httpx.AsyncClient, last: str) -> bool:
        headers = {"authorization": f"Bearer {self.token}"}
        headers |= {"last-event-id": self.place} if self.place else {}
        until = time.monotonic() + random.uniform(*STAYS_S)
        place = ""
        async with client.stream("GET", f"{API}/stream", headers=headers) as told:
            told.raise_for_status()
            async for line in told.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    place = value
                elif name == "data":
                    # A browser takes over the id with the event that it belongs to.
                    self.place = place
                    key = json.loads(value)["id"]
                    self.heard.append((key, time.time()))
                    if key == last:
                        return True
                    if time.monotonic() > until:
                        return False
                elif not line and not self.place:
                    self.place = place
        return False


async def hang(url: str, token: str) -> None:
    """Ask for the stream, and take none of it."""
    host, _, port = url.removeprefix("http://").partition(":")
    _reader, writer = await asyncio.open_connection(host, int(port), limit=1)
    request = f"GET {API}/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    writer.write(request.encode())
    try:
        await asyncio.Event().wait()
    finally:
        writer.close()


async def write(scribe: Scribe, rate: float, seconds: float, written: dict[str, float]) -> None:
    """Write facts at a rate; when each was written."""
    began, count = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        scribe.clock = datetime.now(UTC)
        due = int(now * rate)
        await scribe.odd(*map(str, range(count, due)))
        at = time.time()
        for seq in range(count + 1, due + 1):
            written[f"{CAMPAIGN}.0.1.{seq}.0"] = at
        count = due
        await asyncio.sleep(STEP_S)


async def measure(url: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Write, follow, and say what it cost."""
    pool = await open_pool(url, size=4)
    written: dict[str, float] = {}
    async with Database.open(url) as database, api_process(url) as (api, where):
        rows = Rows(database)
        await rows.switch()
        scribe = Scribe(pool, await rows.campaign(CAMPAIGN))
        await scribe.take()
        token = await token_for(database, sorted(Permission))
        readers = [Reader(where, token) for _ in range(asked.readers)]
        last = f"{CAMPAIGN}.0.1.{int(asked.rate * asked.seconds) + 1}.0"
        before = api.memory_info().rss
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(one.follow(last)) for one in readers]
            hanging = [group.create_task(hang(where, token)) for _ in range(asked.slow)]
            await asyncio.sleep(2)
            idle, cpu = api.memory_info().rss, api.cpu_times()
            began = time.monotonic()
            await write(scribe, asked.rate, asked.seconds, written)
            spent, took = api.cpu_times(), time.monotonic() - began
            most = api.memory_info().rss
            scribe.clock = datetime.now(UTC)
            while scribe.seq < int(asked.rate * asked.seconds) + 1:
                await scribe.odd("to the end")
                written[f"{CAMPAIGN}.0.1.{scribe.seq}.0"] = time.time()
            await asyncio.gather(*following)
            for task in hanging:
                task.cancel()
    await pool.close()
    delays = [1_000 * (at - written[key]) for one in readers for key, at in one.heard]
    p50, p99 = np.percentile(delays, [50, 99])
    used = spent.user + spent.system - cpu.user - cpu.system
    return {
        "facts": len(written),
        "facts_per_s": round(len(written) / took, 1),
        "readers": asked.readers,
        "slow_readers": asked.slow,
        "breaks": sum(one.breaks for one in readers),
        "missed": sum(len(written.keys() - {key for key, _ in one.heard}) for one in readers),
        "repeated": sum(len(one.heard) - len({key for key, _ in one.heard}) for one in readers),
        "delay_ms": {"p50": round(p50), "p99": round(p99), "max": round(max(delays))},
        "kb_per_reader": {
            "idle": round((idle - before) / 1_024 / (asked.readers + asked.slow)),
            "under_load": round((most - before) / 1_024 / (asked.readers + asked.slow)),
        },
        "api_cpu": round(used / took, 2),
    }


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000, help="facts a second")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--readers", type=int, default=5)
    parser.add_argument("--slow", type=int, default=5, help="readers that take nothing")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        asyncio.run(serve(asked.serve))
    else:
        print_measured(measure, asked)


if __name__ == "__main__":
    main()
