"""The short activities of a campaign: begin a run, and carry out an order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.contracts import BeginCampaign, CampaignBegun, CampaignOrder
from activities.errors import coded_errors
from activities.ports import Inbox, campaign_channel
from dialer.model import CampaignId, CampaignPhase, CampaignSettings


class CampaignRecords(Protocol):
    """The campaigns in the system of record. Raises `StoreUnavailable` as `DialStore` does, and
    `CampaignUnknown` for a campaign that isn't there.
    """

    async def begin(self, campaign: CampaignId, *, run_key: str, now: datetime) -> CampaignBegun:
        """Note that a run begins, unless this run has ended before; safe to repeat."""
        ...

    async def set_phase(
        self,
        campaign: CampaignId,
        *,
        phase: CampaignPhase,
        reason: str,
        now: datetime,
    ) -> None:
        """Note where the campaign stands; a dial activity that starts finds it there."""
        ...

    async def save_settings(
        self, campaign: CampaignId, *, settings: CampaignSettings, version: int, now: datetime
    ) -> None:
        """Store the settings under a version; refuse a mode that the switch can't do. An older
        version than the stored one changes nothing.
        """
        ...


@dataclass(frozen=True)
class CampaignActivities:
    """Keeps the system of record and whoever dials in step with the campaign's workflow."""

    records: CampaignRecords
    inbox: Inbox
    clock: Callable[[], datetime]

    @activity.defn(name="campaigns.begin")
    async def begin_campaign(self, request: BeginCampaign) -> CampaignBegun:
        """Note that a run begins; what its settings are, or how it ended if it was run before."""
        with coded_errors():
            return await self.records.begin(
                request.campaign_id, run_key=request.run_key, now=self.clock()
            )

    @activity.defn(name="campaigns.order")
    async def order_campaign(self, request: CampaignOrder) -> None:
        """Store the state, then post the event: an activity that starts in between reads it."""
        with coded_errors():
            now = self.clock()
            if request.settings is not None:
                await self.records.save_settings(
                    request.campaign_id,
                    settings=request.settings,
                    version=request.settings_version,
                    now=now,
                )
            await self.records.set_phase(
                request.campaign_id,
                phase=request.phase,
                reason=request.reason,
                now=now,
            )
            if request.event is not None:
                await self.inbox.post(
                    campaign_channel(request.campaign_id),
                    event=request.event,
                    key=request.key,
                    now=now,
                )
