"""Whoever changes what is decided says so, or journals made before would look as if forged."""

from dialer.version import DECISIONS
from tests.replay.decisions import fingerprint, recorded


def test_decisions_are_those_of_their_number() -> None:
    assert fingerprint() == recorded().get(str(DECISIONS)), (
        "the pacer decides otherwise than it did: raise DECISIONS in dialer/version.py "
        "and run `python -m tests.replay.decisions`"
    )
