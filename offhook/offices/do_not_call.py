"""Numbers and files for the do-not-call lists, as people and registers write them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dialer.numbers import InvalidNumber, parse_number
from offhook.errors import OffhookError
from offhook.logging import mask_numbers

TOLD_AT_MOST = 20


class BadDoNotCallEntry(OffhookError):
    """What was given is no number or prefix that can be listed."""

    code = "bad_do_not_call_entry"

    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{mask_numbers(text)}: {why}",
            hint="write numbers with + and the country code, prefixes as +39055",
        )


def listed_number(text: str, region: str) -> str:
    """A number as it is listed."""
    try:
        return parse_number(text, region, allow_premium=True)
    except InvalidNumber as error:
        raise BadDoNotCallEntry(text, str(error)) from None


def listed_prefix(text: str) -> str:
    """A prefix as it is listed."""
    digits = text.strip().replace(" ", "")
    if not digits.startswith("+") or not digits[1:].isdigit() or len(digits) > 16:
        raise BadDoNotCallEntry(text, "a prefix is a plus sign and digits")
    return digits


def as_listed(text: str, region: str) -> list[str]:
    """How a number or prefix may stand on the list: as it was typed, or as a number."""
    typed = text.strip().replace(" ", "")
    try:
        return list(dict.fromkeys((typed, parse_number(text, region, allow_premium=True))))
    except InvalidNumber:
        return [typed]


@dataclass
class RegisterFile:
    """The first column of a file, or the one named `number` or `phone`, as numbers."""

    path: Path
    region: str
    refused: list[dict[str, object]] = field(default_factory=list)
    """The first lines that are no numbers."""
    bad: int = 0

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            column = 0
            for line, row in enumerate(csv.reader(lines), 1):
                if line == 1:
                    named = [cell.strip().lower() for cell in row]
                    found = [named.index(name) for name in ("number", "phone") if name in named]
                    if found:
                        column = found[0]
                        continue
                if not any(row):
                    continue
                try:
                    yield parse_number(row[column], self.region, allow_premium=True)
                except (InvalidNumber, IndexError) as error:
                    self.bad += 1
                    if len(self.refused) < TOLD_AT_MOST:
                        code = error.code if isinstance(error, InvalidNumber) else "no_column"
                        self.refused.append({"line": line, "code": str(code)})
