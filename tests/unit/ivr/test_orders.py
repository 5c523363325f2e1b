"""What a session leaves to its front end: the time in which a caller keys an input."""

from datetime import timedelta

from ivr.machine_words import Collect, Phase, Session
from ivr.tree_parts import Input, InputType
from workflows.ivr_orders import typing

SECOND = timedelta(seconds=1)


def asking(entry: Input, phase: Phase = Phase.listening) -> Session:
    return Session(
        entry="t", tree="t", node="n", phase=phase, turn=3, last=(Collect(turn=3, input=entry),)
    )


def test_slow_keys_of_a_fixed_input_may_each_take_the_whole_wait() -> None:
    entry = Input(type=InputType.fixed, length=6, wait=10 * SECOND)
    assert typing(asking(entry)) == 50 * SECOND
    assert typing(asking(entry, Phase.asking)) == 50 * SECOND


def test_keys_of_an_input_that_a_pause_ends_take_no_longer_than_the_pauses() -> None:
    entry = Input(type=InputType.pause, length=5, wait=10 * SECOND, digit_timeout=2 * SECOND)
    assert typing(asking(entry)) == 8 * SECOND
    assert typing(asking(Input(wait=10 * SECOND))) == 0 * SECOND


def test_waits_that_no_keys_end_are_not_made_longer() -> None:
    entry = Input(type=InputType.fixed, length=6, wait=10 * SECOND)
    assert typing(asking(entry, Phase.queued)) == 0 * SECOND
    assert typing(Session(entry="t", tree="t", phase=Phase.saying)) == 0 * SECOND
