"""What the engine knows: calls, agents, contacts at hand, and the commands of the step under way.

Dictionaries keep the order in which things were added, and nothing iterates over a set, so that the
same events always give the same commands. Where the oldest go first they are `OrderedDict`s: of
another, the way to the first leads over all that went before.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dialer.agent import AgentMove, AgentState
from dialer.agent import advance as advance_agent
from dialer.call import UNANSWERED, WAITING, CallMove
from dialer.call import advance as advance_call
from dialer.commands import Command, NoteOddity, SaveAgent, SaveAttempt, TakeSnapshot
from dialer.events import CommandFailed, Started
from dialer.live.buffer import Buffer
from dialer.live.census import Census
from dialer.live.correlators import Correlators
from dialer.live.deadlines import Deadlines, Timer
from dialer.live.things import Counts, Line, LiveCall, Origin, Past, Preview
from dialer.live.trunks import Trunks
from dialer.media import Verdict
from dialer.model import (
    AgentId,
    CampaignSettings,
    Dialable,
    Mode,
)
from dialer.outcomes import Outcome
from dialer.pacing.base import Observation, Pacer
from dialer.switching import Way

_NEVER = datetime.min.replace(tzinfo=UTC)

RING_GRACE = timedelta(seconds=5)
"""Beyond the ring timeout of a switch that keeps it itself."""
SNAPSHOT_EVERY = timedelta(seconds=5)
"""How often the switch is asked what is going on while anything is in progress."""
TAKE_OVER = timedelta(seconds=5)
"""Most that a person found waiting may wait after a take-over."""
REMEMBERED = 5_000
"""How many ended attempts and parks are remembered, to tell a late event from a strange one."""


@dataclass(slots=True)
class World:
    """Everything the engine keeps between two events."""

    started: Started
    correlators: Correlators
    pacer: Pacer
    trunks: Trunks
    started_at: datetime
    heard_at: datetime
    """When the last event came that is journalled."""
    set_back: timedelta = timedelta(0)
    """How far the clock was set back since the start, in all."""
    counts: Counts = field(default_factory=Counts)
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    """Of the calls that were listened to."""
    calls: dict[str, LiveCall] = field(default_factory=dict)
    waiting: dict[str, LiveCall] = field(default_factory=dict)
    """Persons without an agent, in order of answer."""
    promised: dict[str, LiveCall] = field(default_factory=dict)
    """Calls that ring with an agent kept for them."""
    keeping: bool = False
    """Contacts were put aside until an agent can be kept, and nothing says so yet."""
    contacts: dict[str, str] = field(default_factory=dict)
    """Contact -> its open attempt."""
    agents: dict[AgentId, Line] = field(default_factory=dict)
    census: Census = field(default_factory=Census)
    addresses: dict[str, AgentId] = field(default_factory=dict)
    free: dict[AgentId, Line] = field(default_factory=dict)
    """Agents who can take a customer."""
    resting: dict[AgentId, Line] = field(default_factory=dict)
    """Idle agents of a switch that parks them."""
    leaving: dict[AgentId, Line] = field(default_factory=dict)
    """Agents who were withdrawn and finish what they are about."""
    previews: dict[AgentId, Preview] = field(default_factory=dict)
    """What agents read, who are kept meanwhile."""
    parks: dict[str, AgentId] = field(default_factory=dict)
    last_served: tuple[int, str] = (-(10**9), "")
    buffer: Buffer = field(default_factory=Buffer)
    past: OrderedDict[str, Past] = field(default_factory=OrderedDict)
    requests: OrderedDict[str, tuple[str, str, datetime]] = field(default_factory=OrderedDict)
    """Request id -> correlator, action and when it was accepted."""
    early: dict[str, tuple[CommandFailed, datetime]] = field(default_factory=dict)
    """Failures that came before the acceptance they belong to."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    settled: bool = False
    """What the previous holder of the lease left has been compared with the switch."""
    paused: bool = False
    draining: str = ""
    drained: bool = False
    link_failures: int = 0
    link_down: bool = False
    link_retry_at: datetime | None = None
    """When to try again to place on a switch that can't be asked for a snapshot."""
    probes: int = 0
    rate_found: float | None = None
    """Calls a second that the switch and this machine keep up with, once that is known."""
    braked: bool = False
    """That is less than the settings allow."""
    unwatched_since: datetime | None = None
    """Since when nobody has watched the events of the switch."""
    deaf_until: datetime | None = None
    """Until when word of what happened unwatched may be on its way."""
    pace_due: bool = True
    """The floor changed in a way that may change the pacer's mind."""
    paced_at: datetime = _NEVER
    rests_until: datetime = _NEVER
    """When the pacer was asked last, and until when it rests from that."""
    pace_kind: str = ""
    pace_reason: str = ""
    starved: bool = False
    """Calls per second alone held the last calls back: a hint for whoever waits on the clock."""
    lacking: int = 0
    """Calls that lines alone held back when calls were last placed."""
    rate_starved: bool = False
    """Calls per second of the trunks held calls back then."""
    commands: list[Command] = field(default_factory=list)
    snapshot_asked: bool = False
    """In the step under way."""
    joins: bool = field(init=False)
    """The engine brings customers and agents together, rather than the switch or nobody."""
    agentless: bool = field(init=False)
    """Nobody is to be joined: the message is what the call is for."""
    parks_agents: bool = field(init=False)
    """Agents wait on the line on this switch."""
    always_open: bool = field(init=False)
    """The campaign has no hours."""
    listens: bool = field(init=False)
    """The switch is to find out who answers."""
    ring_limit: timedelta = field(init=False)
    """When ringing is ended, left to the switch for a while where it keeps a limit itself."""
    runs_ahead: bool = field(init=False)
    """Calls are placed for agents who aren't free yet."""

    def __post_init__(self) -> None:
        """Say what follows from the settings and is asked at every step."""
        self.agentless = self.started.settings.mode is Mode.agentless
        customer_first = self.started.capabilities.way is Way.customer_first
        self.joins = customer_first and not self.agentless
        self.parks_agents = self.joins and self.started.capabilities.parks_agents
        self.always_open = self.started.settings.hours.is_always
        self.runs_ahead = self.started.settings.mode is Mode.predictive
        can = self.started.capabilities.detects_machines and (self.joins or self.agentless)
        self.listens = can and self.started.settings.amd.enabled
        self.ring_limit = self.started.settings.ring_timeout
        if self.started.capabilities.limits_ringing:
            self.ring_limit += RING_GRACE

    def configure(self, settings: CampaignSettings) -> None:
        """Go by other settings from now on."""
        self.started = replace(self.started, settings=settings)
        self.__post_init__()

    # -- the step ------------------------------------------------------------------------------

    def emit(self, command: Command) -> None:
        """Add a command to the step."""
        self.commands.append(command)

    def odd(self, code: str, correlator: str = "", detail: str = "") -> None:
        """Count something that the state tables don't list."""
        self.counts.oddities += 1
        self.emit(NoteOddity(code=code, correlator=correlator, detail=detail[:200]))

    def observe(self, observation: Observation, now: datetime) -> None:
        """Tell the pacer what happened."""
        self.pacer.observe(observation, now + self.set_back if self.set_back else now)
        self.pace_due = True

    def ask_snapshot(self, now: datetime) -> None:
        """Ask the switch what is going on, once a step at most."""
        if not self.started.capabilities.lists_calls:
            return
        if not self.snapshot_asked:
            self.snapshot_asked = True
            self.emit(TakeSnapshot())
        self.deadlines.set(Timer.snapshot, "", now + SNAPSHOT_EVERY)

    def remember(self, correlator: str, origin: Origin, now: datetime) -> None:
        """Keep in mind how an attempt or park ended, for events that come late."""
        self.past[correlator] = Past(origin, now)
        if len(self.past) > REMEMBERED:
            self.past.popitem(last=False)

    # -- states --------------------------------------------------------------------------------

    def move_call(self, call: LiveCall, move: CallMove) -> None:
        """Move an attempt on by the table, keeping the list of waiting persons."""
        before, call.state = call.state, advance_call(call.state, move)
        if before in UNANSWERED and call.state in UNANSWERED:
            return  # the floor is the same to a pacer
        self.census.count_call(call, before)
        if call.state in WAITING:
            self.waiting.setdefault(call.attempt_id, call)
        else:
            self.waiting.pop(call.attempt_id, None)
        self.pace_due = True

    def save_call(self, call: LiveCall, now: datetime, *, accepted: bool = False) -> None:
        """Record where an attempt stands."""
        self.commands.append(
            SaveAttempt(
                attempt_id=call.attempt_id,
                state=call.state,
                at=now,
                call=call.call,
                accepted_at=now if accepted else None,
                answered_at=call.answered_at,
                joined_at=call.joined_at,
                agent_id=call.agent_id,
                recognised_at=call.recognised_at,
                verdict=call.verdict,
            )
        )

    def move_agent(self, line: Line, move: AgentMove, now: datetime) -> None:
        """Move an agent on by the table, keep the lists of who is free, and record it."""
        line.state = advance_agent(line.state, move)
        line.since = now
        self.sort_agent(line)
        self.save_agent(line, now)
        self.pace_due = True

    def save_agent(self, line: Line, now: datetime) -> None:
        """Record what an agent is about."""
        with_customer = line.state not in (AgentState.idle, AgentState.parked) and line.attempt_id
        self.commands.append(
            SaveAgent(
                agent_id=line.agent.agent_id,
                state=line.state,
                at=now,
                correlator=line.attempt_id if with_customer else line.park,
                call=line.park_call,
            )
        )

    def sort_agent(self, line: Line) -> None:
        """Put an agent on, or take him off, the lists of the free and the resting."""
        self.census.count_agent(line)
        agent_id, idle = line.agent.agent_id, line.state is AgentState.idle
        if idle and self.parks_agents:
            self.resting.setdefault(agent_id, line)
        elif self.resting:
            self.resting.pop(agent_id, None)
        if self.parks_agents:
            parked = line.state is AgentState.parked
            present = parked and not line.releasing and line.suspect_at is None
        else:
            present = idle and line.willing
        present = present and agent_id not in self.previews
        if present == (agent_id in self.free):
            return
        self.pace_due = True
        if present:
            self.free[agent_id] = line
        else:
            del self.free[agent_id]

    def can_take(self, line: Line, now: datetime) -> bool:
        """Whether an agent on the free list may be offered a customer now."""
        return line.retry_at is None or line.retry_at <= now

    @property
    def in_progress(self) -> bool:
        """Something is going on that a snapshot could tell about."""
        return bool(self.calls or self.parks)


def as_attempts(contact: Dialable, outcome: Outcome) -> Mapping[Outcome, int]:
    """The contact's attempts by outcome, one that just ended included."""
    tried = dict(contact.tried)
    tried[outcome] = tried.get(outcome, 0) + 1
    return tried
