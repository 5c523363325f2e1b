"""What offhook says of a campaign, held against the record that the simulated PBX kept of it.

The record is made by the other side of the wire and knows nothing of offhook's tables; agreement of
the two is the proof that nothing was dialed twice, lost or made up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from dialer.outcomes import Outcome

SLACK = timedelta(seconds=5)
"""How much longer than his patience a person may wait in the worst case: a take-over."""


class RecordedCall(BaseModel):
    """One call as the simulator saw it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    extid: str | None
    number: str
    person: str
    """Who was at the other end: answer, machine, no_answer, busy, rejected, invalid,
    unavailable.
    """
    fate: str
    """unanswered, waiting, joined, message, abandoned (hung up while waiting), dropped by us."""
    dialled_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    waited_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which a part of offhook was gone, until its work was taken over."""

    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OurAttempt:
    """One attempt as offhook recorded it."""

    attempt_id: str
    number: str
    outcome: Outcome | None
    opened_at: datetime | None = None
    """When it was written down, just before it was dialed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the two records agree."""

    double_dialed: int = 0
    """Numbers called twice at once, or attempts that reached the PBX twice."""
    stranded: int = 0
    """People who answered and waited longer than they may, or were dropped without a message."""
    mismatches: Sequence[str] = field(default_factory=tuple)
    """Attempts whose outcome is another than the record's, in words."""
    unrecorded: int = 0
    """Attempts the PBX never saw and that offhook doesn't call failed or unknown."""
    unclaimed: int = 0
    """Calls the PBX saw that offhook has no attempt for."""
    guessed: int = 0
    """Attempts that ended while a part was gone, of which offhook says something else, or that
    nobody knows: what the PBX told of them was told to nobody.
    """

    @property
    def clean(self) -> bool:
        """Whether both sides tell the same story and nobody was wronged."""
        return not (
            self.double_dialed
            or self.stranded
            or self.mismatches
            or self.unrecorded
            or self.unclaimed
        )


def expected_outcome(call: RecordedCall) -> Outcome:
    """What offhook ought to say of a call: machines that an agent was given count as answered."""
    if call.fate == "joined":
        return Outcome.answered
    if call.fate in {"message", "abandoned", "dropped", "waiting"}:
        return Outcome.abandoned
    if call.person in {"answer", "machine"}:
        return Outcome.no_answer  # the call was given up before they could
    return Outcome(call.person)


def compare(
    calls: Iterable[RecordedCall],
    attempts: Iterable[OurAttempt],
    *,
    patience: timedelta,
    outages: Sequence[Outage] = (),
) -> Comparison:
    """Hold every call against its attempt.

    People who were caught in an outage may wait until shortly after it; how calls ended in one
    offhook may not know.
    """
    ours = {attempt.attempt_id: attempt for attempt in attempts}
    by_extid: dict[str, list[RecordedCall]] = {}
    for call in claimed(calls, ours.values()):
        by_extid.setdefault(call.extid or "", []).append(call)
    mismatches = []
    unrecorded = guessed = 0
    for attempt in ours.values():
        seen = by_extid.get(attempt.attempt_id)
        if not seen:
            unrecorded += attempt.outcome not in {Outcome.failed, Outcome.unknown}
        elif attempt.outcome in _acceptable(seen[-1]):
            continue
        elif attempt.outcome is not None and _caught(seen[-1], outages):
            guessed += 1
        else:
            mismatches.append(
                f"{attempt.attempt_id}: offhook says {attempt.outcome}, "
                f"the PBX {expected_outcome(seen[-1])} ({seen[-1].person}, {seen[-1].fate})"
            )
    everything = [call for found in by_extid.values() for call in found]
    return Comparison(
        double_dialed=_doubles(by_extid, everything),
        stranded=sum(_stranded(call, patience, outages) for call in everything),
        mismatches=tuple(mismatches),
        unrecorded=unrecorded,
        unclaimed=sum(extid not in ours for extid in by_extid),
        guessed=guessed,
    )


def claimed(
    calls: Iterable[RecordedCall], attempts: Iterable[OurAttempt]
) -> Sequence[RecordedCall]:
    """The calls, those without an attempt given the one that dialed their number just before.

    An attempt gets one call at most, so a call too many stays without one.
    """
    calls = list(calls)
    taken = {call.extid for call in calls}
    free: dict[str, list[OurAttempt]] = {}
    for attempt in attempts:
        if attempt.attempt_id not in taken and attempt.opened_at is not None:
            free.setdefault(attempt.number, []).append(attempt)
    return [_claimed(call, free.get(call.number, [])) for call in calls]


def _claimed(call: RecordedCall, free: list[OurAttempt]) -> RecordedCall:
    if call.extid is not None or call.dialled_at is None:
        return call
    before = [
        attempt for attempt in free if attempt.opened_at and attempt.opened_at <= call.dialled_at
    ]
    if not before:
        return call
    attempt = max(before, key=lambda one: one.opened_at.timestamp() if one.opened_at else 0.0)
    free.remove(attempt)
    return call.model_copy(update={"extid": attempt.attempt_id})


def _acceptable(call: RecordedCall) -> set[Outcome]:
    expected = expected_outcome(call)
    if call.person == "machine" and call.answered_at is not None:
        return {expected, Outcome.machine}  # where the campaign looks for machines
    if call.fate == "unanswered" and call.person in {"answer", "machine"}:
        # Hung up while ringing: the line says nothing more of it than that nobody was reached.
        return {expected, Outcome.unknown, Outcome.failed}
    if expected is Outcome.invalid:
        return {Outcome.invalid, Outcome.unavailable}  # VOIspeed's Table 8 has one code for both
    return {expected}


def _doubles(by_extid: Mapping[str, Sequence[RecordedCall]], calls: Sequence[RecordedCall]) -> int:
    repeated = sum(len(found) - 1 for extid, found in by_extid.items() if extid)
    spans: dict[str, list[tuple[float, int]]] = {}
    for call in calls:
        if call.dialled_at is None:
            continue
        end = call.ended_at.timestamp() if call.ended_at else float("inf")
        spans.setdefault(call.number, []).extend(((call.dialled_at.timestamp(), 1), (end, -1)))
    return repeated + sum(_overlaps(edges) for edges in spans.values())


def _overlaps(edges: list[tuple[float, int]]) -> int:
    live = most = 0
    for _, step in sorted(edges):
        live += step
        most = max(most, live)
    return max(0, most - 1)


def _stranded(call: RecordedCall, patience: timedelta, outages: Sequence[Outage]) -> bool:
    if call.fate in {"dropped", "waiting"}:
        return call.person != "machine"
    if call.answered_at is None or call.waited_s is None:
        return False
    limit = call.answered_at + patience + SLACK
    for outage in sorted(outages, key=lambda outage: outage.began):
        if outage.began <= limit and outage.ended >= call.answered_at:
            limit = max(limit, outage.ended + SLACK)
    return call.answered_at + timedelta(seconds=call.waited_s) > limit


def _caught(call: RecordedCall, outages: Sequence[Outage]) -> bool:
    """Whether what became of a call may have been told while nobody listened."""
    if call.ended_at is None or call.dialled_at is None:
        return False
    return any(
        outage.began - SLACK <= call.ended_at and call.dialled_at <= outage.ended
        for outage in outages
    )


def count_fates(calls: Iterable[RecordedCall]) -> dict[str, int]:
    """How often each fate, for the report."""
    return dict(Counter(call.fate for call in calls))
