"""`offhook campaign create`: settings from a file and flags, stored once they make sense."""

from pathlib import Path
from typing import Annotated, Any

import typer

from activities.contracts import ImportResult
from dialer.model import AgentId, Mode
from offhook.cli.campaign_import_cmd import import_request, run_import, shown_import
from offhook.cli.campaign_office import open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.offices.campaign_settings import build_settings, read_settings
from offhook.offices.campaigns import Created


class Made(Created):
    """What came of `campaign create`."""

    imported: ImportResult | None = None


def create(
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    switch: Annotated[str | None, typer.Option(help="Name of the switch to dial through.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Who decides that a call is placed.")] = None,
    contacts: Annotated[Path | None, typer.Option(help="CSV file to import at once.")] = None,
    settings: Annotated[
        Path | None, typer.Option(help="TOML or JSON file of settings; flags win over it.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(help="Id of an agent; repeat it. Default: all.")
    ] = None,
    caller_id: Annotated[str | None, typer.Option(help="Number shown to customers.")] = None,
    region: Annotated[str | None, typer.Option(help="Country of national numbers.")] = None,
    hours: Annotated[
        str | None, typer.Option(help="'mon-fri 09:00-18:00; in Europe/Rome', or 'always'.")
    ] = None,
    contact_hours: Annotated[
        str | None, typer.Option(help="When a contact may be called, in his own zone.")
    ] = None,
    target_abandonment: Annotated[float | None, typer.Option(help="Cap, 0.03 is 3%.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Power mode: calls per free agent.")] = None,
    lines_per_agent: Annotated[float | None, typer.Option(help="Most calls per agent.")] = None,
    weight: Annotated[
        int | None, typer.Option(help="Share of lines and agents among campaigns of one priority.")
    ] = None,
    priority: Annotated[
        int | None, typer.Option(help="Higher is served first where campaigns share a switch.")
    ] = None,
    calls_per_second: Annotated[float | None, typer.Option(help="Most calls a second.")] = None,
    ring_timeout: Annotated[float | None, typer.Option(help="Seconds, 15 to 120.")] = None,
    patience: Annotated[
        float | None, typer.Option(help="Seconds an answered customer may wait.")
    ] = None,
    wrap_up: Annotated[float | None, typer.Option(help="Most seconds after a talk.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Most tries per contact.")] = None,
    compliance: Annotated[
        list[str] | None,
        typer.Option(help="Jurisdiction profile to keep; repeat it. `offhook compliance profiles`"),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Create a campaign; a mode that the switch can't do is refused, with those it can.

    Examples:

    offhook campaign create --name Spring --switch pbx --mode predictive --contacts leads.csv

    offhook campaign create --settings spring.toml --hours "mon-fri 09:00-18:00; in Europe/Rome"
    """
    flags: dict[str, Any] = {
        "name": name,
        "switch": switch,
        "mode": mode,
        "caller_id": caller_id,
        "default_region": region,
        "hours": hours,
        "contact_hours": contact_hours,
        "ring_timeout": ring_timeout,
        "patience": patience,
        "wrap_up": wrap_up,
        "pacing.target_abandonment": target_abandonment,
        "pacing.ratio": ratio,
        "pacing.max_lines_per_agent": lines_per_agent,
        "weight": weight,
        "priority": priority,
        "pacing.calls_per_second": calls_per_second,
        "retry.max_attempts": max_attempts,
        "compliance.profiles": compliance or None,
    }
    wanted = build_settings(read_settings(settings), flags)
    members = tuple(AgentId(one) for one in agent or ())

    async def work() -> Made:
        async with open_office() as office:
            made = await office.campaigns.create(wanted, agents=members)
            done = None
            if contacts is not None:
                request = await import_request(office, made.campaign, contacts)
                done = await run_import(office, request, json_output=json_output)
            return Made(**dict(made), imported=done)

    emit(run_async(work()), json_output, _shown_created)


def _shown_created(created: Made) -> str:
    row = created.campaign
    line = f"campaign {row.campaign_id} ({row.name}) created"
    for one in created.made_stricter:
        line += f"\n{one.setting} is {one.now}, not {one.was}: {one.rule}"
    if created.imported is not None:
        line += f"\n{shown_import(created.imported)}"
    return f"{line}\nnext: offhook campaign start {row.campaign_id}"
