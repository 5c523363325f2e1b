"""SIPp as the people who are called, and as the agents who call them."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from offhook.errors import OffhookError
from offhook.launch import guarded
from offhook.pbx import scenario
from offhook.pbx.configuration import HOST, Phone, Plan
from offhook.pbx.install import Installed
from offhook.pbx.media import make_media
from offhook.pbx.record import CalledCall, read_record

_PEOPLE_MEDIA, _AGENTS_MEDIA = 30_000, 10_000
_SETTLE_S = 0.3
_STOP_S = 2.0
_REGISTER_S = 10.0
_MOST_CALLS = "6000"


class SippFailed(OffhookError):
    """SIPp did not start, or a telephone could not register."""

    code = "pbx_sipp_failed"


@dataclass
class SippProcess:
    """One SIPp in its folder."""

    installed: Installed
    folder: Path
    name: str
    port: int
    media_port: int
    detached: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id; `SippFailed` when it isn't running."""
        if self._process is None:
            raise SippFailed(f"{self.name} are not there", hint="start them")
        return self._process.pid

    @property
    def log(self) -> Path:
        """What it says of each call."""
        return self.folder / f"{self.name}.log"

    async def start(self, content: str) -> None:
        """Serve the scenario `content`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.name}.xml"
        path.write_text(content)
        command = self.installed.command(
            "sipp", "-sf", path, "-i", HOST, "-p", str(self.port), "-mi", HOST,
            "-mp", str(self.media_port), "-nostdin", "-l", _MOST_CALLS, "-trace_logs",
            "-log_file", self.log, "-trace_err", "-error_file", self.folder / f"{self.name}.errors",
        )  # fmt: skip
        with (self.folder / f"{self.name}.screen").open("wb") as screen:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                command if self.detached else guarded(command),
                cwd=self.folder,
                env={**os.environ, "TERM": "dumb"},
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=self.detached,
            )
        await asyncio.sleep(_SETTLE_S)
        if self._process.poll() is not None:
            raise SippFailed(
                f"SIPp as {self.name} ended at once: {self._last_words()}",
                hint=f"read {self.folder}/{self.name}.screen",
            )

    def _last_words(self) -> str:
        text = (self.folder / f"{self.name}.screen").read_text(errors="replace").strip()
        return text[-300:]

    async def stop(self) -> None:
        """End it at once; SIPp would wait for its calls."""
        process, self._process = self._process, None
        if process is None:
            return
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                process.send_signal(sent)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _STOP_S)
                return


@dataclass
class People:
    """Those at the other ends: called people, and agents' telephones."""

    called: SippProcess
    agents: SippProcess
    plan: Plan

    def calls(self) -> Sequence[CalledCall]:
        """What the called people say happened, oldest first."""
        return read_record(self.called.log)

    def agent_calls(self) -> Sequence[CalledCall]:
        """What the agents' telephones say happened."""
        return read_record(self.agents.log)

    async def start(self, *, agents_speak: bool = False) -> None:
        """Take calls from now on."""
        media = await asyncio.to_thread(make_media, self.called.installed)
        await self.called.start(scenario.people(self.called.installed, media))
        await self.agents.start(scenario.agents(media if agents_speak else None))

    async def register(self, phone: Phone, *, seconds: int = 3600) -> None:
        """Register an agent's telephone, which then answers as those with fixed addresses do."""
        path = self.agents.folder / f"register-{phone.name}.xml"
        path.touch(mode=0o600)
        path.write_text(
            scenario.register(phone.name, phone.password, self.plan.agents_port, seconds)
        )
        process = await asyncio.create_subprocess_exec(
            *self.agents.installed.command(
                "sipp", f"{HOST}:{self.plan.sip_port}", "-sf", path, "-i", HOST, "-m", "1",
                "-nostdin", "-timeout", f"{_REGISTER_S:.0f}s", "-timeout_error",
            ),
            cwd=self.agents.folder,
            env={**os.environ, "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if await process.wait() != 0:
            raise SippFailed(
                f"the telephone {phone.name} could not register",
                hint="see `pjsip show endpoints` on the private Asterisk's command line",
            )

    async def stop(self) -> None:
        """Take no more calls."""
        await self.called.stop()
        await self.agents.stop()


def gather(installed: Installed, plan: Plan, *, detached: bool = False) -> People:
    """The people and agents of a plan; nobody answers yet."""
    folder = plan.run / "people"
    return People(
        called=SippProcess(
            installed=installed, folder=folder, name="people", port=plan.carrier_port,
            media_port=_PEOPLE_MEDIA, detached=detached,
        ),
        agents=SippProcess(
            installed=installed, folder=folder, name="agents", port=plan.agents_port,
            media_port=_AGENTS_MEDIA, detached=detached,
        ),
        plan=plan,
    )  # fmt: skip


@asynccontextmanager
async def people_of(
    installed: Installed, plan: Plan, *, agents_speak: bool = False
) -> AsyncIterator[People]:
    """Called people and agents for the length of the block."""
    found = gather(installed, plan)
    try:
        await found.start(agents_speak=agents_speak)
        yield found
    finally:
        await found.stop()
