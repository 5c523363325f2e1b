"""A private Asterisk on the loopback interface: started, asked, killed and started again.

Several run side by side: each has a folder, ports and a password of its own.
"""

import asyncio
import os
import resource
import signal
import subprocess
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from offhook.errors import OffhookError
from offhook.launch import guarded
from offhook.pbx.configuration import (
    HOST,
    Plan,
    agent_names,
    files,
    free_ports,
    phone_names,
)
from offhook.pbx.install import Installed

_READY_S = 20.0
_STOP_S = 3.0
_LOOK_EVERY_S = 0.05
_TAIL_LINES = 5
_FOLDERS = ("etc", "moh", "lib/agi-bin", "db", "keys", "run", "log", "spool/recording",
            "spool/monitor", "spool/tmp")  # fmt: skip
_MOST_FILES = 65_536


class AsteriskFailed(OffhookError):
    """The private Asterisk did not come up, or did not do what it was told."""

    code = "pbx_asterisk_failed"


@dataclass
class RunningAsterisk:
    """An Asterisk that runs from a folder; what a client needs to talk to it."""

    installed: Installed
    plan: Plan
    detached: bool = False
    """Whether it goes on after the process that started it has ended."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def ari_url(self) -> str:
        """Base address of the REST interface."""
        return f"http://{HOST}:{self.plan.http_port}/ari"

    @property
    def user(self) -> str:
        """Who may use ARI."""
        return self.plan.user

    @property
    def password(self) -> str:
        """His password."""
        return self.plan.password

    @property
    def run(self) -> Path:
        """Its configuration, logs, recordings and sockets."""
        return self.plan.run

    @property
    def pid(self) -> int:
        """The process id; `AsteriskFailed` when it isn't running."""
        if self._process is None:
            raise AsteriskFailed("Asterisk is not running", hint="start it")
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until ARI answers."""
        command = self.installed.command("asterisk", "-f", "-C", self.run / "etc/asterisk.conf")
        with (self.run / "log/console").open("ab") as console:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                command if self.detached else guarded(command),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "HOME": str(self.run)},
                start_new_session=self.detached,
            )
        try:
            await self._answers()
        except BaseException:
            await self.stop()
            raise

    async def _answers(self) -> None:
        process = self._process
        with suppress(TimeoutError):
            async with asyncio.timeout(_READY_S), httpx.AsyncClient() as client:
                while process is not None and process.poll() is None:
                    with suppress(httpx.TransportError):
                        reply = await client.get(
                            f"{self.ari_url}/asterisk/info?only=build",
                            auth=(self.user, self.password),
                        )
                        if reply.is_success:
                            return
                    await asyncio.sleep(_LOOK_EVERY_S)
        raise AsteriskFailed(
            f"Asterisk did not start; it said last: {self._last_words()}",
            hint=f"read {self.run}/log/console",
        )

    async def stop(self) -> None:
        """End it: politely, and by force when it doesn't end by itself."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, as a crash would; its calls' other ends are not told."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Crash it and start it again with the same configuration and ports."""
        await self.kill()
        await self.start()

    async def _end(self, first: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for sent in (first, signal.SIGKILL):
            with suppress(ProcessLookupError):
                process.send_signal(sent)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _STOP_S)
                return

    async def cli(self, command: str) -> str:
        """What its command line says to `command`."""
        process = await asyncio.create_subprocess_exec(
            *self.installed.command(
                "asterisk", "-C", self.run / "etc/asterisk.conf", "-rx", command
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise AsteriskFailed(
                f"Asterisk's command line failed: {said.decode(errors='replace').strip()[-200:]}",
                hint=f"read {self.run}/log/console",
            )
        return said.decode(errors="replace")

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = (self.run / "log/console").read_text(errors="replace").splitlines()
            return " / ".join(lines[-_TAIL_LINES:]) or "nothing"
        return "nothing"


def prepare(installed: Installed, plan: Plan, *, detached: bool = False) -> RunningAsterisk:
    """Write the configuration; nothing runs yet."""
    for name in _FOLDERS:
        (plan.run / name).mkdir(parents=True, exist_ok=True)
    plan.run.chmod(0o700)
    for name, content in files(plan, installed).items():
        path = plan.run / "etc" / name
        path.touch(mode=0o600)
        path.write_text(content)
    _write_silence(plan.run / "moh/silence.wav")
    return RunningAsterisk(installed=installed, plan=plan, detached=detached)


def make_plan(run: Path, *, agents: int = 2, phones: int = 0) -> Plan:
    """A plan on ports that are free now; `dataclasses.replace` changes the rest of it."""
    http, sip, carrier, fixed = free_ports("tuuu")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Plan(
        run=run.absolute(),
        http_port=http,
        sip_port=sip,
        carrier_port=carrier,
        agents_port=fixed,
        agents=agent_names(agents),
        phones=phone_names(phones),
        open_files=_MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES),
    )


@asynccontextmanager
async def running_asterisk(installed: Installed, plan: Plan) -> AsyncIterator[RunningAsterisk]:
    """Run an Asterisk for the length of the block."""
    asterisk = prepare(installed, plan)
    await asterisk.start()
    try:
        yield asterisk
    finally:
        await asterisk.stop()


def _write_silence(path: Path) -> None:
    """A second of silence for parked agents: music on hold needs a file."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000))
