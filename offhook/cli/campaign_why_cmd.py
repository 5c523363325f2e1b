"""`offhook campaign why`: the verdict in plain words, then the evidence."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.why import Verdict
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.offices.why import WhyOffice

WELL = ("dialing", "due", "in_progress")


def why(
    campaign: Key,
    contact: Annotated[
        str | None,
        typer.Argument(metavar="[CONTACT]", help="Its id, your own key of it, or a number."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Say why a campaign, or one contact of it, is being dialed or not.

    Examples:

    offhook campaign why Spring

    offhook campaign why Spring "+39 347 1234567"
    """

    async def work() -> dict[str, Any]:
        async with open_office() as office:
            told = WhyOffice(office.database)
            if contact is None:
                return await told.campaign(campaign, now=datetime.now(UTC))
            return await told.contact(campaign, contact, now=datetime.now(UTC))

    emit(run_async(work()), json_output, _shown)


def _shown(found: dict[str, Any]) -> RenderableType:
    verdict = Verdict(
        code=found["code"], says=found["says"], then=found["then"], until=found["until"]
    )
    head = Text(verdict.says, style="bold green" if verdict.code in WELL else "bold yellow")
    lines: list[RenderableType] = [head]
    if verdict.then:
        lines.append(Text(f"next: {verdict.then}"))
    grid = Table.grid(padding=(0, 2))
    contact = found.get("contact")
    if contact is not None:
        for name, value in contact.items():
            if isinstance(value, list):
                for one in value:
                    grid.add_row(name.replace("_", " "), _line(one))
            else:
                grid.add_row(name.replace("_", " "), _plain(value))
        grid.add_row("", "")
    for name, value in found["facts"].items():
        grid.add_row(name.replace("_", " "), _plain(value))
    return Group(*lines, Text(), grid)


def _line(values: dict[str, Any]) -> str:
    return "  ".join(
        f"{name.replace('_', ' ')} {_plain(value)}"
        for name, value in values.items()
        if value not in (None, "", ())
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "  ".join(f"{name.replace('_', ' ')} {inner}" for name, inner in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
