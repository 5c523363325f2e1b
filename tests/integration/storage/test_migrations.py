"""Migrations on a real PostgreSQL: up, down, up, and in step with the tables."""

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from offhook.storage import migrate
from offhook.storage.catalogue import metadata
from offhook.storage.database import Database


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    found: list[Any] = compare_metadata(context, metadata)
    return found


async def tables_of(url: str) -> set[str]:
    async with Database.open(url) as database, database.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {name for (name,) in found} - {"alembic_version"}


async def test_migrated_database_is_what_the_tables_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_checks_of_the_database_are_those_of_the_tables(database: Database) -> None:
    declared = {
        constraint.name
        for table in metadata.tables.values()
        for constraint in table.constraints
        if constraint.__visit_name__ == "table_or_column_check_constraint"
    }
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT conname FROM pg_constraint WHERE contype = 'c'"
            " AND connamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in found} == declared


async def test_migrations_go_up_down_and_up_again(postgres_url: str) -> None:
    await migrate.upgrade(postgres_url)
    assert await tables_of(postgres_url) == set(metadata.tables)
    await migrate.downgrade(postgres_url, revision="base")
    assert await tables_of(postgres_url) == set()
    await migrate.upgrade(postgres_url)
    assert await migrate.current(postgres_url) == migrate.newest()


async def test_processes_that_start_together_migrate_once(postgres_url: str) -> None:
    await asyncio.gather(*(migrate.upgrade(postgres_url) for _ in range(3)))
    assert await migrate.current(postgres_url) == migrate.newest()


async def test_empty_database_has_no_revision(postgres_url: str) -> None:
    assert await migrate.current(postgres_url) is None
