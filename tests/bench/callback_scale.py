"""What open callbacks cost: `python -m tests.bench.callback_scale [--open N] [--sample N]`.

Two ways of keeping them are measured. "One workflow each" has a workflow wait for every open
callback, near or far: a sample is started, due within the hours in which a workflow does wait, and
what the server's files, memory and CPU grew by is extrapolated, said as such. "A row until it is
near" is what is built: N rows on PostgreSQL, of which the waking finds those that are due soon.
"""

import argparse
import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker

from activities.callbacks import PAGE, WAKE_AHEAD, CallbackActivities
from dialer.appointments import Period
from dialer.callbacks import CallbackId, CallbackListId, CallbackRequest, CallbackRules, Promise
from offhook.storage import migrate
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import data_converter
from tests.support.callbacks import CallbackWorld
from tests.support.stack import postgres_server, temporal_server
from workflows.callback import CallbackWorkflow

SPREAD_DAYS = 30
BOOKED = 5_000
"""Booked as a file's are; the others are copies of theirs, made by the database."""
_COPIES = """
INSERT INTO callbacks (id, list_id, promise, phase, version, due_on, opens_at, closes_at, source,
    source_key, tries, created_at)
SELECT id || '-' || n, list_id, promise, phase, version, due_on, opens_at, closes_at, source,
    source_key || '-' || n, tries, created_at
FROM callbacks, generate_series(1, :copies) AS n
"""
AT_ONCE = 20
MORNING = Period(period_id="m", name="Morning", start=clock(9), end=clock(12), default=True)
AFTERNOON = Period(period_id="a", name="Afternoon", start=clock(14), end=clock(18))
MIB = 1 << 20


def a_booking(number: int, due: datetime, period: Period) -> Booking:
    """One of many, due on a day."""
    request = CallbackRequest(
        callback_id=CallbackId(f"cb-{secrets.token_hex(8)}"),
        list_id=CallbackListId("bench"),
        numbers=(f"+3902{number:08}",),
        first_name="Anna",
        last_name="Rossi",
        description="asked for an offer",
        due_on=due.date(),
        period=period,
        zone="Europe/Rome",
    )
    return Booking(request=request, source=CallbackSource.import_, source_key=f"row-{number}")


async def measure_rows(database: Database, count: int) -> dict[str, Any]:
    """Rows of N open callbacks over a month, and what finding the near ones costs."""
    now = datetime.now(UTC)
    view = CallbackListView(
        list_id=CallbackListId("bench"),
        name="bench",
        queue="",
        campaign_id=None,
        switch_id=None,
        external_id="",
        rules=CallbackRules(),
        periods=(MORNING, AFTERNOON),
    )
    await CallbackLists(database).create(view, now=now)
    store, begun = PostgresCallbacks(database), time.perf_counter()
    for first in range(0, BOOKED, 1_000):
        batch = [
            a_booking(n, now + timedelta(days=1 + n % SPREAD_DAYS), (MORNING, AFTERNOON)[n % 2])
            for n in range(first, first + 1_000)
        ]
        await store.book_all(batch, now=now)
    booked_s = time.perf_counter() - begun
    async with database.transaction() as session:
        await session.execute(text(_COPIES), {"copies": count // BOOKED - 1})
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM ANALYZE callbacks"))
    async with database.transaction() as session:
        size = await session.scalar(text("SELECT pg_total_relation_size('callbacks')"))
    at = (now + timedelta(days=2)).replace(hour=7, minute=0)
    near = await _near(store, at)
    begun = time.perf_counter()
    await store.asleep(due_before=at, after=None, limit=PAGE)
    first_page_s = time.perf_counter() - begun
    busiest = await _busiest(database)
    return {
        "rows": count,
        "booked_per_s": round(BOOKED / booked_s),
        "bytes_per_row": round((size or 0) / count),
        "mib": round((size or 0) / MIB, 1),
        "wake_page_ms": round(first_page_s * 1000, 2),
        "found_by_the_second_day": near,
        "most_due_within_the_hours_awake": busiest,
    }


async def _near(store: PostgresCallbacks, at: datetime) -> int:
    found, last = 0, None
    while page := await store.asleep(due_before=at, after=last, limit=PAGE):
        found, last = found + len(page), page[-1]
    return found


async def _busiest(database: Database) -> int:
    """The most callbacks that wait in a workflow at once: due within the waking's time and hour."""
    awake = WAKE_AHEAD + timedelta(hours=1)
    async with database.transaction() as session:
        rows = await session.execute(text("SELECT opens_at FROM callbacks"))
        starts = Counter(row.opens_at for row in rows)
    return max(
        sum(count for other, count in starts.items() if at <= other < at + awake) for at in starts
    )


class _Records(CallbackWorld):
    """A record that knows every callback to be due in five hours, and keeps only who asked."""

    async def read(self, callback: CallbackId) -> Promise:
        due = datetime.now(UTC) + timedelta(hours=5)
        start = min(due.time().replace(second=0, microsecond=0), clock(23, 58))
        period = Period(period_id="p", name="soon", start=start, end=clock(23, 59))
        request = a_booking(1, due, period).request
        self.started.append(callback)
        return Promise(request=request.model_copy(update={"callback_id": callback, "zone": "UTC"}))


async def measure_workflows(address: str, namespace: str, sample: int) -> dict[str, Any]:
    """A sample of workflows that wait, and what the server grew by."""
    client = await Client.connect(address, namespace=namespace, data_converter=data_converter(None))
    server, files = _server()
    world = _Records()
    acts = CallbackActivities(
        records=world, law=world, calls=world, starter=world, lists=world,
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip
    desk = CallbackDesk(client, "bench")
    async with Worker(
        client,
        task_queue="bench",
        workflows=[CallbackWorkflow],
        activities=[acts.begin],
        max_cached_workflows=100,
    ):
        await _start(desk, 50)
        await asyncio.sleep(2)
        before = _state(server, files)
        worker_before = time.process_time()
        begun = time.perf_counter()
        await _start(desk, sample)
        started_s = time.perf_counter() - begun
        while len(world.started) < sample + 50:  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)
        after = _state(server, files)
        worker_cpu = time.process_time() - worker_before
    return {
        "workflows": sample,
        "started_per_s": round(sample / started_s),
        "server_cpu_ms_each": round((after["cpu_s"] - before["cpu_s"]) * 1000 / sample, 2),
        "worker_cpu_ms_each": round(worker_cpu * 1000 / sample, 2),
        "server_file_bytes_each": round((after["file"] - before["file"]) / sample),
        "server_memory_bytes_each": round((after["rss"] - before["rss"]) / sample),
    }


async def _start(desk: CallbackDesk, count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await desk.start(CallbackId(f"cb-{secrets.token_hex(8)}"))

    await asyncio.gather(*(one() for _ in range(count)))


def _server() -> tuple[psutil.Process, Path]:
    for child in psutil.Process().children(recursive=True):
        line = child.cmdline()
        if "--db-filename" in line and Path(line[0]).name == "temporal":
            return child, Path(line[line.index("--db-filename") + 1])
    raise RuntimeError("the Temporal server's process was not found")


def _state(server: psutil.Process, file: Path) -> dict[str, float]:
    used = server.cpu_times()
    return {
        "cpu_s": used.user + used.system,
        "rss": server.memory_info().rss,
        "file": sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*")),
    }


async def _rows(url: str, count: int) -> dict[str, Any]:
    await migrate.upgrade(url)
    async with Database.open(url) as database:
        return await measure_rows(database, count)


def extrapolated(sample: dict[str, Any], count: int) -> dict[str, Any]:
    """The sample's figures for so many; computed, not measured."""
    return {
        "workflows": count,
        "server_file_mib": round(sample["server_file_bytes_each"] * count / MIB),
        "server_memory_mib": round(sample["server_memory_bytes_each"] * count / MIB),
        "server_cpu_s_to_start": round(sample["server_cpu_ms_each"] * count / 1000),
        "minutes_to_start": round(count / max(1, sample["started_per_s"]) / 60, 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000, dest="count")
    parser.add_argument("--sample", type=int, default=5_000)
    given = parser.parse_args(arguments)
    with postgres_server() as postgres:
        url = asyncio.run(postgres.create())
        rows = asyncio.run(_rows(url, given.count))
    with temporal_server() as temporal:
        sample = asyncio.run(measure_workflows(temporal.address, temporal.namespace, given.sample))
    near = rows["most_due_within_the_hours_awake"]
    found = {
        "a_row_until_near": rows,
        "one_workflow_each_sample": sample,
        "one_workflow_each_extrapolated": extrapolated(sample, given.count),
        "workflows_when_a_row_until_near_extrapolated": extrapolated(sample, near),
    }
    print(json.dumps(found, indent=1))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
