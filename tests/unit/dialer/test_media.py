"""What a campaign may want of sound, and which switch can do it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dialer.media import (
    RUNNING,
    AmdAction,
    AmdSettings,
    RecordingAction,
    RecordingPolicy,
    RecordingSettings,
    RecordingState,
    Verdict,
    recording_after,
)
from dialer.rejections import MediaNotPossible, require_media
from dialer.switching import Capabilities, Way
from tests.support.dialing import settings

PLAIN = Capabilities(way=Way.customer_first)


def test_message_for_machines_needs_a_prompt() -> None:
    with pytest.raises(ValidationError, match="name of its prompt"):
        AmdSettings(enabled=True, machine=AmdAction.message)
    assert AmdSettings(enabled=True, machine=AmdAction.message, message="later").message == "later"


def test_person_is_always_connected() -> None:
    amd = AmdSettings(machine=AmdAction.drop, fax=AmdAction.drop, unsure=AmdAction.drop)
    assert amd.action(Verdict.person) is AmdAction.connect


@pytest.mark.parametrize(
    ("changes", "able", "words"),
    [
        ({"amd": AmdSettings(enabled=True)}, PLAIN, "answering-machine detection"),
        (
            {"amd": AmdSettings(enabled=True, unsure=AmdAction.message)},
            Capabilities(way=Way.customer_first, detects_machines=True, plays_message=False),
            "after the beep",
        ),
        ({"recording": RecordingSettings(policy=RecordingPolicy.all)}, PLAIN, "recording"),
    ],
)
def test_wish_that_the_switch_cannot_meet_is_refused_with_the_reason(
    changes: dict[str, object], able: Capabilities, words: str
) -> None:
    with pytest.raises(MediaNotPossible, match=words):
        require_media(settings(**changes), able)


def test_campaign_that_wants_nothing_of_sound_suits_every_switch() -> None:
    require_media(settings(), PLAIN)


@given(st.lists(st.sampled_from(RecordingAction), max_size=30))
def test_recording_is_paused_or_stopped_only_while_it_runs(orders: list[RecordingAction]) -> None:
    state: RecordingState | None = None
    for order in orders:
        after = recording_after(state, order)
        if order in (RecordingAction.stop, RecordingAction.pause) and after is not None:
            assert state in RUNNING
        if order is RecordingAction.start and state in RUNNING:
            assert after is None
        state = after or state
