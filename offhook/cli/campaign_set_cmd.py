"""`offhook campaign set` and `offhook campaign show`: the settings in force, and changing them."""

import json
import secrets
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from activities.contracts import ChangeSettings, OrderAnswer
from dialer.model import CampaignId, CampaignSettings
from offhook.cli.campaign_office import Key, Office, open_office
from offhook.cli.campaign_settings import BadCampaignSettings, build_settings
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.campaign_records import ENDED, PostgresCampaignRecords
from offhook.storage.campaign_views import CampaignRow
from offhook.storage.link_store import LinkStore


class Shown(BaseModel):
    """A campaign and its settings."""

    campaign: CampaignRow
    settings: CampaignSettings


def show(campaign: Key, json_output: JsonOption = False) -> None:
    """Show a campaign's settings as they are now.

    Example: offhook campaign show Spring
    """

    async def work() -> Shown:
        async with open_office() as office:
            row = await office.views.find(campaign)
            settings = await office.views.settings(row.campaign_id)
            return Shown(campaign=row, settings=settings)

    emit(run_async(work()), json_output, _shown)


def set_(
    campaign: Key,
    changes: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE...", help="Settings by their names; a dot goes deeper."),
    ],
    request_id: Annotated[
        str | None,
        typer.Option(help="Names this order: repeating it with the same id does nothing twice."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Change a campaign's settings, also while it runs; what isn't named stays as it is.

    Values are written as JSON, or as plain text where they are none. `offhook campaign show`
    names all settings.

    Examples:

    offhook campaign set Spring mode=progressive wrap_up=20

    offhook campaign set Spring pacing.target_abandonment=0.02 retry.busy.delay=600

    offhook campaign set Spring 'retry.dispositions={"callback": {"delay": 7200}}'
    """
    wanted = dict(_change(text) for text in changes)

    async def work() -> Shown:
        async with open_office() as office:
            row = await office.views.find(campaign)
            before = await office.views.settings(row.campaign_id)
            after = changed(before, wanted)
            if after.switch != before.switch:
                stored = await LinkStore(office.database).find(after.switch)
                after = after.model_copy(update={"switch": stored.switch_id})
            if (after.mode, after.switch) != (before.mode, before.switch):
                await PostgresCampaignRecords(office.database).require_mode(after)
            await _store(office, row, after, request_id or secrets.token_hex(8))
            return Shown(campaign=await office.views.find(row.campaign_id), settings=after)

    emit(run_async(work()), json_output, _shown)


def changed(before: CampaignSettings, wanted: dict[str, Any]) -> CampaignSettings:
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


async def _store(
    office: Office, row: CampaignRow, settings: CampaignSettings, request_id: str
) -> OrderAnswer | None:
    """Order the change of whoever runs the campaign; where nobody does, write it down."""
    if row.started_at is not None and row.phase not in ENDED:
        order = ChangeSettings(request_id=request_id, settings=settings)
        return await (await office.desk()).order(row.campaign_id, order)
    records = PostgresCampaignRecords(office.database)
    await records.replace_settings(CampaignId(row.campaign_id), settings=settings)
    return None


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text[:60]!r} changes nothing; write wrap_up=20")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _shown(told: Shown) -> str:
    row = told.campaign
    phase = f"{row.phase} ({row.reason})" if row.reason else f"{row.phase}"
    lines = [f"campaign {row.campaign_id} ({row.name}) is {phase}"]
    lines += _lines(told.settings.model_dump(mode="json"), "")
    return "\n".join(lines)


def _lines(values: dict[str, Any], before: str) -> list[str]:
    found: list[str] = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found += _lines(value, f"{before}{name}.")
        else:
            found.append(f"{before}{name}={json.dumps(value, ensure_ascii=False)}")
    return found
