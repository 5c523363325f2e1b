"""The real services that tests run against, one PostgreSQL and one Temporal per session."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg

from offhook.storage import migrate
from offhook.storage.database import asyncpg_dsn
from offhook.storage.embedded import EmbeddedPostgres
from offhook.temporal.embedded import PORTS, EmbeddedTemporal

TEMPLATE = "template_offhook"
NAMESPACE = "offhook"


@dataclass(frozen=True)
class PostgresServer:
    """A running server; databases are made and dropped in it."""

    embedded: EmbeddedPostgres

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one database."""
        return self.embedded.url(database)

    async def create(self, *, template: str | None = None) -> str:
        """Make a database and return its URL."""
        name = f"test_{uuid4().hex}"
        await self.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}" STRATEGY FILE_COPY'
        )
        return self.url(name)

    async def drop(self, url: str) -> None:
        """Drop the database of `url`, whoever is still connected."""
        name = url.split("?")[0].rsplit("/", 1)[1]
        await self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        connection = await asyncpg.connect(asyncpg_dsn(self.url()))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@dataclass(frozen=True)
class TemporalDev:
    """A running development server."""

    address: str
    namespace: str


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL without syncing, in a folder that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="offhook-pg-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder) / "data", durable=False).running() as embedded,
    ):
        yield PostgresServer(embedded)


def make_template(server: PostgresServer) -> None:
    """Make the database that every test's own is copied from, with the newest schema."""
    asyncio.run(server.execute(f'CREATE DATABASE "{TEMPLATE}" TEMPLATE template0'))
    asyncio.run(migrate.upgrade(server.url(TEMPLATE)))


@contextmanager
def temporal_server() -> Iterator[TemporalDev]:
    """A Temporal development server without UI, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="offhook-temporal-", ignore_cleanup_errors=True) as at:
        folder = Path(at)
        server = EmbeddedTemporal(
            folder / "temporal.db", ports=free_ports(*PORTS), namespace=NAMESPACE, ui=False
        )
        server.prepare()
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                server.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            deadline = time.monotonic() + 60
            while not server.is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no Temporal server: {(folder / 'log').read_text()}")
                time.sleep(0.05)
            yield TemporalDev(server.address, server.namespace)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def free_ports(*names: str) -> dict[str, int]:
    """Ports of the loopback interface that nobody listens on, by name."""
    sockets = {name: socket.socket() for name in names}
    try:
        for opened in sockets.values():
            opened.bind(("127.0.0.1", 0))
        return {name: opened.getsockname()[1] for name, opened in sockets.items()}
    finally:
        for opened in sockets.values():
            opened.close()


def time_skipping_server() -> str:
    """Path of the time-skipping test server; the SDK must never download one."""
    path = Path(sys.executable).with_name("temporal-test-server")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; install the development dependencies")
    return str(path)


def in_ci() -> bool:
    """Whether a missing service is a failure rather than a reason to skip."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}
