"""Contact files: bytes of CSV in; contacts, and refusals that can be mended, out.

Pure and streaming: memory holds one batch and eight bytes per number seen. `inspect` says what a
file is before anything is imported, `read_contacts` yields batches, `write_refused` gives back the
rows that need a person.
"""

from dialer.contacts_csv.columns import REFUSAL_COLUMNS
from dialer.contacts_csv.export import write_header, write_refused
from dialer.contacts_csv.model import (
    Batch,
    ChangedFile,
    ColumnChoices,
    ColumnMapping,
    ContactFileError,
    DroppedNumber,
    EmptyFile,
    FileOptions,
    FileShape,
    NoNumberColumn,
    ParsedContact,
    ParsedNumber,
    Refusal,
    RefusedRow,
    UnknownColumn,
    UnknownEncoding,
    UnreadableHeader,
)
from dialer.contacts_csv.reader import inspect, read_contacts

__all__ = [
    "REFUSAL_COLUMNS",
    "Batch",
    "ChangedFile",
    "ColumnChoices",
    "ColumnMapping",
    "ContactFileError",
    "DroppedNumber",
    "EmptyFile",
    "FileOptions",
    "FileShape",
    "NoNumberColumn",
    "ParsedContact",
    "ParsedNumber",
    "Refusal",
    "RefusedRow",
    "UnknownColumn",
    "UnknownEncoding",
    "UnreadableHeader",
    "inspect",
    "read_contacts",
    "write_header",
    "write_refused",
]
