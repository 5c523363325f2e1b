"""`offhook campaign start|pause|resume|stop`: orders, which a worker carries out."""

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from activities.contracts import OrderAnswer, PauseCampaign, ResumeCampaign, StopCampaign
from dialer.model import CampaignId, SwitchId
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.errors import OffhookError
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.temporal.campaigns import Order, Started, campaign_workflow_id

RequestId = Annotated[
    str | None,
    typer.Option(help="Names this order: repeating it with the same id does nothing twice."),
]
Clear = Annotated[
    bool, typer.Option("--clear", help="Also hang up the calls that nobody has answered yet.")
]


class CampaignEmpty(OffhookError):
    """There is nobody to call."""

    code = "campaign_empty"

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"campaign {campaign} has no contacts",
            hint=f"bring some in: `offhook campaign import {campaign} FILE`",
        )


def start(
    campaign: Key,
    run_key: Annotated[
        str | None,
        typer.Option(help="Names this run: repeating it with the same key starts nothing."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Start a campaign; while it goes on, or for a run key used before, this starts nothing.

    Example: offhook campaign start Spring --run-key 2026-03-02
    """

    async def work() -> Started:
        async with open_office() as office:
            row = await office.views.find(campaign)
            if not await office.views.has_contacts(row.campaign_id):
                raise CampaignEmpty(row.campaign_id)
            key = run_key or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
            campaign_id = CampaignId(row.campaign_id)
            ended = await PostgresCampaignRecords(office.database).ended_run(campaign_id, key)
            if ended is not None:
                return Started(
                    campaign_id=campaign_id,
                    workflow_id=campaign_workflow_id(campaign_id),
                    run_id="",
                    run_key=key,
                    started=False,
                    ended=ended,
                )
            desk = await office.desk()
            return await desk.start(campaign_id, switch=SwitchId(row.switch), run_key=key)

    emit(run_async(work()), json_output, _shown_started)


def _shown_started(found: Started) -> str:
    if found.started:
        return f"campaign {found.campaign_id} started"
    if found.ended is not None:
        return (
            f"run {found.run_key} of campaign {found.campaign_id} was {found.ended} before; "
            "give another --run-key to run it again"
        )
    return f"campaign {found.campaign_id} goes on already (run {found.run_key})"


def pause(
    campaign: Key,
    clear: Clear = False,
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Place no more calls until resumed; talks go on.

    Example: offhook campaign pause Spring --clear
    """
    _order(campaign, PauseCampaign(request_id=_named(request_id), clear=clear), json_output)


def resume(campaign: Key, request_id: RequestId = None, json_output: JsonOption = False) -> None:
    """Place calls again.

    Example: offhook campaign resume Spring
    """
    _order(campaign, ResumeCampaign(request_id=_named(request_id)), json_output)


def stop(
    campaign: Key,
    clear: Clear = False,
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """End a campaign once its calls have ended; it can be started anew later.

    Example: offhook campaign stop Spring
    """
    _order(campaign, StopCampaign(request_id=_named(request_id), clear=clear), json_output)


def _named(request_id: str | None) -> str:
    return request_id or secrets.token_hex(8)


def _order(campaign: str, order: Order, json_output: bool) -> None:
    async def work() -> OrderAnswer:
        async with open_office() as office:
            row = await office.views.find(campaign)
            return await (await office.desk()).order(row.campaign_id, order)

    emit(run_async(work()), json_output, lambda answer: f"campaign {campaign} is {answer.phase}")
