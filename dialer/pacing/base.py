"""What every pacer sees and answers.

A pacer is pure and never sees the future: the engine tells it what happened (`observe`) and asks,
with the floor as it stands, how many calls to place now. The engine alone keeps the law, the lines,
the calls per second and the ceiling of lines per agent; a pacer only says what the agents can take.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dialer.model import CampaignSettings
from dialer.outcomes import Outcome
from dialer.records import record

Ages = Sequence[float] | NDArray[np.float64]


@record
class Floor:
    """Counts and ages of everything in progress. Ages are seconds until now, in no order."""

    free: int
    """Agents who can take a customer at once (parked, or idle where agents aren't parked)."""
    agents: int
    """Agents available or working, free ones included."""
    ringing_ages: Ages = ()
    """One for each call placed and not answered yet, since it was placed."""
    listening_ages: Ages = ()
    """One for each call that was answered and is being listened to, since the answer."""
    waiting_ages: Ages = ()
    """One for each person who answered and has no agent yet, since the answer."""
    joining: int = 0
    """Customers with an agent reserved for them."""
    talking_ages: Ages = ()
    wrap_ages: Ages = ()
    parking_ages: Ages = ()
    """One for each agent on the way to being free, since the switch was asked to call him."""
    contacts_left: int | None = None
    """How many more can be dialed now, where known to be few."""
    closing: bool = False
    """The shift or window ends soon: don't run ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A call was placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A person or machine answered `ring_s` after the call was placed."""

    ring_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnswered:
    """A call ended unanswered `ring_s` after it was placed."""

    ring_s: float
    outcome: Outcome
    cancelled: bool = False
    """The engine ended it on the pacer's wish: it might have been answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFound:
    """A call that was answered turned out not to be a person."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A person was joined with an agent `wait_s` after the answer."""

    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A person answered and was never joined."""

    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded:
    """A talk ended after `talk_s`."""

    talk_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapEnded:
    """An agent was ready again `wrap_s` after the talk."""

    wrap_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An agent came on the line `ring_s` after he was called."""

    ring_s: float


Observation = (
    Placed
    | Answered
    | NotAnswered
    | MachineFound
    | Served
    | Abandoned
    | TalkEnded
    | WrapEnded
    | Parked
)


class Why(StrEnum):
    """What kind of reason a decision has: the closed set that metrics count by."""

    blocked = "blocked"
    """Nothing may be placed at all: paused, outside the hours, the switch out of reach."""
    free_agents = "free_agents"
    """One call for each free agent."""
    on_offer = "on_offer"
    """One contact on offer to each free agent."""
    ratio = "ratio"
    ratio_held = "ratio_held"
    """A fixed ratio, held at one by the cap."""
    concurrency = "concurrency"
    """As many as may be in progress, without agents."""
    closing = "closing"
    no_budget = "no_budget"
    """The cap, or how little is known yet, allows no running ahead."""
    too_risky = "too_risky"
    """More answers are to come than agents, by far."""
    too_risky_waiting = "too_risky_waiting"
    """The same, with people waiting."""
    risk = "risk"
    """As many as their risk allows, none included."""
    risk_waiting = "risk_waiting"
    other = "other"
    """Whatever a pacer from elsewhere says."""


Reason = str | Callable[[], str]
Count = int | Callable[[], int]


class Decision:
    """How many calls to place now, and why, in words a floor manager understands."""

    __slots__ = ("_cancel", "_reason", "place", "why")

    def __init__(
        self, *, place: int, reason: Reason, why: Why = Why.other, cancel: Count = 0
    ) -> None:
        """Take the numbers; words, and what only some switches can do, may be worked out when
        somebody asks.
        """
        self.place = place
        self.why = why
        self._cancel = cancel
        self._reason = reason

    @property
    def cancel(self) -> int:
        """How many calls should stop ringing, of those that rang as long as the law wants."""
        if not isinstance(self._cancel, int):
            self._cancel = self._cancel()
        return self._cancel

    @property
    def reason(self) -> str:
        """Why, in words; decisions of one kind, but `other`, differ in figures only."""
        if not isinstance(self._reason, str):
            self._reason = self._reason()
        return self._reason

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, in the same words."""
        return isinstance(other, Decision) and self._said() == other._said()

    def __hash__(self) -> int:
        """Of what it says."""
        return hash(self._said())

    def __repr__(self) -> str:
        """What it says."""
        return f"Decision(place={self.place}, cancel={self.cancel}, reason={self.reason!r})"

    def _said(self) -> tuple[int, int, str, str]:
        return self.place, self.cancel, self.why, self.reason


class Pacer(Protocol):
    """Decides how many calls to place."""

    name: str

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn from what happened."""
        ...

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return how many more calls the agents can take; changes nothing in the pacer."""
        ...

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings of the same mode; what was learnt stays."""
        ...
