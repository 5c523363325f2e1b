"""A run is run once: a key that was ever used starts nothing again."""

import pytest

from dialer.model import CampaignId, CampaignPhase
from dialer.rejections import CampaignUnknown
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from tests.support.builders import NOW, Rows, at


@pytest.fixture
def records(database: Database) -> PostgresCampaignRecords:
    return PostgresCampaignRecords(database)


async def run(
    records: PostgresCampaignRecords,
    campaign: CampaignId,
    key: str,
    phase: CampaignPhase | None = CampaignPhase.completed,
) -> CampaignPhase | None:
    """Begin a run and end it as told; how it had ended if it was run before."""
    begun = await records.begin(campaign, run_key=key, now=NOW)
    if begun.ended is None and phase is not None:
        await records.set_phase(campaign, phase=phase, reason="", now=at(60))
    return begun.ended


async def test_run_is_not_begun_again_when_another_ran_since(
    records: PostgresCampaignRecords, rows: Rows
) -> None:
    campaign = await rows.campaign()
    assert await run(records, campaign, "monday") is None
    assert await run(records, campaign, "tuesday", CampaignPhase.stopped) is None
    assert await run(records, campaign, "monday") is CampaignPhase.completed
    assert await run(records, campaign, "tuesday") is CampaignPhase.stopped
    assert await records.ended_run(campaign, "monday") is CampaignPhase.completed
    assert await records.ended_run(campaign, "wednesday") is None


async def test_newest_run_may_be_begun_again_when_it_failed_or_nobody_wrote_its_end(
    records: PostgresCampaignRecords, rows: Rows
) -> None:
    campaign = await rows.campaign()
    assert await run(records, campaign, "monday", None) is None
    assert await run(records, campaign, "monday", CampaignPhase.failed) is None
    assert await run(records, campaign, "monday") is None
    assert await run(records, campaign, "monday") is CampaignPhase.completed


async def test_run_without_an_end_is_given_up_when_another_begins(
    records: PostgresCampaignRecords, rows: Rows
) -> None:
    campaign = await rows.campaign()
    await run(records, campaign, "monday", None)
    await run(records, campaign, "tuesday", None)
    assert await run(records, campaign, "monday") is CampaignPhase.stopped


async def test_same_key_may_be_used_by_two_campaigns(
    records: PostgresCampaignRecords, rows: Rows
) -> None:
    first, second = await rows.campaign("c1"), await rows.campaign("c2")
    assert await run(records, first, "monday") is None
    assert await run(records, second, "monday") is None


async def test_repeated_begin_keeps_when_the_run_began(
    records: PostgresCampaignRecords, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign()
    await records.begin(campaign, run_key="monday", now=NOW)
    await records.begin(campaign, run_key="monday", now=at(600))
    assert (await CampaignViews(database).find(campaign)).started_at == NOW


async def test_unknown_campaign_has_no_runs(records: PostgresCampaignRecords) -> None:
    with pytest.raises(CampaignUnknown):
        await records.begin(CampaignId("nobody"), run_key="monday", now=NOW)
