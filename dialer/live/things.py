"""What an engine keeps track of: open and past attempts, the lines of agents, offers, totals."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.events import CallEnded
from dialer.media import RecordingState, Verdict
from dialer.model import Agent, AgentId, AgentStatus, AttemptId, CallRef, Dialable, Number, TrunkId
from dialer.outcomes import Outcome


class Origin(StrEnum):
    """How a remembered correlator was ended."""

    told = "told"
    """The switch said that it ended: whatever comes later is late."""
    inferred = "inferred"
    """The engine gave it up: a sign of life means that somebody is on the line."""


@dataclass(slots=True)
class Past:
    """An attempt or park that is over."""

    origin: Origin
    at: datetime
    greeted: bool = False
    """A person who turned up later was given the message or hung up on."""
    call: CallRef | None = None
    """Of that person."""
    contact: Dialable | None = None
    """Who was called, and where, for what an agent says of it later."""
    number: Number | None = None


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """An open attempt."""

    attempt_id: AttemptId
    contact: Dialable
    number: Number
    trunk_id: TrunkId
    placed_at: datetime
    seen_at: datetime
    """When the switch last gave a sign of it (or it was placed)."""
    state: CallState = CallState.placing
    call: CallRef | None = None
    leg_known: bool = False
    """`call.leg` is the one to act upon."""
    ringing_at: datetime | None = None
    """When the switch's list was last asked that showed nobody on the line yet."""
    accepted: bool = False
    unclear: bool = False
    """Nobody knows whether the request to dial was carried out."""
    overdue: bool = False
    """Its ring timeout passed while nobody watched; a switch that shows it ringing still ends it.
    """
    missing_at: datetime | None = None
    """When a snapshot was asked for that lacked this call, and nothing was heard of it since."""
    answered_at: datetime | None = None
    listens: bool = False
    """The switch was asked to find out who answers."""
    verdict: Verdict | None = None
    recognised_at: datetime | None = None
    """When the verdict was reached, in the switch's time."""
    held_told: bool = False
    """The switch holds it, and the verdict isn't in yet."""
    give_up_at: datetime | None = None
    """When the person's patience ends."""
    joined_at: datetime | None = None
    agent_id: AgentId | None = None
    join_asked_at: datetime | None = None
    join_request: str = ""
    tried: tuple[AgentId, ...] = ()
    """Agents with whom a join failed."""
    non_person: Outcome | None = None
    """What the switch took a machine or fax for."""
    on_end: Outcome | None = None
    """The outcome when the engine ends the call before an answer."""
    reason: str = ""
    """Why the engine ended it."""
    hang_ups: int = 0
    message_failed: bool = False
    abandoned_told: bool = False
    """The pacer has been told that nobody came."""
    contact_removed: str = ""
    disposition: str = ""
    """What an agent has said of it already."""
    promised: bool = False
    """The law allows it only with an agent kept for it."""
    recording: RecordingState | None = None
    recordings: int = 0
    """How often recording was begun; names the newest."""
    ended: CallEnded | None = None
    """The end of a call whose join is still to be told, if it happened."""


@dataclass(slots=True, kw_only=True)
class Line:
    """An agent and what the engine has him do."""

    agent: Agent
    since: datetime
    idle_since: datetime
    """Since when without a customer: the key of `most_idle`."""
    seen_at: datetime
    changed_at: datetime
    """When the person or the device last changed."""
    state: AgentState = AgentState.idle
    attempt_id: str = ""
    """The customer while reserved, ringing for a divert, talking, or in wrap-up."""
    park: str = ""
    park_call: CallRef | None = None
    park_gone: bool = False
    """The park's call ended while the agent was wanted for, or with, a customer."""
    suspect_at: datetime | None = None
    """A join went wrong: not offered until a snapshot asked later says that he is there."""
    releasing: int = 0
    """How often his parked call was asked to end."""
    failures: int = 0
    retry_at: datetime | None = None
    disposed: bool = False
    """The disposition came before the end of the talk."""
    leaving: str = ""
    """Why he leaves the campaign once he has finished."""
    skips: int = 0
    """Contacts he skipped since his last call."""

    @property
    def stays(self) -> bool:
        """The person wants to work, and here."""
        return self.agent.status is AgentStatus.available and not self.leaving

    @property
    def willing(self) -> bool:
        """The person wants to work here and his device can be called."""
        return self.stays and self.agent.reachable

    @property
    def order(self) -> tuple[int, str]:
        """Place among the agents that never depends on time."""
        return (self.agent.order, self.agent.agent_id)


@dataclass(slots=True, kw_only=True)
class Preview:
    """A contact that an agent reads."""

    contact: Dialable
    offered_at: datetime
    dial: bool = False
    """He, or time, has said so."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """Totals since the campaign began, take-overs included."""

    placed: int = 0
    answered: int = 0
    abandoned: int = 0
    joined: int = 0
    oddities: int = 0

    @property
    def abandonment(self) -> float:
        """Abandoned per person who answered."""
        return self.abandoned / self.answered if self.answered else 0.0
