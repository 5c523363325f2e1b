"""The life of an attempt, as the table tells it."""

import pytest

from dialer.call import (
    TRANSITIONS,
    UNANSWERED,
    WAITING,
    CallMove,
    CallState,
    UnexpectedMove,
    advance,
    ended_outcome,
)
from dialer.outcomes import Outcome


def reachable(start: CallState) -> set[CallState]:
    seen, todo = {start}, [start]
    while todo:
        for after in TRANSITIONS[todo.pop()].values():
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


def test_every_state_is_reachable_from_placing() -> None:
    assert reachable(CallState.placing) == set(CallState)


def test_every_state_can_end() -> None:
    for state in CallState:
        assert CallState.ended in reachable(state)


def test_ended_attempt_never_moves_again() -> None:
    for move in CallMove:
        with pytest.raises(UnexpectedMove) as caught:
            advance(CallState.ended, move)
        assert caught.value.code == "unexpected_move"
        assert (caught.value.state, caught.value.move) == (CallState.ended, move)


def test_every_open_state_can_be_ended_by_the_switch() -> None:
    for state in set(CallState) - {CallState.ended}:
        assert advance(state, CallMove.ended) is CallState.ended


def test_nobody_is_unanswered_again_after_an_answer() -> None:
    for state in set(CallState) - UNANSWERED:
        assert not set(TRANSITIONS[state].values()) & UNANSWERED


def test_agent_is_asked_to_join_only_a_held_person() -> None:
    able = [state for state in CallState if CallMove.join_asked in TRANSITIONS[state]]
    assert able == [CallState.held]


@pytest.mark.parametrize("state", sorted(WAITING | {CallState.message}))
@pytest.mark.parametrize("said", [None, *Outcome])
def test_person_who_was_never_joined_counts_as_abandoned(
    state: CallState, said: Outcome | None
) -> None:
    assert ended_outcome(state, said) is Outcome.abandoned


@pytest.mark.parametrize("said", [None, *Outcome])
def test_talk_counts_as_answered_whatever_the_switch_says(said: Outcome | None) -> None:
    assert ended_outcome(CallState.talking, said) is Outcome.answered


@pytest.mark.parametrize("state", sorted(UNANSWERED))
def test_unanswered_attempt_ends_as_the_switch_says(state: CallState) -> None:
    assert ended_outcome(state, Outcome.busy) is Outcome.busy


@pytest.mark.parametrize("said", [None, Outcome.answered])
def test_unanswered_attempt_ends_unknown_when_the_switch_is_silent_or_contradicts(
    said: Outcome | None,
) -> None:
    assert ended_outcome(CallState.ringing, said) is Outcome.unknown
