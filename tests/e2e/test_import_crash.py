"""A worker killed in the middle of an import: the next one ends it, with every row once."""

import asyncio
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import insert, text

from activities.contracts import ImportInput
from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.settings import load_settings
from offhook.storage import tables
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.supervisor import running_stack
from offhook.temporal.campaigns import CampaignDesk
from offhook.temporal.client import connect
from tests.support.builders import NOW
from tests.support.contacts import contact_rows

ROWS = 20_000
CAMPAIGN = CampaignId("c1")
PARTS = frozenset({"postgres", "temporal", "worker"})
MERGED = text("SELECT COALESCE(max(checkpoint), 0) FROM imports")
LISTED = text("SELECT count(*), count(DISTINCT external_id) FROM contacts")


async def _until_merged(database: Database, batches: int) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.transaction() as session:
                if (
                    await session.scalar(text("SELECT max(checkpoint) FROM imports")) or 0
                ) >= batches:
                    return
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_import_goes_on_with_the_same_rows_when_its_worker_is_killed(tmp_path: Path) -> None:
    settings = load_settings()
    file = tmp_path / "leads.csv"
    file.write_text("".join(contact_rows(ROWS)))
    async with (
        running_stack(settings.home, settings, parts=PARTS) as stack,
        Database.open(stack.database_url or "") as database,
    ):
        async with database.transaction() as session:
            await session.execute(
                insert(tables.switches).values(
                    id="pbx", family="voispeed", name="pbx", created_at=NOW
                )
            )
        wanted = CampaignSettings(name="c1", switch=SwitchId("pbx"))
        await CampaignViews(database).create(CAMPAIGN, wanted, now=NOW)
        desk = CampaignDesk(await connect(stack.settings))
        refused = tmp_path / "refused.csv"
        handle = await desk.start_import(
            ImportInput(
                import_id="i1", campaign_id=CAMPAIGN, ref=str(file), refused_path=str(refused)
            )
        )
        await _until_merged(database, 1)
        children = psutil.Process(stack.pid("worker")).children(recursive=True)
        killed = stack.kill("worker")
        await stack.wait_ready("worker", not_pid=killed)
        with suppress(psutil.NoSuchProcess):
            assert not [child for child in children if child.status() == psutil.STATUS_RUNNING]
        done = (await desk.import_result(handle)).progress
        async with database.transaction() as session:
            stored, distinct = (await session.execute(LISTED)).one()
    assert done.rows == done.imported + done.refused == ROWS
    assert stored == distinct == done.imported
    assert done.duplicates == 0
    assert len(refused.read_text().splitlines()) >= done.refused
