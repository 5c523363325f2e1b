"""Who is where on the floor, kept up to date move by move.

The pacer is asked after nearly every event, and most events concern one call or one agent: so the
floor it sees is kept as arrays of starting times, by what the call or agent is about, and only the
ages are computed when it is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
ROOM = 64
"""Starting times for which there is room at first."""


class Since:
    """When each of some calls or agents began what they are about, in seconds since the epoch."""

    __slots__ = ("_ages", "_asked_s", "_latest", "_places", "_starts", "_who")

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._who: list[str] = []
        self._starts = np.zeros(ROOM)
        self._latest = 0.0
        self._asked_s = 0.0
        self._ages: Ages | None = None

    def __len__(self) -> int:
        return len(self._who)

    def __iter__(self) -> Iterator[str]:
        """In the order in which they were added."""
        return iter(self._places)

    def set(self, who: str, start: datetime) -> None:
        """Add one, or correct when it began."""
        place = self._places.setdefault(who, len(self._who))
        if place == len(self._who):
            self._who.append(who)
            if place == len(self._starts):
                self._starts = np.concatenate((self._starts, np.zeros(place)))
        self._starts[place] = start_s = start.timestamp()
        if start_s > self._latest:
            self._latest = start_s
        self._ages = None

    def drop(self, who: str) -> None:
        """Take one out, if it is there: the last takes its place."""
        place = self._places.pop(who, None)
        if place is None:
            return
        last = self._who.pop()
        if last != who:
            self._who[place], self._places[last] = last, place
            self._starts[place] = self._starts[len(self._who)]
        self._ages = None

    def move_back(self, by_s: float) -> None:
        """Have each begun so much earlier."""
        self._starts -= by_s
        self._latest -= by_s
        self._ages = None

    def ages(self, now_s: float) -> Ages:
        """How long each has lasted, in seconds, never less than nothing."""
        if not self._who:
            return ()
        if self._ages is None or now_s != self._asked_s:
            self._ages, self._asked_s = self._until(now_s), now_s
        return self._ages

    def ages_of(self, wanted: Callable[[str], bool], now_s: float) -> Ages:
        """The same, of some of them."""
        places = [place for who, place in self._places.items() if wanted(who)]
        return self._until(now_s).take(places) if places else ()

    def _until(self, now_s: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        ages = now_s - self._starts[: len(self._who)]
        return ages if now_s >= self._latest else np.maximum(ages, 0.0)


@dataclass(slots=True)
class Census:
    """What goes on, by what it is."""

    ringing: Since = field(default_factory=Since)
    """Calls placed and not answered yet."""
    listening: Since = field(default_factory=Since)
    """Calls answered by nobody knows whom yet."""
    talking: Since = field(default_factory=Since)
    wrapping: Since = field(default_factory=Since)
    called: dict[AgentId, "Line"] = field(default_factory=dict)
    """Agents whose device rings."""
    at_rest: dict[AgentId, "Line"] = field(default_factory=dict)
    """Agents who are not at work and don't want to be, or whose device can't be called."""

    def count_call(self, call: "LiveCall", before: CallState | None = None) -> None:
        """Take note of where a call is now, and where it isn't any more."""
        if call.state in UNANSWERED:
            self.ringing.set(call.attempt_id, call.placed_at)
            return
        if before in UNANSWERED:
            self.ringing.drop(call.attempt_id)
        elif before is CallState.listening:
            self.listening.drop(call.attempt_id)
        if call.state is CallState.listening:
            self.listening.set(call.attempt_id, call.answered_at or call.placed_at)

    def count_agent(self, line: "Line") -> None:
        """Take note of what an agent does now."""
        agent_id, state = line.agent.agent_id, line.state
        self.forget_agent(agent_id)
        if state in STANDING:
            if not line.willing:
                self.at_rest[agent_id] = line
        elif state is AgentState.talking:
            self.talking.set(agent_id, line.since)
        elif state is AgentState.wrap_up:
            self.wrapping.set(agent_id, line.since)
        elif state is AgentState.ringing:
            self.called[agent_id] = line

    def forget_agent(self, agent_id: AgentId) -> None:
        """Nothing is kept of an agent who is gone."""
        self.talking.drop(agent_id)
        self.wrapping.drop(agent_id)
        self.called.pop(agent_id, None)
        self.at_rest.pop(agent_id, None)

    def move_back(self, by: timedelta) -> None:
        """The clock was set back: so was the beginning of everything."""
        for since in (self.ringing, self.listening, self.talking, self.wrapping):
            since.move_back(by.total_seconds())

    def begin(self, calls: Iterable["LiveCall"], lines: Iterable["Line"]) -> None:
        """Count everybody who is there when the engine starts."""
        for call in calls:
            self.count_call(call)
        for line in lines:
            self.count_agent(line)
