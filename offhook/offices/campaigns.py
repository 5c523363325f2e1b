"""Campaigns: made, changed, started and given orders."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from activities.contracts import (
    ChangeSettings,
    ImportInput,
    OrderAnswer,
    PauseCampaign,
    ResumeCampaign,
    StopCampaign,
)
from dialer.compliance.binding import Bound, bound
from dialer.contacts_csv import ColumnChoices
from dialer.model import AgentId, CampaignId, CampaignSettings, SwitchId
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.offices.campaign_settings import BadCampaignSettings, build_settings
from offhook.storage.campaign_records import ENDED, PostgresCampaignRecords
from offhook.storage.campaign_views import CampaignRow, CampaignViews
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.temporal.campaigns import CampaignDesk, Started, campaign_workflow_id

Command = PauseCampaign | ResumeCampaign | StopCampaign


class CampaignEmpty(OffhookError):
    """There is nobody to call."""

    code = "campaign_empty"

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"campaign {campaign} has no contacts",
            hint=f"bring some in: `offhook campaign import {campaign} FILE`",
        )


class SettingsMoved(OffhookError):
    """Somebody else has changed the settings meanwhile."""

    code = "settings_moved"

    def __init__(self, campaign: str, wanted: int, found: int) -> None:
        super().__init__(
            f"the settings of campaign {campaign} are at version {found}, not at {wanted}",
            hint="read them again, and change what you find",
        )


class Created(BaseModel):
    """A campaign that was made."""

    campaign: CampaignRow
    settings: CampaignSettings
    made_stricter: tuple[Bound, ...] = ()
    """What the law changed of the settings that were asked for."""


class Shown(BaseModel):
    """A campaign and its settings."""

    campaign: CampaignRow
    settings: CampaignSettings
    version: int = 0
    """Grows with every change of the settings."""


class Reading(BaseModel):
    """How a contact file is to be read."""

    columns: ColumnChoices = ColumnChoices()
    encoding: str | None = None
    delimiter: str | None = None
    day_first: bool = True
    zone: str = "UTC"
    dry_run: bool = False
    list_name: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class CampaignOffice:
    """Every method takes a campaign's id or name; an unknown one raises `CampaignUnknown`."""

    database: Database
    desk: Callable[[], Awaitable[CampaignDesk]]
    """Where orders go; raises `TemporalUnreachable`."""
    clock: Callable[[], datetime] = field(default=_now)

    @property
    def views(self) -> CampaignViews:
        """Campaigns to look at."""
        return CampaignViews(self.database)

    @property
    def records(self) -> PostgresCampaignRecords:
        """The record of campaigns."""
        return PostgresCampaignRecords(self.database)

    async def create(
        self,
        wanted: CampaignSettings,
        *,
        agents: tuple[AgentId, ...] = (),
        request_key: str | None = None,
    ) -> Created:
        """Make a campaign; `wanted.switch` is an id or a name. A mode that the switch can't do is
        refused with those it can, and a request of the same key finds what it made.
        """
        stored = await LinkStore(self.database).find(wanted.switch)
        final, made_stricter = bound(wanted.model_copy(update={"switch": stored.switch_id}))
        await self.records.require_mode(final)
        row = await self.views.create(
            CampaignId(f"c{secrets.token_hex(4)}"),
            final,
            agent_ids=agents,
            request_key=request_key,
            now=self.clock(),
        )
        note_change(f"campaign/{row.campaign_id}", None, final)
        return Created(campaign=row, settings=final, made_stricter=made_stricter)

    async def show(self, campaign: str) -> Shown:
        """A campaign and its settings as they are now."""
        row = await self.views.find(campaign)
        settings, version = await self.views.versioned(row.campaign_id)
        return Shown(campaign=row, settings=settings, version=version)

    async def start(self, campaign: str, *, run_key: str | None = None) -> Started:
        """Start a run, or find the one that goes on or has ended with that key."""
        row = await self.views.find(campaign)
        if not await self.views.has_contacts(row.campaign_id):
            raise CampaignEmpty(row.campaign_id)
        key = run_key or f"{self.clock():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        campaign_id = CampaignId(row.campaign_id)
        ended = await self.records.ended_run(campaign_id, key)
        if ended is not None:
            return Started(
                campaign_id=campaign_id,
                workflow_id=campaign_workflow_id(campaign_id),
                run_id="",
                run_key=key,
                started=False,
                ended=ended,
            )
        desk = await self.desk()
        begun = await desk.start(campaign_id, switch=SwitchId(row.switch), run_key=key)
        if begun.started:
            phase = (await self.views.find(campaign_id)).phase
            before = {"phase": row.phase, "run_key": None}
            note_change(f"campaign/{campaign_id}", before, {"phase": phase, "run_key": key})
        return begun

    async def order(self, campaign: str, order: Command) -> OrderAnswer:
        """Pause, resume or stop; waits until it is carried out."""
        row = await self.views.find(campaign)
        answer = await (await self.desk()).order(row.campaign_id, order)
        note_change(f"campaign/{row.campaign_id}", {"phase": row.phase}, {"phase": answer.phase})
        return answer

    async def change(
        self,
        campaign: str,
        wanted: Mapping[str, Any],
        *,
        request_id: str,
        version: int | None = None,
    ) -> Shown:
        """Change settings by their names, a dot going deeper; with `version` only if they are at
        it (`SettingsMoved`). Whoever runs the campaign is told; where nobody does, it is written.
        """
        return await self._change(
            campaign, lambda now: changed(now, wanted), request_id=request_id, version=version
        )

    async def patch(
        self,
        campaign: str,
        patch: Mapping[str, Any],
        *,
        request_id: str,
        version: int | None = None,
    ) -> Shown:
        """The same, by a merge patch (RFC 7396): null puts a setting back to its default."""
        return await self._change(
            campaign, lambda now: patched(now, patch), request_id=request_id, version=version
        )

    async def _change(
        self,
        campaign: str,
        make: Callable[[CampaignSettings], CampaignSettings],
        *,
        request_id: str,
        version: int | None,
    ) -> Shown:
        before = await self.show(campaign)
        if version is not None and version != before.version:
            raise SettingsMoved(before.campaign.campaign_id, version, before.version)
        after = make(before.settings)
        if after.switch != before.settings.switch:
            stored = await LinkStore(self.database).find(after.switch)
            after = after.model_copy(update={"switch": stored.switch_id})
        if (after.mode, after.switch) != (before.settings.mode, before.settings.switch):
            await self.records.require_mode(after)
        await self._store(before, after, request_id)
        found = await self.show(before.campaign.campaign_id)
        note_change(f"campaign/{before.campaign.campaign_id}", before.settings, found.settings)
        return found

    async def import_request(
        self,
        campaign: str,
        ref: str,
        reading: Reading,
        *,
        import_id: str | None = None,
        refused_path: str = "",
    ) -> ImportInput:
        """What is asked of the worker, which sees the file at `ref`."""
        row = await self.views.find(campaign)
        settings = await self.views.settings(row.campaign_id)
        return ImportInput.model_validate(
            {
                "import_id": import_id or f"{row.campaign_id}-{secrets.token_hex(4)}",
                "campaign_id": row.campaign_id,
                "ref": ref,
                "default_region": settings.default_region,
                "refused_path": refused_path,
                **dict(reading),
            }
        )

    async def _store(self, before: Shown, after: CampaignSettings, request_id: str) -> None:
        row = before.campaign
        if row.started_at is not None and row.phase not in ENDED:
            order = ChangeSettings(request_id=request_id, settings=after)
            await (await self.desk()).order(row.campaign_id, order)
            return
        campaign = CampaignId(row.campaign_id)
        if not await self.records.replace_settings(
            campaign, settings=after, version=before.version
        ):
            found = await self.show(campaign)
            raise SettingsMoved(campaign, before.version, found.version)


def changed(before: CampaignSettings, wanted: Mapping[str, Any]) -> CampaignSettings:
    """The settings with some of them replaced; one that makes no sense is refused with its name."""
    values = before.model_dump(mode="json")
    for name, value in wanted.items():
        *way, last = name.split(".")
        place: Any = values
        for step in way:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise BadCampaignSettings(f"{name}: there is nothing inside {'.'.join(way)}")
        place[last] = value
    return build_settings(values, {})


def patched(before: CampaignSettings, patch: Mapping[str, Any]) -> CampaignSettings:
    """The settings after a merge patch; one that makes no sense is refused with its name."""
    return build_settings(_merged(before.model_dump(mode="json"), patch), {})


def _merged(values: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values) if isinstance(values, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            merged[name] = _merged(merged.get(name), value)
        else:
            merged[name] = value
    return merged
