"""Keep child processes running: start, watch, start again, stop in order.

A part that dies is started again at once, and later each time it dies soon after, up to a limit;
it is not given up, because a database that comes back after a minute is worth more than a clean
failure. Only a part that never came up at all fails the start, and one whose port another program
keeps is given up after a while (`PortTaken`). Everything that happens is an event, and is kept.

Children end with the supervisor however that ends: the kernel tells them (see `offhook.launch`).
The kernel watches the *thread* that started them, so a supervisor belongs on a thread that lives
as long as it does.
"""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psutil
import structlog

from offhook.errors import OffhookError, PartDidNotStart, PortTaken, StackError
from offhook.home import PartState, PartStatus
from offhook.supervisor.ports import is_free

log = structlog.get_logger()

_POLL = timedelta(milliseconds=30)
_LOG_LIMIT = 20_000_000
_TAIL_LINES = 8


@dataclass(frozen=True)
class Backoff:
    """How long to wait before starting a part again."""

    first: timedelta = timedelta(milliseconds=100)
    longest: timedelta = timedelta(seconds=10)
    stable_after: timedelta = timedelta(seconds=30)
    """A part that lived this long starts again from the first delay."""
    attempts_to_start: int = 3
    """Deaths before the first readiness that fail the start."""
    attempts_at_port: int = 12
    """Starts that may find a port taken by another program before a part that served is given up:
    with the longest delay about a minute.
    """

    def delay(self, failures: int) -> timedelta:
        """The pause after this many deaths in a row, shortened at random so that parts don't
        march.
        """
        full = min(self.first * 2 ** min(failures - 1, 20), self.longest)
        return timedelta(seconds=full.total_seconds() * random.uniform(0.5, 1.0))


@dataclass(frozen=True)
class PartSpec:
    """How one process is started, known to be ready, and stopped."""

    name: str
    command: Callable[[], Sequence[str]]
    ready: Callable[[int], Awaitable[bool]]
    """Given the process id: whether the process serves."""
    prepare: Callable[[], None] | None = None
    """Blocking work before every start, done in a thread."""
    start_timeout: timedelta = timedelta(seconds=60)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace: timedelta = timedelta(seconds=15)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    url: str | None = None
    ports: Sequence[int] = ()
    """Where it will listen on this machine. Another program there could pass for the part."""


class EventKind(StrEnum):
    """What happened to a part."""

    started = "started"
    ready = "ready"
    died = "died"
    unready = "unready"
    stopped = "stopped"


@dataclass(frozen=True)
class PartEvent:
    """One thing that happened to one part."""

    part: str
    kind: EventKind
    at: datetime
    pid: int
    exit_code: int | None = None
    restart_in: timedelta | None = None


class _Part:
    def __init__(self, spec: PartSpec, log_file: Path) -> None:
        self.spec = spec
        self.log_file = log_file
        self.state = PartState.starting
        self.since = datetime.now(UTC)
        self.process: asyncio.subprocess.Process | None = None
        self.process_started: float | None = None
        self.starts = 0
        self.stopping = False
        self.wanted = asyncio.Event()
        """Unset while the part is held down."""
        self.wanted.set()
        self.changed = asyncio.Condition()
        self.failure: Exception | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        running = self.process is not None and self.process.returncode is None
        return self.process.pid if running and self.process is not None else None


class Supervisor:
    """A set of child processes that are kept running."""

    def __init__(
        self,
        logs: Path,
        *,
        on_change: Callable[[PartEvent], None] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._logs = logs
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._parts: dict[str, _Part] = {}
        self.events: list[PartEvent] = []

    async def start(self, *specs: PartSpec) -> None:
        """Start parts side by side and return when all are ready; else raise `PartDidNotStart`."""
        parts = []
        for spec in specs:
            part = self._parts[spec.name] = _Part(spec, self._logs / f"{spec.name}.log")
            part.task = asyncio.create_task(self._keep(part), name=f"supervise {spec.name}")
            parts.append(part)
        for part in parts:
            await self._wait_ready(part, None)

    async def stop(self) -> None:
        """Stop every part, the one that was started last first."""
        for part in reversed(self._parts.values()):
            await self._stop(part)

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> int:
        """Send a part's process a signal and return the id of the process; it is started again."""
        pid = self.pid(name)
        os.kill(pid, sign)
        return pid

    def hold(self, name: str) -> None:
        """Leave a part down, once its process has ended, until it is released."""
        self._parts[name].wanted.clear()

    def release(self, name: str) -> None:
        """Start a part that was held down; how often it died before is forgotten."""
        self._parts[name].wanted.set()

    def pid(self, name: str) -> int:
        """The id of a part's running process."""
        pid = self._parts[name].pid
        if pid is None:
            raise LookupError(f"part {name} has no running process now")
        return pid

    def restarts(self, name: str) -> int:
        """How often a part was started again."""
        return max(0, self._parts[name].starts - 1)

    async def wait_ready(self, name: str, *, not_pid: int | None = None) -> int:
        """Wait until a part is ready, as another process than `not_pid`; return its process id."""
        await self._wait_ready(self._parts[name], not_pid)
        return self.pid(name)

    def statuses(self) -> dict[str, PartStatus]:
        """Every part as `stack.json` shows it."""
        return {
            name: PartStatus(
                name=name,
                state=part.state,
                pid=part.pid,
                process_started=part.process_started if part.pid else None,
                restarts=self.restarts(name),
                since=part.since,
                url=part.spec.url,
            )
            for name, part in self._parts.items()
        }

    async def _wait_ready(self, part: _Part, not_pid: int | None) -> None:
        def settled() -> bool:
            serves = part.state is PartState.ready and part.pid not in {None, not_pid}
            return serves or part.state is PartState.stopped

        async with part.changed:
            await part.changed.wait_for(settled)
        if part.failure is not None:
            raise part.failure
        if part.state is PartState.stopped:
            raise StackError(f"{part.spec.name} was stopped", hint="start the stack again")

    async def _keep(self, part: _Part) -> None:
        """Start a part and start it again whenever it ends, until it is told to stop."""
        failures, lost, ever_ready = 0, 0, False
        loop = asyncio.get_running_loop()
        while not part.stopping:
            started = loop.time()
            ready = False
            try:
                _need_ports(part.spec)
                lost = 0
                process = await self._spawn(part)
                ready = await self._until_ready(part, process)
                if ready:
                    ever_ready = True
                    await self._note(part, EventKind.ready, PartState.ready)
                code = await process.wait()
            except (OffhookError, OSError) as error:
                lost += isinstance(error, PortTaken)
                if not ever_ready or lost >= self._backoff.attempts_at_port:
                    await self._fail(part, error)
                    return
                log.warning("part_not_started", part=part.spec.name, error=str(error))
                code = -1
            if self._stopping(part):
                return
            lived = timedelta(seconds=loop.time() - started)
            failures = 1 if ready and lived > self._backoff.stable_after else failures + 1
            if not ever_ready and failures >= self._backoff.attempts_to_start:
                await self._fail(part, self._did_not_start(part, code))
                return
            delay = self._backoff.delay(failures)
            await self._note(part, EventKind.died, PartState.backing_off, code, delay)
            await asyncio.sleep(delay.total_seconds())
            if not part.wanted.is_set():
                await part.wanted.wait()
                failures = 0

    async def _spawn(self, part: _Part) -> asyncio.subprocess.Process:
        spec = part.spec
        if spec.prepare is not None:
            await asyncio.to_thread(spec.prepare)
        _make_room(part.log_file)
        with part.log_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *spec.command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **spec.environment},
                cwd=spec.folder,
                # Ctrl-C in the terminal is for the supervisor, which stops the others in order.
                start_new_session=True,
            )
        part.process = process
        part.starts += 1
        with suppress(psutil.Error):
            part.process_started = psutil.Process(process.pid).create_time()
        await self._note(part, EventKind.started, PartState.starting)
        return process

    async def _until_ready(self, part: _Part, process: asyncio.subprocess.Process) -> bool:
        """Whether the process became ready; one that neither does nor ends in time is killed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + part.spec.start_timeout.total_seconds()
        while process.returncode is None and not part.stopping:
            if await part.spec.ready(process.pid):
                return process.returncode is None
            if loop.time() > deadline:
                await self._note(part, EventKind.unready, PartState.starting)
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()
            await asyncio.sleep(_POLL.total_seconds())
        return False

    async def _stop(self, part: _Part) -> None:
        part.stopping = True
        process = part.process
        if process is not None and process.returncode is None:
            async with part.changed:
                part.state = PartState.stopping
            with suppress(ProcessLookupError):
                process.send_signal(part.spec.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), part.spec.stop_grace.total_seconds())
            except TimeoutError:
                log.warning("part_did_not_stop", part=part.spec.name, pid=process.pid)
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()
        if part.task is not None:
            part.task.cancel()
            await asyncio.gather(part.task, return_exceptions=True)
        # The task may have been between two processes, or just past a spawn, when it was cancelled.
        last = part.process
        if last is not None and last is not process and last.returncode is None:
            _signal_group(last.pid, signal.SIGKILL)
            await last.wait()
        code = last.returncode if last is not None else None
        await self._note(part, EventKind.stopped, PartState.stopped, code)

    @staticmethod
    def _stopping(part: _Part) -> bool:
        """Asked through a call, because it changes while the caller waits."""
        return part.stopping

    async def _fail(self, part: _Part, error: Exception) -> None:
        hint = error.hint if isinstance(error, OffhookError) else None
        log.error("part_did_not_start", part=part.spec.name, error=str(error), hint=hint)
        async with part.changed:
            part.state, part.failure = PartState.stopped, error
            part.changed.notify_all()

    async def _note(
        self,
        part: _Part,
        kind: EventKind,
        state: PartState,
        code: int | None = None,
        restart_in: timedelta | None = None,
    ) -> None:
        event = PartEvent(
            part.spec.name,
            kind,
            datetime.now(UTC),
            part.process.pid if part.process else 0,
            code,
            restart_in,
        )
        self.events.append(event)
        level = log.warning if kind in {EventKind.died, EventKind.unready} else log.info
        level(f"part_{kind}", part=event.part, pid=event.pid, exit_code=code)
        async with part.changed:
            part.state, part.since = state, event.at
            part.changed.notify_all()
        if self._on_change is not None:
            self._on_change(event)

    def _did_not_start(self, part: _Part, code: int) -> PartDidNotStart:
        tail = part.log_file.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        said = "\n    ".join(tail) or "it said nothing"
        return PartDidNotStart(
            f"{part.spec.name} ended with code {code} before it was ready:\n    {said}",
            hint=f"read {part.log_file}, then run `offhook doctor`",
        )


def _need_ports(spec: PartSpec) -> None:
    for port in spec.ports:
        if not is_free(port):
            raise PortTaken(spec.name, port)


def _make_room(log_file: Path) -> None:
    """Put a log that has grown long aside; one older log is kept."""
    with suppress(FileNotFoundError):
        if log_file.stat().st_size > _LOG_LIMIT:
            log_file.replace(log_file.with_suffix(".log.1"))


def _signal_group(pid: int, sign: signal.Signals) -> None:
    """Signal a child that wasn't waited for yet, and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sign)
