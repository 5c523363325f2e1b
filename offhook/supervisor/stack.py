"""A whole local stack as one block of code: embedded parts, schema, our own processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import structlog

from offhook.errors import MigrationFailed, PortTaken, StackAlreadyRunning
from offhook.home import Home, Stack
from offhook.settings import Settings
from offhook.storage.database import asyncpg_dsn
from offhook.storage.embedded import DATABASE, EmbeddedPostgres
from offhook.supervisor.parts import (
    ALL_PARTS,
    PROCESSES,
    postgres_part,
    process_address,
    process_part,
    temporal_part,
)
from offhook.supervisor.ports import PortClaims, choose_ports
from offhook.supervisor.supervisor import Backoff, PartEvent, Supervisor
from offhook.temporal.embedded import PORTS, EmbeddedTemporal

log = structlog.get_logger()

_LEFTOVER_PATIENCE_S = 10.0
PORT_TRIES = 3
"""Starts before a stack gives up whose ports others take between the choice and the start."""


@dataclass
class RunningStack:
    """A stack that runs as children of this process; `running_stack` makes it."""

    home: Home
    settings: Settings
    """The settings that the parts got: ports are the ones in use."""
    database_url: str | None
    temporal_address: str | None
    supervisor: Supervisor
    _described: Stack

    @property
    def stack(self) -> Stack:
        """The stack as other commands see it, as of now."""
        return self._described.model_copy(update={"parts": self.supervisor.statuses()})

    @property
    def events(self) -> list[PartEvent]:
        """Everything that happened to the parts."""
        return self.supervisor.events

    def pid(self, name: str) -> int:
        """The process id of a part."""
        return self.supervisor.pid(name)

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> int:
        """Kill a part, which is then started again; returns the id that it had."""
        return self.supervisor.kill(name, sign)

    def hold(self, name: str) -> None:
        """Leave a part down, once its process has ended, until it is released."""
        self.supervisor.hold(name)

    def release(self, name: str) -> None:
        """Start a part that was held down."""
        self.supervisor.release(name)

    def restarts(self, name: str) -> int:
        """How often a part was started again."""
        return self.supervisor.restarts(name)

    async def wait_ready(self, name: str, *, not_pid: int | None = None) -> int:
        """Wait until a part serves, as another process than `not_pid`; returns its process id."""
        return await self.supervisor.wait_ready(name, not_pid=not_pid)


@asynccontextmanager
async def running_stack(
    home: Home | Path,
    settings: Settings,
    *,
    parts: Collection[str] = ALL_PARTS,
    on_event: Callable[[PartEvent], None] | None = None,
    backoff: Backoff | None = None,
) -> AsyncIterator[RunningStack]:
    """Run `parts` for the length of the block; they end with it, however it ends.

    Parts that the settings place elsewhere are not started. The database is migrated before the
    first of offhook's own processes starts. Raises `StackAlreadyRunning` when the home has a
    supervisor.
    """
    place = (home if isinstance(home, Home) else Home(home)).ensure()
    with place.locked() as ours:
        if not ours:
            raise StackAlreadyRunning(place.path)
        last = Stack.last(place)
        if last is not None:
            await asyncio.to_thread(_end_leftovers, last)
        wanted, tries = frozenset(parts), PORT_TRIES
        while True:
            claims = PortClaims()
            stack = _assemble(place, settings, wanted, last, claims, on_event, backoff)
            tries -= 1
            try:
                try:
                    await _start(stack, wanted)
                except PortTaken as error:
                    if not tries:
                        raise
                    log.warning("ports_chosen_again", error=str(error))
                    continue
                yield stack
                return
            finally:
                await _finish(stack.supervisor.stop())
                claims.give_back()
                place.write_stack(stack.stack)
                if "postgres" in parts and (postgres := _postgres(place, stack.settings)):
                    postgres.tidy()


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` to its end even when cancelled: an impatient Ctrl-C must leave nothing running."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _assemble(
    home: Home,
    settings: Settings,
    parts: frozenset[str],
    last: Stack | None,
    claims: PortClaims,
    on_event: Callable[[PartEvent], None] | None,
    backoff: Backoff | None,
) -> RunningStack:
    """Choose ports and write down where everything will be, before anything runs."""
    ports = choose_ports(
        (*PORTS, *PROCESSES),
        preferred={
            "api": settings.api.port,
            "links": settings.links.port,
            "worker": settings.worker.health_port,
        },
        remembered=last.ports if last else {},
        may_have=claims.claim,
    )
    own = _with_ports(settings, home, ports)
    postgres = _postgres(home, own) if "postgres" in parts else None
    temporal = _temporal(home, own, ports) if "temporal" in parts else None
    described = _describe(home, own, parts, ports, postgres, temporal)

    def changed(event: PartEvent) -> None:
        home.write_stack(stack.stack)
        if on_event is not None:
            on_event(event)

    external = own.database.url.get_secret_value() if own.database.url else None
    stack = RunningStack(
        home=home,
        settings=own,
        database_url=postgres.url() if postgres else external,
        temporal_address=temporal.address if temporal else own.temporal.address,
        supervisor=Supervisor(home.logs, on_change=changed, backoff=backoff),
        _described=described,
    )
    home.write_stack(described)
    return stack


def _describe(
    home: Home,
    settings: Settings,
    parts: frozenset[str],
    ports: dict[str, int],
    postgres: EmbeddedPostgres | None,
    temporal: EmbeddedTemporal | None,
) -> Stack:
    """What other commands need to know to find the parts."""
    urls = {
        name: "http://{}:{}".format(*process_address(name, settings))
        for name in PROCESSES
        if name in parts
    }
    return Stack(
        home=home.path,
        supervisor_pid=os.getpid(),
        started_at=datetime.now(UTC),
        ports=ports,
        embedded_database_url=postgres.url() if postgres else None,
        embedded_temporal_address=temporal.address if temporal else None,
        temporal_ui_url=temporal.ui_url if temporal else None,
        api_url=urls.get("api"),
        console_url=urls.get("api") if settings.api.console else None,
        links_url=urls.get("links"),
        worker_url=urls.get("worker"),
    )


def _with_ports(settings: Settings, home: Home, ports: Mapping[str, int]) -> Settings:
    return settings.model_copy(
        update={
            "home": home.path,
            "api": settings.api.model_copy(update={"port": ports["api"]}),
            "links": settings.links.model_copy(update={"port": ports["links"]}),
            "worker": settings.worker.model_copy(update={"health_port": ports["worker"]}),
        }
    )


def _postgres(home: Home, settings: Settings) -> EmbeddedPostgres | None:
    if settings.database.url is not None:
        return None
    return EmbeddedPostgres(
        home.postgres,
        durable=settings.database.embedded_sync,
        user=settings.database.embedded_user,
    )


def _temporal(home: Home, settings: Settings, ports: Mapping[str, int]) -> EmbeddedTemporal | None:
    if settings.temporal.address is not None:
        return None
    return EmbeddedTemporal(
        home.temporal / "temporal.db",
        ports={name: ports[name] for name in PORTS},
        namespace=settings.temporal.namespace,
    )


async def _start(stack: RunningStack, parts: frozenset[str]) -> None:
    """Services side by side, then the schema, then our own processes side by side."""
    supervisor, settings = stack.supervisor, stack.settings
    specs = []
    if "postgres" in parts and (postgres := _postgres(stack.home, settings)):
        specs.append(postgres_part(postgres))
    ports = stack.stack.ports
    if "temporal" in parts and (temporal := _temporal(stack.home, settings, ports)):
        specs.append(temporal_part(temporal))
    await supervisor.start(*specs)
    if stack.database_url is not None:
        if stack.stack.embedded_database_url is not None:
            await _ensure_database(stack.database_url)
        await _migrate(stack.database_url)
    own = [process_part(name, settings, stack.home) for name in PROCESSES if name in parts]
    await supervisor.start(*own)


async def _ensure_database(url: str) -> None:
    """Create the embedded server's database when this is its first start."""
    connection = await asyncpg.connect(
        asyncpg_dsn(url.replace(f"/{DATABASE}?", "/postgres?")), timeout=30
    )
    try:
        there = "SELECT true FROM pg_database WHERE datname = $1"
        if not await connection.fetchval(there, DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    """Bring the schema up to this version."""
    # Imported here: Alembic is slow to import and only a starting stack needs it.
    from offhook.storage import migrate

    try:
        await migrate.upgrade(url)
    except Exception as error:
        raise MigrationFailed(
            f"the database could not be migrated: {error}",
            hint="nothing was started; restore the database or install the version that made it",
        ) from error


def _end_leftovers(last: Stack) -> None:
    """End what a killed supervisor left behind where the kernel doesn't do it, and wait for it.

    Process ids are used again, so a process counts as ours only if it also started when ours did.
    """
    found = []
    for part in last.parts.values():
        if part.pid is None or part.process_started is None:
            continue
        with suppress(psutil.Error):
            process = psutil.Process(part.pid)
            if abs(process.create_time() - part.process_started) < 1:
                found.append(process)
                log.warning("leftover_process", part=part.name, pid=part.pid)
                process.send_signal(signal.SIGINT if part.name == "postgres" else signal.SIGTERM)
    _gone, alive = psutil.wait_procs(found, timeout=_LEFTOVER_PATIENCE_S)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=_LEFTOVER_PATIENCE_S)
