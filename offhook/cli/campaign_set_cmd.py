"""`offhook campaign set` and `offhook campaign show`: the settings in force, and changing them."""

import json
import secrets
from typing import Annotated, Any

import typer

from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.offices.campaigns import Shown


def show(campaign: Key, json_output: JsonOption = False) -> None:
    """Show a campaign's settings as they are now.

    Example: offhook campaign show Spring
    """

    async def work() -> Shown:
        async with open_office() as office:
            return await office.campaigns.show(campaign)

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
            return await office.campaigns.change(
                campaign, wanted, request_id=request_id or secrets.token_hex(8)
            )

    emit(run_async(work()), json_output, _shown)


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
