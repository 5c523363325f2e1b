"""The embedded PostgreSQL and Temporal: start, survive a kill, come back with their data."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from offhook.errors import EmbeddedPostgresError
from offhook.storage.database import Database, Listener, asyncpg_dsn
from offhook.storage.embedded import EmbeddedPostgres
from tests.support.stack import TemporalDev


async def _run(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(asyncpg_dsn(server.url("postgres")))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _started(server: EmbeddedPostgres) -> asyncio.subprocess.Process:
    server.prepare()
    process = await asyncio.create_subprocess_exec(
        *server.command(), stderr=asyncio.subprocess.DEVNULL
    )
    while not server.is_ready(process.pid):
        assert process.returncode is None
        await asyncio.sleep(0.02)
    return process


@pytest.mark.parametrize("durable", [True, False])
async def test_embedded_postgres_keeps_its_data_when_killed_and_started_again(
    tmp_path: Path, durable: bool
) -> None:
    server = EmbeddedPostgres(tmp_path / "data", durable=durable)
    process = await _started(server)
    await _run(server, "CREATE TABLE kept (n int)")
    await _run(server, "INSERT INTO kept VALUES (42)")
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert (server.data / "postmaster.pid").exists()

    with server.running():
        assert await _run(server, "SELECT n FROM kept") == 42


async def test_embedded_postgres_ignores_a_lock_when_its_process_id_is_now_another_process(
    tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(tmp_path / "data", durable=False)
    with server.running():
        lock = (server.data / "postmaster.pid").read_text()
    stale = server.data / "postmaster.pid"
    stale.write_text("\n".join([str(os.getppid()), *lock.splitlines()[1:]]) + "\n")

    with server.running():
        assert await _run(server, "SELECT 1") == 1


async def test_embedded_postgres_is_durable_unless_told_otherwise(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data").running() as server:
        shown = [await _run(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
    assert shown == ["on", "on"]


def test_embedded_postgres_moves_its_socket_when_the_path_is_too_long(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("long" * 25) / "data", durable=False)
    server.data.parent.mkdir()
    with server.running():
        assert asyncio.run(_run(server, "SELECT 1")) == 1
    assert server.socket_dir.parent != server.data.parent


def test_embedded_postgres_refuses_data_of_another_version(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 9") as refused:
        EmbeddedPostgres(data).prepare()
    assert "pg_dump" in str(refused.value.hint)


async def test_listener_yields_gap_first_and_then_what_was_notified(postgres_url: str) -> None:
    async with Listener(postgres_url, "inbox") as notifications, Database.open(postgres_url) as db:
        first = await anext(notifications)
        async with db.engine.connect() as connection:
            await connection.exec_driver_sql("NOTIFY inbox, 'seven'")
            await connection.commit()
        second = await anext(notifications)
    assert (first.gap, second.gap, second.payload) == (True, False, "seven")


async def test_listener_comes_back_and_reports_gap_when_its_connection_is_cut(
    postgres_url: str,
) -> None:
    async with Listener(postgres_url, "inbox") as notifications, Database.open(postgres_url) as db:
        await anext(notifications)
        async with db.engine.connect() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        again = await anext(notifications)
    assert again.gap


async def test_database_replaces_connections_that_were_cut(postgres_url: str) -> None:
    async with Database.open(postgres_url, pool_size=2) as db, Database.open(postgres_url) as other:
        async with db.transaction() as session:
            await session.connection()
        async with other.engine.connect() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        async with db.transaction() as session:
            connection = await session.connection()
            assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1


async def test_embedded_temporal_serves_its_namespace(temporal_dev: TemporalDev) -> None:
    client = await Client.connect(temporal_dev.address, namespace=temporal_dev.namespace)
    assert await client.service_client.check_health()


async def test_time_skipping_server_starts_without_a_download(
    time_skipping: WorkflowEnvironment,
) -> None:
    assert time_skipping.supports_time_skipping
