"""The policy of PINs: which may be given out, and what a try is worth.

Everything here is a function of facts. Digits appear only where a PIN is chosen (`weaknesses`), and
in no message. When a caller types one, the vault behind `PinVault` compares it and tells only whose
it is; `gate` says beforehand whether a try is allowed at all, `judge` what the verdict is, and both
what is to be recorded. A locked caller hears the same as one whose PIN is wrong unless the tree
says otherwise, and a right PIN opens nothing while the lock lasts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Protocol

from pydantic import AwareDatetime, Field

from ivr.machine_words import PinAnswer, SecretRef
from ivr.tree_parts import Part

WITHHELD = "withheld"
"""Callers who hide their number count as one caller: else hiding it would be the way round."""


class Asks(StrEnum):
    """What a caller types."""

    pin = "pin"
    customer_and_pin = "customer_and_pin"


class Counts(StrEnum):
    """Over what failed tries are counted."""

    call = "call"
    caller = "caller"
    customer = "customer"
    everybody = "everybody"


class AttemptLimit(Part):
    """So many failed tries within a time, and it is locked for another."""

    over: Counts
    failures: Annotated[int, Field(ge=1, le=100_000)]
    within: timedelta = Field(default=timedelta(hours=1), gt=timedelta(0))
    lock: timedelta = Field(default=timedelta(hours=1), ge=timedelta(0))
    """Zero alerts and locks nobody, for `everybody` above all."""
    alert: bool = True


_LIMITS = (
    AttemptLimit(over=Counts.call, failures=3, alert=False),
    AttemptLimit(over=Counts.caller, failures=5),
    AttemptLimit(over=Counts.customer, failures=5),
    AttemptLimit(over=Counts.everybody, failures=100, lock=timedelta(0)),
)


class PinPolicy(Part):
    """What PINs look like, and how often somebody may be wrong."""

    asks: Asks = Asks.pin
    min_length: Annotated[int, Field(ge=4, le=16)] = 6
    max_length: Annotated[int, Field(ge=4, le=16)] = 6
    forbid_equal: bool = True
    forbid_sequences: bool = True
    forbid_customer_number: bool = True
    limits: Annotated[tuple[AttemptLimit, ...], Field(max_length=10)] = _LIMITS


class Weakness(StrEnum):
    """Why a PIN may not be given out."""

    not_digits = "not_digits"
    too_short = "too_short"
    too_long = "too_long"
    all_equal = "all_equal"
    sequence = "sequence"
    repeated = "repeated"
    in_customer_number = "in_customer_number"


def weaknesses(pin: str, policy: PinPolicy, *, customer_number: str = "") -> tuple[Weakness, ...]:
    """Everything that is wrong with a PIN somebody wants to have; empty if it may be given out."""
    found = []
    if not (pin.isascii() and pin.isdecimal()):
        found.append(Weakness.not_digits)
    if len(pin) < policy.min_length:
        found.append(Weakness.too_short)
    if len(pin) > policy.max_length:
        found.append(Weakness.too_long)
    if not pin or Weakness.not_digits in found:
        return tuple(found)
    if policy.forbid_equal and len(set(pin)) == 1:
        found.append(Weakness.all_equal)
    elif policy.forbid_equal and _repeats(pin):
        found.append(Weakness.repeated)
    if policy.forbid_sequences and _is_sequence(pin):
        found.append(Weakness.sequence)
    if policy.forbid_customer_number and pin in "".join(filter(str.isdigit, customer_number)):
        found.append(Weakness.in_customer_number)
    return tuple(found)


def _is_sequence(pin: str) -> bool:
    """123456, 987654, 890123: each key one up, or one down, from the last."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(pin) > 1 and steps in ({1}, {9})


def _repeats(pin: str) -> bool:
    """121212, 123123: one group over and over."""
    return any(
        len(pin) % size == 0 and pin == pin[:size] * (len(pin) // size)
        for size in range(2, len(pin) // 2 + 1)
    )


class PinRecord(Part):
    """What is kept of an enrolled PIN, as far as a verdict needs it."""

    customer: Annotated[str, Field(min_length=1, max_length=64)]
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    """The first instant at which it isn't valid any more."""
    callers: frozenset[str] = frozenset()
    """Numbers it may be used from; empty is any."""
    revoked: bool = False


class Attempt(Part):
    """Who tries: the keys under which failures are counted."""

    call: str
    calling: str = ""
    customer: str | None = None
    """The customer number typed before the PIN, if the policy asks for one."""

    def key(self, over: Counts) -> str | None:
        """What failures are counted under; None when there is nothing to count under."""
        match over:
            case Counts.call:
                return self.call
            case Counts.caller:
                return self.calling or WITHHELD
            case Counts.customer:
                return self.customer
            case Counts.everybody:
                return "*"


class Failures(Part):
    """When tries under one key have failed, in any order; older ones than any limit may be left
    out.
    """

    over: Counts
    at: tuple[AwareDatetime, ...]


class Lock(Part):
    """A try that isn't allowed."""

    over: Counts
    until: AwareDatetime


class Verdict(Part):
    """What a try was worth, and what is to be written down."""

    answer: PinAnswer
    reason: Annotated[str, Field(max_length=64)]
    """A stable word for the audit row."""
    customer: str | None = None
    failed: bool = False
    """Whether it counts as a failure from now on."""
    locked_until: AwareDatetime | None = None
    alerts: tuple[Counts, ...] = ()
    """Limits that this try reached: somebody should know."""


def gate(failures: Iterable[Failures], policy: PinPolicy, now: datetime) -> Lock | None:
    """The lock that a try meets before anything is compared, the longest if there are several."""
    known = {one.over: one.at for one in failures}
    locks = [
        Lock(over=limit.over, until=until)
        for limit in policy.limits
        if (until := _locked_until(limit, known.get(limit.over, ()))) is not None and until > now
    ]
    return max(locks, key=lambda lock: lock.until, default=None)


def _locked_until(limit: AttemptLimit, at: Sequence[datetime]) -> datetime | None:
    """The end of the last lock that these failures have caused."""
    if not limit.lock:
        return None
    times = sorted(at)
    reached = [
        times[last]
        for last in range(limit.failures - 1, len(times))
        if times[last] - times[last - limit.failures + 1] < limit.within
    ]
    return reached[-1] + limit.lock if reached else None


def judge(
    record: PinRecord | None,
    attempt: Attempt,
    failures: Iterable[Failures],
    policy: PinPolicy,
    now: datetime,
) -> Verdict:
    """The verdict on a try whose PIN belongs to `record`, or to nobody."""
    known = tuple(failures)
    lock = gate(known, policy, now)
    if lock is not None:
        reason = f"locked_by_{lock.over}"
        return Verdict(answer=PinAnswer.locked, reason=reason, locked_until=lock.until)
    if record is None:
        return _failure("unknown_pin", None, known, policy, now)
    if policy.asks is Asks.customer_and_pin and record.customer != attempt.customer:
        return _failure("other_customer", None, known, policy, now)
    if record.revoked:
        return _failure("revoked", record.customer, known, policy, now)
    if record.callers and attempt.calling not in record.callers:
        return _failure("other_caller", record.customer, known, policy, now)
    early = record.valid_from is not None and now < record.valid_from
    late = record.valid_until is not None and now >= record.valid_until
    if early or late:
        reason = "not_yet_valid" if early else "expired"
        return Verdict(answer=PinAnswer.expired, reason=reason, customer=record.customer)
    return Verdict(answer=PinAnswer.ok, reason="ok", customer=record.customer)


def _failure(
    reason: str,
    customer: str | None,
    failures: Sequence[Failures],
    policy: PinPolicy,
    now: datetime,
) -> Verdict:
    """A wrong try; the caller is told no difference, the audit row is."""
    before = {one.over: one.at for one in failures}
    alerts: list[Counts] = []
    until: datetime | None = None
    for limit in policy.limits:
        recent = [at for at in before.get(limit.over, ()) if now - at < limit.within]
        if len(recent) + 1 < limit.failures:
            continue
        if limit.alert and len(recent) + 1 == limit.failures:
            alerts.append(limit.over)
        if limit.lock:
            until = max(now + limit.lock, until or now)
    return Verdict(
        answer=PinAnswer.wrong,
        reason=reason,
        customer=customer,
        failed=True,
        locked_until=until,
        alerts=tuple(alerts),
    )


class PinVault(Protocol):
    """Where secrets are: digits by claim check, PINs as keyed HMAC (to find) and argon2id (to
    prove). Implementations compare in constant time, spend the same time on a PIN that nobody has,
    and forget digits once they are redeemed or after a few minutes.
    """

    async def match(self, reference: SecretRef, *, customer: str | None) -> PinRecord | None:
        """Redeem the reference and tell whose PIN it is; None for nobody's, or a reference that
        is used up.
        """
        ...


class PinLedger(Protocol):
    """Where failures are counted and verdicts are written down."""

    async def failures(self, attempt: Attempt, since: datetime) -> Sequence[Failures]:
        """The failures since then under each of the attempt's keys."""
        ...

    async def record(self, attempt: Attempt, verdict: Verdict, at: datetime) -> None:
        """Write an audit row; a failed one counts under each of the attempt's keys."""
        ...
