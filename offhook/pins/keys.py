"""The keys that PINs are kept under, made of the key ring that seals what Temporal stores.

Each key of the ring gives two of its own, by HKDF: one that looks PINs up and one that seals the
digits a caller has just typed. So nothing that is known of one use helps with another, and
`offhook keys rotate` rotates all of them. A PIN that was enrolled under an older key is found by it
and written again under the active one the next time it is right.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from offhook.temporal.codec import KeyRing

_NONCE_BYTES = 12


class Sealed(NamedTuple):
    """Something only this installation can open."""

    key_id: str
    data: bytes


@dataclass(frozen=True)
class PinKeys:
    """Lookup keys and ciphers, each by the id of the ring's key that it was made of."""

    active: str
    _lookups: Mapping[str, bytes] = field(repr=False)
    _ciphers: Mapping[str, AESGCM] = field(repr=False)

    @classmethod
    def of(cls, ring: KeyRing) -> "PinKeys":
        """The keys that a ring gives."""
        return cls(
            active=ring.active,
            _lookups={name: _derived(key, b"pin lookup") for name, key in ring.keys.items()},
            _ciphers={name: AESGCM(_derived(key, b"digits")) for name, key in ring.keys.items()},
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, in order."""
        return tuple(sorted(self._lookups))

    def lookup(self, key_id: str, stretched: bytes, *, policy: str) -> bytes:
        """What a PIN is found by under one key, 32 bytes; another policy's is another."""
        message = f"offhook pin\0{policy}\0".encode() + stretched
        return hmac.digest(self._lookups[key_id], message, "sha256")

    def fingerprint(self, kind: str, text: str) -> str:
        """A word that stands for a number where the number must not be; the same for the same.

        It is keyed, as all telephone numbers can be tried, and changes when the key is rotated.
        """
        message = f"offhook fingerprint\0{kind}\0{text}".encode()
        return hmac.digest(self._lookups[self.active], message, "sha256").hex()[:16]

    def seal(self, plain: bytes, *, bound: bytes) -> Sealed:
        """Encrypt under the active key; opened again only with the same `bound`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.active].encrypt(nonce, plain, bound)
        return Sealed(self.active, nonce + sealed)

    def open(self, sealed: Sealed, *, bound: bytes) -> bytes | None:
        """What was sealed; None if its key is gone, or it was altered."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            return None


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"offhook 1 " + use).derive(key)
