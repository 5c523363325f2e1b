"""The slow half of keeping PINs: argon2id, in threads of its own.

A PIN of six digits is one of a million, so whoever has the table and the keys could try them all;
argon2id makes each of those tries cost what one call costs us. The salt is the policy's, and with
customer numbers the policy's and the customer's: it must be known before the PIN is found, so that
a caller whose number nobody has costs the same as any other (docs/explanation/pins.md).
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw

from offhook.pins.digits import HiddenDigits

TIME_COST = 2
MEMORY_KIB = 19_456
"""OWASP's recommendation for argon2id with one lane: 19 MiB, two passes."""
SALT_BYTES = 16
_LANES = 1
_HASH_BYTES = 32


def salt_for(policy_salt: bytes, customer: str | None) -> bytes:
    """The salt of a try: the policy's own, or one for each customer number, known or not."""
    if customer is None:
        return policy_salt
    return hashlib.blake2b(
        customer.encode(), key=policy_salt, digest_size=SALT_BYTES, person=b"pin customer"
    ).digest()


@dataclass
class Stretcher:
    """Stretches a few PINs at a time, so that a flood of calls waits instead of taking all memory.

    `done` counts what was stretched, for tests of the work that a try costs.
    """

    concurrency: int = 2
    time_cost: int = TIME_COST
    memory_kib: int = MEMORY_KIB
    done: int = 0
    _threads: ThreadPoolExecutor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="argon2")

    async def stretch(self, digits: HiddenDigits, salt: bytes) -> bytes:
        """32 bytes that only the same digits and salt give."""
        loop = asyncio.get_running_loop()
        stretched = await loop.run_in_executor(self._threads, self._stretch, digits, salt)
        self.done += 1
        return stretched

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _stretch(self, digits: HiddenDigits, salt: bytes) -> bytes:
        return hash_secret_raw(
            digits.reveal().encode(),
            salt,
            time_cost=self.time_cost,
            memory_cost=self.memory_kib,
            parallelism=_LANES,
            hash_len=_HASH_BYTES,
            type=Type.ID,
        )
