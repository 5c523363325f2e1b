"""One row into one contact, or into the reason why not."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from dialer.contacts_csv.export import unescape
from dialer.contacts_csv.model import (
    DroppedNumber,
    FileOptions,
    FileShape,
    ParsedContact,
    ParsedNumber,
    Refusal,
    RefusedRow,
)
from dialer.numbers import InvalidNumber, resolve
from dialer.windows import UnknownTimeZone, zone_info

_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ T]+(\d{1,2})[:.](\d{2})(?::\d{2})?)?")
_PRIORITY = re.compile(r"[+-]?\d{1,5}(\.0+)?", re.ASCII)
_MOST_URGENT = 32_767

_REASONS = {
    Refusal.nul_byte: "the row holds a zero byte; export the file again as text",
    Refusal.undecodable: "the row has bytes that the encoding doesn't; declare the right encoding",
    Refusal.unterminated_quote: "a quote is opened and never closed; close it or double it",
    Refusal.row_too_long: "the row or one of its cells is too long; shorten it",
    Refusal.malformed_row: "the row can't be split into cells; check its quotes and line breaks",
}


class _BadCell(Exception):  # never leaves this module
    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class RowParser:
    """Turns the rows of one file into contacts."""

    def __init__(self, shape: FileShape, options: FileOptions) -> None:
        header, mapping = shape.header, shape.mapping
        self._width = len(header)
        self._options = options
        self._mended = shape.mended
        self._numbers = tuple((header.index(name), name) for name in mapping.numbers)
        self._names = tuple(header.index(name) for name in mapping.names)
        self._external_id = _place(header, mapping.external_id)
        self._priority = _place(header, mapping.priority)
        self._zone = _place(header, mapping.zone)
        self._due = _place(header, mapping.due)
        self._language = _place(header, mapping.language)
        used = set(mapping.columns())
        self._others = tuple((p, name) for p, name in enumerate(header) if name not in used)

    def parse(
        self, line: int, cells: list[str], fault: Refusal | None
    ) -> ParsedContact | RefusedRow:
        """The contact in a row; a row that is too wide, or has a bad cell, is refused."""
        if fault is not None:
            return RefusedRow(line, fault, _REASONS[fault], tuple(cells))
        if self._mended:
            cells[:] = map(unescape, cells)
        if len(cells) != self._width:
            if any(cells[self._width :]):
                reason = f"{len(cells)} cells for {self._width} columns; quote the cells that hold "
                return RefusedRow(
                    line, Refusal.too_many_columns, reason + "the delimiter", tuple(cells)
                )
            cells = cells + [""] * (self._width - len(cells))
        try:
            return self._contact(line, [cell.strip() for cell in cells])
        except (_BadCell, InvalidNumber) as error:
            return RefusedRow(line, str(error.code), str(error), tuple(cells))

    def _contact(self, line: int, cells: list[str]) -> ParsedContact:
        numbers: list[ParsedNumber] = []
        dropped: list[DroppedNumber] = []
        first_fault: InvalidNumber | None = None
        region, premium = self._options.default_region, self._options.allow_premium
        for place, label in self._numbers:
            cell = cells[place]
            if cell:
                try:
                    found = resolve(cell, region, allow_premium=premium)
                except InvalidNumber as error:
                    first_fault = first_fault or error
                    dropped.append(DroppedNumber(label, str(error.code)))
                else:
                    numbers.append(ParsedNumber(found.number, label, found.zones))
        if not numbers:
            raise first_fault or _BadCell(
                Refusal.no_number, "no number in the row; fill in one of the number columns"
            )
        zone = "" if self._zone is None else _read_zone(cells[self._zone])
        return ParsedContact(
            line,
            "" if self._external_id is None else cells[self._external_id],
            " ".join([cells[place] for place in self._names if cells[place]]),
            tuple(numbers),
            0 if self._priority is None else _read_priority(cells[self._priority]),
            zone,
            "" if self._language is None else cells[self._language],
            None if self._due is None else self._read_due(cells[self._due], zone),
            {name: cells[place] for place, name in self._others if cells[place]},
            tuple(dropped),
        )

    def _read_due(self, cell: str, zone: str) -> datetime | None:
        if not cell:
            return None
        try:
            due = self._read_moment(cell)
            if due.tzinfo is None:
                due = due.replace(tzinfo=zone_info(zone or self._options.zone))
            return due.astimezone(UTC)
        except (ValueError, OverflowError):
            reason = f"{cell[:40]!r} is not a date; write 2026-03-02 10:00"
            raise _BadCell(Refusal.bad_due, reason) from None

    def _read_moment(self, cell: str) -> datetime:
        match = _DATE.fullmatch(cell)
        if match is None:
            return datetime.fromisoformat(cell)
        first, second, year, hour, minute = (int(part or 0) for part in match.groups())
        day, month = (first, second) if self._options.day_first else (second, first)
        return datetime.fromisoformat(f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")


def _place(header: Sequence[str], name: str | None) -> int | None:
    return None if name is None else header.index(name)


def _read_zone(cell: str) -> str:
    if cell:
        try:
            zone_info(cell)
        except UnknownTimeZone as error:
            raise _BadCell(Refusal.bad_zone, str(error)) from None
    return cell


@lru_cache(maxsize=4096)
def _read_priority(cell: str) -> int:
    if not cell:
        return 0
    priority = int(cell.partition(".")[0]) if _PRIORITY.fullmatch(cell) else _MOST_URGENT + 1
    if abs(priority) > _MOST_URGENT:
        reason = f"{cell[:40]!r} is not a priority; write a whole number, higher for sooner"
        raise _BadCell(Refusal.bad_priority, reason)
    return priority
