"""The PBX of a rehearsal, and the simulated one: a process that shares only the wire with us."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict

from dialer.model import SwitchId
from offhook.demo.contacts import some_numbers
from offhook.demo.truth import RecordedCall
from offhook.errors import OffhookError
from offhook.launch import guarded
from offhook.switches.registry import Family, SwitchConfig

_START_S = 30.0
_STOP_S = 10.0


class SimulatorFailed(OffhookError):
    """The simulated PBX did not come up."""

    code = "simulator_failed"


class StagePbx(Protocol):
    """A PBX to rehearse on, whatever it is: what it is called with, and what it says happened."""

    @property
    def pids(self) -> Mapping[str, int]:
        """Its processes by name; each stands for those below it."""
        ...

    def config(self, switch: SwitchId) -> SwitchConfig:
        """What a person would say with `offhook switch add`."""
        ...

    def numbers(self, count: int, *, seed: int) -> Sequence[str]:
        """That many people of this PBX's population, in E.164."""
        ...

    async def send_events_to(self, url: str) -> None:
        """Tell every event to `url` from now on, where this kind of PBX delivers them."""
        ...

    async def calls(self) -> Sequence[RecordedCall]:
        """The other side's own record of calls to people, oldest first."""
        ...


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
        self.pids = {"simulator": pid}
        self._control = control

    def config(self, switch: SwitchId) -> SwitchConfig:
        """What a person would say with `offhook switch add voispeed`."""
        return SwitchConfig(
            switch_id=switch,
            family=Family.voispeed,
            name=switch,
            settings={
                "base_url": self.said.url,
                "reception_ivr": self.said.ivrs["reception"],
                "hold_ivr": self.said.ivrs["hold"],
                "message_ivr": self.said.ivrs["message"],
                "allow": ["127.0.0.0/8"],
            },
            secret=self.token,
            hook_secret=secrets.token_urlsafe(24),
        )

    def numbers(self, count: int, *, seed: int) -> Sequence[str]:
        """Anybody: who they are is for the simulator to say."""
        return some_numbers(count, seed=seed)

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
