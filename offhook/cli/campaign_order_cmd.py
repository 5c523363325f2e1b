"""`offhook campaign start|pause|resume|stop`: orders, which a worker carries out."""

import secrets
from typing import Annotated

import typer

from activities.contracts import OrderAnswer, PauseCampaign, ResumeCampaign, StopCampaign
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.offices.campaigns import Command
from offhook.temporal.campaigns import Started

RequestId = Annotated[
    str | None,
    typer.Option(help="Names this order: repeating it with the same id does nothing twice."),
]
Clear = Annotated[
    bool, typer.Option("--clear", help="Also hang up the calls that nobody has answered yet.")
]


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
            return await office.campaigns.start(campaign, run_key=run_key)

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


def _order(campaign: str, order: Command, json_output: bool) -> None:
    async def work() -> OrderAnswer:
        async with open_office() as office:
            return await office.campaigns.order(campaign, order)

    emit(run_async(work()), json_output, lambda answer: f"campaign {campaign} is {answer.phase}")
