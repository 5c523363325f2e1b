"""Which encoding a file is in, and which delimiter.

A byte-order mark decides; else zero bytes betray UTF-16; else the whole file is tried as UTF-8. If
that fails somewhere, the file is UTF-8 with broken rows when most of its accented letters are good
UTF-8, and Windows-1252 when most are not.
"""

import codecs
import csv
import re
from collections import Counter
from typing import BinaryIO

from dialer.contacts_csv.model import UnknownEncoding

CHUNK = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
_BROKEN = re.compile("[\udc80-\udcff]")
_ACCENTED = re.compile("[^\x00-\x7f\udc80-\udcff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def find_encoding(source: BinaryIO, declared: str | None) -> tuple[str, int]:
    """The encoding, and the length of the byte-order mark."""
    source.seek(0)
    start = source.read(4096)
    marked = next(((name, len(mark)) for mark, name in _MARKS if start.startswith(mark)), None)
    if declared is not None:
        return _declared(declared, marked)
    if marked:
        return marked
    zeros = start.count(0)
    if zeros * 4 > len(start):
        return ("utf-16-le" if start[1::2].count(0) * 2 > zeros else "utf-16-be"), 0
    return _utf8_or_windows(source), 0


def _declared(name: str, marked: tuple[str, int] | None) -> tuple[str, int]:
    try:
        known = codecs.lookup(name).name
        "a".encode(known)
    except (LookupError, ValueError):
        raise UnknownEncoding(name) from None
    if known in {"utf-16", "utf-8-sig"}:
        return marked or ("utf-16-le" if known == "utf-16" else "utf-8", 0)
    if known in {"utf-8", "utf-16-le", "utf-16-be"}:
        return known, marked[1] if marked and marked[0] == known else 0
    if "\n".encode(known) != b"\n":  # the reader splits on line feeds before it decodes
        raise UnknownEncoding(name)
    return known, 0


def _utf8_or_windows(source: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    broken = accented = 0
    source.seek(0)
    while chunk := source.read(CHUNK):
        text = decoder.decode(chunk)
        if not text.isascii():
            broken += len(_BROKEN.findall(text))
            accented += len(_ACCENTED.findall(text))
    return "cp1252" if broken > accented else "utf-8"


def find_delimiter(lines: list[str]) -> str:
    """The delimiter that splits most of the lines into the same number of columns."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        width, times = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1 and (score := (times / widths.total(), width)) > best_score:
            best, best_score = delimiter, score
    return best
