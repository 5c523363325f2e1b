"""What calls leave behind on disk, per table, as they were and once journals are packed.

Run `python -m tests.bench.storage_size [--calls N] [--agents N]`; prints one JSON object. A whole
stack dials a simulated PBX, so every row is one that production writes. Sizes hold indexes, TOAST
and the space that updates leave; they are given per 100,000 calls, which is a large day.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from dialer.model import CampaignId
from offhook.bench.dial import population, prepare
from offhook.bench.options import BenchOptions
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogSettings, load_settings
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.pool import open_pool
from offhook.storage.retention import Keep, Retention
from offhook.temporal.campaigns import CampaignDesk

CAMPAIGN = CampaignId("bench")
DAY = 100_000
MEGABYTE = 1_000_000
_SIZES = text("""
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
""")


async def measure(calls: int, agents: int, home: Path) -> dict[str, Any]:
    """Dial so many calls and weigh the tables."""
    options = BenchOptions(calls=calls, agents=agents)
    people = population().model_copy(update={"answer_probability": 0.4, "busy_probability": 0.6})
    cast = Cast(agents=agents, lines=agents * 2, seed=1, population=people)
    async with rehearsal(Home(home), load_settings(home=home), cast) as stage:
        await prepare(stage, options)
        empty = await _sizes(stage, "VACUUM FULL")
        desk = CampaignDesk(stage.client)
        await desk.start(CAMPAIGN, switch=SWITCH, run_key="bench")
        await desk.result(str(CAMPAIGN))
        full = await _sizes(stage, "VACUUM")
        pool = await open_pool(stage.database.url, size=1)
        try:
            keep = Keep(
                journal=None, unpacked=timedelta(0), inbox=timedelta(0), import_refusals=None
            )
            pruned = await Retention(pool, keep).prune(now=datetime.now(UTC))
        finally:
            await pool.close()
        packed = await _sizes(stage, "VACUUM FULL")
        view = await CampaignViews(stage.database).view(CAMPAIGN)
    share = DAY / view.attempts / MEGABYTE
    return {
        "calls": view.attempts,
        "outcomes": view.outcomes,
        "pruned": pruned.model_dump(),
        "mb_per_100000_calls": {
            name: {
                "after_the_day": round((full[name] - empty[name]) * share, 1),
                "packed": round((packed[name] - empty[name]) * share, 1),
            }
            for name in sorted(full, key=lambda name: empty[name] - full[name])
            if full[name] - empty[name] > 50_000 or packed[name] - empty[name] > 50_000
        },
        "total": {
            "after_the_day": round((sum(full.values()) - sum(empty.values())) * share),
            "packed": round((sum(packed.values()) - sum(empty.values())) * share),
        },
    }


async def _sizes(stage: Rehearsal, tidy: str) -> dict[str, int]:
    async with stage.database.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text(tidy))
        found = await plain.execute(_SIZES)
        return dict(found.all())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--agents", type=int, default=60)
    wanted = parser.parse_args()
    configure_logging(LogSettings())
    with tempfile.TemporaryDirectory(prefix="offhook-size-") as folder:
        told = asyncio.run(measure(wanted.calls, wanted.agents, Path(folder)))
    sys.stdout.write(json.dumps(told) + "\n")
