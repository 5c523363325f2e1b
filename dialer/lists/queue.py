"""What becomes of a contact that has come to the head of its list: dialed, or kept out and why.

A contact is looked at when its turn comes and not before, so that a filter, a quota or closed
hours cost one look each, however long the list is. Whoever is kept out leaves the queue until what
keeps him out changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.compliance.opening import Closed
from dialer.model import Number

OPENS_SOON = timedelta(minutes=2)
"""A contact whose hours open within this time is taken: he will be dialed no sooner anyway."""
NO_ROOM_PAUSE = timedelta(minutes=2)
"""When a contact is looked at again whose quota would be full if every call in progress that adds
to it did."""

LATER = "later"
FILTERED = "filter"
QUOTA = "quota "
"""Before the quota's name."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact at the head of its list."""

    contact_id: int
    due_at: datetime
    fits: bool
    """The list's filter takes him."""
    full_quota: str
    """A quota that he would add to and that is full."""
    quotas: Sequence[str] = ()
    """Those that he would add to, and that the calls in progress may fill."""
    numbers: Sequence[Number] = ()
    """Those that can still reach a person."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contact goes: out of the queue for a reason, until `due_at`, or to be dialed."""

    contact_id: int
    held: str
    due_at: datetime
    refused: str = ""
    """Why he isn't called now, though he is due."""


@dataclass(slots=True)
class Rooms:
    """How many more contacts may be taken for each quota that is nearly full.

    Everybody who was taken and may still add to a quota counts as if he did, so that a quota is
    never exceeded, whatever comes of the calls in progress.
    """

    left: dict[str, int] = field(default_factory=dict)

    def lacking(self, quotas: Sequence[str]) -> str:
        """The first of these quotas that has no room left; empty if all have."""
        return next((name for name in quotas if self.left[name] <= 0), "")

    def take(self, quotas: Sequence[str]) -> None:
        """Somebody who would add to these is taken."""
        for name in quotas:
            self.left[name] -= 1


def place_of(
    waiting: Waiting,
    now: datetime,
    *,
    opening: Callable[[Number], Closed | None],
    rooms: Rooms,
) -> Place:
    """Whether a contact is to be dialed (`held` is empty), or what keeps him out."""
    who = waiting.contact_id
    if waiting.due_at > now:
        return Place(who, LATER, waiting.due_at)
    if not waiting.fits:
        return Place(who, FILTERED, waiting.due_at)
    if waiting.full_quota:
        return Place(who, QUOTA + waiting.full_quota, waiting.due_at)
    closed = _closed(waiting.numbers, opening)
    if closed is not None and closed.until > now + OPENS_SOON:
        return Place(who, LATER, closed.until, closed.rule)
    if lacking := rooms.lacking(waiting.quotas):
        return Place(who, LATER, now + NO_ROOM_PAUSE, QUOTA + lacking)
    rooms.take(waiting.quotas)
    return Place(who, "", waiting.due_at)


def _closed(numbers: Sequence[Number], opening: Callable[[Number], Closed | None]) -> Closed | None:
    """The number that may be called first; None if one may be at once, or there is none."""
    found: list[Closed] = []
    for number in numbers:
        closed = opening(number)
        if closed is None:
            return None
        found.append(closed)
    return min(found, key=lambda one: one.until, default=None)
