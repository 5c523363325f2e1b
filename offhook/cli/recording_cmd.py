"""`offhook recording`: find, fetch and delete what was recorded."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dialer.switching import SwitchError
from offhook.cli.campaign_office import Office, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.cli.pbx_jobs_cmd import SwitchSaidNo
from offhook.home import database_url
from offhook.recordings import files_of, opened
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.storage.recordings import RecordingDeleted, RecordingRow, Recordings
from offhook.switches.base import StoresRecordings

app = typer.Typer(
    help="Find, fetch and delete recordings.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the recording.")]


@app.callback()
def _group() -> None:
    """Find, fetch and delete recordings."""


@app.command("list")
def list_(
    campaign: Annotated[str, typer.Option(help="Only of this campaign, by id or name.")] = "",
    attempt: Annotated[str, typer.Option(help="Only of this call, by its attempt's id.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most to show.")] = 200,
    json_output: JsonOption = False,
) -> None:
    """List recordings, newest first.

    Example: offhook recording list --campaign Spring
    """

    async def work() -> Sequence[RecordingRow]:
        async with _desk() as (office, recordings):
            wanted = (await office.views.find(campaign)).campaign_id if campaign else ""
            return await recordings.all(
                campaign=wanted, attempt=attempt, deleted=deleted, limit=limit
            )

    emit({"recordings": run_async(work())}, json_output, lambda found: _table(found["recordings"]))


@app.command()
def download(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: NAME.wav here.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Fetch a recording's file from the switch.

    Example: offhook recording download c1-3-17.1 -o talk.wav
    """

    async def work() -> dict[str, Any]:
        target = output or Path(f"{name}.wav")
        async with _files(name) as (row, _, files):
            if row.deleted_at is not None:
                raise RecordingDeleted(row)
            size = await files.download(row.name, target)
        return {"name": name, "file": str(target), "bytes": size}

    emit(
        run_async(work()),
        json_output,
        lambda done: f"{done['file']}: {done['bytes']} bytes",
    )


@app.command()
def delete(name: Name, json_output: JsonOption = False) -> None:
    """Delete a recording's file on the switch; the record that there was one stays.

    Example: offhook recording delete c1-3-17.1
    """

    async def work() -> dict[str, Any]:
        async with _files(name) as (row, recordings, files):
            there = await files.delete(row.name)
            await recordings.deleted([row.name], why="by order", now=datetime.now(UTC))
        return {"name": name, "deleted": there}

    emit(
        run_async(work()),
        json_output,
        lambda done: (
            f"recording {name} is deleted"
            if done["deleted"]
            else f"the switch had no file of recording {name} any more"
        ),
    )


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[Office, Recordings]]:
    async with open_office() as office:
        pool = await open_pool(database_url(office.settings), size=1, application="offhook-cli")
        try:
            yield office, Recordings(pool)
        finally:
            await pool.close()


@asynccontextmanager
async def _files(name: str) -> AsyncIterator[tuple[RecordingRow, Recordings, StoresRecordings]]:
    async with _desk() as (office, recordings):
        row = await recordings.find(name)
        async with opened(LinkStore(office.database).get, row.switch_id) as switch:
            try:
                yield row, recordings, files_of(switch)
            except SwitchError as error:
                raise SwitchSaidNo(str(error)) from None


def _table(rows: Sequence[RecordingRow]) -> Table | str:
    if not rows:
        return "no recordings"
    table = Table("name", "campaign", "agent", "state", "started", "seconds", "kept until")
    for row in rows:
        lasted = (row.ended_at - row.started_at).total_seconds() if row.ended_at else None
        table.add_row(
            row.name,
            row.campaign_id,
            row.agent_id or "",
            f"{row.state} ({row.reason})" if row.reason else row.state,
            f"{row.started_at:%Y-%m-%d %H:%M:%S}",
            "" if lasted is None else f"{lasted:.0f}",
            f"{row.keep_until:%Y-%m-%d}",
        )
    return table
