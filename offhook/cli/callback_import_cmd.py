"""`offhook callback import`: callbacks from a CSV file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from dialer.contacts_csv import FileOptions
from offhook.callback_import import (
    BadColumnMapping,
    CallbackImport,
    CallbackImportResult,
    column_choices,
)
from offhook.cli.callback_office import ListKey, open_office
from offhook.cli.campaign_import_cmd import DELIMITERS
from offhook.cli.output import JsonOption, emit, run_async


def import_(
    on: ListKey,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file.")],
    refused: Annotated[
        Path | None, typer.Option(help="Where refused rows go. Default: FILE.refused.csv")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=COLUMN",
            help="What a column holds, where its name doesn't tell: number, name, external_id, "
            "zone, due, company, description, period, owner or ignore; repeat it.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count everything, book nothing.")
    ] = False,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8 or cp1252.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="One of , ; tab |")] = None,
    month_first: Annotated[
        bool, typer.Option("--month-first", help="03/04/2026 is the 4th of March.")
    ] = False,
    region: Annotated[str, typer.Option(help="Country of numbers without a prefix.")] = "IT",
    zone: Annotated[str, typer.Option(help="Zone of due dates that say none.")] = "UTC",
    json_output: JsonOption = False,
) -> None:
    """Book the callbacks of a CSV file; refused rows are written beside it, each with its reason.

    Repeat it after an interruption, or once refused rows are mended: no row is booked twice.

    Examples:

    offhook callback import Support promises.csv

    offhook callback import Support export.csv --map due=Richiamare --map company=Ditta --dry-run
    """
    separator = None if delimiter is None else DELIMITERS.get(delimiter)
    if delimiter is not None and separator is None:
        raise typer.BadParameter(f"--delimiter {delimiter!r} is none of , ; tab |")
    try:
        columns, extra = column_choices(map_ or [])
    except BadColumnMapping as error:
        raise typer.BadParameter(f"--map {error.message}; {error.hint}") from None
    options = FileOptions.model_validate(
        {
            "default_region": region,
            "encoding": encoding,
            "delimiter": separator,
            "columns": columns,
            "day_first": not month_first,
            "zone": zone,
        }
    )
    beside = None if dry_run else (refused or file.with_suffix(".refused.csv"))

    async def work() -> CallbackImportResult:
        async with open_office() as office:
            with _bar(json_output) as bar:
                task = bar.add_task("import", total=None, rows=0)

                def shown(rows: int, read: int, total: int) -> None:
                    bar.update(task, total=total, completed=read, rows=rows)

                importing = CallbackImport(office.database, options, extra, shown)
                return await importing.run(
                    on, file, now=datetime.now(UTC), refused_path=beside, dry_run=dry_run
                )

    emit(run_async(work()), json_output, _shown)


def _bar(json_output: bool) -> Progress:
    return Progress(
        TextColumn("importing {task.fields[rows]} rows"),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=json_output,
        transient=True,
    )


def _shown(result: CallbackImportResult) -> str:
    verb = "would be booked" if result.dry_run else "booked"
    line = (
        f"{result.booked} callbacks {verb} from {result.rows} rows; {result.known} had been booked "
        f"before, {result.refused} refused"
    )
    if result.refused:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(result.reasons.items()))
        line += f" ({reasons})"
        if result.refused_path:
            line += f"\nrefused rows: {result.refused_path}"
    return line
