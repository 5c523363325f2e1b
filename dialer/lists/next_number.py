"""Which number of a contact is dialed next.

The campaign says after which outcomes a contact goes on to another number; after the others the
same number is tried again. Among those to go on to, the least tried comes first: in the list's own
order, or by how likely somebody answers there at this hour.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.outcomes import Outcome
from dialer.windows import zone_info

if TYPE_CHECKING:
    from dialer.model import Dialable, Number
    from dialer.retry import RetryRules

NEAR_HOURS = 1
"""An answer within so many hours of the day counts fully, one at another hour by `FAR`."""
FAR = 0.25
PRIOR_ANSWERS, PRIOR_TRIES = 0.3, 1.0
"""What a number that was never tried is thought to have done: enough to be tried itself."""
FOUND = frozenset({Outcome.answered, Outcome.abandoned})
"""Outcomes that say that a person is reached there."""


class NumberOrder(StrEnum):
    """In which order the numbers of a contact are dialed."""

    listed = "listed"
    """As the list has them."""
    best_first = "best_first"
    """Where somebody answered before, at about this hour, first."""


def in_turn(contact: "Dialable", rules: "RetryRules") -> "tuple[Number, ...]":
    """The contact's numbers, the one to be dialed first."""
    numbers = contact.numbers
    if len(numbers) == 1:
        return numbers
    best = rules.numbers is NumberOrder.best_first
    if not best and not any(one.attempts for one in numbers):
        start = contact.attempts % len(numbers)  # what each was tried isn't known
        return numbers[start:] + numbers[:start]

    def place(number: "Number") -> tuple[bool, int, float]:
        return (not _stays(number, rules), number.attempts, -number.score if best else 0.0)

    return tuple(sorted(numbers, key=place))


def _stays(number: "Number", rules: "RetryRules") -> bool:
    """The contact was last tried here, and its outcome is no reason to try another number."""
    if not number.attempts or number.last_outcome is None:
        return False
    return rules.next_number_on is not None and number.last_outcome not in rules.next_number_on


def answer_score(
    history: Iterable[tuple[datetime, Outcome]], now: datetime, zones: Sequence[str]
) -> float:
    """How likely somebody answers a number at this hour, from what came of calls to it before."""
    zone = zone_info(zones[0] if zones else "UTC")
    hour = now.astimezone(zone).hour
    answers, tries = PRIOR_ANSWERS, PRIOR_TRIES
    for at, outcome in history:
        apart = abs(at.astimezone(zone).hour - hour)
        weight = 1.0 if min(apart, 24 - apart) <= NEAR_HOURS else FAR
        tries += weight
        answers += weight * (outcome in FOUND)
    return round(answers / tries, 6)
