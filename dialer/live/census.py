"""Who is where on the floor, kept up to date move by move.

The pacer is asked after nearly every event, and most events concern one call or one agent: so the
floor it sees is kept in dictionaries of starting times, by what the call or agent is about, and
only the ages are computed when it is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from dialer.agent import AgentState
from dialer.call import UNANSWERED, CallState
from dialer.model import AgentId
from dialer.pacing.base import Ages

if TYPE_CHECKING:
    from dialer.live.things import Line, LiveCall

STANDING = frozenset({AgentState.idle, AgentState.parked})
"""States of an agent who is not at work, whether or not he wants to be."""


@dataclass(slots=True)
class Census:
    """Starting times, in seconds since the epoch, of what goes on."""

    ringing: dict[str, float] = field(default_factory=dict)
    """Calls placed and not answered yet."""
    listening: dict[str, float] = field(default_factory=dict)
    """Calls answered by nobody knows whom yet."""
    talking: dict[AgentId, float] = field(default_factory=dict)
    wrapping: dict[AgentId, float] = field(default_factory=dict)
    called: dict[AgentId, "Line"] = field(default_factory=dict)
    """Agents whose device rings."""
    standing: dict[AgentId, "Line"] = field(default_factory=dict)

    def count_call(self, call: "LiveCall") -> None:
        """Take note of where a call is now."""
        if call.state in UNANSWERED:
            self.ringing[call.attempt_id] = call.placed_at.timestamp()
        elif call.attempt_id in self.ringing:
            del self.ringing[call.attempt_id]
        if call.state is CallState.listening:
            self.listening[call.attempt_id] = (call.answered_at or call.placed_at).timestamp()
        else:
            self.listening.pop(call.attempt_id, None)

    def count_agent(self, line: "Line") -> None:
        """Take note of what an agent does now."""
        agent_id, state = line.agent.agent_id, line.state
        self.forget_agent(agent_id)
        if state in STANDING:
            self.standing[agent_id] = line
        elif state is AgentState.talking:
            self.talking[agent_id] = line.since.timestamp()
        elif state is AgentState.wrap_up:
            self.wrapping[agent_id] = line.since.timestamp()
        elif state is AgentState.ringing:
            self.called[agent_id] = line

    def forget_agent(self, agent_id: AgentId) -> None:
        """Nothing is kept of an agent who is gone."""
        for members in (self.standing, self.talking, self.wrapping, self.called):
            members.pop(agent_id, None)

    def begin(self, calls: Iterable["LiveCall"], lines: Iterable["Line"]) -> None:
        """Count everybody who is there when the engine starts."""
        for call in calls:
            self.count_call(call)
        for line in lines:
            self.count_agent(line)


def same_to_pacer(before: CallState, after: CallState) -> bool:
    """Whether a move of a call leaves the floor as a pacer sees it."""
    return before in UNANSWERED and after in UNANSWERED


def ages(since: dict[str, float] | dict[AgentId, float], now: datetime) -> Ages:
    """How long each has lasted, in seconds, never less than nothing."""
    starts = np.fromiter(since.values(), np.float64, len(since))
    return np.maximum(now.timestamp() - starts, 0.0)
