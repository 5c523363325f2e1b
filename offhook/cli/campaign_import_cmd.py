"""`offhook campaign import`: a contact file into a campaign's list."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from activities.contracts import ImportInput, ImportResult
from dialer.contacts_csv import ColumnChoices
from offhook.cli.campaign_office import Key, Office, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.offices.campaigns import Reading
from offhook.storage.campaign_views import CampaignRow

REFRESH_S = 0.5
DELIMITERS = {",": ",", ";": ";", "tab": "\t", "|": "|"}
_SEVERAL = {"number": "numbers", "name": "names", "ignore": "ignored"}
_SINGLE = ("external_id", "priority", "zone", "due", "language")


ContactFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file.")]
Refused = Annotated[
    Path | None, typer.Option(help="Where refused rows go. Default: FILE.refused.csv")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OURS=COLUMN",
        help="What a column holds, where its name doesn't tell: number, name, external_id, "
        "priority, zone, due, language or ignore; repeat it.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check and count everything, store nothing.")
]
Encoding = Annotated[str | None, typer.Option(help="Such as utf-8 or cp1252.")]
Delimiter = Annotated[str | None, typer.Option(help="One of , ; tab |")]
MonthFirst = Annotated[bool, typer.Option("--month-first", help="03/04/2026 is the 4th of March.")]
DueZone = Annotated[str, typer.Option(help="Zone of due dates that say none.")]
ImportId = Annotated[
    str | None, typer.Option(help="Names this import: the same id never imports twice.")
]


def import_(
    campaign: Key,
    file: ContactFile,
    refused: Refused = None,
    map_: Map = None,
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    month_first: MonthFirst = False,
    zone: DueZone = "UTC",
    import_id: ImportId = None,
    json_output: JsonOption = False,
) -> None:
    """Import contacts from a CSV file; refused rows are written beside it, each with its reason.

    Mend the file of refused rows and import it again; who is in the list already is left alone.

    Examples:

    offhook campaign import Spring leads.csv --refused leads.refused.csv

    offhook campaign import Spring export.csv --map number="Tel. 1" --map zone=Area --dry-run
    """
    reading = reading_of(map_, encoding, delimiter, zone, month_first=month_first, dry_run=dry_run)
    work = import_into(
        campaign, file, reading, refused=refused, import_id=import_id, json_output=json_output
    )
    emit(run_async(work), json_output, shown_import)


def reading_of(
    map_: list[str] | None,
    encoding: str | None,
    delimiter: str | None,
    zone: str,
    *,
    month_first: bool,
    dry_run: bool,
) -> dict[str, object]:
    """How a file is to be read, as fields of an `ImportInput`."""
    separator = None if delimiter is None else DELIMITERS.get(delimiter)
    if delimiter is not None and separator is None:
        raise typer.BadParameter(f"--delimiter {delimiter!r} is none of , ; tab |")
    return {
        "columns": read_choices(map_ or ()),
        "dry_run": dry_run,
        "encoding": encoding,
        "delimiter": separator,
        "day_first": not month_first,
        "zone": zone,
    }


async def import_into(
    campaign: str,
    file: Path,
    reading: dict[str, object],
    *,
    refused: Path | None,
    import_id: str | None,
    json_output: bool,
) -> ImportResult:
    """Bring a file into a campaign, or into the list that `reading` names."""
    async with open_office() as office:
        row = await office.views.find(campaign)
        beside = not reading["dry_run"]
        request = await import_request(
            office, row, file, refused=refused, import_id=import_id, beside=beside
        )
        asked = request.model_copy(update=reading)
        return await run_import(office, asked, json_output=json_output)


def read_choices(given: list[str] | tuple[str, ...]) -> ColumnChoices:
    """`OURS=COLUMN` of the command line as choices; the first word is one of ours."""
    several: dict[str, list[str]] = {}
    single: dict[str, str] = {}
    for text in given:
        ours, equals, column = text.partition("=")
        if not (equals and column):
            raise typer.BadParameter(f"--map {text[:60]!r} has no column; write number=Telefono")
        if ours in _SEVERAL:
            several.setdefault(_SEVERAL[ours], []).append(column)
        elif ours in _SINGLE and ours not in single:
            single[ours] = column
        else:
            known = ", ".join((*_SEVERAL, *_SINGLE))
            raise typer.BadParameter(
                f"--map {ours[:40]}=: name one of {known}; all but number, name and ignore once"
            )
    return ColumnChoices.model_validate(several | single)


async def import_request(
    office: Office,
    row: CampaignRow,
    file: Path,
    *,
    refused: Path | None = None,
    import_id: str | None = None,
    beside: bool = True,
) -> ImportInput:
    """What is asked of the worker, which sees the file under its absolute path."""
    source = await asyncio.to_thread(file.absolute)
    rejected = source.with_suffix(".refused.csv") if beside else None
    if refused is not None:
        rejected = await asyncio.to_thread(refused.absolute)
    return await office.campaigns.import_request(
        row.campaign_id,
        str(source),
        Reading(),
        import_id=import_id,
        refused_path=str(rejected or ""),
    )


async def run_import(office: Office, request: ImportInput, *, json_output: bool) -> ImportResult:
    """Start the import, show how far it is, and wait for its end."""
    desk = await office.desk()
    size = (await asyncio.to_thread(Path(request.ref).stat)).st_size
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


def shown_import(result: ImportResult) -> str:
    """How many contacts there are now, and what became of the other rows."""
    done = result.progress
    verb = "would be imported" if result.dry_run else "imported"
    line = (
        f"{done.imported} contacts {verb} from {done.rows} rows; "
        f"{done.duplicates} were in the list already, {done.refused} refused"
    )
    if done.refused:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(result.reasons.items()))
        line += f" ({reasons})"
        if result.refused_path:
            line += f"\nrefused rows: {result.refused_path}"
    return line
