"""Enrolment files: a CSV of customers in; rows to enrol, and refusals to mend, out.

Columns by name, in any order: `customer` (required), `pin` (empty or missing: one is made),
`valid_from`, `valid_until` (a day or an ISO instant; a day as end is included), `callers`
(numbers apart by spaces or semicolons). Encoding and delimiter are found as for contact files.
Refusals never hold a PIN: its column is left out of them.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import BinaryIO, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from dialer.contacts_csv import EmptyFile
from dialer.contacts_csv.columns import clean_header
from dialer.contacts_csv.encoding import find_delimiter, find_encoding
from dialer.contacts_csv.export import escape, unescape
from dialer.contacts_csv.lines import RowReader
from dialer.numbers import InvalidNumber, parse_number
from offhook.errors import OffhookError
from offhook.pins.digits import HiddenDigits
from offhook.storage.pin_store import Terms

SAMPLE_BYTES = 1 << 16
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_REFUSAL = ("line", "code", "reason")
_SECRET = "pin"  # noqa: S105 - the name of a column


class NoCustomerColumn(OffhookError):
    """The file doesn't say whose PINs they are."""

    code = "pin_file_no_customer"

    def __init__(self) -> None:
        # A file without a header begins with a PIN, so what is there instead isn't told.
        super().__init__(
            "none of the columns is called customer",
            hint="name the columns in the first line: customer, pin, valid_from, valid_until, "
            "callers",
        )


class Wanted(NamedTuple):
    """A row that can be enrolled."""

    line: int
    customer: str
    pin: HiddenDigits | None
    terms: Terms


class RefusedPin(NamedTuple):
    """A row that needs a person; `cells` are by column, the PIN left out."""

    line: int
    code: str
    reason: str
    cells: dict[str, str]


class _Unreadable(Exception):  # never leaves this module
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


@dataclass
class PinFile:
    """Reads rows one at a time; `header` is known once reading has begun."""

    source: BinaryIO
    zone: ZoneInfo
    region: str
    header: tuple[str, ...] = field(default=(), init=False)

    def __iter__(self) -> Iterator[Wanted | RefusedPin]:
        encoding, mark = find_encoding(self.source, None)
        self.source.seek(mark)
        sample = self.source.read(SAMPLE_BYTES)
        if not sample.strip():
            raise EmptyFile(header=False)
        lines = sample.decode(encoding, "replace").splitlines(keepends=True)
        rows = RowReader(
            self.source, encoding=encoding, delimiter=find_delimiter(lines), offset=mark
        )
        first = next(rows)
        names = clean_header([unescape(cell).lower() for cell in first.cells])
        if "customer" not in names:
            raise NoCustomerColumn
        self.header = names
        for row in rows:
            cells = dict(zip(names, map(unescape, row.cells), strict=False))
            # A row that can't be split is one cell of text, which may hold the PIN.
            shown = {} if row.fault else _without_pin(cells)
            if row.fault:
                yield RefusedPin(row.line, row.fault.value, "the row can't be read", shown)
                continue
            try:
                yield self._read(row.line, cells)
            except _Unreadable as error:
                yield RefusedPin(row.line, error.code, error.reason, shown)

    def _read(self, line: int, cells: dict[str, str]) -> Wanted:
        customer = cells.get("customer", "").strip()
        if not customer:
            raise _Unreadable("no_customer", "the customer is empty")
        typed = cells.get(_SECRET, "").strip()
        try:
            pin = HiddenDigits(typed) if typed else None
        except ValueError:
            raise _Unreadable("pin_weak", "the PIN has something else than digits") from None
        terms = Terms(
            valid_from=self._moment(cells.get("valid_from", ""), end=False),
            valid_until=self._moment(cells.get("valid_until", ""), end=True),
            callers=tuple(self._numbers(cells.get("callers", ""))),
        )
        return Wanted(line, customer, pin, terms)

    def _moment(self, cell: str, *, end: bool) -> datetime | None:
        text = cell.strip()
        if not text:
            return None
        try:
            return read_moment(text, self.zone, end=end)
        except ValueError:
            raise _Unreadable("bad_date", "a date isn't YYYY-MM-DD or an ISO instant") from None

    def _numbers(self, cell: str) -> Iterator[str]:
        for number in re.split(r"[;\s]+", cell.strip()):
            if number:
                try:
                    yield parse_number(number, self.region, allow_premium=True)
                except InvalidNumber:
                    raise _Unreadable("bad_caller", "a caller is no telephone number") from None


def read_moment(text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    """A day or an instant in a zone; a day as end is included. `ValueError` for anything else."""
    if _DAY.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime.combine(day, time(), zone)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def write_refused(rows: Iterable[RefusedPin], header: Sequence[str], stream: TextIO) -> None:
    """The refused rows as CSV to mend: why, then the columns of the file but the PIN's."""
    columns = [name for name in header if name not in (*_REFUSAL, _SECRET)]
    writer = csv.writer(stream)
    writer.writerow([*_REFUSAL, *map(escape, columns)])
    for row in rows:
        cells = [escape(row.cells.get(name, "")) for name in columns]
        writer.writerow([str(row.line), row.code, escape(row.reason), *cells])


def _without_pin(cells: dict[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in cells.items() if name != _SECRET}
