"""Campaigns as their workflows and the commands see them, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from activities.contracts import CampaignBegun
from activities.ports import StoreUnavailable
from dialer.compliance.binding import require_message
from dialer.model import CampaignId, CampaignPhase, CampaignSettings
from dialer.rejections import CampaignUnknown, require_media, require_mode
from offhook.storage.database import Database
from offhook.storage.fact_log import Noted, note
from offhook.storage.link_store import LinkStore
from offhook.storage.tables import campaign_runs, campaigns
from offhook.switches.registry import open_switch

DONE = (CampaignPhase.completed, CampaignPhase.stopped)
"""Phases after which the same run is not begun again; a failed one may be, once mended."""
ENDED = (*DONE, CampaignPhase.failed)


@dataclass(frozen=True)
class PostgresCampaignRecords:
    """Implements `activities.campaigns.CampaignRecords`."""

    database: Database

    async def begin(self, campaign: CampaignId, *, run_key: str, now: datetime) -> CampaignBegun:
        """Note that a run begins, unless it has ended, or another has begun after it.

        A run that failed may be begun again once what was wrong is mended.
        """
        async with store_session(self.database) as session:
            row = (
                await session.execute(
                    select(campaigns.c.settings, campaigns.c.version, campaigns.c.run_key)
                    .where(campaigns.c.id == campaign)
                    .with_for_update()
                )
            ).one_or_none()
            if row is None:
                raise CampaignUnknown(campaign)
            ended = await _ended(session, campaign, run_key, newest=row.run_key)
            if ended is None:
                await _note_begin(session, campaign, run_key, now)
                begun = _phase_fact(campaign, CampaignPhase.scheduled, "", run_key, now)
                await note(session, [begun], now=now)
        return CampaignBegun(
            settings=CampaignSettings.model_validate(row.settings),
            settings_version=row.version,
            ended=ended,
        )

    async def ended_run(self, campaign: CampaignId, run_key: str) -> CampaignPhase | None:
        """How a run ended that may not be begun again; None for one that may."""
        async with store_session(self.database) as session:
            newest = await session.scalar(
                select(campaigns.c.run_key).where(campaigns.c.id == campaign)
            )
            return await _ended(session, campaign, run_key, newest=newest)

    async def set_phase(
        self, campaign: CampaignId, *, phase: CampaignPhase, reason: str, now: datetime
    ) -> None:
        """Note where the campaign, and with it its newest run, stands."""
        ended_at = now if phase in ENDED else None
        async with store_session(self.database) as session:
            newest = await session.scalar(
                update(campaigns)
                .where(campaigns.c.id == campaign)
                .values(phase=phase, phase_reason=reason, ended_at=ended_at)
                .returning(campaigns.c.run_key)
            )
            if newest is not None and ended_at is not None:
                await session.execute(
                    update(campaign_runs)
                    .where(_is_run(campaign, newest))
                    .values(phase=phase, ended_at=ended_at)
                )
            await note(session, [_phase_fact(campaign, phase, reason, newest, now)], now=now)

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

    async def replace_settings(
        self, campaign: CampaignId, *, settings: CampaignSettings, version: int
    ) -> bool:
        """Store the settings of a campaign that doesn't run, as the version after `version`;
        False when they are not at that.
        """
        async with store_session(self.database) as session:
            stored = await session.scalar(
                update(campaigns)
                .where(campaigns.c.id == campaign, campaigns.c.version == version)
                .values(
                    settings=settings.model_dump(mode="json"),
                    name=settings.name,
                    version=version + 1,
                )
                .returning(campaigns.c.version)
            )
        return stored is not None

    async def require_mode(self, settings: CampaignSettings) -> None:
        """Raise `ModeNotPossible` or `MediaNotPossible` unless the settings' switch can do it, or
        `LawNeedsMessage` where the law wants what it can't.
        """
        adapter = open_switch(await LinkStore(self.database).get(settings.switch)).adapter
        able = adapter.capabilities
        await adapter.aclose()
        require_mode(settings.mode, switch=settings.switch, way=able.way)
        require_media(settings, able)
        require_message(settings, plays_message=able.plays_message)


def _phase_fact(
    campaign: CampaignId, phase: CampaignPhase, reason: str, run_key: str | None, now: datetime
) -> Noted:
    return Noted(
        key=f"phase {campaign} {phase} {now.isoformat()}",
        kind="campaign.changed",
        campaign_id=campaign,
        data={"phase": phase, "reason": reason, "run_key": run_key or ""},
    )


def _is_run(campaign: CampaignId, run_key: str) -> ColumnElement[bool]:
    return (campaign_runs.c.campaign_id == campaign) & (campaign_runs.c.run_key == run_key)


async def _ended(
    session: AsyncSession, campaign: CampaignId, run_key: str, *, newest: str | None
) -> CampaignPhase | None:
    """How a run ended; None for a new one, and for the newest unless it is done."""
    run = (
        await session.execute(select(campaign_runs.c.phase).where(_is_run(campaign, run_key)))
    ).one_or_none()
    if run is None:
        return None
    phase = CampaignPhase(run.phase) if run.phase else None
    if run_key == newest:
        return phase if phase in DONE else None
    # Whoever began another run has given this one up, even if nobody wrote down its end.
    return phase or CampaignPhase.stopped


async def _note_begin(
    session: AsyncSession, campaign: CampaignId, run_key: str, now: datetime
) -> None:
    began_at = await session.scalar(
        insert(campaign_runs)
        .values(campaign_id=campaign, run_key=run_key, began_at=now)
        .on_conflict_do_update(
            index_elements=["campaign_id", "run_key"], set_={"phase": None, "ended_at": None}
        )
        .returning(campaign_runs.c.began_at)
    )
    await session.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign)
        .values(
            run_key=run_key,
            phase=CampaignPhase.scheduled,
            phase_reason="",
            started_at=began_at,
            ended_at=None,
        )
    )


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
