"""`offhook campaign`: create, fill, start, order, watch and report.

Creating and looking need the database only; importing, starting and ordering go through Temporal,
which carries them out as soon as a worker is there.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from activities.contracts import (
    ImportInput,
    ImportResult,
    OrderAnswer,
    PauseCampaign,
    ResumeCampaign,
    StopCampaign,
)
from dialer.model import AgentId, CampaignId, CampaignSettings, Mode, SwitchId
from offhook.cli.campaign_page import shown_list, shown_view
from offhook.cli.campaign_settings import build_settings, read_settings
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.errors import OffhookError
from offhook.home import database_url
from offhook.settings import Settings
from offhook.storage.campaign_records import ENDED, PostgresCampaignRecords
from offhook.storage.campaign_views import CampaignRow, CampaignView, CampaignViews
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.temporal.campaigns import CampaignDesk, Order, Started
from offhook.temporal.client import connect

app = typer.Typer(
    help="Create, fill, start, watch and explain campaigns.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

REFRESH_S = 0.5
Key = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Id or name of the campaign.")]
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


@dataclass(frozen=True)
class _Office:
    """What the commands of this file work with."""

    settings: Settings
    database: Database
    views: CampaignViews

    async def desk(self) -> CampaignDesk:
        return CampaignDesk(await connect(self.settings))


@asynccontextmanager
async def _office() -> AsyncIterator[_Office]:
    settings = prepare()
    async with Database.open(database_url(settings), pool_size=2) as database:
        yield _Office(settings, database, CampaignViews(database))


class Created(BaseModel):
    """What came of `campaign create`."""

    campaign: CampaignRow
    settings: CampaignSettings
    imported: ImportResult | None = None


@app.command()
def create(
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    switch: Annotated[str | None, typer.Option(help="Name of the switch to dial through.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Who decides that a call is placed.")] = None,
    contacts: Annotated[
        Path | None, typer.Option("--contacts", "--list", help="CSV file to import at once.")
    ] = None,
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
    calls_per_second: Annotated[float | None, typer.Option(help="Most calls a second.")] = None,
    ring_timeout: Annotated[float | None, typer.Option(help="Seconds, 15 to 120.")] = None,
    patience: Annotated[
        float | None, typer.Option(help="Seconds an answered customer may wait.")
    ] = None,
    wrap_up: Annotated[float | None, typer.Option(help="Most seconds after a talk.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Most tries per contact.")] = None,
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
        "pacing.calls_per_second": calls_per_second,
        "retry.max_attempts": max_attempts,
    }
    wanted = build_settings(read_settings(settings), flags)
    members = tuple(AgentId(one) for one in agent or ())

    async def work() -> Created:
        async with _office() as office:
            stored = await LinkStore(office.database).find(wanted.switch)
            final = wanted.model_copy(update={"switch": stored.switch_id})
            await PostgresCampaignRecords(office.database).require_mode(final)
            campaign = CampaignId(f"c{secrets.token_hex(4)}")
            row = await office.views.create(
                campaign, final, agent_ids=members, now=datetime.now(UTC)
            )
            done = None
            if contacts is not None:
                done = await _import(office, row, contacts, json_output=json_output)
            return Created(campaign=row, settings=final, imported=done)

    emit(run_async(work()), json_output, _shown_created)


def _shown_created(created: Created) -> str:
    row = created.campaign
    line = f"campaign {row.campaign_id} ({row.name}) created"
    if created.imported is not None:
        line += f"\n{_shown_import(created.imported)}"
    return f"{line}\nnext: offhook campaign start {row.campaign_id}"


@app.command("import")
def import_(
    campaign: Key,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file.")],
    refused: Annotated[
        Path | None, typer.Option(help="Where refused rows go. Default: FILE.refused.csv")
    ] = None,
    import_id: Annotated[
        str | None, typer.Option(help="Names this import: the same id never imports twice.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Import contacts from a CSV file; refused rows are written beside it, each with its reason.

    Example: offhook campaign import Spring leads.csv --refused leads.refused.csv
    """

    async def work() -> ImportResult:
        async with _office() as office:
            row = await office.views.find(campaign)
            return await _import(
                office, row, file, refused=refused, import_id=import_id, json_output=json_output
            )

    emit(run_async(work()), json_output, _shown_import)


async def _import(
    office: _Office,
    row: CampaignRow,
    file: Path,
    *,
    refused: Path | None = None,
    import_id: str | None = None,
    json_output: bool,
) -> ImportResult:
    """Start the import, show how far it is, and wait for its end."""
    desk = await office.desk()
    settings = await office.views.settings(row.campaign_id)
    source, beside = await asyncio.to_thread(_absolute, file, refused)
    size = (await asyncio.to_thread(source.stat)).st_size
    request = ImportInput(
        import_id=import_id or f"{row.campaign_id}-{secrets.token_hex(4)}",
        campaign_id=CampaignId(row.campaign_id),
        ref=str(source),
        default_region=settings.default_region,
        refused_path=str(beside),
    )
    handle = await desk.start_import(request)
    ended = asyncio.create_task(desk.import_result(handle))
    bar = Progress(
        TextColumn("importing {task.fields[rows]} rows"),
        BarColumn(),
        TextColumn("refused {task.fields[refused]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=json_output,
        transient=True,
    )
    with bar:
        task = bar.add_task("import", total=size, rows=0, refused=0)
        while not ended.done():
            await asyncio.wait({ended}, timeout=REFRESH_S)
            found = None if ended.done() else await desk.import_progress(request.import_id)
            if found is not None:
                bar.update(task, completed=found.bytes_read, rows=found.rows, refused=found.refused)
    return await ended


def _absolute(file: Path, refused: Path | None) -> tuple[Path, Path]:
    """Where the worker finds the file, and puts what was refused."""
    source = file.absolute()
    return source, refused.absolute() if refused else source.with_suffix(".refused.csv")


def _shown_import(result: ImportResult) -> str:
    done = result.progress
    line = (
        f"{done.imported} contacts imported from {done.rows} rows; "
        f"{done.duplicates} were in the list already, {done.refused} refused"
    )
    if done.refused:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(result.reasons.items()))
        line += f" ({reasons})\nrefused rows: {result.refused_path}"
    return line


@app.command()
def start(
    campaign: Key,
    run_key: Annotated[
        str | None,
        typer.Option(help="Names this run: repeating it with the same key starts nothing."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Start a campaign; while it goes on, starting it again does nothing.

    Example: offhook campaign start Spring --run-key 2026-03-02
    """

    async def work() -> Started:
        async with _office() as office:
            row = await office.views.find(campaign)
            view = await office.views.view(row.campaign_id)
            if not view.contacts["total"]:
                raise CampaignEmpty(row.campaign_id)
            return await (await office.desk()).start(
                CampaignId(row.campaign_id),
                switch=SwitchId(row.switch),
                run_key=run_key or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
            )

    emit(
        run_async(work()),
        json_output,
        lambda found: (
            f"campaign {found.campaign_id} started"
            if found.started
            else f"campaign {found.campaign_id} goes on already (run {found.run_key})"
        ),
    )


@app.command()
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


@app.command()
def resume(campaign: Key, request_id: RequestId = None, json_output: JsonOption = False) -> None:
    """Place calls again.

    Example: offhook campaign resume Spring
    """
    _order(campaign, ResumeCampaign(request_id=_named(request_id)), json_output)


@app.command()
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
        async with _office() as office:
            row = await office.views.find(campaign)
            return await (await office.desk()).order(row.campaign_id, order)

    emit(run_async(work()), json_output, lambda answer: f"campaign {campaign} is {answer.phase}")


@app.command()
def status(
    campaign: Key,
    watch: Annotated[bool, typer.Option("--watch", help="Show it live until it ends.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Show how a campaign does: agents, calls, outcomes, abandonment against its cap, the pacer.

    Example: offhook campaign status Spring --watch
    """

    async def work() -> CampaignView:
        async with _office() as office:
            view = await office.views.view(campaign)
            if watch and not json_output:
                with Live(shown_view(view), refresh_per_second=4, transient=True) as live:
                    while view.campaign.phase not in ENDED:
                        await asyncio.sleep(REFRESH_S)
                        view = await office.views.view(campaign)
                        live.update(shown_view(view))
            return view

    emit(run_async(work()), json_output, shown_view)


@app.command()
def report(campaign: Key, json_output: JsonOption = False) -> None:
    """Show what came of a campaign.

    Example: offhook campaign report Spring --json
    """

    async def work() -> CampaignView:
        async with _office() as office:
            return await office.views.view(campaign)

    emit(run_async(work()), json_output, shown_view)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """List the campaigns, newest first.

    Example: offhook campaign list
    """

    async def work() -> list[CampaignRow]:
        async with _office() as office:
            return await office.views.all()

    rows = run_async(work())
    emit({"campaigns": rows}, json_output, lambda found: shown_list(found["campaigns"]))
