"""What becomes of a contact that has come to the head of its list: dialed, or kept out and why.

A contact is looked at when its turn comes and not before, so that a filter, a quota or closed
hours cost one look each, however long the list is. Whoever is kept out leaves the queue until what
keeps him out changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.windows import CallingHours

OPENS_SOON = timedelta(minutes=2)
"""A contact whose hours open within this time is taken: he will be dialed no sooner anyway."""
NEVER_OPEN_PAUSE = timedelta(days=1)
"""When hours that never open are looked at again: somebody may have changed them."""

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
    zones: Sequence[tuple[str, ...]]
    """Where each number may be that can still reach a person; empty for no number at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contact goes: out of the queue for a reason, until `due_at`, or to be dialed."""

    contact_id: int
    held: str
    due_at: datetime
    closed: bool = False
    """It is the hours that keep him out."""


def place_of(waiting: Waiting, hours: CallingHours, now: datetime, *, own_zone: str) -> Place:
    """Whether a contact is to be dialed (`held` is empty), or what keeps him out."""
    who = waiting.contact_id
    if waiting.due_at > now:
        return Place(who, LATER, waiting.due_at)
    if not waiting.fits:
        return Place(who, FILTERED, waiting.due_at)
    if waiting.full_quota:
        return Place(who, QUOTA + waiting.full_quota, waiting.due_at)
    opens_at = _opens_at(waiting.zones, hours, now, own_zone)
    if opens_at is None or opens_at <= now + OPENS_SOON:
        return Place(who, "", waiting.due_at)
    return Place(who, LATER, opens_at, closed=True)


def _opens_at(
    numbers: Sequence[tuple[str, ...]], hours: CallingHours, now: datetime, own_zone: str
) -> datetime | None:
    """When the first of the numbers may be called; None for at once, and where there is none."""
    if hours.is_always or not numbers:
        return None
    earliest = now + NEVER_OPEN_PAUSE
    found = False
    for zones in numbers:
        where = zones or (own_zone,)
        if hours.contains(now, where):
            return None
        opens_at = hours.next_open(now, where)
        if opens_at is not None and (not found or opens_at < earliest):
            earliest, found = opens_at, True
    return earliest
