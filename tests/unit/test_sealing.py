"""Secrets of switches that only offhook can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sealing import MARK, Seals, SecretUnreadable
from offhook.temporal.codec import KeyRing

OLD = KeyRing("a", {"a": b"1" * 32})
NEW = KeyRing("b", {"a": b"1" * 32, "b": b"2" * 32})


@given(st.text(min_size=1).filter(lambda text: not text.startswith(MARK)))
def test_a_secret_is_sealed_for_its_owner_and_opens_for_no_other(secret: str) -> None:
    seals = Seals(lambda: OLD)
    kept = seals.seal(secret, owner="switch/1")
    assert kept.isascii()
    assert kept.startswith(f"{MARK}a:")
    assert kept != seals.seal(secret, owner="switch/1")
    assert seals.open(kept, owner="switch/1") == secret
    with pytest.raises(SecretUnreadable):
        seals.open(kept, owner="switch/2")


def test_old_keys_open_and_the_newest_seals() -> None:
    kept = Seals(lambda: OLD).seal("token", owner="x")
    assert Seals(lambda: NEW).open(kept, owner="x") == "token"
    newest = Seals(lambda: NEW).seal("token", owner="x")
    assert newest.startswith(f"{MARK}b:")
    with pytest.raises(SecretUnreadable, match="key b"):
        Seals(lambda: OLD).open(newest, owner="x")


@pytest.mark.parametrize(
    "kept", [f"{MARK}a:", f"{MARK}a:AAAA", f"{MARK}a:?", MARK, f"{MARK}z:AA=="]
)
def test_what_is_damaged_is_refused(kept: str) -> None:
    with pytest.raises(SecretUnreadable):
        Seals(lambda: OLD).open(kept, owner="x")


def test_what_was_never_sealed_passes_and_asks_for_no_key() -> None:
    def load() -> KeyRing:
        raise AssertionError("no key is needed")

    assert Seals(load).open("plain", owner="x") == "plain"
    assert Seals(load).open("", owner="x") == Seals(load).seal("", owner="x") == ""
