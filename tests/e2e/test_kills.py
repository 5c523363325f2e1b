"""Parts are killed while a campaign dials: nobody is called twice, forgotten or left waiting."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.model import CampaignPhase
from offhook.home import Home
from tests.support.kills import Blow, KilledCampaign, killed_campaign

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

GONE = timedelta(seconds=30)


def assert_unharmed(campaign: KilledCampaign, blows: Sequence[Blow]) -> None:
    """Every blow was dealt, and neither customers nor records show any of them."""
    assert [hit.blow for hit in campaign.blows] == list(blows)
    assert all(hit.in_flight for hit in campaign.blows)
    assert campaign.phase is CampaignPhase.completed
    assert campaign.verdict.double_dialed == 0
    assert campaign.lost == 0
    assert campaign.verdict.stranded == 0
    assert campaign.verdict.mismatches == ()
    assert campaign.journal_entries > 0
    assert campaign.differences == 0


async def test_campaign_goes_on_when_each_part_is_killed(tmp_path: Path) -> None:
    blows = [
        Blow(parts=(part,)) for part in ("worker", "links", "api", "temporal", "postgres", "worker")
    ]
    campaign = await killed_campaign(Home(tmp_path / "home"), blows, contacts=100)
    assert_unharmed(campaign, blows)


async def test_campaign_goes_on_when_parts_are_gone_for_half_a_minute(tmp_path: Path) -> None:
    blows = [
        Blow(parts=("links", "temporal"), away=GONE),
        Blow(parts=("worker", "postgres", "api"), away=GONE),
    ]
    campaign = await killed_campaign(Home(tmp_path / "home"), blows, contacts=60)
    assert_unharmed(campaign, blows)
