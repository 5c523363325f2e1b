"""`offhook db`: the schema of the database, for installations that don't use `offhook up`."""

from typing import Any

import typer

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.storage import migrate

app = typer.Typer(
    help="Bring the database to this version's schema.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def status(json_output: JsonOption = False) -> None:
    """Show which schema the database has, and which one this version needs."""
    _show(run_async(_status(database_url(prepare()))), json_output)


@app.command()
def upgrade(json_output: JsonOption = False) -> None:
    """Apply every migration that is missing; safe to repeat, and to run twice at once."""
    url = database_url(prepare())

    async def work() -> dict[str, Any]:
        await migrate.upgrade(url)
        return await _status(url)

    _show(run_async(work()), json_output)


async def _status(url: str) -> dict[str, Any]:
    found, needed = await migrate.current(url), migrate.newest()
    return {"revision": found, "needed": needed, "current": found == needed}


def _show(document: dict[str, Any], json_output: bool) -> None:
    emit(
        document,
        json_output,
        lambda found: f"schema {found['revision'] or 'none'}, needed {found['needed']}",
    )
