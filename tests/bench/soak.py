"""A long run at a steady rate: do memory, file handles, histories and latencies stay flat?

Run `python -m tests.bench.soak [--minutes 30] [--rate 80] [--agents 150]`; prints one JSON object.
The whole stack is what production runs. The simulated PBX keeps a record of every call to be judged
by, so its own memory grows by design and is listed apart.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text

from dialer.model import CampaignId
from offhook.bench.dial import campaign_settings, meter_of, population, prepare
from offhook.bench.options import BenchOptions
from offhook.bench.report import Percentiles
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.demo.truth import OurAttempt, compare
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogSettings, load_settings
from offhook.temporal.campaigns import CampaignDesk, campaign_workflow_id

CAMPAIGN = CampaignId("bench")

_PER_MINUTE = text("""
WITH entries AS MATERIALIZED (
    SELECT at, inbox_id, convert_from(event, 'UTF8')::jsonb AS event,
        convert_from(commands, 'UTF8')::jsonb AS commands
    FROM journal WHERE campaign_id = :campaign
), answers AS (
    SELECT entries.event ->> 'correlator' AS correlator, min(inbox.received_at) AS at
    FROM entries JOIN inbox ON inbox.id = entries.inbox_id
    WHERE entries.event ->> 'kind' = 'call_answered' GROUP BY 1
), joins AS (
    SELECT command ->> 'correlator' AS correlator, min(at) AS at
    FROM entries, jsonb_array_elements(commands) AS command
    WHERE command ->> 'kind' IN ('join', 'divert') GROUP BY 1
)
SELECT floor(extract(epoch FROM answers.at - min(answers.at) OVER ()) / 60)::int,
    extract(epoch FROM joins.at - answers.at)::float8 * 1000
FROM answers JOIN joins USING (correlator)
""")


def files_open(pids: dict[str, int]) -> dict[str, int]:
    """File handles and sockets by name, children included."""
    found = {}
    for name, pid in pids.items():
        total = 0
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(pid)
            for process in [top, *top.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    total += process.num_fds()
        found[name] = total
    return found


async def _history(stage: Rehearsal) -> dict[str, int]:
    handle = stage.client.get_workflow_handle(campaign_workflow_id(CAMPAIGN))
    info = (await handle.describe()).raw_description.workflow_execution_info
    return {"events": info.history_length, "bytes": info.history_size_bytes}


async def _watch(stage: Rehearsal, samples: list[dict[str, Any]], every_s: float) -> None:
    """Read every meter at a steady pace until cancelled."""
    meter = meter_of(stage)
    began, before = asyncio.get_running_loop().time(), meter.cpu_s()
    while True:
        await asyncio.sleep(every_s)
        now = meter.cpu_s()
        samples.append(
            {
                "at_s": round(asyncio.get_running_loop().time() - began),
                "memory_mb": await asyncio.to_thread(meter.memory_mb),
                "files": files_open(dict(meter.pids)),
                "cpu_cores": {name: round((now[name] - before[name]) / every_s, 2) for name in now},
                "history": await _history(stage),
                "load": round(os.getloadavg()[0], 2),
            }
        )
        before = now
        sys.stderr.write(json.dumps(samples[-1]) + "\n")


async def _latencies(stage: Rehearsal) -> list[dict[str, Any]]:
    minutes: dict[int, list[float]] = {}
    async with stage.database.transaction() as session:
        for minute, ms in await session.execute(_PER_MINUTE, {"campaign": CAMPAIGN}):
            minutes.setdefault(minute, []).append(ms)
    return [
        {"minute": minute, "joins": len(ms), **Percentiles.of(ms).model_dump()}
        for minute, ms in sorted(minutes.items())
    ]


async def _judge(stage: Rehearsal) -> dict[str, int]:
    async with stage.database.transaction() as session:
        rows = await session.execute(
            text("SELECT id, number, outcome FROM attempts WHERE campaign_id = :campaign"),
            {"campaign": CAMPAIGN},
        )
        ours = [OurAttempt(attempt_id=a, number=n, outcome=o) for a, n, o in rows]
    patience = campaign_settings(BenchOptions()).patience
    judged = compare(await stage.pbx.calls(), ours, patience=patience)
    return {
        "attempts": len(ours),
        "double_dialed": judged.double_dialed,
        "stranded": judged.stranded,
        "mismatches": len(judged.mismatches),
        "unrecorded": judged.unrecorded,
        "unclaimed": judged.unclaimed,
    }


async def soak(minutes: float, rate: float, agents: int, home: Path) -> dict[str, Any]:
    """Dial at the rate for so long, and say what changed meanwhile."""
    options = BenchOptions(calls=round(minutes * 60 * rate), agents=agents, rate=rate)
    cast = Cast(agents=agents, lines=agents * 2, seed=options.seed, population=population())
    samples: list[dict[str, Any]] = []
    async with rehearsal(Home(home), load_settings(home=home), cast) as stage:
        campaign = await prepare(stage, options)
        desk = CampaignDesk(stage.client)
        began = datetime.now(UTC)
        await desk.start(campaign, switch=SWITCH, run_key="soak")
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(stage, samples, every_s=60.0))
            await desk.result(campaign)
            watching.cancel()
        took = (datetime.now(UTC) - began).total_seconds()
        latencies = await _latencies(stage)
        judged = await _judge(stage)
    return {
        "minutes": round(took / 60, 1),
        "rate": rate,
        "agents": agents,
        "judged": judged,
        "answer_to_join_command_ms": latencies,
        "samples": samples,
    }


def _arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=80.0, help="calls placed a second")
    parser.add_argument("--agents", type=int, default=150)
    return parser.parse_args(argv)


if __name__ == "__main__":
    wanted = _arguments()
    configure_logging(LogSettings())
    with tempfile.TemporaryDirectory(prefix="offhook-soak-") as folder:
        found = asyncio.run(soak(wanted.minutes, wanted.rate, wanted.agents, Path(folder)))
    sys.stdout.write(json.dumps(found) + "\n")
