"""Rows of a CSV file, with the bytes and lines that each took, whatever is wrong with some of them.

`csv.reader` pulls physical lines from here one at a time, so when it hands over a row, what was
pulled is what the row took: progress is exact at the end of every row. A row that can't be right (a
quote never closed, too many lines, too long) costs its first line only: the lines after it are put
back and read again.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from dialer.contacts_csv.model import Refusal

MAX_LINE = 1 << 20
"""Bytes of one physical line; a longer one is skipped and refused."""
MAX_ROW_LINES = 50
"""Lines that the quoted line breaks of one row may make."""
SHOWN = 500
"""Characters kept of a row that can't be split."""
CHUNK = 1 << 16


class Line(NamedTuple):
    """A physical line; too long if it has no text."""

    text: str | None
    size: int
    fault: Refusal | None = None


class Row(NamedTuple):
    """Cells and the line where they start, or what is wrong and what there was."""

    line: int
    cells: list[str]
    fault: Refusal | None = None


class _TooLong(Exception):  # a signal from the lines through csv.reader to the rows
    """The row can't be finished within its limits."""


class RowReader:
    """Iterates over the rows of a file from a given place; `offset` and `line` say how far."""

    def __init__(
        self, source: BinaryIO, *, encoding: str, delimiter: str, offset: int, line: int = 0
    ) -> None:
        source.seek(offset)
        self.offset = offset
        self.line = line
        self._lines = _lines(source, encoding)
        self._csv = csv.reader(_Feed(self), delimiter=delimiter)
        self._back: deque[Line] = deque()
        self._taken: list[Line] = []
        self._ended = False

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        """The next row that isn't blank."""
        taken = self._taken
        while True:
            taken.clear()
            self._ended = False
            trouble: Refusal | None = None
            cells: list[str] = []
            try:
                cells = next(self._csv)
            except _TooLong:
                trouble = Refusal.row_too_long
            except csv.Error as error:
                too_long = "field larger" in str(error)
                trouble = Refusal.row_too_long if too_long else Refusal.malformed_row
            if trouble or (self._ended and taken):
                return self._first_line(trouble or Refusal.unterminated_quote)
            start = self.line + 1
            fault = None
            for line in taken:
                self.offset += line.size
                fault = fault or line.fault
            self.line += len(taken)
            if cells or fault:
                return Row(start, cells, fault)

    def pull(self) -> str:
        """The next physical line, for the CSV parser."""
        line = self._back.popleft() if self._back else next(self._lines, None)
        if line is None:
            self._ended = True
            raise StopIteration
        self._taken.append(line)
        if line.text is None or len(self._taken) > MAX_ROW_LINES:
            raise _TooLong
        return line.text

    def _first_line(self, trouble: Refusal) -> Row:
        """Refuse the first of the lines taken and put the others back."""
        first, *others = self._taken
        self._back.extendleft(reversed(others))
        self.offset += first.size
        self.line += 1
        # If lines were pulled in on behalf of the first, its quote is what went wrong.
        fault = first.fault or (Refusal.unterminated_quote if others else trouble)
        return Row(self.line, [(first.text or "").rstrip("\r\n")[:SHOWN]], fault)


class _Feed:
    """What `csv.reader` pulls from; goes on after an end, because lines may be put back."""

    def __init__(self, rows: RowReader) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._rows.pull()


def _lines(source: BinaryIO, encoding: str) -> Iterator[Line]:
    start = source.tell()
    sample = source.read(CHUNK)
    source.seek(start)
    wide = encoding.startswith("utf-16")
    if wide or (b"\r" in sample and b"\n" not in sample):
        carriage = "\r".encode(encoding)
        feed = "\n".encode(encoding)
        newline = "\r" if carriage in sample and feed not in sample else "\n"
        return _lines_of_text(source, encoding, newline)
    return _lines_of_bytes(source, encoding)


def _lines_of_bytes(source: BinaryIO, encoding: str) -> Iterator[Line]:
    while raw := source.readline(MAX_LINE):
        size = len(raw)
        if size == MAX_LINE and raw[-1] != 10:
            while rest := source.readline(MAX_LINE):
                size += len(rest)
                if rest[-1] == 10:
                    break
            yield Line(None, size, Refusal.row_too_long)
            continue
        try:
            text = raw.decode(encoding)
        except ValueError:
            yield Line(raw.decode(encoding, "replace"), size, Refusal.undecodable)
            continue
        if "\0" in text:
            yield Line(text, size, Refusal.nul_byte)
        else:
            yield Line(text, size)


def _lines_of_text(source: BinaryIO, encoding: str, newline: str) -> Iterator[Line]:
    """Lines of a file whose lines can't be cut before it is decoded; sizes are still exact."""
    errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest, skipped = "", 0
    while True:
        chunk = source.read(CHUNK)
        try:
            rest += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:  # half a character at the very end
            chunk = b""
        *whole, rest = rest.split(newline)
        if not chunk and rest:
            whole, rest = [*whole, rest], ""
            newline = ""
        for part in whole:
            yield _line_of_text(part + newline, encoding, errors, skipped)
            skipped = 0
        if len(rest) > MAX_LINE:
            skipped += len(rest.encode(encoding, errors))
            rest = ""
        if not chunk:
            if skipped:
                yield Line(None, skipped, Refusal.row_too_long)
            return


def _line_of_text(text: str, encoding: str, errors: str, skipped: int) -> Line:
    size = skipped + len(text.encode(encoding, errors))
    if skipped or len(text) > MAX_LINE:
        return Line(None, size, Refusal.row_too_long)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Line(text.encode("utf-8", "replace").decode(), size, Refusal.undecodable)
    return Line(text, size, Refusal.nul_byte if "\0" in text else None)
