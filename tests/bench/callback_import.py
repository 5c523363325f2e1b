"""What an import of callbacks costs: `python -m tests.bench.callback_import [--rows N]`.

A CSV file of N callbacks is imported twice into an empty list on the embedded PostgreSQL: first all
of it is new, then all of it is known. One row in a hundred is refused, and written beside.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dialer.appointments import Period
from dialer.callbacks import CallbackListId, CallbackRules
from dialer.contacts_csv import FileOptions
from offhook.callback_import import CallbackImport
from offhook.storage import migrate
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.database import Database
from tests.bench.callback_scale import AFTERNOON, MIB, MORNING
from tests.support.stack import postgres_server

REFUSED_EVERY = 100
PERIODS: tuple[Period, ...] = (MORNING, AFTERNOON)


def write_file(path: Path, rows: int) -> None:
    """As a CRM would export it: due over a month, one in a hundred in no period of the list."""
    today = datetime.now(UTC).date()
    with path.open("w", encoding="utf-8") as file:
        file.write("number,name,company,description,due,period\n")
        for index in range(rows):
            due = today + timedelta(days=1 + index % 30)
            period = "Night" if index % REFUSED_EVERY == 0 else PERIODS[index % 2].name
            file.write(f"+3902{index:08},Anna Rossi,Verdi S.r.l.,an offer,{due},{period}\n")


async def measure(url: str, path: Path) -> dict[str, Any]:
    """Import a file twice."""
    await migrate.upgrade(url)
    found: dict[str, Any] = {}
    async with Database.open(url) as database:
        now = datetime.now(UTC)
        view = CallbackListView(
            list_id=CallbackListId("bench"),
            name="bench",
            queue="",
            campaign_id=None,
            switch_id=None,
            external_id="",
            rules=CallbackRules(),
            periods=PERIODS,
        )
        await CallbackLists(database).create(view, now=now)
        importing = CallbackImport(database, FileOptions(day_first=False))
        for name in ("new", "known"):
            begun, cpu = time.monotonic(), time.process_time()
            refused = path.with_suffix(f".{name}.refused.csv")
            result = await importing.run("bench", path, now=now, refused_path=refused)
            wall = time.monotonic() - begun
            found[name] = {
                "rows_per_s": round(result.rows / wall),
                "wall_s": round(wall, 1),
                "client_cpu_s": round(time.process_time() - cpu, 1),
                **result.model_dump(include={"rows", "booked", "known", "refused"}),
            }
    found["peak_rss_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB)
    return found


def main() -> None:
    """Print the figures as JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=100_000)
    rows = asked.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres:
        path = Path(folder) / "callbacks.csv"
        write_file(path, rows)
        url = asyncio.run(postgres.create())
        print(json.dumps(asyncio.run(measure(url, path)), indent=2))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
