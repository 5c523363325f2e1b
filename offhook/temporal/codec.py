"""Payloads that only offhook can read.

What workflows are given and return lands in Temporal's history for as long as that is kept: names,
numbers, notes. Every payload is therefore sealed with AES-256-GCM before it leaves the process. A
payload carries the id of its key, so keys rotate without touching history: a new key becomes the
active one, old ones stay in the ring and only decrypt. The id and the encoding are authenticated
with the contents.
"""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from offhook.errors import KeyRingError, PayloadTampered, UnknownKeyError
from offhook.home import Home
from offhook.settings import Settings

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class KeyRing:
    """Keys by id, one of which encrypts."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.active not in self.keys:
            raise KeyRingError(
                f"the active key {self.active!r} is not in the ring",
                hint="name one of the ring's keys as the active one",
            )
        for key_id, key in self.keys.items():
            if len(key) != _KEY_BYTES:
                raise KeyRingError(
                    f"key {key_id!r} has {len(key)} bytes instead of {_KEY_BYTES}",
                    hint="make one with `openssl rand -base64 32`",
                )

    @classmethod
    def load(cls, settings: Settings) -> "KeyRing":
        """The ring in the settings, else the home's, which is made when there is none."""
        encryption = settings.encryption
        if not encryption.keys:
            return cls.from_file(ring_path(settings.home))
        keys = {
            name: _decoded(name, key.get_secret_value()) for name, key in encryption.keys.items()
        }
        if encryption.active is None and len(keys) > 1:
            raise KeyRingError(
                "several encryption keys are set and none is the active one",
                hint="set OFFHOOK_ENCRYPTION__ACTIVE to the id of the newest",
            )
        return cls(active=encryption.active or next(iter(keys)), keys=keys)

    @classmethod
    def from_file(cls, path: Path) -> "KeyRing":
        """The ring in `path`; made, readable by its owner only, when the file doesn't exist."""
        try:
            text = path.read_text()
        except FileNotFoundError:
            return cls._make(path)
        except OSError as error:
            raise KeyRingError(
                f"the key ring {path} can't be read: {error.strerror}",
                hint="run as the account that made it",
            ) from error
        if path.stat().st_mode & 0o077:
            raise KeyRingError(
                f"the key ring {path} can be read by other accounts", hint=f"chmod 600 {path}"
            )
        try:
            stored = json.loads(text)
            keys = {str(name): _decoded(name, key) for name, key in stored["keys"].items()}
            return cls(active=str(stored["active"]), keys=keys)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyRingError(
                f"the key ring {path} is damaged",
                hint="restore it from a backup: without it, running workflows can't be read",
            ) from None

    @classmethod
    def _make(cls, path: Path) -> "KeyRing":
        key_id = _new_id({})
        made = cls(active=key_id, keys={key_id: secrets.token_bytes(_KEY_BYTES)})
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        made._write(partial)
        try:
            # A link never replaces: of two processes that start at once, the second takes the
            # first's ring.
            os.link(partial, path)
        except FileExistsError:
            return cls.from_file(path)
        finally:
            partial.unlink()
        return made

    def rotated(self, *, now: datetime) -> "KeyRing":
        """A ring with a new active key; the old ones still decrypt."""
        key_id = _new_id(self.keys, now=now)
        return KeyRing(active=key_id, keys={**self.keys, key_id: secrets.token_bytes(_KEY_BYTES)})

    def save(self, path: Path) -> None:
        """Replace the ring in `path` in one step."""
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        self._write(partial)
        partial.replace(path)

    def _write(self, path: Path) -> None:
        keys = {name: base64.b64encode(key).decode() for name, key in self.keys.items()}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"active": self.active, "keys": keys}, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())


class EncryptionCodec(PayloadCodec):
    """Seals every payload with the ring's active key; opens those of any key in the ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._ciphers = {name: AESGCM(key) for name, key in ring.keys.items()}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal each payload, its own metadata included."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open each sealed payload; what was never sealed (typed into Temporal's UI) passes."""
        return [
            self._open(payload) if payload.metadata.get("encoding") == ENCODING else payload
            for payload in payloads
        ]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._active].encrypt(
            nonce, payload.SerializeToString(), _bound(self._active)
        )
        return Payload(
            metadata={"encoding": ENCODING, KEY_ID: self._active.encode()}, data=nonce + sealed
        )

    def _open(self, payload: Payload) -> Payload:
        key_id = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKeyError(
                f"a payload was encrypted with key {key_id!r}, which is not in the ring",
                hint="put the key back into the ring; it must stay as long as history is kept",
            )
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            plain = cipher.decrypt(nonce, sealed, _bound(key_id))
        except (InvalidTag, ValueError):
            raise PayloadTampered(
                f"a payload encrypted with key {key_id!r} was altered or cut",
                hint="compare the key rings of the processes that share the namespace",
            ) from None
        return Payload.FromString(plain)


def ring_path(home: Path) -> Path:
    """Where the home's key ring lies."""
    return Home(home).keys / "payload.json"


def _bound(key_id: str) -> bytes:
    return ENCODING + b"\0" + key_id.encode()


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyRingError(
            f"key {name!r} is not base64", hint="make one with `openssl rand -base64 32`"
        ) from None


def _new_id(taken: Mapping[str, bytes], *, now: datetime | None = None) -> str:
    day = (now or datetime.now(UTC)).strftime("%Y%m%d")
    count = sum(1 for name in taken if name.startswith(day))
    return f"{day}-{count + 1}"
