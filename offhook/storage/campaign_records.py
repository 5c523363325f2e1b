"""Campaigns as their workflows and the commands see them, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.contracts import CampaignBegun
from activities.ports import StoreUnavailable
from dialer.model import CampaignId, CampaignPhase, CampaignSettings
from dialer.rejections import CampaignUnknown, require_mode
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.tables import campaigns
from offhook.switches.registry import open_switch

DONE = (CampaignPhase.completed, CampaignPhase.stopped)
"""Phases after which the same run is not begun again; a failed one may be, once mended."""
ENDED = (*DONE, CampaignPhase.failed)


@dataclass(frozen=True)
class PostgresCampaignRecords:
    """Implements `activities.campaigns.CampaignRecords`."""

    database: Database

    async def begin(self, campaign: CampaignId, *, run_key: str, now: datetime) -> CampaignBegun:
        """Note that a run begins, unless the newest run has this key and has ended."""
        # The column is unique over all campaigns, a key only within its own.
        key = f"{campaign}/{run_key}"
        async with store_session(self.database) as session:
            row = (
                await session.execute(
                    select(
                        campaigns.c.settings,
                        campaigns.c.version,
                        campaigns.c.phase,
                        campaigns.c.run_key,
                    )
                    .where(campaigns.c.id == campaign)
                    .with_for_update()
                )
            ).one_or_none()
            if row is None:
                raise CampaignUnknown(campaign)
            phase = CampaignPhase(row.phase)
            ended = phase if row.run_key == key and phase in DONE else None
            if ended is None:
                await session.execute(
                    update(campaigns)
                    .where(campaigns.c.id == campaign)
                    .values(
                        run_key=key,
                        phase=CampaignPhase.scheduled,
                        phase_reason="",
                        started_at=case(
                            (campaigns.c.run_key == key, campaigns.c.started_at), else_=now
                        ),
                        ended_at=None,
                    )
                )
        return CampaignBegun(
            settings=CampaignSettings.model_validate(row.settings),
            settings_version=row.version,
            ended=ended,
        )

    async def set_phase(
        self, campaign: CampaignId, *, phase: CampaignPhase, reason: str, now: datetime
    ) -> None:
        """Note where the campaign stands."""
        async with store_session(self.database) as session:
            await session.execute(
                update(campaigns)
                .where(campaigns.c.id == campaign)
                .values(phase=phase, phase_reason=reason, ended_at=now if phase in ENDED else None)
            )

    async def save_settings(
        self, campaign: CampaignId, *, settings: CampaignSettings, version: int, now: datetime
    ) -> None:
        """Store the settings unless newer ones are; refuse a mode that the switch can't do."""
        await self.require_mode(settings)
        async with store_session(self.database) as session:
            await session.execute(
                update(campaigns)
                .where(campaigns.c.id == campaign, campaigns.c.version < version)
                .values(
                    settings=settings.model_dump(mode="json"), name=settings.name, version=version
                )
            )

    async def require_mode(self, settings: CampaignSettings) -> None:
        """Raise `ModeNotPossible` unless the settings' switch can dial in their mode."""
        adapter = open_switch(await LinkStore(self.database).get(settings.switch)).adapter
        way = adapter.capabilities.way
        await adapter.aclose()
        require_mode(settings.mode, switch=settings.switch, way=way)


@asynccontextmanager
async def store_session(database: Database) -> AsyncIterator[AsyncSession]:
    """One transaction; a database that is away raises `StoreUnavailable`."""
    try:
        async with database.transaction() as session:
            yield session
    except (OSError, TimeoutError, InterfaceError, OperationalError) as error:
        raise StoreUnavailable(f"{type(error).__name__}: the database is away") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(f"{type(error).__name__}: the database is away") from error
        raise
