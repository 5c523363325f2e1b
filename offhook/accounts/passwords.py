"""Passwords: what is asked of one, and how it is kept (argon2id).

The policy is length, and that nobody guesses it first: the commonest passwords of that length, runs
along the alphabet or keyboard, short pieces repeated, and the login itself are refused. Rules about
kinds of characters are left out: they make people write passwords down, not choose better ones.
"""

import asyncio
import unicodedata
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from offhook.accounts.errors import PasswordRefused
from offhook.settings_access import AccessSettings

SHORTEST, LONGEST = 12, 200
_FEWEST_KINDS = 5
_AT_A_TIME = 2
"""Hashes that are made at once: each takes memory and a core for a tenth of a second."""
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "0123456789" * 4,
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "azertyuiopqsdfghjklmwxcvbn" * 2,
)


class Verdict(NamedTuple):
    """What came of looking at a password."""

    right: bool
    stale: bool
    """The hash was made with other parameters than today's."""


class Passwords:
    """Makes and checks hashes, off the event loop, with these parameters."""

    def __init__(self, settings: AccessSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
        )
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of it."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, normal(password))

    async def check(self, kept: str | None, password: str) -> Verdict:
        """Whether it is the one; where nothing is kept, it is as much work to say no."""
        async with self._turns:
            return await asyncio.to_thread(self._check, kept, normal(password))

    def _check(self, kept: str | None, password: str) -> Verdict:
        if self._decoy is None:
            self._decoy = self._hasher.hash("nobody has this one")
        try:
            self._hasher.verify(kept or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return Verdict(right=False, stale=False)
        if not kept:
            return Verdict(right=False, stale=False)
        return Verdict(right=True, stale=self._hasher.check_needs_rehash(kept))


def normal(password: str) -> str:
    """The same text for what looks the same, however a keyboard composed it."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])


def require_good(password: str, *, login: str) -> None:
    """Raise `PasswordRefused`, which says why, for a password that is not taken."""
    text = normal(password)
    plain = "".join(text.casefold().split())
    if len(text) < SHORTEST:
        raise PasswordRefused(f"is shorter than {SHORTEST} characters")
    if len(text) > LONGEST:
        raise PasswordRefused(f"is longer than {LONGEST} characters")
    if len(set(plain)) < _FEWEST_KINDS or _repeats(plain):
        raise PasswordRefused("repeats itself")
    if any(plain in run or plain[::-1] in run for run in _RUNS):
        raise PasswordRefused("runs along the keyboard or the alphabet")
    if plain in common():
        raise PasswordRefused("is one of the commonest")
    name = login.partition("@")[0].casefold()
    if len(name) > 2 and len(plain.replace(name, "")) < SHORTEST // 2:
        raise PasswordRefused("is hardly more than the login")


def _repeats(text: str) -> bool:
    """Whether it is a piece, and that piece again: found within itself doubled, not at its ends."""
    return text in (text + text)[1:-1]


@cache
def common() -> frozenset[str]:
    """The commonest passwords that are long enough to be asked about."""
    text = files("offhook.accounts").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(text.split())
