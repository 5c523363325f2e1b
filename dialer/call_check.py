"""Where a PBX's own call report and our attempts disagree.

Calls meet by correlator. A PBX tells less than we know: for it a machine, a fax and a customer
whom nobody was free for were all answered, and a call that we cleared has no outcome of its own. So
outcomes are compared in classes, and a silence is never a disagreement.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dialer.outcomes import Outcome

OPEN = "open"
"""How an attempt without an outcome is told."""

_CLASS = {
    Outcome.abandoned: Outcome.answered,
    Outcome.machine: Outcome.answered,
    Outcome.fax: Outcome.answered,
    Outcome.invalid: Outcome.unavailable,
}


class DifferenceKind(StrEnum):
    """How the two disagree about a call."""

    missing_there = "missing_there"
    """We have an attempt that the PBX accepted, and it reports no such call."""
    missing_here = "missing_here"
    """The PBX reports a call with a correlator of a customer's that we have no attempt for."""
    twice_there = "twice_there"
    """The PBX reports several calls of one attempt."""
    outcome_differs = "outcome_differs"
    talk_differs = "talk_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxCall:
    """A call that is over, in the PBX's words."""

    call_id: str
    correlator: str
    started_at: datetime | None
    outcome: Outcome | None
    """None where the PBX doesn't say."""
    talk: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OurCall:
    """An attempt as we recorded it."""

    attempt_id: str
    opened_at: datetime
    accepted: bool
    """Whether the PBX took the order to dial."""
    outcome: Outcome | None
    talk: timedelta | None
    """None when nobody talked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One disagreement about one call."""

    kind: DifferenceKind
    at: datetime | None
    attempt_id: str
    call_id: str = ""
    ours: str = ""
    theirs: str = ""
    our_talk: timedelta | None = None
    their_talk: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of comparing a period."""

    ours: int
    theirs: int
    matched: int
    differences: tuple[Difference, ...]


def compare(
    ours: Sequence[OurCall],
    theirs: Iterable[PbxCall],
    *,
    known: frozenset[str],
    start: datetime,
    end: datetime,
    tolerance: timedelta,
) -> Comparison:
    """Compare the attempts opened in `[start, end)` with the PBX's calls of that time and around.

    `known` are correlators of attempts of other times. The PBX's calls may reach beyond the period
    on both sides, so that a call on its edge is found; only those that started inside it, or match
    an attempt of ours, are counted.
    """
    reported: dict[str, list[PbxCall]] = {}
    for call in theirs:
        reported.setdefault(call.correlator, []).append(call)
    found: list[Difference] = []
    matched = counted = 0
    for ours_ in ours:
        calls = reported.pop(ours_.attempt_id, [])
        counted += len(calls)
        matched += bool(calls)
        found += _about(ours_, calls, tolerance)
    for correlator, calls in reported.items():
        inside = [call for call in calls if call.started_at and start <= call.started_at < end]
        if not inside or correlator in known:
            continue
        counted += len(inside)
        found += [_unknown(call) for call in inside]
    return Comparison(ours=len(ours), theirs=counted, matched=matched, differences=tuple(found))


def _about(ours: OurCall, calls: Sequence[PbxCall], tolerance: timedelta) -> list[Difference]:
    if not calls:
        # An order that the PBX took and then could not carry out makes no call.
        lacking = ours.accepted and ours.outcome is not Outcome.failed
        return [_difference(DifferenceKind.missing_there, ours, None)] if lacking else []
    first = calls[0]
    if len(calls) > 1:
        return [_difference(DifferenceKind.twice_there, ours, call) for call in calls]
    found = []
    if first.outcome is not None and _classed(ours.outcome) is not _classed(first.outcome):
        found.append(_difference(DifferenceKind.outcome_differs, ours, first))
    if ours.talk is not None and first.talk is not None and abs(ours.talk - first.talk) > tolerance:
        found.append(_difference(DifferenceKind.talk_differs, ours, first))
    return found


def _classed(outcome: Outcome | None) -> Outcome | None:
    return None if outcome is None else _CLASS.get(outcome, outcome)


def _difference(kind: DifferenceKind, ours: OurCall, call: PbxCall | None) -> Difference:
    return Difference(
        kind=kind,
        at=ours.opened_at,
        attempt_id=ours.attempt_id,
        call_id=call.call_id if call else "",
        ours=ours.outcome or OPEN,
        theirs=(call.outcome or "") if call else "",
        our_talk=ours.talk,
        their_talk=call.talk if call else None,
    )


def _unknown(call: PbxCall) -> Difference:
    return Difference(
        kind=DifferenceKind.missing_here,
        at=call.started_at,
        attempt_id=call.correlator,
        call_id=call.call_id,
        theirs=call.outcome or "",
        their_talk=call.talk,
    )


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """The instants between which it is `day` in a zone; 23 to 25 hours apart."""
    where = ZoneInfo(zone)
    start = datetime.combine(day, time.min, where)
    end = datetime.combine(day + timedelta(days=1), time.min, where)
    return start.astimezone(ZoneInfo("UTC")), end.astimezone(ZoneInfo("UTC"))


def day_before(moment: datetime, zone: str) -> date:
    """The day before the one that it is at `moment` in a zone."""
    return moment.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
