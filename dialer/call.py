"""The life of one attempt on the line, as a table.

A customer's call is *placing* from the moment its row is committed until the switch acknowledges,
*dialing* and *ringing* until somebody answers, *listening* while the switch listens to who it is
(where it was asked to), *answered* until the switch holds it where it can be joined, *held* while
the person waits for an agent, *joining* while an agent is being connected, *talking*, or *message*
when nobody was free in time, or a machine is left one. Whatever is not listed is a late duplicate
or a mistake: the engine counts it and goes on. Losing a request for sure is `refused`; `ended`
covers every other end, with the outcome told apart by the state it came from (`ended_outcome`).
"""

from collections.abc import Mapping
from enum import StrEnum

from dialer.outcomes import Outcome


class CallState(StrEnum):
    """Where an attempt is."""

    placing = "placing"
    dialing = "dialing"
    ringing = "ringing"
    listening = "listening"
    answered = "answered"
    held = "held"
    joining = "joining"
    talking = "talking"
    message = "message"
    ended = "ended"


class CallMove(StrEnum):
    """What can move an attempt on."""

    accepted = "accepted"
    refused = "refused"
    started = "started"
    rang = "rang"
    listened = "listened"
    answered = "answered"
    held = "held"
    join_asked = "join_asked"
    join_failed = "join_failed"
    joined = "joined"
    message_asked = "message_asked"
    message_failed = "message_failed"
    ended = "ended"


S = CallState
M = CallMove

_BEFORE_ANSWER = {
    M.listened: S.listening,
    M.answered: S.answered,
    M.held: S.held,
    M.joined: S.talking,
    M.ended: S.ended,
}

TRANSITIONS: Mapping[CallState, Mapping[CallMove, CallState]] = {
    S.placing: {
        M.accepted: S.dialing,
        M.refused: S.ended,
        M.started: S.dialing,
        M.rang: S.ringing,
        **_BEFORE_ANSWER,
    },
    S.dialing: {M.refused: S.ended, M.rang: S.ringing, **_BEFORE_ANSWER},
    S.ringing: {M.refused: S.ended, **_BEFORE_ANSWER},
    S.listening: {
        M.answered: S.answered,
        M.joined: S.talking,
        M.message_asked: S.message,
        M.ended: S.ended,
    },
    S.answered: {
        M.held: S.held,
        M.joined: S.talking,
        M.message_asked: S.message,
        M.ended: S.ended,
    },
    S.held: {
        M.join_asked: S.joining,
        M.joined: S.talking,
        M.message_asked: S.message,
        M.ended: S.ended,
    },
    S.joining: {M.joined: S.talking, M.join_failed: S.held, M.ended: S.ended},
    S.talking: {M.ended: S.ended},
    S.message: {M.message_failed: S.held, M.joined: S.talking, M.ended: S.ended},
    S.ended: {},
}
"""`{state: {move: next}}`; a move the state does not list is refused by `advance`."""

UNANSWERED = frozenset({S.placing, S.dialing, S.ringing})
AGENT_MAY_BE_NEEDED = UNANSWERED | {S.listening}
"""Nobody waits for an agent yet, but somebody may."""
WAITING = frozenset({S.answered, S.held, S.joining})
"""A person is on the line and hears no agent yet."""


class UnexpectedMove(Exception):
    """A state does not list a move: a late duplicate or a mistake, for the caller to count."""

    code = "unexpected_move"

    def __init__(self, state: CallState, move: CallMove) -> None:
        super().__init__(f"an attempt that is {state} can't be {move}")
        self.state = state
        self.move = move


def advance(state: CallState, move: CallMove) -> CallState:
    """Return the state after `move`, or raise `UnexpectedMove`."""
    try:
        return TRANSITIONS[state][move]
    except KeyError:
        raise UnexpectedMove(state, move) from None


def ended_outcome(state: CallState, said: Outcome | None) -> Outcome:
    """The one outcome of an attempt that ended in `state` when the switch said `said`.

    A person who was never joined counts as abandoned, whoever hung up, and so does somebody who
    went before the switch could tell who it was; before an answer the switch's word stands, and
    silence is `unknown`.
    """
    if state is S.talking:
        return Outcome.answered
    if state in WAITING or state in (S.listening, S.message):
        return Outcome.abandoned
    if said is None or said is Outcome.answered:
        return Outcome.unknown
    return said
