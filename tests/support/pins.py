"""A desk of PINs to test against: real database, real keys, a cheap argon2id, a clock by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from activities.ivr_contracts import PinVerdict, VerifyPin
from ivr.machine_words import SecretRef
from ivr.pin import PinPolicy
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.keys import PinKeys
from offhook.pins.secrets import PostgresSecrets
from offhook.pins.stretching import Stretcher
from offhook.pins.verifier import PinVerifier
from offhook.storage.pin_store import Terms
from offhook.storage.pool import Pool
from offhook.temporal.codec import KeyRing
from tests.support.builders import NOW

PIN = "730462"
OTHER = "915038"


def ring(*names: str) -> KeyRing:
    """A ring whose last key is the active one; each key is made of its name."""
    keys = {name: name.encode().ljust(32, b".") for name in names}
    return KeyRing(active=names[-1], keys=keys)


@dataclass
class PinDesk:
    """Callers, and whoever enrols."""

    pool: Pool
    stretcher: Stretcher
    keys: KeyRing = field(default_factory=lambda: ring("k1"))
    now: datetime = NOW
    _calls: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def secrets(self) -> PostgresSecrets:
        return PostgresSecrets(self.pool, PinKeys.of(self.keys), lambda: self.now)

    @property
    def office(self) -> PinOffice:
        return PinOffice(self.pool, PinKeys.of(self.keys), self.stretcher, lambda: self.now)

    @property
    def verifier(self) -> PinVerifier:
        keys = PinKeys.of(self.keys)
        return PinVerifier(self.pool, keys, self.secrets, self.stretcher, lambda: self.now)

    def pass_by(self, time: timedelta) -> None:
        self.now += time

    async def policy(self, policy: PinPolicy, name: str = "default") -> None:
        await self.office.set_policy(name, policy)

    async def enrol(
        self,
        customer: str = "c7",
        pin: str = PIN,
        *,
        policy: str = "default",
        callers: tuple[str, ...] = (),
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
    ) -> None:
        terms = Terms(valid_from, valid_until, callers)
        await self.office.enrol(customer, HiddenDigits(pin), terms, policy=policy)

    async def typed(self, digits: str) -> SecretRef:
        return await self.secrets.keep(digits, call="call")

    def request(
        self,
        reference: SecretRef,
        *,
        policy: str = "default",
        customer: str | None = None,
        calling: str = "+390733123456",
        call: str | None = None,
    ) -> VerifyPin:
        call_id = call or f"call-{next(self._calls)}"
        return VerifyPin(
            reference=reference,
            policy=policy,
            customer=customer,
            session_id=f"ivr/pbx/{call_id}",
            call_id=call_id,
            calling=calling,
        )

    async def say(
        self,
        digits: str,
        *,
        policy: str = "default",
        customer: str | None = None,
        calling: str = "+390733123456",
        call: str | None = None,
    ) -> PinVerdict:
        """Somebody types this; a call of its own each time unless it is given."""
        return await self.verifier.verify(
            self.request(
                await self.typed(digits),
                policy=policy,
                customer=customer,
                calling=calling,
                call=call,
            )
        )


@contextmanager
def cheap_stretcher() -> Iterator[Stretcher]:
    """argon2id with the least cost there is: what is tested isn't how slow it is."""
    stretcher = Stretcher(time_cost=1, memory_kib=8)
    yield stretcher
    stretcher.close()
