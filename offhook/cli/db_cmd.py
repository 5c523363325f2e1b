"""`offhook db`: the schema of the database, and what it need not keep.

`offhook up` brings the schema up to date by itself, and workers prune nightly.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from activities.contracts import Pruned
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.recordings import RecordingEraser
from offhook.sealing import Seals
from offhook.storage import migrate
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.storage.recordings import Recordings
from offhook.storage.retention import Retention, keep_by

app = typer.Typer(
    help="Bring the database to this version's schema, and prune it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def status(json_output: JsonOption = False) -> None:
    """Show which schema the database has, and which one this version needs.

    Example: offhook db status
    """
    _show(run_async(_status(database_url(prepare()))), json_output)


@app.command()
def upgrade(json_output: JsonOption = False) -> None:
    """Apply every migration that is missing; safe to repeat, and to run twice at once.

    Example: offhook db upgrade
    """
    url = database_url(prepare())

    async def work() -> dict[str, Any]:
        await migrate.upgrade(url)
        return await _status(url)

    _show(run_async(work()), json_output)


@app.command()
def prune(
    older_than: Annotated[
        str | None,
        typer.Option(
            help="Remove journals, events, refused rows of imports and callers' sessions older "
            "than this, such as 30d or 12h. Default: as each setting of OFFHOOK_RETENTION__ says."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Remove now what would be removed at night; what a running campaign needs stays.

    Example: offhook db prune --older-than 30d --dry-run
    """
    settings = prepare()
    keep = keep_by(settings.retention)
    if older_than is not None:
        age = _age(older_than)
        keep = replace(keep, journal=age, inbox=age, import_refusals=age, ivr_sessions=age)

    async def work() -> Pruned:
        url = database_url(settings)
        pool = await open_pool(url, size=1, application="offhook-prune")
        try:
            async with Database.open(url, pool_size=1, seals=Seals.of(settings)) as database:
                eraser = RecordingEraser(Recordings(pool), LinkStore(database).get)
                retention = Retention(pool, keep, erase_recordings=eraser.erase)
                return await retention.prune(now=datetime.now(UTC), dry_run=dry_run)
        finally:
            await pool.close()

    emit(run_async(work()), json_output, _shown_pruned)


def _age(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,5})\s*([dh])", text)
    if match is None:
        raise typer.BadParameter(f"--older-than {text[:20]!r}: write for example 30d or 12h")
    amount = int(match[1])
    return timedelta(days=amount) if match[2] == "d" else timedelta(hours=amount)


def _shown_pruned(done: Pruned) -> str:
    would = "would be " if done.dry_run else ""
    files = f"\nrecordings {would}removed: {done.recordings_removed}"
    return (
        f"journal entries: {done.journal_removed} {would}removed, {done.journal_packed} "
        f"{would}packed\nevents {would}removed: {done.inbox_removed}\n"
        f"refused rows of imports {would}removed: {done.import_refusals_removed}{files}\n"
        f"sessions in menus {would}removed: {done.ivr_sessions_removed}\n"
        f"verdicts on PINs {would}removed: {done.pin_audit_removed}"
    )


async def _status(url: str) -> dict[str, Any]:
    found, needed = await migrate.current(url), migrate.newest()
    return {"revision": found, "needed": needed, "current": found == needed}


def _show(document: dict[str, Any], json_output: bool) -> None:
    emit(
        document,
        json_output,
        lambda found: f"schema {found['revision'] or 'none'}, needed {found['needed']}",
    )
