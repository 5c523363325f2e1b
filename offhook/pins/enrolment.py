"""Giving PINs out, replacing them and taking them back."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from ivr.pin import Asks, PinPolicy, weaknesses
from offhook.change_notes import note_change
from offhook.pins.digits import HiddenDigits
from offhook.pins.errors import (
    BadPinTerms,
    CustomerHasPin,
    NoFreePin,
    PinNotFound,
    PinPolicyInUse,
    PinPolicyNotFound,
    PinTaken,
    WeakPin,
)
from offhook.pins.keys import PinKeys
from offhook.pins.stretching import Stretcher, salt_for
from offhook.storage.pin_book import Lookup
from offhook.storage.pin_policies import DEFAULT, PinPolicies, StoredPolicy, change_policy
from offhook.storage.pin_store import PinStore, Terms
from offhook.storage.pool import Pool

MAX_CUSTOMER = 64
_DRAWS = 30


@dataclass(frozen=True)
class PinOffice:
    """Every change is one transaction under the policy's lock."""

    pool: Pool
    keys: PinKeys
    stretcher: Stretcher
    clock: Callable[[], datetime]
    store: PinStore = field(init=False)
    policies: PinPolicies = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", PinStore(self.pool))
        object.__setattr__(self, "policies", PinPolicies(self.pool))

    async def policy(self, name: str) -> StoredPolicy:
        """The policy; the one called `default` is made when it is first asked for."""
        found = await self.policies.find(name)
        if found is None and name == DEFAULT:
            found = await self.policies.make(name, PinPolicy(), now=self.clock())
        if found is None:
            raise PinPolicyNotFound(name)
        return found

    async def set_policy(self, name: str, policy: PinPolicy) -> StoredPolicy:
        """Make a policy or change it; it counts from the next try on."""
        now = self.clock()
        before = await self.policies.make(name, policy, now=now)
        async with self.store.enrolling(name, now=now) as enrolling:
            count = await enrolling.count()
            if before.policy.asks is not policy.asks and count:
                raise PinPolicyInUse(name, count)
            await change_policy(enrolling.connection, name, policy, now=now)
        return await self.policy(name)

    async def enrol(
        self, customer: str, pin: HiddenDigits | None, terms: Terms, *, policy: str = DEFAULT
    ) -> HiddenDigits:
        """Give a customer a PIN, or one made at random; returns it."""
        _check(customer, terms)
        stored = await self.policy(policy)
        chosen, lookups = await self._choose(stored, customer, pin)
        async with self.store.enrolling(policy, now=self.clock()) as enrolling:
            if await enrolling.has(customer):
                raise CustomerHasPin(customer, policy)
            if await enrolling.is_taken(lookups):
                raise PinTaken
            await enrolling.add(customer, lookups[0], terms)
        note_change(f"pin/{customer}", None, _in_force(terms))
        return chosen

    async def reset(
        self, customer: str, pin: HiddenDigits | None, *, policy: str = DEFAULT
    ) -> HiddenDigits:
        """Replace a customer's PIN on the terms it had; the old one stops at once."""
        stored = await self.policy(policy)
        chosen, lookups = await self._choose(stored, customer, pin)
        async with self.store.enrolling(policy, now=self.clock()) as enrolling:
            # Asked before the old one is revoked: having the same PIN again is no reset.
            taken = await enrolling.is_taken(lookups)
            terms = await enrolling.revoke(customer)
            if terms is None:
                raise PinNotFound(customer)
            if taken:
                raise PinTaken
            await enrolling.add(customer, lookups[0], terms)
        old, new = _in_force(terms), _in_force(terms, "newly given")
        note_change(f"pin/{customer}", old, new)
        return chosen

    async def revoke(self, customer: str, *, policy: str = DEFAULT) -> None:
        """Take a customer's PIN back at once."""
        async with self.store.enrolling(policy, now=self.clock()) as enrolling:
            terms = await enrolling.revoke(customer)
            if terms is None:
                raise PinNotFound(customer)
        note_change(f"pin/{customer}", _in_force(terms), None)

    async def _choose(
        self, stored: StoredPolicy, customer: str, pin: HiddenDigits | None
    ) -> tuple[HiddenDigits, list[Lookup]]:
        if pin is not None:
            found = weaknesses(pin.reveal(), stored.policy, customer_number=customer)
            if found:
                raise WeakPin(found)
            return pin, await self._lookups(stored, customer, pin)
        for _ in range(_DRAWS):
            drawn = draw(stored.policy, customer)
            lookups = await self._lookups(stored, customer, drawn)
            async with self.store.enrolling(stored.name, now=self.clock()) as enrolling:
                if not await enrolling.is_taken(lookups):
                    return drawn, lookups
        raise NoFreePin(stored.name)

    async def _lookups(
        self, stored: StoredPolicy, customer: str, pin: HiddenDigits
    ) -> list[Lookup]:
        asked = stored.policy.asks is Asks.customer_and_pin
        salt = salt_for(stored.salt, customer if asked else None)
        stretched = await self.stretcher.stretch(pin, salt)
        others = [name for name in self.keys.ids if name != self.keys.active]
        return [
            Lookup(name, self.keys.lookup(name, stretched, policy=stored.name))
            for name in (self.keys.active, *others)
        ]


def _in_force(terms: Terms, state: str = "in force") -> dict[str, object]:
    """What may be told of a PIN: on which terms it counts, never what it is."""
    return {"state": state, **asdict(terms)}


def draw(policy: PinPolicy, customer: str) -> HiddenDigits:
    """A PIN at random, as short as the policy allows, among those that it allows."""
    length = policy.min_length
    while True:
        digits = "".join(secrets.choice("0123456789") for _ in range(length))
        if not weaknesses(digits, policy, customer_number=customer):
            return HiddenDigits(digits)


def _check(customer: str, terms: Terms) -> None:
    if not customer or len(customer) > MAX_CUSTOMER or not customer.isprintable():
        raise BadPinTerms(
            f"a customer is 1 to {MAX_CUSTOMER} printable characters",
            hint="give the number or name by which your customers are known",
        )
    if terms.valid_from and terms.valid_until and terms.valid_from >= terms.valid_until:
        raise BadPinTerms(
            f"the PIN of customer {customer} would end before it begins",
            hint="give an end after the beginning",
        )
