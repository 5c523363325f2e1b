"""Callbacks from a CSV file: read as contacts are, booked a thousand at a time.

A line is booked once, whatever becomes of the import: its key is the external id that the file
gives it, else its first number and day. So an import that was broken off is simply repeated.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from dialer.contacts_csv import (
    Batch,
    ColumnChoices,
    ContactFileError,
    FileOptions,
    ParsedContact,
    RefusedRow,
    inspect,
    read_contacts,
)
from dialer.contacts_csv.export import write_header, write_refused
from dialer.contacts_csv.lines import RowReader
from dialer.model import AgentId
from dialer.numbers import InvalidNumber
from offhook.callbacks import NewCallback, booking_of
from offhook.errors import OffhookError
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database

BATCH = 1_000
EXTRA = ("company", "description", "period", "owner")
"""What a callback has beyond a contact; columns of these names hold it."""


class BadCallbackFile(OffhookError):
    """The file as a whole can't be read."""

    code = "callback_file_unreadable"

    def __init__(self, path: Path, why: Exception) -> None:
        super().__init__(
            f"{path.name}: {why}",
            hint="name the columns with --map, or say --encoding and --delimiter",
        )


class BadColumnMapping(OffhookError):
    """What is said of a column can't be understood."""

    code = "column_mapping_invalid"

    def __init__(self, said: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{said[:60]!r} does not say what a column holds",
            hint=f"write OURS=COLUMN, once each but number, name and ignore; OURS is one of "
            f"{', '.join(known)}",
        )


_SEVERAL = {"number": "numbers", "name": "names", "ignore": "ignored"}
_SINGLE = ("external_id", "zone", "due")


def column_choices(said: Sequence[str]) -> tuple[ColumnChoices, dict[str, str]]:
    """`OURS=COLUMN` as choices of a contact's columns, and of a callback's own.

    Raises `BadColumnMapping`.
    """
    several: dict[str, list[str]] = {}
    single: dict[str, str] = {}
    for one in said:
        ours, _, column = one.partition("=")
        if column and ours in _SEVERAL:
            several.setdefault(_SEVERAL[ours], []).append(column)
        elif column and ours in (*_SINGLE, *EXTRA) and ours not in single:
            single[ours] = column
        else:
            raise BadColumnMapping(one, (*_SEVERAL, *_SINGLE, *EXTRA))
    extra = {ours: single.pop(ours) for ours in EXTRA if ours in single}
    try:
        return ColumnChoices.model_validate(several | single), extra
    except ValidationError:
        raise BadColumnMapping("so many columns of one kind", (*_SEVERAL, *_SINGLE)) from None


class CallbackImportResult(BaseModel):
    """What became of the rows of a file."""

    model_config = ConfigDict(frozen=True)

    rows: int
    booked: int
    known: int
    """Booked before."""
    refused: int
    reasons: dict[str, int]
    refused_path: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Refused:
    line: int
    code: str
    reason: str


@dataclass
class CallbackImport:
    """One import; `progress` is told rows and bytes read, and the bytes of the file."""

    database: Database
    options: FileOptions
    columns: dict[str, str] = field(default_factory=dict)
    """Which column holds what of `EXTRA`, where its name isn't that."""
    progress: Callable[[int, int, int], None] = lambda rows, read, total: None

    async def run(
        self,
        list_key: str,
        path: Path,
        *,
        now: datetime,
        refused_path: Path | None = None,
        dry_run: bool = False,
    ) -> CallbackImportResult:
        """Book every row that makes sense; write the others beside, each with its reason."""
        on = await CallbackLists(self.database).find(list_key, now=now)
        store = PostgresCallbacks(self.database)
        booked = known = rows = 0
        refused: list[RefusedRow] = []
        ours: list[_Refused] = []
        with path.open("rb") as source:
            batches = self._batches(source, path)
            # Beside the loop: whoever else the process serves is not to wait for a file.
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                refused += batch.refused
                found = await asyncio.to_thread(self._bookings, on, batch.contacts, ours, now)
                if found and not dry_run:
                    new = sum(fresh for _, fresh in await store.book_all(found, now=now))
                    booked, known = booked + new, known + len(found) - new
                elif found:
                    booked += len(found)
                rows = batch.rows_seen
                self.progress(rows, batch.bytes_seen, batch.bytes_total)
        reasons = Counter([row.code for row in refused] + [one.code for one in ours])
        written = ""
        if refused_path is not None and reasons:
            await asyncio.to_thread(self._write, path, refused_path, refused, ours)
            written = str(refused_path)
        return CallbackImportResult(
            rows=rows,
            booked=booked,
            known=known,
            refused=reasons.total(),
            reasons=dict(reasons),
            refused_path=written,
            dry_run=dry_run,
        )

    def _batches(self, source: BinaryIO, path: Path) -> Iterator[Batch]:
        try:
            yield from read_contacts(source, self.options.model_copy(update={"batch_rows": BATCH}))
        except ContactFileError as error:
            raise BadCallbackFile(path, error) from error

    def _bookings(
        self,
        on: CallbackListView,
        contacts: Sequence[ParsedContact],
        refused: list[_Refused],
        now: datetime,
    ) -> list[Booking]:
        found = []
        for contact in contacts:
            try:
                found.append(booking_of(on, self._new(contact), now))
            except OffhookError as error:
                refused.append(_Refused(contact.line, error.code, error.message))
            except (ValidationError, InvalidNumber):
                reason = "a cell is too long, or the zone is unknown"
                refused.append(_Refused(contact.line, "malformed_row", reason))
        return found

    def _new(self, contact: ParsedContact) -> NewCallback:
        named = {name.casefold(): value for name, value in contact.attributes.items()}
        extra = {
            ours: named.get(self.columns.get(ours, ours).casefold(), "") or "" for ours in EXTRA
        }
        due_on = self._day(contact)
        return NewCallback(
            numbers=tuple(str(one.number) for one in contact.numbers)[:5],
            region=self.options.default_region,
            last_name=contact.name,
            company=extra["company"],
            description=extra["description"],
            due_on=due_on,
            period=extra["period"],
            zone=contact.zone,
            owner=AgentId(extra["owner"]) if extra["owner"] else None,
            source=CallbackSource.import_,
            source_key=_key(contact, due_on),
        )

    def _day(self, contact: ParsedContact) -> date | None:
        if contact.due_at is None:
            return None
        return contact.due_at.astimezone(ZoneInfo(contact.zone or self.options.zone)).date()

    def _write(
        self, path: Path, target: Path, refused: Sequence[RefusedRow], ours: Sequence[_Refused]
    ) -> None:
        with path.open("rb") as source:
            shape = inspect(source, self.options)
        cells = dict(self._cells(path, {one.line for one in ours}))
        rows = [RefusedRow(o.line, o.code, o.reason, cells.get(o.line, ())) for o in ours]
        with target.open("w", newline="", encoding="utf-8") as stream:
            write_header(shape.header, stream)
            write_refused(sorted([*refused, *rows]), shape.header, stream)

    def _cells(self, path: Path, lines: set[int]) -> Iterator[tuple[int, tuple[str, ...]]]:
        if not lines:
            return
        with path.open("rb") as source:
            shape = inspect(source, self.options)
            rows = RowReader(
                source, encoding=shape.encoding, delimiter=shape.delimiter, offset=shape.mark
            )
            for row in rows:
                if row.line in lines:
                    yield row.line, tuple(row.cells)


def _key(contact: ParsedContact, due_on: date | None) -> str:
    if contact.external_id:
        return f"id:{contact.external_id}"[:200]
    text = f"{contact.numbers[0].number} {due_on or ''}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
