"""How many facts a second webhooks deliver, and how long after they happened.

Run `python -m tests.bench.webhook_load [--rate N] [--seconds N] [--answer-ms N] [--backlog N]`; it
prints one JSON object. A journal is written as a dial loop would, `rate` facts a second; one worker
hands them on to a receiver in a process of its own, which checks every signature. `delay_ms` is
from when a fact was written until the receiver had it whole. With a backlog, so many facts wait
before the worker begins, and how fast it works them off is told besides.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from offhook.offices.webhooks import WebhookOffice
from offhook.settings import Settings
from offhook.settings_webhooks import WebhookSettings
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from offhook.temporal.codec import KeyRing
from offhook.webhooks.service import sending_webhooks
from offhook.webhooks.signing import SecretBox
from tests.bench.own import own_process, print_measured
from tests.support.builders import Rows
from tests.support.feed import Scribe
from tests.support.webhooks import receiving

STEP_S = 0.05
"""How often the journal is written."""


async def receive(answer_ms: float) -> None:
    """The receiver: the secret comes on a line, and each message goes out as one."""
    loop = asyncio.get_running_loop()

    async def answer(number: int) -> tuple[int, bytes]:
        told = {"id": receiver.messages[number - 1]["id"], "at": time.time()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(answer_ms / 1_000)
        return 200, b""

    async with receiving(answer) as receiver:
        sys.stdout.write(receiver.url + "\n")
        sys.stdout.flush()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            receiver.secrets.append(line.strip())


async def write(scribe: Scribe, facts: int, rate: float, written: dict[str, float]) -> None:
    """Write calls that have ended, spread over time; when each was written."""
    began, count = time.monotonic(), 0
    while count < facts:
        due = facts if rate <= 0 else min(facts, int((time.monotonic() - began) * rate) + 1)
        while count < due:
            scribe.clock = datetime.now(UTC)
            await scribe.ended(f"a{scribe.seq}")
            written[f"{scribe.campaign}.0.1.{scribe.seq}.0"] = time.time()
            count += 1
        await asyncio.sleep(STEP_S if rate > 0 else 0)


async def hear(process: asyncio.subprocess.Process, count: int, heard: dict[str, float]) -> None:
    """Note when each message came, the first time."""
    assert process.stdout is not None
    while len(heard) < count:
        told = json.loads(await process.stdout.readline())
        heard.setdefault(told["id"], told["at"])


async def measure(home: Path, url: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Write, deliver, and say how long each took."""
    settings = Settings(home=home, webhooks=WebhookSettings(allow_private=True))
    pool = await open_pool(url, size=4)
    written: dict[str, float] = {}
    heard: dict[str, float] = {}
    receiver = own_process("tests.bench.webhook_load", "--receive", str(asked.answer_ms))
    async with Database.open(url) as database, receiver as process:
        assert process.stdin is not None
        assert process.stdout is not None
        rows = Rows(database)
        await rows.switch()
        scribe = Scribe(pool, await rows.campaign("bench"))
        await scribe.take()
        office = WebhookOffice(
            pool, database, SecretBox.of(KeyRing.load(settings)), settings.webhooks
        )
        address = (await process.stdout.readline()).decode().strip()
        made = await office.add("crm", f"{address}/x", now=datetime.now(UTC))
        process.stdin.write(f"{made.secret}\n".encode())
        await write(scribe, asked.backlog, 0, written)
        live = int(asked.rate * asked.seconds)
        cpu, began = psutil.Process().cpu_times(), time.time()
        async with sending_webhooks(settings, database), asyncio.TaskGroup() as group:
            hearing = group.create_task(hear(process, asked.backlog + live, heard))
            while len(heard) < asked.backlog:  # noqa: ASYNC110 - whoever hears counts
                await asyncio.sleep(STEP_S)
            caught_up = time.time()
            await write(scribe, live, asked.rate, written)
            await hearing
        spent = psutil.Process().cpu_times()
    await pool.close()
    delays = [1_000 * (heard[key] - at) for key, at in written.items() if at > caught_up]
    told: dict[str, Any] = {"facts": len(heard), "asked_per_s": asked.rate}
    if asked.backlog:
        told["backlog_per_s"] = round(asked.backlog / (caught_up - began))
    if delays:
        p50, p99 = np.percentile(delays, [50, 99])
        told["delay_ms"] = {"p50": round(p50), "p99": round(p99), "max": round(max(delays))}
        told["delivered_per_s"] = round(live / (max(heard.values()) - caught_up), 1)
    used = spent.user + spent.system - cpu.user - cpu.system
    told["worker_cpu_ms_per_fact"] = round(1_000 * used / len(heard), 2)
    return told


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200, help="facts a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--answer-ms", type=float, default=20, help="what the receiver takes")
    parser.add_argument("--backlog", type=int, default=0)
    parser.add_argument("--receive", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.receive is not None:
        asyncio.run(receive(asked.receive))
    else:
        with tempfile.TemporaryDirectory() as home:
            print_measured(partial(measure, Path(home)), asked)


if __name__ == "__main__":
    main()
