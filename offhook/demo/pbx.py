"""A simulated PBX as a process of its own: it shares nothing with what it tests but the wire."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

from offhook.demo.truth import RecordedCall
from offhook.errors import OffhookError
from offhook.launch import guarded

_START_S = 30.0
_STOP_S = 10.0


class SimulatorFailed(OffhookError):
    """The simulated PBX did not come up."""

    code = "simulator_failed"


class Announcement(BaseModel):
    """What a simulator prints when it serves."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    control_url: str
    users: tuple[str, ...]
    gateways: tuple[str, ...]
    ivrs: Mapping[str, str]


class SimulatedPbx:
    """A running simulator and its control plane."""

    def __init__(
        self, said: Announcement, control: httpx.AsyncClient, *, token: str, pid: int
    ) -> None:
        self.said = said
        self.token = token
        self.pid = pid
        self._control = control

    async def send_events_to(self, url: str) -> None:
        """Tell every event to `url` from now on."""
        reply = await self._control.post("events-urls", json={"urls": [url]})
        reply.raise_for_status()

    async def calls(self) -> Sequence[RecordedCall]:
        """The PBX's own record of calls to people, oldest first."""
        reply = await self._control.get("record")
        reply.raise_for_status()
        return [
            RecordedCall.model_validate(call)
            for call in reply.json()["calls"]
            if not call["inbound"]
        ]

    async def add_faults(self, *faults: Mapping[str, object]) -> None:
        """Break something; see the simulator's reference for what can be."""
        reply = await self._control.post("faults", json=list(faults))
        reply.raise_for_status()


@asynccontextmanager
async def simulated_pbx(
    *,
    agents: int,
    lines: int,
    seed: int,
    population: Path,
    token: str,
    ring_timeout: timedelta,
    port: int = 0,
) -> AsyncIterator[SimulatedPbx]:
    """Run `offhook simulator voispeed` for the length of the block."""
    command = [
        *(sys.executable, "-m", "offhook", "simulator", "voispeed", "--json"),
        *("--port", str(port), "--agents", str(agents), "--lines", str(lines)),
        *("--ring-timeout", str(ring_timeout.total_seconds())),
        *("--seed", str(seed), "--population", str(population), "--token", token),
    ]
    process = await asyncio.create_subprocess_exec(
        *guarded(command), stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        said = await _announcement(process)
        async with httpx.AsyncClient(base_url=f"{said.control_url}/", timeout=30) as control:
            yield SimulatedPbx(said, control, token=token, pid=process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _announcement(process: asyncio.subprocess.Process) -> Announcement:
    if process.stdout is None:
        raise SimulatorFailed("the simulated PBX has no output", hint="this is a bug; report it")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
        return Announcement.model_validate(json.loads(line))
    except (TimeoutError, ValueError) as error:
        raise SimulatorFailed(
            "the simulated PBX did not start",
            hint="run `offhook simulator voispeed` by hand: it says why",
        ) from error
