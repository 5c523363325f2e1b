"""The simulator's own truth about every call, to hold what others say against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """How it went for the person called."""

    unanswered = "unanswered"
    waiting = "waiting"
    joined = "joined"
    message = "message"
    abandoned = "abandoned"
    dropped = "dropped"


@dataclass(slots=True)
class CallRecord:
    """One call to, or from, a person outside."""

    call_id: str
    extid: str | None
    number: str
    gateway: str
    attempt: int
    person: str
    inbound: bool = False
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    joined_with: str | None = None
    message_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    outcome: str | None = None
    fate: Fate = Fate.unanswered
    waited_s: float | None = None
    answered_mono: float | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        names = (name for name in self.__slots__ if name != "answered_mono")
        values = {name: getattr(self, name) for name in names}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
        }


class Recorder:
    """Everything that happened, by call; counts what must never happen."""

    def __init__(self) -> None:
        self.calls: dict[str, CallRecord] = {}
        self.times_dialled: Counter[str] = Counter()
        self.extids: Counter[str] = Counter()
        self.alive: Counter[str] = Counter()
        self.most_alive: Counter[str] = Counter()
        self.lines_high_water: Counter[str] = Counter()
        self.followers: list[Callable[[CallRecord], None]] = []

    def dialled(self, record: CallRecord) -> None:
        """A call to a person starts."""
        self.calls[record.call_id] = record
        self.alive[record.number] += 1
        self.most_alive[record.number] = max(
            self.most_alive[record.number], self.alive[record.number]
        )
        if not record.inbound:
            self.times_dialled[record.number] += 1
            if record.extid:
                self.extids[record.extid] += 1

    def answered(self, call_id: str, *, at: datetime, mono: float) -> None:
        """The person, or the machine, took the call."""
        record = self.calls[call_id]
        record.answered_at, record.answered_mono, record.fate = at, mono, Fate.waiting

    def joined(self, call_id: str, user: str, *, at: datetime, mono: float) -> None:
        """The person talks with somebody; the first time stops the wait."""
        record = self.calls[call_id]
        if record.joined_at is None:
            record.joined_at, record.joined_with, record.fate = at, user, Fate.joined
            self._stop_waiting(record, mono)

    def message(self, call_id: str, *, at: datetime, mono: float) -> None:
        """The person hears the message of an IVR that then hangs up."""
        record = self.calls[call_id]
        record.message_at, record.fate = at, Fate.message
        self._stop_waiting(record, mono)

    def ended(self, call_id: str, outcome: str, by: str, *, at: datetime, mono: float) -> None:
        """The call is over; who waited till now was abandoned, or dropped by somebody else."""
        record = self.calls.get(call_id)
        if record is None:
            return
        record.ended_at, record.outcome, record.ended_by = at, outcome, by
        if record.fate is Fate.waiting:
            record.fate = Fate.abandoned if by == "customer" else Fate.dropped
            self._stop_waiting(record, mono)
        self.alive[record.number] -= 1
        for follow in list(self.followers):
            follow(record)

    def _stop_waiting(self, record: CallRecord, mono: float) -> None:
        if record.waited_s is None and record.answered_mono is not None:
            record.waited_s = mono - record.answered_mono

    def line_used(self, gateway: str, busy: int) -> None:
        """So many lines of a gateway are in use."""
        self.lines_high_water[gateway] = max(self.lines_high_water[gateway], busy)

    def summary(self) -> dict[str, object]:
        """Totals; `double_dialled` and `dropped` ought to be 0."""
        fates = Counter(record.fate.value for record in self.calls.values())
        answered = [record for record in self.calls.values() if record.answered_at]
        waits = sorted(record.waited_s for record in answered if record.waited_s is not None)
        return {
            "calls": len(self.calls),
            "answered": len(answered),
            "answered_by_people": sum(record.person == "answer" for record in answered),
            "fates": {fate.value: fates[fate.value] for fate in Fate},
            "double_dialled": sum(most > 1 for most in self.most_alive.values())
            + sum(count > 1 for count in self.extids.values()),
            "most_tries_at_a_number": max(self.times_dialled.values(), default=0),
            "longest_wait_s": waits[-1] if waits else 0.0,
            "lines_high_water": dict(self.lines_high_water),
        }
