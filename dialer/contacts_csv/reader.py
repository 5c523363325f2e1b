"""The whole file: what it is, and its rows in batches.

The first row of a number, or of an external id, is kept; later ones are refused. To know the
earlier ones, an interrupted import reads the file from its start again: that takes 27 s for a
million rows, while keeping what was seen beside every batch would cost each import and every crash
of one a file of its own.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO

from dialer.contacts_csv.columns import (
    REFUSAL_COLUMNS,
    check_mapping,
    clean_header,
    guess_by_cells,
    guess_mapping,
    is_number,
)
from dialer.contacts_csv.encoding import find_delimiter, find_encoding
from dialer.contacts_csv.export import unescape
from dialer.contacts_csv.lines import Row, RowReader
from dialer.contacts_csv.model import (
    Batch,
    DroppedNumber,
    EmptyFile,
    FileOptions,
    FileShape,
    ParsedContact,
    ParsedNumber,
    Refusal,
    RefusedRow,
    UnreadableHeader,
)
from dialer.contacts_csv.rows import RowParser
from dialer.contacts_csv.seen import Seen, number_key, text_key

SAMPLE_BYTES = 1 << 16
SAMPLE_ROWS = 20
_DUPLICATE_NUMBER = "every number of the row is in an earlier row; keep one of the rows"
_DUPLICATE_ID = "the external id is in an earlier row; keep one of the rows"


def inspect(source: BinaryIO, options: FileOptions) -> FileShape:
    """What the file is: encoding, delimiter, columns and what they hold; reads a sample of rows."""
    encoding, mark = find_encoding(source, options.encoding)
    source.seek(mark)
    sample = source.read(SAMPLE_BYTES)
    if not sample.strip():
        raise EmptyFile(header=False)
    lines = sample.decode(encoding, "replace").splitlines(keepends=True)
    delimiter = options.delimiter or find_delimiter(lines[: SAMPLE_ROWS * 2][:-1] or lines)
    rows = RowReader(source, encoding=encoding, delimiter=delimiter, offset=mark)
    sampled = list(islice(rows, SAMPLE_ROWS + 1))
    if not sampled:
        raise EmptyFile(header=False)
    first, region = sampled[0], options.default_region
    has_header = options.has_header
    if has_header is None:
        has_header = bool(first.fault) or not any(is_number(c, region) for c in first.cells)
    if has_header and first.fault:
        raise UnreadableHeader(first.fault.value)
    width = max(len(row.cells) for row in sampled if not row.fault) if not has_header else 0
    named = list(map(unescape, first.cells)) if has_header else [""] * width
    header = clean_header(named)
    cells = [row.cells for row in sampled[has_header:] if not row.fault]
    if options.mapping is not None:
        mapping = options.mapping
    elif has_header or options.columns.numbers:
        mapping = guess_mapping(header, options.columns)
    else:
        mapping = guess_by_cells(header, cells, region)
    return FileShape(
        encoding=encoding,
        mark=mark,
        delimiter=delimiter,
        has_header=has_header,
        header=header,
        mapping=check_mapping(mapping, header),
        mended=set(REFUSAL_COLUMNS) <= set(header),
        sample=tuple(map(tuple, cells)),
    )


def read_contacts(source: BinaryIO, options: FileOptions) -> Iterator[Batch]:
    """Every row of the file once, in batches; the same batches each time it is read."""
    shape = inspect(source, options)
    size, fingerprint = _identify(source)
    rows = RowReader(source, encoding=shape.encoding, delimiter=shape.delimiter, offset=shape.mark)
    if shape.has_header:
        next(rows)
    parser, seen, count = RowParser(shape, options), Seen(), 0
    while some := list(islice(rows, options.batch_rows)):
        contacts, refused = _settle(some, parser, seen)
        count += len(some)
        yield Batch(contacts, refused, count, rows.offset, size, fingerprint)
    if count == 0:
        raise EmptyFile(header=shape.has_header)


def _settle(
    rows: list[Row], parser: RowParser, seen: Seen
) -> tuple[tuple[ParsedContact, ...], tuple[RefusedRow, ...]]:
    """Parse a batch, and keep the first of each number and external id."""
    parsed = [parser.parse(*row) for row in rows]
    keys = [_keys(item) if isinstance(item, ParsedContact) else [] for item in parsed]
    taken, fresh = seen.among([key for some in keys for key in some]), list[int]()
    contacts, refused = [], []
    for row, item, own in zip(rows, parsed, keys, strict=True):
        kept = item
        repeated = not taken.isdisjoint(own) or len(set(own)) < len(own)
        if repeated and isinstance(item, ParsedContact):
            kept = _without_duplicates(row, item, taken)
        if isinstance(kept, RefusedRow):
            refused.append(kept)
        else:
            contacts.append(kept)
            own = own if kept is item else _keys(kept)
            taken.update(own)
            fresh += own
    seen.add(fresh)
    return tuple(contacts), tuple(refused)


def _keys(contact: ParsedContact) -> list[int]:
    """What no other contact of the file may share."""
    keys = [number_key(entry.number) for entry in contact.numbers]
    if contact.external_id:
        keys.append(text_key(contact.external_id))
    return keys


def _without_duplicates(
    row: Row, contact: ParsedContact, taken: set[int]
) -> ParsedContact | RefusedRow:
    """The contact with the numbers that nobody has, its own repetitions left out."""
    if contact.external_id and text_key(contact.external_id) in taken:
        return RefusedRow(row.line, Refusal.duplicate_id, _DUPLICATE_ID, tuple(row.cells))
    kept: dict[int, ParsedNumber] = {}
    dropped = list(contact.dropped)
    for entry in contact.numbers:
        key = number_key(entry.number)
        if key in taken or key in kept:
            dropped.append(DroppedNumber(entry.label, Refusal.duplicate_number))
        else:
            kept[key] = entry
    if not kept:
        return RefusedRow(row.line, Refusal.duplicate_number, _DUPLICATE_NUMBER, tuple(row.cells))
    return contact._replace(numbers=tuple(kept.values()), dropped=tuple(dropped))


def _identify(source: BinaryIO) -> tuple[int, str]:
    """Size, and a fingerprint of size and beginning."""
    size = source.seek(0, 2)
    source.seek(0)
    start = source.read(SAMPLE_BYTES)
    return size, blake2b(start, digest_size=16, key=str(size).encode()).hexdigest()
