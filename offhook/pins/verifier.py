"""A caller's PIN, judged: the one place where a typed PIN meets what is enrolled.

Every try costs the same whatever comes of it: one argon2id hash, one lookup under each key of the
ring, and the same statements (`offhook.storage.pin_book`). A try by somebody who is locked out, of
a customer nobody knows, or of a PIN nobody has takes no other way than a right one, so how long an
answer takes says nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from activities.ivr_contracts import PinVerdict, VerifyPin
from dialer.numbers import InvalidNumber, parse_number
from ivr.machine_words import PinAnswer
from ivr.pin import Asks, Attempt, PinPolicy, Verdict, judge
from offhook.pins.digits import HiddenDigits
from offhook.pins.keys import PinKeys
from offhook.pins.secrets import PostgresSecrets, name_of
from offhook.pins.stretching import Stretcher, salt_for
from offhook.storage.pin_book import Lookup, PinBook, masked_key, open_book
from offhook.storage.pin_policies import PinPolicies, StoredPolicy
from offhook.storage.pool import Pool
from offhook.telemetry import counter

log = structlog.get_logger()

_VERDICTS = counter(
    "dialer_pin_verdicts_total", "Verdicts on typed PINs, by answer", labels=("answer",)
)
_ALERTS = counter(
    "dialer_pin_alerts_total",
    "Limits of failed PINs that were reached, by what they count over",
    labels=("over",),
)
_NOBODYS = HiddenDigits("0")
"""Worked on where the digits are gone: no PIN is that short."""


@dataclass(frozen=True)
class PinVerifier:
    """Implements `activities.ivr.Pins`."""

    pool: Pool
    keys: PinKeys
    secrets: PostgresSecrets
    stretcher: Stretcher
    clock: Callable[[], datetime]
    region: str = "IT"
    """Where callers' numbers without a country code are from."""

    async def verify(self, request: VerifyPin) -> PinVerdict:
        """The verdict; the same for a repetition of the same reference.

        `unavailable` when the digits have expired or the policy doesn't exist: nothing was
        compared, so nothing counts against the caller. A database that is away raises
        `StoreUnavailable`, and the digits stay for another try.
        """
        stored = await PinPolicies(self.pool).find(request.policy)
        if stored is None:
            log.error("pin_policy_missing", policy=request.policy)
        verdict = await self._verdict(request, stored or StoredPolicy.missing(request.policy))
        return PinVerdict(
            answer=verdict.answer,
            customer=verdict.customer if verdict.answer is PinAnswer.ok else None,
        )

    async def _verdict(self, request: VerifyPin, stored: StoredPolicy) -> Verdict:
        asked = stored.policy.asks is Asks.customer_and_pin
        customer = (request.customer or "") if asked else None
        typed = await self.secrets.peek(request.reference)
        salt = salt_for(stored.salt, customer)
        stretched = await self.stretcher.stretch(typed or _NOBODYS, salt)
        now = self.clock()
        attempt = Attempt(
            call=request.call_id,
            calling=caller_of(request.calling, self.region),
            customer=customer or None,
        )
        async with open_book(
            self.pool,
            name=stored.name,
            policy=stored.policy,
            reference=request.reference,
            ref=name_of(request.reference),
            lookups=self._lookups(stretched, stored.name),
            now=now,
        ) as book:
            earlier = await book.earlier()
            if earlier is not None:
                return earlier
            verdict = await _judged(book, attempt, stored, typed=typed is not None)
        self._tell(attempt, verdict, stored.name)
        return verdict

    def _lookups(self, stretched: bytes, policy: str) -> list[Lookup]:
        others = [name for name in self.keys.ids if name != self.keys.active]
        return [
            Lookup(name, self.keys.lookup(name, stretched, policy=policy))
            for name in (self.keys.active, *others)
        ]

    def _tell(self, attempt: Attempt, verdict: Verdict, policy: str) -> None:
        _VERDICTS.labels(answer=verdict.answer.value).inc()
        log.info("pin_judged", policy=policy, call=attempt.call, reason=verdict.reason)
        for over in verdict.alerts:
            _ALERTS.labels(over=over.value).inc()
            who = masked_key(over, attempt.key(over))
            log.warning("pin_limit_reached", policy=policy, over=over.value, who=who)


async def _judged(book: PinBook, attempt: Attempt, stored: StoredPolicy, *, typed: bool) -> Verdict:
    record = await book.match(book.reference, customer=attempt.customer)
    failures = await book.failures(attempt, book.now - horizon(stored.policy))
    verdict = judge(record, attempt, failures, stored.policy, book.now)
    if not (typed and book.redeemed):
        verdict = Verdict(answer=PinAnswer.unavailable, reason="digits_gone")
    elif stored.is_missing:
        verdict = Verdict(answer=PinAnswer.unavailable, reason="no_policy")
    await book.record(attempt, verdict, book.now)
    return verdict


def horizon(policy: PinPolicy) -> timedelta:
    """How far back failures matter to any limit."""
    return max((one.within + one.lock for one in policy.limits), default=timedelta(0))


def caller_of(calling: str, region: str) -> str:
    """A caller's number, however the switch writes it; empty for one that is withheld.

    Written differently, one number would be counted as several.
    """
    try:
        return parse_number(calling, region, allow_premium=True)
    except InvalidNumber:
        return "".join(filter(str.isdigit, calling)) if calling else ""
