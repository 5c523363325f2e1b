"""Campaigns in paths: found by id or name, and only if whoever asks may see them."""

from typing import Annotated

from fastapi import Depends

from dialer.rejections import CampaignUnknown
from offhook.accounts.principal import Principal
from offhook.accounts.scoping import require_seen
from offhook.api.auth import Who
from offhook.api.requests import Key
from offhook.api.services import Back
from offhook.storage.campaign_views import CampaignRow


async def campaign_seen(campaign: Key, backend: Back, who: Who) -> CampaignRow:
    """The campaign of the path; raises `CampaignUnknown` also for one that is out of scope."""
    return await seen(campaign, backend, who)


async def seen(campaign: str, backend: Back, who: Principal) -> CampaignRow:
    """The campaign of this id or name."""
    row = await backend.campaigns.views.find(campaign)
    require_seen(who, CampaignUnknown(campaign), campaign=row.campaign_id)
    return row


OneCampaign = Annotated[CampaignRow, Depends(campaign_seen)]
