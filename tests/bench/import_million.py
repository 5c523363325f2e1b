"""How long a contact file takes through the real `offhook campaign import`, and in how much memory.

Run `python -m tests.bench.import_million [--rows N]`; prints one JSON object. A stack of its own is
started (PostgreSQL, Temporal, a worker); the file is imported by the command, then once more, which
must add nothing. Peak memory is that of the worker, its import process and the command together,
as the sum of what each had at most.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import insert

from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.bench.meter import Meter
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogSettings, load_settings
from offhook.storage import tables
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.supervisor import running_stack
from tests.support.contacts import contact_rows

SWITCH = SwitchId("pbx")
CAMPAIGN = CampaignId("c1")
PARTS = frozenset({"postgres", "temporal", "worker"})
LOOK_EVERY_S = 0.1
MEGABYTE = 1_000_000


class Watch:
    """The most memory that each process below some others ever had, and the CPU time it took."""

    def __init__(self, *pids: int) -> None:
        self._tops = [psutil.Process(pid) for pid in pids]
        self._most: dict[tuple[str, int], int] = {}
        self._cpu: dict[tuple[str, int], float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(LOOK_EVERY_S):
            for top in self._tops:
                with suppress(psutil.NoSuchProcess):
                    for process in (top, *top.children(recursive=True)):
                        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                            self._note(process)

    def _note(self, process: psutil.Process) -> None:
        words = process.cmdline()
        name = next((word for word in words if word.startswith("offhook.temporal")), "")
        key = (name or " ".join(words[1:4]), process.pid)
        times = process.cpu_times()
        self._most[key] = max(self._most.get(key, 0), process.memory_info().rss)
        self._cpu[key] = times.user + times.system

    def told(self) -> dict[str, Any]:
        """Peak memory in MB and CPU seconds of each process, and the sum of the peaks."""
        return {
            "peak_rss_mb": round(sum(self._most.values()) / MEGABYTE, 1),
            "processes": {
                name: {
                    "peak_rss_mb": round(most / MEGABYTE, 1),
                    "cpu_s": round(self._cpu[name, pid], 1),
                }
                for (name, pid), most in self._most.items()
            },
        }


async def measure(rows: int, home: Path) -> dict[str, Any]:
    """Import a file of so many rows twice; what it took, and what came of it."""
    settings = load_settings(home=home)
    file = home / "leads.csv"
    async with running_stack(Home(home).path, settings, parts=PARTS) as stack:
        with file.open("w", encoding="utf-8") as out:
            out.writelines(contact_rows(rows))
        async with Database.open(stack.database_url or "") as database:
            async with database.transaction() as session:
                await session.execute(
                    insert(tables.switches).values(
                        id=SWITCH, family="voispeed", name=SWITCH, created_at=datetime.now(UTC)
                    )
                )
            wanted = CampaignSettings(name="bench", switch=SWITCH)
            await CampaignViews(database).create(CAMPAIGN, wanted, now=datetime.now(UTC))
        pids = stack.pid("worker"), stack.pid("postgres")
        first = await _import(home, file, *pids)
        again = await _import(home, file, *pids)
    return {"rows": rows, "bytes": file.stat().st_size, "first": first, "again": again}


async def _import(home: Path, file: Path, worker: int, postgres: int) -> dict[str, Any]:
    database = Meter({"postgres": postgres})
    began, before = time.perf_counter(), database.cpu_s()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "--home", str(home)),
        *("campaign", "import", CAMPAIGN, str(file), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    with Watch(worker, command.pid) as watch:
        output, _ = await command.communicate()
    took = time.perf_counter() - began
    spent = database.cpu_s()["postgres"] - before["postgres"]
    progress = json.loads(output)["progress"]
    return (
        {
            "seconds": round(took, 1),
            "rows_per_s": round(progress["rows"] / took),
            "postgres_cpu_s": round(spent, 1),
            "load_average": os.getloadavg()[0],
        }
        | {name: progress[name] for name in ("rows", "imported", "duplicates", "refused")}
        | watch.told()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    wanted_rows: int = parser.parse_args().rows
    configure_logging(LogSettings())
    with tempfile.TemporaryDirectory(prefix="offhook-import-") as folder:
        found = asyncio.run(measure(wanted_rows, Path(folder)))
    sys.stdout.write(json.dumps(found) + "\n")
