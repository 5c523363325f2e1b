"""What a local stack consists of: one function for each part's specification."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

from offhook.health import is_ready
from offhook.home import Home
from offhook.launch import guarded
from offhook.settings import Settings, as_environment
from offhook.storage.embedded import EmbeddedPostgres
from offhook.supervisor.supervisor import PartSpec
from offhook.temporal.embedded import EmbeddedTemporal

EMBEDDED = ("postgres", "temporal")
PROCESSES = ("links", "worker", "api")
ALL_PARTS = frozenset({*EMBEDDED, *PROCESSES})


def postgres_part(server: EmbeddedPostgres) -> PartSpec:
    """The embedded database; stopped by its fast shutdown, which ends clients and loses nothing."""

    async def ready(pid: int) -> bool:
        return server.is_ready(pid)

    return PartSpec(
        name="postgres",
        prepare=server.prepare,
        command=server.command,
        ready=ready,
        start_timeout=timedelta(minutes=5),  # recovery after a crash replays up to 2 GB of log
        stop_signal=signal.SIGINT,
        stop_grace=timedelta(seconds=30),
        folder=Path("/"),
    )


def temporal_part(server: EmbeddedTemporal) -> PartSpec:
    """The embedded Temporal server."""

    async def ready(_pid: int) -> bool:
        return await asyncio.to_thread(server.is_ready)

    return PartSpec(
        name="temporal",
        prepare=server.prepare,
        command=server.command,
        ready=ready,
        url=server.ui_url,
        ports=tuple(server.ports.values()),
    )


def process_part(name: str, settings: Settings, home: Home) -> PartSpec:
    """One of offhook's own processes, which tells its readiness over HTTP."""
    host, port = process_address(name, settings)
    grace = timedelta(seconds=settings.worker.graceful_shutdown_s + 10)

    async def ready(_pid: int) -> bool:
        return await is_ready(host, port)

    return PartSpec(
        name=name,
        command=lambda: guarded([sys.executable, "-m", "offhook", name]),
        ready=ready,
        start_timeout=timedelta(seconds=60),
        stop_grace=grace,
        environment=as_environment(settings) | {"OFFHOOK_HOME": str(home.path)},
        url=f"http://{host}:{port}",
        ports=(port,),
    )


def process_address(name: str, settings: Settings) -> tuple[str, int]:
    """Where one of offhook's own processes serves, as seen from this machine."""
    match name:
        case "api":
            host, port = settings.api.host, settings.api.port
        case "links":
            host, port = settings.links.host, settings.links.port
        case _:
            host, port = settings.worker.health_host, settings.worker.health_port
    return ("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port)  # noqa: S104 - compared only
