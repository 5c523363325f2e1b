"""Sealed payloads: what goes in comes out, with the right key only, and nothing can be altered."""

import base64
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload

from offhook.errors import KeyRingError, PayloadTampered, UnknownKeyError
from offhook.settings import EncryptionSettings, Settings
from offhook.temporal.codec import KEY_ID, EncryptionCodec, KeyRing, ring_path

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RING = KeyRing(active="one", keys={"one": b"1" * 32})
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"+37120000000"')


@given(data=st.binary(max_size=300), encoding=st.binary(max_size=20))
async def test_codec_gives_back_what_it_was_given(data: bytes, encoding: bytes) -> None:
    codec = EncryptionCodec(RING)
    payload = Payload(metadata={"encoding": encoding, "x": b"y"}, data=data)
    assert await codec.decode(await codec.encode([payload, PLAIN])) == [payload, PLAIN]


async def test_codec_hides_contents_and_metadata() -> None:
    (sealed,) = await EncryptionCodec(RING).encode([PLAIN])
    raw = sealed.SerializeToString()
    assert b"37120000000" not in raw
    assert b"json/plain" not in raw


async def test_codec_seals_the_same_contents_differently_each_time() -> None:
    first, second = await EncryptionCodec(RING).encode([PLAIN, PLAIN])
    assert first.data != second.data


async def test_codec_reads_old_payloads_and_writes_with_the_new_key_when_rotated() -> None:
    (old,) = await EncryptionCodec(RING).encode([PLAIN])
    rotated = RING.rotated(now=NOW)
    codec = EncryptionCodec(rotated)
    (new,) = await codec.encode([PLAIN])
    assert await codec.decode([old, new]) == [PLAIN, PLAIN]
    assert new.metadata[KEY_ID].decode() == rotated.active == "20260302-1"


async def test_codec_names_the_key_when_it_does_not_have_it() -> None:
    (sealed,) = await EncryptionCodec(RING.rotated(now=NOW)).encode([PLAIN])
    with pytest.raises(UnknownKeyError, match="20260302-1"):
        await EncryptionCodec(RING).decode([sealed])


@given(position=st.integers(min_value=0, max_value=10_000), bit=st.integers(0, 7))
async def test_codec_notices_every_altered_bit(position: int, bit: int) -> None:
    codec = EncryptionCodec(RING)
    (sealed,) = await codec.encode([PLAIN])
    data = bytearray(sealed.data)
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(PayloadTampered):
        await codec.decode([Payload(metadata=dict(sealed.metadata), data=bytes(data))])


@given(length=st.integers(min_value=0, max_value=60))
async def test_codec_notices_a_payload_that_was_cut(length: int) -> None:
    codec = EncryptionCodec(RING)
    (sealed,) = await codec.encode([PLAIN])
    with pytest.raises(PayloadTampered):
        await codec.decode(
            [Payload(metadata=dict(sealed.metadata), data=sealed.data[: min(length, 27)])]
        )


async def test_codec_notices_a_payload_that_claims_another_key() -> None:
    key = b"1" * 32
    (sealed,) = await EncryptionCodec(KeyRing(active="one", keys={"one": key})).encode([PLAIN])
    sealed.metadata[KEY_ID] = b"two"
    with pytest.raises(PayloadTampered):
        await EncryptionCodec(KeyRing(active="two", keys={"two": key})).decode([sealed])


async def test_codec_passes_what_was_never_sealed() -> None:
    assert await EncryptionCodec(RING).decode([PLAIN]) == [PLAIN]


def test_key_ring_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    first, second = KeyRing.load(settings), KeyRing.load(settings)
    path = ring_path(settings.home)
    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_key_ring_is_refused_when_others_can_read_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    KeyRing.load(settings)
    ring_path(settings.home).chmod(0o644)
    with pytest.raises(KeyRingError, match="read by other accounts") as refused:
        KeyRing.load(settings)
    assert "chmod 600" in str(refused.value.hint)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"active": "a", "keys": {}}', '{"keys": 1}'])
def test_key_ring_is_refused_when_its_file_is_damaged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ring.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyRingError):
        KeyRing.from_file(path)


def test_key_ring_survives_saving_and_rotation(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    ring = RING.rotated(now=NOW).rotated(now=NOW)
    ring.save(path)
    assert KeyRing.from_file(path) == ring
    assert list(ring.keys) == ["one", "20260302-1", "20260302-2"]


def test_key_ring_in_the_settings_is_used_instead_of_the_homes(tmp_path: Path) -> None:
    key = SecretStr(base64.b64encode(b"k" * 32).decode())
    settings = Settings(home=tmp_path, encryption=EncryptionSettings(keys={"mine": key}))
    assert KeyRing.load(settings) == KeyRing(active="mine", keys={"mine": b"k" * 32})
    assert not ring_path(tmp_path).exists()


@pytest.mark.parametrize(
    ("keys", "active"),
    [
        ({"a": "not base64!"}, None),
        ({"a": "AAAA"}, None),
        ({"a": "A" * 43 + "=", "b": "B" * 42 + "A="}, None),
        ({"a": "A" * 43 + "="}, "b"),
    ],
)
def test_key_ring_in_the_settings_is_refused_when_it_makes_no_sense(
    tmp_path: Path, keys: dict[str, str], active: str | None
) -> None:
    secret = {name: SecretStr(value) for name, value in keys.items()}
    settings = Settings(home=tmp_path, encryption=EncryptionSettings(keys=secret, active=active))
    with pytest.raises(KeyRingError):
        KeyRing.load(settings)


def test_key_ring_never_shows_its_keys() -> None:
    assert "1111" not in repr(RING)
