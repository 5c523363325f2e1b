"""How several lists are mixed by weight.

Each claim is shared out in proportion to the weights of the lists that may be dialed now, with the
fractions carried over to the next claim; a list that has nobody to give leaves its share to the
others. Within the claim the lists alternate as evenly as their parts allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class ListOrder(StrEnum):
    """Which contact of a list comes first, among those of the same priority."""

    due = "due"
    """Who has been due for the longest."""
    newest = "newest"
    """Who came into the list last."""
    random = "random"
    """By a hash of the contact: no order, and the same one every time."""
    attribute = "attribute"
    """By a number or date among the contact's attributes; whoever has none comes last."""


@dataclass(slots=True)
class Turns:
    """What a mix remembers from one claim to the next."""

    owed: dict[int, float] = field(default_factory=dict)
    """Fractions of contacts that a list is still to give, by list."""
    next: int = 0
    """Place of the next contact among all that were claimed."""


def shares(weights: Mapping[int, int], wanted: int, owed: dict[int, float]) -> dict[int, int]:
    """How many contacts each list is to give of `wanted`; `owed` carries the fractions on.

    The parts add up to `wanted`, and over many claims each list's sum stays within one contact of
    its proportion, as long as the lists and weights stay the same.
    """
    total = sum(weights.values())
    if not total or wanted <= 0:
        return dict.fromkeys(weights, 0)
    due = {one: owed.get(one, 0.0) + wanted * weight / total for one, weight in weights.items()}
    given = {one: max(0, int(part)) for one, part in due.items()}
    by_rest = sorted(due, key=lambda one: (given[one] - due[one], one))
    for one in by_rest[: max(0, wanted - sum(given.values()))]:
        given[one] += 1
    for one in reversed(by_rest):
        if sum(given.values()) <= wanted:
            break
        given[one] = max(0, given[one] - 1)
    owed.clear()
    owed.update({one: due[one] - given[one] for one in due})
    return given


def turns(parts: Sequence[Sequence[T]]) -> list[T]:
    """The parts in one row, each spread over it as evenly as can be, in its own order."""
    placed = [
        ((number + 0.5) / len(part), which, number)
        for which, part in enumerate(parts)
        for number in range(len(part))
    ]
    return [parts[which][number] for _, which, number in sorted(placed)]
