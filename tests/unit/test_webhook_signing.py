"""Signatures as the scheme's own description computes them, and secrets that stay sealed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.temporal.codec import KeyRing
from offhook.webhooks.deliverer import FAILING, LONGEST_PAUSE, WAITS, pause_after, wait_after
from offhook.webhooks.signing import SecretBox, SecretsUnreadable, new_secret, signed

RING = KeyRing("a", {"a": b"1" * 32, "b": b"2" * 32})


def test_a_message_is_signed_as_the_scheme_describes() -> None:
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        with_secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=datetime.fromtimestamp(1_614_265_330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.lists(st.text(), max_size=3))
def test_secrets_open_for_their_owner_only(secrets: list[str]) -> None:
    box = SecretBox.of(RING)
    key_id, sealed = box.seal(secrets, owner="wh-1")
    assert box.open(key_id, sealed, owner="wh-1") == secrets
    for args in ((key_id, sealed, "wh-2"), ("b", sealed, "wh-1"), ("c", sealed, "wh-1")):
        with pytest.raises(SecretsUnreadable):
            box.open(args[0], args[1], owner=args[2])


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(10)}) == 10
    assert all(one.startswith("whsec_") and len(one) == 50 for one in (new_secret(),))


def test_waits_grow_over_more_than_a_day_and_pauses_stay_short() -> None:
    waits = [wait_after(tries) for tries in range(1, 15)]
    assert waits == sorted(waits)
    assert sum(one.total_seconds() for one in WAITS) > 24 * 3600
    pauses = [pause_after(failures) for failures in range(FAILING, 200)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
