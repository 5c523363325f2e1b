"""Secrets that are kept in the database: sealed with a key made of the ring that seals histories.

A sealed secret is text with the id of its key in it. Text without that mark is a secret of before,
or of a database that was given no keys, and is taken as it stands; it is sealed the next time that
it is written, or by `offhook keys reseal`, which also takes secrets from old keys to the newest.
"""

import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from offhook.errors import OffhookError
from offhook.settings import Settings
from offhook.temporal.codec import KeyRing

MARK = "sealed:1:"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class SecretUnreadable(OffhookError):
    """A secret in the database can't be opened with the keys that are there."""

    code = "secret_unreadable"

    def __init__(self, owner: str, key_id: str) -> None:
        super().__init__(
            f"the secret of {owner} was sealed with key {key_id[:40]}, which does not open it",
            hint="put that key back into the ring, or enter the secret again",
        )


@dataclass(frozen=True)
class Seals:
    """Seals and opens secrets; the ring is loaded when one is needed."""

    load: Callable[[], KeyRing] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Seals":
        """With the ring of the settings; `KeyRingError` only where a secret is sealed or opened."""
        return cls(partial(KeyRing.load, settings))

    def seal(self, secret: str, *, owner: str) -> str:
        """The secret, sealed for its owner with the active key; nothing stays nothing."""
        if not secret:
            return ""
        active, ciphers = self._ciphers
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + ciphers[active].encrypt(nonce, secret.encode(), owner.encode())
        return f"{MARK}{active}:{base64.b64encode(sealed).decode()}"

    def open(self, kept: str, *, owner: str) -> str:
        """The secret as it was; raises `SecretUnreadable`."""
        if not kept.startswith(MARK):
            return kept
        key_id, _, text = kept.removeprefix(MARK).rpartition(":")
        cipher = self._ciphers[1].get(key_id)
        try:
            sealed = base64.b64decode(text, validate=True)
            if cipher is None:
                raise SecretUnreadable(owner, key_id)
            nonce = sealed[:_NONCE_BYTES]
            return cipher.decrypt(nonce, sealed[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise SecretUnreadable(owner, key_id) from None

    @cached_property
    def _ciphers(self) -> tuple[str, dict[str, AESGCM]]:
        ring = self.load()
        return ring.active, {name: AESGCM(_derived(key)) for name, key in ring.keys.items()}


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"offhook stored secrets").derive(key)
