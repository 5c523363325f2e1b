"""What goes into reading a contact file and what comes out.

Options and mapping are chosen by people, so they are pydantic models; contacts and refusals are
made a million at a time, so they are named tuples.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from dialer.numbers import E164

Names = tuple[str, ...]


class ContactFileError(ValueError):
    """The file as a whole can't be read; the base of the errors below."""

    code = "contact_file"


class EmptyFile(ContactFileError):
    """There is no row to read."""

    code = "empty_file"

    def __init__(self, *, header: bool) -> None:
        what = "has a header but no rows" if header else "is empty"
        super().__init__(f"the file {what}; export it again with at least one contact")


class UnreadableHeader(ContactFileError):
    """The first row can't be read."""

    code = "unreadable_header"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the first row can't be read: {reason}; it must hold the column names")


class NoNumberColumn(ContactFileError):
    """No column is known to hold phone numbers."""

    code = "no_number_column"

    def __init__(self, header: Names) -> None:
        shown = ", ".join(name[:40] for name in header[:30])
        super().__init__(
            f"none of the columns ({shown}) looks like phone numbers; name one in the mapping"
        )


class UnknownColumn(ContactFileError):
    """The mapping names a column that the file doesn't have."""

    code = "unknown_column"

    def __init__(self, column: str, header: Names) -> None:
        shown = ", ".join(name[:40] for name in header[:30])
        super().__init__(f"the file has no column {column!r}; it has {shown}")


class UnknownEncoding(ContactFileError):
    """The declared encoding doesn't exist."""

    code = "unknown_encoding"

    def __init__(self, encoding: str) -> None:
        super().__init__(f"encoding {encoding!r} is unknown; use utf-8, utf-16 or cp1252")


class ChangedFile(ContactFileError):
    """An interrupted import was begun with another file, or with this one before it changed."""

    code = "changed_file"

    def __init__(self) -> None:
        super().__init__(
            "the file has changed since the import began; import it anew, under another id"
        )


class ColumnMapping(BaseModel):
    """Which columns hold what; every other column becomes an attribute of the contact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: Annotated[Names, Field(min_length=1, max_length=10)]
    """Tried in this order."""
    names: Annotated[Names, Field(max_length=5)] = ()
    """Joined by a space, in this order."""
    external_id: str | None = None
    priority: str | None = None
    zone: str | None = None
    due: str | None = None
    language: str | None = None
    ignored: Names = ()
    """Not even attributes."""

    def columns(self) -> Names:
        """Every column that the mapping names."""
        single = (self.external_id, self.priority, self.zone, self.due, self.language)
        return (*self.numbers, *self.names, *filter(None, single), *self.ignored)


class ColumnChoices(BaseModel):
    """What a person says about some columns; the others are told from their names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: Annotated[Names, Field(max_length=10)] = ()
    names: Annotated[Names, Field(max_length=5)] = ()
    external_id: str | None = None
    priority: str | None = None
    zone: str | None = None
    due: str | None = None
    language: str | None = None
    ignored: Names = ()


class FileOptions(BaseModel):
    """What a person may say about a file; what is left out is found out from the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    """Country in which numbers without a country code are read."""
    encoding: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    has_header: bool | None = None
    mapping: ColumnMapping | None = None
    """All columns; what isn't in it is an attribute."""
    columns: ColumnChoices = ColumnChoices()
    """Some columns; ignored beside a mapping."""
    day_first: bool = True
    """How 03/04/2026 is read."""
    zone: str = "UTC"
    """Zone of due dates that have none, for contacts that have none."""
    allow_premium: bool = False
    batch_rows: Annotated[int, Field(ge=1, le=100_000)] = 5_000


class FileShape(BaseModel):
    """What a file was found to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: str
    mark: int = 0
    """Bytes of the byte-order mark."""
    delimiter: str
    has_header: bool
    header: Names
    mapping: ColumnMapping
    mended: bool = False
    """It is a file of refused rows, whose cells were made safe for spreadsheets."""
    sample: tuple[Names, ...] = ()
    """The first rows, for a person to look at."""


class Refusal(StrEnum):
    """Why a row was refused; beside these, the values of `NumberFault` are used."""

    no_number = "no_number"
    duplicate_number = "duplicate_number"
    duplicate_id = "duplicate_id"
    bad_priority = "bad_priority"
    bad_zone = "bad_zone"
    bad_due = "bad_due"
    too_many_columns = "too_many_columns"
    nul_byte = "nul_byte"
    undecodable = "undecodable"
    unterminated_quote = "unterminated_quote"
    row_too_long = "row_too_long"
    malformed_row = "malformed_row"


class ParsedNumber(NamedTuple):
    """One way to reach the contact."""

    number: E164
    label: str
    """The column that it came from."""
    zones: tuple[str, ...]


class DroppedNumber(NamedTuple):
    """A cell that was left out of a contact who has another number; `code` says why."""

    label: str
    code: str


class ParsedContact(NamedTuple):
    """A row that may be dialed."""

    line: int
    """Of the file, where the row starts; the first is 1."""
    external_id: str
    name: str
    numbers: tuple[ParsedNumber, ...]
    priority: int
    zone: str
    """IANA name; empty unless the file says."""
    language: str
    due_at: datetime | None
    attributes: Mapping[str, str]
    dropped: tuple[DroppedNumber, ...]


class RefusedRow(NamedTuple):
    """A row that may not be dialed, and why; `reason` never shows a number."""

    line: int
    code: str
    reason: str
    raw: Names
    """The cells as read; a single one, cut short, if the row could not be split."""


class Batch(NamedTuple):
    """Some rows of the file, in order, and how far reading is after them."""

    contacts: tuple[ParsedContact, ...]
    refused: tuple[RefusedRow, ...]
    rows_seen: int
    bytes_seen: int
    bytes_total: int
    fingerprint: str
    """Of the file's size and its beginning: whether an import goes on with the same file."""
