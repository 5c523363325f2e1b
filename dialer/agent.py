"""The engine's view of an agent, as a table.

*idle*: not on a line of ours. *ringing*: being called, to be parked or to take a diverted customer.
*parked*: waits on the line, can be joined at once. *reserved*: a join is on its way. *talking*:
with a customer. *wrap_up*: after a talk, until a disposition or the limit. Reservation is a lease:
every state but idle, parked and talking has a deadline, kept by the engine.
"""

from collections.abc import Mapping
from enum import StrEnum


class AgentState(StrEnum):
    """What the engine has an agent do."""

    idle = "idle"
    parked = "parked"
    reserved = "reserved"
    ringing = "ringing"
    talking = "talking"
    wrap_up = "wrap_up"


class AgentMove(StrEnum):
    """What can move an agent on."""

    called = "called"
    answered = "answered"
    reserved = "reserved"
    unreserved = "unreserved"
    joined = "joined"
    talk_ended = "talk_ended"
    wrapped = "wrapped"
    dropped = "dropped"
    """The agent's own line went away."""


S = AgentState
M = AgentMove

TRANSITIONS: Mapping[AgentState, Mapping[AgentMove, AgentState]] = {
    S.idle: {M.called: S.ringing, M.joined: S.talking, M.answered: S.parked},
    S.ringing: {M.answered: S.parked, M.dropped: S.idle, M.joined: S.talking},
    S.parked: {M.reserved: S.reserved, M.dropped: S.idle, M.joined: S.talking},
    S.reserved: {M.joined: S.talking, M.unreserved: S.parked, M.dropped: S.idle},
    S.talking: {M.talk_ended: S.wrap_up, M.dropped: S.wrap_up},
    S.wrap_up: {M.wrapped: S.idle},
}
"""`{state: {move: next}}`; a move the state does not list is refused by `advance`."""


class UnexpectedAgentMove(Exception):
    """A state does not list a move: a late duplicate or a mistake, for the caller to count."""

    code = "unexpected_agent_move"

    def __init__(self, state: AgentState, move: AgentMove) -> None:
        super().__init__(f"an agent who is {state} can't be {move}")
        self.state = state
        self.move = move


def advance(state: AgentState, move: AgentMove) -> AgentState:
    """Return the state after `move`, or raise `UnexpectedAgentMove`."""
    try:
        return TRANSITIONS[state][move]
    except KeyError:
        raise UnexpectedAgentMove(state, move) from None
