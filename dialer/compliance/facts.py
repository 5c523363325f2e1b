"""What the law must know of a contact beside the contact itself, and what it asks of the record.

These travel: the facts with a claimed contact into the engine, the limits with an opened attempt
into the transaction that writes it, where they are counted again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from dialer.records import record


class Counted(StrEnum):
    """Which earlier calls a limit counts."""

    attempt = "attempt"
    """All, from when they were placed."""
    open = "open"
    """Those in progress."""
    abandoned = "abandoned"
    machine = "machine"
    talk = "talk"
    """Those in which an agent spoke with the person."""
    refused = "refused"
    """Those in which the person said that he wants no more of it."""


@record
class PastCall:
    """An earlier call, of any campaign, to the number, the person or about the debt."""

    keys: tuple[str, ...]
    """Those of the contact's keys that it counts for."""
    at: datetime
    """When it was placed."""
    ended_at: datetime | None = None
    """None while it is in progress."""
    outcome: str = ""
    talked: bool = False
    refused: bool = False

    def counts_as(self, counted: Counted) -> bool:
        """Whether it is one of those."""
        match counted:
            case Counted.attempt:
                return True
            case Counted.open:
                return self.ended_at is None
            case Counted.talk:
                return self.talked
            case Counted.refused:
                return self.refused
        return self.outcome == counted

    def since(self, counted: Counted) -> datetime:
        """The instant from which its effect lasts."""
        placed = counted in (Counted.attempt, Counted.open)
        return self.at if placed or self.ended_at is None else self.ended_at


@record
class Listed:
    """A number of the contact that is on a do-not-call list."""

    number: str
    source: str = ""
    until: datetime | None = None
    """None is for ever."""


@record
class History:
    """What the record says of a contact at the moment of its claim."""

    person: str = ""
    """Names the person over all campaigns; empty where the list doesn't."""
    debt: str = ""
    """Names the debt that the call is about."""
    consent: bool = False
    """The list says that the person has agreed to be called."""
    calls: tuple[PastCall, ...] = ()
    listed: tuple[Listed, ...] = ()


NOTHING_KNOWN = History()


@record
class Limit:
    """A call is forbidden where more than `most` earlier ones count within `within`."""

    rule: str
    """Profile and rule, as `us-fl/attempts`."""
    key: str
    counted: Counted
    most: int
    within: timedelta

    def frees_at(self, calls: tuple[PastCall, ...], now: datetime) -> datetime | None:
        """When the calls known no longer forbid another; None if they don't now."""
        since = sorted(
            call.since(self.counted)
            for call in calls
            if self.key in call.keys and call.counts_as(self.counted)
        )
        over = [moment for moment in since if moment > now - self.within]
        return None if len(over) <= self.most else over[-self.most - 1] + self.within


def number_key(number: str) -> str:
    """The key under which calls to a number are counted."""
    return f"number:{number}"


def person_key(person: str) -> str:
    """The key under which calls to a person are counted."""
    return f"person:{person}"


def debt_key(debt: str) -> str:
    """The key under which calls about a debt are counted."""
    return f"debt:{debt}"
