"""Refused rows as a CSV file that a person can mend in a spreadsheet and import again.

A cell that a spreadsheet would run as a formula gets an apostrophe in front, and so does a cell
that starts with an apostrophe already; that makes it certain which ones to take off again. Phone
numbers start with a plus sign too and are left alone.
"""

import csv
import re
from collections.abc import Iterable
from typing import TextIO

from dialer.contacts_csv.columns import REFUSAL_COLUMNS
from dialer.contacts_csv.model import Names, RefusedRow

_RISKY = frozenset("=+-@\t\r\n'")
_PHONE = re.compile(r"[+-]?[ ().\-/]*\d[\d ().\-/]*", re.ASCII)


def write_header(header: Names, stream: TextIO, *, delimiter: str = ",") -> None:
    """The first row: why the row was refused, then the columns of the original."""
    columns = [name for name in header if name not in REFUSAL_COLUMNS]
    csv.writer(stream, delimiter=delimiter).writerow([*REFUSAL_COLUMNS, *map(escape, columns)])


def write_refused(
    rows: Iterable[RefusedRow], header: Names, stream: TextIO, *, delimiter: str = ","
) -> None:
    """The rows, in the columns of `write_header`; open the stream with `newline=""`."""
    writer = csv.writer(stream, delimiter=delimiter)
    own = {place for place, name in enumerate(header) if name in REFUSAL_COLUMNS}
    for row in rows:
        # A row that could not be split is one cell of text, which is none of our columns.
        skipped = own if len(row.raw) > 1 else ()
        cells = [escape(cell) for place, cell in enumerate(row.raw) if place not in skipped]
        writer.writerow([str(row.line), row.code, escape(row.reason), *cells])


def escape(cell: str) -> str:
    """The cell, such that no spreadsheet runs it."""
    return f"'{cell}" if cell[:1] in _RISKY and not _PHONE.fullmatch(cell) else cell


def unescape(cell: str) -> str:
    """The cell that was escaped."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _RISKY else cell
