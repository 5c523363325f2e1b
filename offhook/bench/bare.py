"""Runs the bare script beside offhook, on the Asterisk and with the people of the same run."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable

from offhook.bench.bare_ari import CUSTOMER, PASSWORD_VARIABLE
from offhook.bench.meter import Meter, spent
from offhook.bench.options import BenchOptions
from offhook.bench.report import BareReport, Percentiles
from offhook.demo.asterisk import AsteriskPbx
from offhook.launch import guarded
from offhook.pbx.configuration import TRUNK
from offhook.pbx.onlooker import SeenChannel

UNPACED = 150.0
"""Calls a second where no rate was asked for: more than this machine dials."""
_LIMIT_S = 600.0


async def run_bare(pbx: AsteriskPbx, options: BenchOptions) -> BareReport:
    """Dial as many numbers as the bench is to, at its rate."""
    numbers = pbx.numbers(options.calls, seed=options.seed)
    meter = Meter(pbx.pids)
    before = meter.cpu_s()
    said = await _script(pbx, numbers, options.rate or UNPACED)
    cpu = {**spent(before, meter.cpu_s()), "script": said["cpu_s"]}
    seen = [channel for name, channel in pbx.onlooker.channels.items() if name.startswith(CUSTOMER)]
    return BareReport(
        calls=len(numbers),
        joined=int(said["joined"]),
        refused=int(said["refused"]),
        calls_per_s=round(len(numbers) / said["took_s"], 2),
        answer_to_agent_ms=Percentiles.of(_waits(seen)),
        cpu_s_per_call={
            name: round(value / len(numbers), 5)
            for name, value in {"total": sum(cpu.values()), **cpu}.items()
        },
    )


async def _script(pbx: AsteriskPbx, numbers: Iterable[str], rate: float) -> dict[str, float]:
    asterisk = pbx.asterisk
    process = await asyncio.create_subprocess_exec(
        *guarded(
            [
                *(sys.executable, "-m", "offhook.bench.bare_ari", "--url", asterisk.ari_url),
                *("--user", asterisk.user, "--trunk", TRUNK, "--rate", str(rate)),
                *("--agents", ",".join(f"PJSIP/{name}" for name in asterisk.plan.agents)),
            ]
        ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, PASSWORD_VARIABLE: asterisk.password},
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            said, _ = await process.communicate("\n".join(numbers).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError("the bare script failed; see standard error")
    found: dict[str, float] = json.loads(said)
    return found


def _waits(seen: Iterable[SeenChannel]) -> list[float]:
    return [
        (channel.joined_at - channel.up_at).total_seconds() * 1000
        for channel in seen
        if channel.joined_at and channel.up_at
    ]
