"""Campaigns that go on while their PBX fails: each row of the table is one way to fail.

Whatever the fault, the campaign ends by itself, nobody is called twice or left alone, every attempt
has one outcome, and the journal gives the same decisions again. Where the fault doesn't hide what
happened, the outcomes are those of the PBX's own record.

A campaign is mostly waiting, so those that were chosen run a few at a time in one event loop, each
on a PBX, a database and sockets of its own; each test looks at its own.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from tests.integration.faults.rows import ROWS, Row
from tests.support.fault_floor import Told, fault_floor
from tests.support.stack import PostgresServer

AT_ONCE = 7
LIMIT_S = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Campaigns = Mapping[str, "asyncio.Task[Told]"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def campaigns(
    request: pytest.FixtureRequest, postgres: PostgresServer, postgres_template: str
) -> AsyncIterator[Campaigns]:
    """The campaigns of the rows that were chosen, running."""
    names = {
        item.callspec.id
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    }
    chosen = [row for row in ROWS if row.name in names]
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(row: Row) -> Told:
        async with gate:
            url = await postgres.create(template=postgres_template)
            try:
                return await dial(row, url)
            finally:
                await postgres.drop(url)

    tasks = {row.name: asyncio.create_task(run(row)) for row in chosen}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


async def dial(row: Row, url: str) -> Told:
    """The campaign of a row, from its start until it has ended by itself."""
    async with fault_floor(url, **row.floor) as floor:  # type: ignore[arg-type]  # a builder's keyword arguments
        for fault in row.faults:
            floor.simulator.faults.add(fault)
        async with asyncio.timeout(LIMIT_S):
            meddling = asyncio.create_task(row.meddle(floor)) if row.meddle else None
            reason = await floor.stack.dial()
            if meddling is not None:
                await meddling
        return await floor.tell(reason)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_campaign_ends_well_when_its_pbx_fails(row: Row, campaigns: Campaigns) -> None:
    told = await campaigns[row.name]
    assert told.reason == "exhausted"
    assert row.proof(told), told
    assert len({attempt.number for attempt in told.attempts}) == row.contacts
    assert all(attempt.outcome is not None for attempt in told.attempts)
    assert told.judged.double_dialed == 0, told
    assert told.judged.stranded <= row.strands, told
    assert told.judged.unclaimed == 0, told
    assert told.judged.unrecorded == 0, told
    wrong = [
        words
        for words in told.judged.mismatches
        if not any(f"offhook says {blur}," in words for blur in row.blurs)
    ]
    assert wrong == [], told
    assert told.differences == []
