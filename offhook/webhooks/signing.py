"""The Standard Webhooks scheme: who sent a message, and that it is whole and not an old one.

A receiver computes HMAC-SHA256 over `id.timestamp.body` with the shared secret and compares it with
one of those in `webhook-signature`; while a secret is being replaced there are two.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from offhook.errors import OffhookError
from offhook.temporal.codec import KeyRing

MARK = "whsec_"
SECRET_BYTES = 32
_NONCE_BYTES = 12


class SecretsUnreadable(OffhookError):
    """The secrets of a webhook can't be opened with the keys that are there."""

    code = "webhook_secrets_unreadable"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"the webhook's secrets were sealed with key {key_id}, which does not open them",
            hint="put the key back into the ring, or remove the webhook and add it again",
        )


def new_secret() -> str:
    """A secret as receivers are given it."""
    return MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(
    message_id: str, body: bytes, *, with_secrets: Sequence[str], at: datetime
) -> dict[str, str]:
    """The headers of a message."""
    stamp = str(int(at.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    marks = [f"v1,{_mark(content, secret)}" for secret in with_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(marks),
    }


def _mark(content: bytes, secret: str) -> str:
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(MARK), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is whsec_ and base64") from None


@dataclass(frozen=True)
class SecretBox:
    """Seals webhooks' secrets with keys made of the ring that seals what Temporal stores."""

    active: str
    _ciphers: Mapping[str, AESGCM] = field(repr=False)

    @classmethod
    def of(cls, ring: KeyRing) -> "SecretBox":
        """The box that a ring gives."""
        return cls(ring.active, {name: AESGCM(_derived(key)) for name, key in ring.keys.items()})

    def seal(self, plain: Sequence[str], *, owner: str) -> tuple[str, bytes]:
        """The id of the key, and the sealed secrets of an endpoint."""
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(list(plain)).encode()
        return self.active, nonce + self._ciphers[self.active].encrypt(nonce, text, owner.encode())

    def open(self, key_id: str, sealed: bytes, *, owner: str) -> list[str]:
        """The secrets of an endpoint; raises `SecretsUnreadable`."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretsUnreadable(key_id)
        try:
            text = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise SecretsUnreadable(key_id) from None
        return [str(one) for one in json.loads(text)]


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=b"offhook webhook secrets").derive(key)
