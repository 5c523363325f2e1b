"""What XiVO still knows of a request to dial whose end nobody told: in a queue, or in its history.

A request that was on its way when a connection broke may have been carried out while nobody could
hear of it. Its call is then among those of an agent's telephone, as long as it lasts; before, it
waits in its queue; afterwards, the agent's history has it. Neither queue nor history tells our
variables: there a call is ours by its number and its time. Where nothing shows it, nothing is said
of it: a history may be late, so that its silence proves nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.outcomes import Outcome
from offhook.switches.xivo.wire_events import QueueCall
from offhook.switches.xivo.wire_office import HistoryCall

HISTORY = 20
"""Calls of each telephone that are looked through."""
NEWEST = timedelta(seconds=2)
"""Requests younger than this are left alone: word of them is on its way."""
OLDEST = timedelta(minutes=10)
SLACK = timedelta(seconds=3)
"""By which clocks, and seconds cut off, may differ."""
_LONGEST_WAIT = timedelta(minutes=5)
"""From a request until an agent of its queue is called."""
_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Placement:
    """A request to dial."""

    correlator: str
    destination: str
    queue_id: int
    caller: tuple[str, str]
    """Name and number shown."""
    asked_at: datetime


class Placements:
    """Requests to dial whose end hasn't been told; bounded."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._open: OrderedDict[str, Placement] = OrderedDict()

    def asked(
        self, correlator: str, destination: str, queue_id: int, caller: tuple[str, str]
    ) -> None:
        """Remember a request that is about to be sent."""
        placement = Placement(correlator, destination, queue_id, caller, self._clock())
        self._open[correlator] = placement
        if len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    def over(self, correlator: str) -> None:
        """Its end was told."""
        self._open.pop(correlator, None)

    def missing(self, going_on: Collection[str]) -> list[Placement]:
        """Those that are not among the calls in progress, and old enough to be."""
        now = self._clock()
        for stale in [p for p in self._open.values() if now - p.asked_at > OLDEST]:
            self.over(stale.correlator)
        return [
            placement
            for placement in self._open.values()
            if placement.correlator not in going_on and now - placement.asked_at > NEWEST
        ]


def waiting(missing: Sequence[Placement], calls: Iterable[QueueCall]) -> list[Placement]:
    """Those that a queue's waiting calls may be; each such call is one of them at most."""
    found: list[Placement] = []
    for call in calls:
        since = _moment(call.queue_time)
        for placement in missing:
            fits = (call.caller, call.number) == placement.caller
            if fits and placement not in found and _begun(since, placement):
                found.append(placement)
                break
    return found


def outcome_of(
    destination: str, began: tuple[datetime, datetime], calls: Iterable[HistoryCall], zone: str
) -> Outcome | None:
    """How the call to a number went that began between two moments, by a telephone's history."""
    found = set()
    for call in calls:
        start = _local(call.start, zone)
        if start is None or not began[0] - SLACK <= start <= began[1] + SLACK:
            continue
        if destination in (call.destination_number, call.source_number):
            found.add(_outcome(call))
    # An agent who let it ring has missed it, and the next one may have taken it.
    return next((one for one in (Outcome.answered, Outcome.no_answer) if one in found), None)


def began(placement: Placement) -> tuple[datetime, datetime]:
    """Between which moments a request's call began, if it did."""
    return placement.asked_at, placement.asked_at + _LONGEST_WAIT


def _outcome(call: HistoryCall) -> Outcome | None:
    talked = bool((call.duration or "").strip("0:"))
    match call.status:
        case "ongoing":
            return None
        case "answered":
            return Outcome.answered
        case "emitted" if talked:
            return Outcome.answered
        case _:
            return Outcome.no_answer


def _begun(since: datetime | None, placement: Placement) -> bool:
    return since is not None and since >= placement.asked_at - SLACK


def _local(text: str, zone: str) -> datetime | None:
    try:
        return datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
