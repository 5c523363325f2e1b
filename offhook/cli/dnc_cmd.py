"""`offhook dnc`: the do-not-call lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from offhook.cli.campaign_office import open_office
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.logging import mask_numbers
from offhook.offices.do_not_call import (
    BadDoNotCallEntry,
    RegisterFile,
    as_listed,
    listed_number,
    listed_prefix,
)
from offhook.storage.compliance_store import DoNotCall, Entry
from offhook.storage.pool import open_pool

app = typer.Typer(help="Keep the do-not-call lists.", no_args_is_help=True, rich_markup_mode=None)
Region = Annotated[str, typer.Option(help="Country of numbers without a country code.")]
OfCampaign = Annotated[
    str, typer.Option(help="Id or name of the one campaign it is for; empty is all.")
]
Source = Annotated[str, typer.Option(help="Where the entry comes from, for the record.")]
Days = Annotated[
    float | None, typer.Option(min=0.0, help="Days until the entry expires; without, never.")
]


@app.callback()
def _group() -> None:
    """Keep the do-not-call lists."""


@asynccontextmanager
async def _lists() -> AsyncIterator[DoNotCall]:
    pool = await open_pool(database_url(prepare()), size=2, application="offhook-cli")
    try:
        yield DoNotCall(pool)
    finally:
        await pool.close()


async def _scope(campaign: str) -> str:
    if not campaign:
        return ""
    async with open_office() as office:
        return (await office.views.find(campaign)).campaign_id


def _expiry(days: float | None, now: datetime) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


@app.command()
def add(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, or prefixes with --prefix.")],
    prefix: Annotated[bool, typer.Option("--prefix", help="List all that begins so.")] = False,
    campaign: OfCampaign = "",
    region: Region = "IT",
    source: Source = "command",
    days: Days = None,
    json_output: JsonOption = False,
) -> None:
    """Put numbers on the list; calls to them stop at once, in running campaigns too.

    Examples:

    offhook dnc add "+39 347 1234567" --source "asked by phone"

    offhook dnc add --prefix +39899 --days 30
    """
    listed = [listed_prefix(one) if prefix else listed_number(one, region) for one in numbers]

    async def work() -> dict[str, Any]:
        now = datetime.now(UTC)
        scope = await _scope(campaign)
        async with _lists() as lists:
            done = await lists.add(
                listed,
                now=now,
                scope=scope,
                source=source,
                is_prefix=prefix,
                expires_at=_expiry(days, now),
            )
        return done._asdict()

    emit(run_async(work()), json_output, _shown_change)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or plain list.")],
    campaign: OfCampaign = "",
    region: Region = "IT",
    source: Annotated[str, typer.Option(help="Name of the register; default: the file's.")] = "",
    days: Days = None,
    json_output: JsonOption = False,
) -> None:
    """Put every number of a file on the list, as from a national register.

    The numbers are in the column `number` or `phone`, else in the first.

    Example: offhook dnc import register.csv --source RPO --days 31
    """

    async def work() -> dict[str, Any]:
        now = datetime.now(UTC)
        scope = await _scope(campaign)
        file = RegisterFile(path, region)
        async with _lists() as lists:
            done = await lists.import_(
                file,
                now=now,
                scope=scope,
                source=source or path.name,
                expires_at=_expiry(days, now),
            )
        return done._asdict() | {"refused": file.bad, "refused_lines": file.refused}

    emit(run_async(work()), json_output, _shown_change)


@app.command()
def remove(
    number: Annotated[str, typer.Argument(help="The number or prefix as it is listed.")],
    campaign: OfCampaign = "",
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Take a number or prefix off the list.

    Example: offhook dnc remove "+39 347 1234567"
    """

    async def work() -> dict[str, Any]:
        scope = await _scope(campaign)
        async with _lists() as lists:
            now = datetime.now(UTC)
            for text in as_listed(number, region):
                if await lists.remove(text, scope=scope, now=now):
                    return {"removed": True}
        raise BadDoNotCallEntry(number, "it is not on that list")

    emit(run_async(work()), json_output, lambda _: "removed")


@app.command("list")
def list_(
    campaign: Annotated[
        str | None, typer.Option(help="Only this campaign's; `all` for those of all campaigns.")
    ] = None,
    after: Annotated[str, typer.Option(help="Go on behind this number.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries.")] = 100,
    json_output: JsonOption = False,
) -> None:
    """List entries in order of number.

    Example: offhook dnc list --campaign Spring --limit 20
    """

    async def work() -> dict[str, Any]:
        scope = None if campaign is None else await _scope("" if campaign == "all" else campaign)
        async with _lists() as lists:
            return {"entries": await lists.entries(scope=scope, after=after, limit=limit)}

    emit(run_async(work()), json_output, lambda found: _shown(found["entries"]))


@app.command()
def check(
    number: Annotated[str, typer.Argument(help="A number.")],
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Say whether a number may not be called, by which entries, and until when.

    Example: offhook dnc check "+39 347 1234567"
    """
    wanted = listed_number(number, region)

    async def work() -> dict[str, Any]:
        now = datetime.now(UTC)
        async with _lists() as lists:
            found = await lists.check(wanted)
            version = await lists.version(now)
        active = [one for one in found if one.expires_at is None or one.expires_at > now]
        return {
            "number": mask_numbers(wanted),
            "listed": bool(active),
            "entries": found,
            "version": version,
        }

    def shown(found: dict[str, Any]) -> Any:
        return _shown(found["entries"]) if found["entries"] else "not listed"

    emit(run_async(work()), json_output, shown)


def _shown_change(done: dict[str, Any]) -> str:
    text = f"{done['entries']} entries; the lists are at version {done['version']}"
    if done["told"]:
        text += f"; {done['told']} contacts at hand are dropped"
    if done.get("refused"):
        text += f"; {done['refused']} lines are no numbers"
    return text


def _shown(entries: list[Entry]) -> Table:
    table = Table("number", "for", "source", "added", "expires")
    for one in entries:
        table.add_row(
            f"{one.number}{'…' if one.is_prefix else ''}",
            one.scope or "all campaigns",
            one.source,
            f"{one.added_at:%Y-%m-%d}",
            f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "never",
        )
    return table
