"""A desk of PINs over a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from offhook.storage.pool import Pool, open_pool
from tests.support.pins import PinDesk, cheap_stretcher


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Plain connections to the test's database."""
    pool = await open_pool(database_url, size=20)
    yield pool
    await pool.close()


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[PinDesk]:
    """A desk with the default policy and nobody enrolled."""
    with cheap_stretcher() as stretcher:
        desk = PinDesk(pool, stretcher)
        await desk.office.policy("default")
        yield desk
