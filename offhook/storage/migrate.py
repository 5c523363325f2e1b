"""Brings a database to the schema of this version, or of another one."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from offhook.storage.database import async_url

_LOCK = 0x6F66_686F_6F6B
"""Key of the advisory lock that keeps two starting processes from migrating at once."""


async def upgrade(url: str, *, revision: str = "head") -> None:
    """Apply every migration up to `revision`; nothing happens when they are applied already."""
    await _run(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, *, revision: str) -> None:
    """Take migrations back down to `revision`; `base` leaves no table."""
    await _run(url, lambda config: command.downgrade(config, revision))


async def current(url: str) -> str | None:
    """The revision that the database is at, or None for an empty one."""
    engine = create_async_engine(async_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )
    finally:
        await engine.dispose()


def newest() -> str | None:
    """The revision of this version's schema."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def alembic_config() -> Config:
    """Alembic's settings; there is no ini file, as nothing in it would be for users to change."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


async def _run(url: str, change: Callable[[Config], None]) -> None:
    config = alembic_config()

    def migrate(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        change(config)

    engine = create_async_engine(async_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()
