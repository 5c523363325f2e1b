"""What offhook is measured against: every call a Temporal workflow, nothing in the activities.

This is how one would build a dialer on a workflow engine at first; the design keeps Temporal for
what lasts instead (ADR 1). The same server, settings and machine as the live path, a worker process
of its own, and no PBX, database or sealing of payloads: the baseline is flattered.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from time import time
from typing import cast

from temporalio.client import Client

from offhook.bench.baseline_worker import QUEUE, READY, CallWorkflow
from offhook.bench.meter import Meter, spent
from offhook.bench.options import BenchOptions
from offhook.bench.report import BaselineReport, Percentiles
from offhook.demo.rehearsal import Rehearsal
from offhook.launch import guarded

RING_S = 0.3
TALK_S = 0.3
MOST_CALLS = 400
"""At a few dozen calls a second, enough to know what they cost."""
_START_S = 60.0


async def run_baseline(stage: Rehearsal, options: BenchOptions) -> BaselineReport:
    """Run calls as workflows, as many at once as there are agents, and measure them alike."""
    address = stage.stack.temporal_address or ""
    namespace = stage.stack.settings.temporal.namespace
    client = await Client.connect(address, namespace=namespace)
    calls = min(options.calls, MOST_CALLS)
    async with _worker(address, namespace) as pid:
        meter = Meter({"temporal": stage.stack.pid("temporal"), "worker": pid})
        await _call(client, "warm-up")
        before = meter.cpu_s()
        loop = asyncio.get_running_loop()
        began = loop.time()
        latencies = await _calls(client, calls, options)
        took = loop.time() - began
        cpu = {name: s / calls for name, s in spent(before, meter.cpu_s()).items()}
    return BaselineReport(
        calls=calls,
        calls_per_s=round(calls / took, 2),
        answer_to_bridge_ms=Percentiles.of(latencies),
        cpu_s_per_call={
            name: round(s, 5) for name, s in {"total": sum(cpu.values()), **cpu}.items()
        },
    )


async def _calls(client: Client, calls: int, options: BenchOptions) -> list[float]:
    room = asyncio.Semaphore(options.agents)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(index: int) -> float:
        if options.rate is not None:
            await asyncio.sleep(max(0.0, began + index / options.rate - loop.time()))
        async with room:
            return await _call(client, f"call-{index}")

    return await asyncio.gather(*(one(index) for index in range(calls)))


async def _call(client: Client, name: str) -> float:
    """One call; the milliseconds from its answer to its bridge."""
    handle = await client.start_workflow(
        CallWorkflow.run, name, id=f"baseline-{name}", task_queue=QUEUE
    )
    await asyncio.sleep(RING_S)
    answered_at = time()
    await handle.signal(CallWorkflow.answered)
    await asyncio.sleep(TALK_S)
    await handle.signal(CallWorkflow.ended)
    return (await handle.result() - answered_at) * 1000


@asynccontextmanager
async def _worker(address: str, namespace: str) -> AsyncIterator[int]:
    """The baseline's worker as a process; yields its id once it polls."""
    process = await asyncio.create_subprocess_exec(
        *guarded([sys.executable, "-m", "offhook.bench.baseline_worker", address, namespace]),
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        output = cast(asyncio.StreamReader, process.stdout)
        line = await asyncio.wait_for(output.readline(), _START_S)
        if json.loads(line or b"null") != READY:
            raise RuntimeError("the worker of the baseline did not start; see standard error")
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), timedelta(seconds=10).total_seconds())
        except TimeoutError:
            process.kill()
            await process.wait()
