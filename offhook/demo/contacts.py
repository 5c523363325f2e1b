"""A contact file for a demonstration: made up, seeded, and with the slips that real files have."""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NAMES = (
    "Anna", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Giulia", "Ivo", "Lucia", "Marco",
    "Nadia", "Oscar", "Paola", "Renato", "Sara", "Tullio", "Ugo", "Vera",
)  # fmt: skip
_SURNAMES = (
    "Amato", "Basso", "Conti", "De Luca", "Esposito", "Ferri", "Greco", "Leone", "Marini",
    "Neri", "Orsini", "Pace", "Riva", "Serra", "Testa", "Valle", "Zanetti",
)  # fmt: skip
FIRST_MOBILE = 3_200_000_000
_SPREAD = 90_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFile:
    """What was written."""

    path: Path
    good: int
    bad: int
    """Lines that an import must refuse: a duplicate, and two numbers that are none."""


def some_numbers(count: int, *, seed: int) -> list[str]:
    """`count` different Italian mobile numbers, in E.164."""
    offsets = random.Random(seed).sample(range(_SPREAD), count)
    return [f"+39{FIRST_MOBILE + offset}" for offset in offsets]


def write_contacts(path: Path, numbers: Sequence[str], *, seed: int) -> ContactFile:
    """Write a person for each of `numbers`, and three lines that an import refuses."""
    rng = random.Random(seed)
    rows = [
        (
            f"C{index:05}",
            rng.choice(_NAMES),
            rng.choice(_SURNAMES),
            _national(number) if index % 3 else number,
            rng.choice(("gold", "silver", "bronze")),
        )
        for index, number in enumerate(numbers)
    ]
    bad = [
        ("X00001", "Twice", "Listed", rows[0][3], "gold"),
        ("X00002", "No", "Number", "call the office", "silver"),
        ("X00003", "Too", "Short", "32", "bronze"),
    ]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter=";")
        writer.writerow(("external_id", "name", "surname", "phone", "tier"))
        writer.writerows(rows + bad)
    return ContactFile(path=path, good=len(rows), bad=len(bad))


def _national(number: str) -> str:
    digits = number.removeprefix("+39")
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}"
