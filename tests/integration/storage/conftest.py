"""A database with the newest schema, and the adapters over it."""

from collections.abc import AsyncIterator

import pytest

from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import PostgresInbox
from offhook.storage.pool import Pool, open_pool
from tests.support.builders import Rows


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Plain connections to the test's database."""
    pool = await open_pool(database_url, size=20)
    yield pool
    await pool.close()


@pytest.fixture
def store(pool: Pool) -> PostgresDialStore:
    """The dial store under test."""
    return PostgresDialStore(pool)


@pytest.fixture
async def inbox(pool: Pool, database_url: str) -> AsyncIterator[PostgresInbox]:
    """An inbox that listens."""
    async with PostgresInbox(pool, database_url) as inbox:
        yield inbox


@pytest.fixture
async def rows(database: Database) -> Rows:
    """Builder of rows, with a switch already there."""
    rows = Rows(database)
    await rows.switch()
    return rows
