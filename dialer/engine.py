"""The engine: what happened goes in, what is to be done comes out.

Pure and deterministic: the only clock is the `now` of each event, nothing is random, and the same
events give the same commands. A step applies its event, then brings people together, then does what
is due, then places calls: so whoever comes free is offered a waiting person before patience ends.
A tick that yields no command leaves nothing changed that a later step could notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from dialer.commands import Command, Drained
from dialer.compliance.binding import bound
from dialer.events import (
    AgentChanged,
    AgentWithdrawn,
    CallAnswered,
    CallEnded,
    CallForbidden,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandAccepted,
    CommandFailed,
    ContactRemoved,
    ContactsAdded,
    ContactsLoaded,
    Disposed,
    DrainRequested,
    Event,
    EventsWatched,
    MachineDetected,
    PauseRequested,
    PersonDetected,
    PreviewAnswered,
    RateFound,
    RecordingOrdered,
    ResumeRequested,
    SettingsChanged,
    SnapshotTaken,
    Started,
    Tally,
    Tick,
    TrunksChanged,
)
from dialer.live import (
    agents,
    clock,
    forbidden,
    listening,
    matching,
    orders,
    placing,
    previewing,
    promised,
    recording,
    recovery,
    replies,
    selection,
    timers,
    watching,
)
from dialer.live.correlators import Correlators
from dialer.live.deadlines import Timer
from dialer.live.demand import demand_of
from dialer.live.law import Rule
from dialer.live.status import EngineStatus, status_of
from dialer.live.switch_events import on_line_event
from dialer.live.things import Counts
from dialer.live.trunks import Bucket, Trunks
from dialer.live.world import SNAPSHOT_EVERY, World
from dialer.model import Agent, AgentId, CampaignSettings, Trunk
from dialer.pacing import make_pacer
from dialer.pacing.base import Floor, Pacer
from dialer.sharing import Demand

SETTLING = timedelta(seconds=2)
"""Between snapshots while a take-over waits for its first one."""

MakePacer = Callable[[CampaignSettings, Tally], Pacer]


class NotStarted(Exception):
    """An engine was given an event before `Started`, or a second `Started`."""

    code = "engine_not_started"

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} came out of turn: the first event, and only it, is started")


class Engine:
    """One campaign's (or shard's) dialing, from its first event until `Drained`."""

    def __init__(
        self, *, rules: Sequence[Rule] = (), pacer_factory: MakePacer = make_pacer
    ) -> None:
        self._rules = tuple(rules)
        self._make_pacer = pacer_factory
        self._world: World | None = None

    def handle(self, event: Event, now: datetime) -> list[Command]:
        """Apply one event and return what is to be done about it, in order."""
        world = self._world
        if isinstance(event, Started) or world is None:
            self._world = world = self._begin(event, now)
        else:
            world.commands, world.snapshot_asked = [], False
            if now < world.heard_at:
                clock.heed(world, now)
            self._apply(world, event, now)
        tick = isinstance(event, Tick)
        asked = world.pace_due, world.paced_at, world.rests_until
        self._step(world, now, tick=tick)
        if world.commands or not tick:
            world.heard_at = now
        else:  # no journal has it, so whoever computes the journal again doesn't know of it
            world.pace_due, world.paced_at, world.rests_until = asked
        return world.commands

    def next_deadline(self) -> datetime | None:
        """When a tick is wanted next, beside the regular ones; None if nothing is due by itself."""
        world = self._world
        if world is None or world.drained:
            return None
        due, load_at = world.deadlines.next(), selection.load_at(world)
        if due is None or (load_at is not None and load_at < due):
            due = load_at
        if not (world.resting or world.starved):
            return due
        others: list[datetime | None] = []
        if world.resting and agents.calls_agents(world):
            others += [line.retry_at for line in world.resting.values() if line.willing]
        if world.starved:
            others.append(world.trunks.next_at())
        return min((at for at in (due, *others) if at is not None), default=None)

    def floor(self, now: datetime) -> Floor:
        """What the pacer would see now."""
        return placing.floor(self._require("floor"), now)

    def status(self, now: datetime) -> EngineStatus:
        """Everything in progress, for the live display."""
        return status_of(self._require("status"), now)

    def demand(self, now: datetime) -> Demand:
        """What this campaign uses and wants of what it shares with others on its switch."""
        return demand_of(self._require("demand"), now)

    @property
    def trunks(self) -> tuple[Trunk, ...]:
        """The trunks with the lines that the engine goes by."""
        return self._require("trunks").trunks.known

    @property
    def agents(self) -> Mapping[AgentId, Agent]:
        """The agents of this campaign who aren't about to leave it."""
        lines = self._require("agents").agents
        return {agent_id: line.agent for agent_id, line in lines.items() if not line.leaving}

    def is_leaving(self, agent_id: AgentId) -> bool:
        """Whether an agent finishes what he is about, to work elsewhere."""
        return agent_id in self._require("is_leaving").leaving

    @property
    def drained(self) -> bool:
        """Nothing is in progress and nothing more will be placed."""
        return self._world is not None and self._world.drained

    def _require(self, kind: str) -> World:
        if self._world is None:
            raise NotStarted(kind)
        return self._world

    def _begin(self, event: Event, now: datetime) -> World:
        if self._world is not None or not isinstance(event, Started):
            raise NotStarted(event.kind)
        settings, _ = bound(event.settings)
        world = World(
            started=replace(event, settings=settings),
            correlators=Correlators(event.campaign_id, event.shard, event.epoch),
            pacer=self._make_pacer(settings, event.tally),
            trunks=Trunks(
                event.trunks, settings.trunks, Bucket.full(settings.pacing.calls_per_second, now)
            ),
            started_at=now,
            heard_at=now,
            counts=Counts(
                placed=event.tally.placed,
                answered=event.tally.answered,
                abandoned=event.tally.abandoned,
                joined=event.tally.joined,
            ),
            paused=event.paused,
            verdicts=dict(event.tally.verdicts),
        )
        for agent in event.agents:
            orders.agent_changed(world, agent, now)
        recovery.take_over(world, now)
        world.census.begin(world.calls.values(), world.agents.values())
        return world

    def _apply(self, world: World, event: Event, now: datetime) -> None:
        match event:
            case CommandAccepted():  # the first few are those that come most often
                replies.on_accepted(world, event, now)
            case (
                CallEnded()
                | CallAnswered()
                | CallHeld()
                | CallJoined()
                | CallRinging()
                | CallStarted()
            ):
                on_line_event(world, event, now)
            case Tick():
                pass
            case CommandFailed():
                replies.on_failed(world, event, now)
            case MachineDetected():
                listening.on_machine(world, event, now)
            case PersonDetected():
                listening.on_person(world, event, now)
            case SnapshotTaken():
                replies.link_up(world)
                if event.asked_at > now:  # before the clock was set back: how old it is, who knows
                    world.ask_snapshot(now)
                else:
                    recovery.reconcile(world, event, now)
            case EventsWatched():
                watching.changed(world, event, now)
            case RateFound():
                orders.rate_found(world, event, now)
            case ContactsLoaded():
                selection.loaded(world, event, now)
            case ContactsAdded():
                selection.added(world, event, now)
            case PreviewAnswered():
                previewing.answered(world, event, now)
            case ContactRemoved():
                selection.removed(world, event, now)
            case CallForbidden():
                forbidden.on_forbidden(world, event, now)
            case AgentChanged():
                orders.agent_changed(world, event.agent, now)
            case AgentWithdrawn():
                orders.agent_withdrawn(world, event, now)
            case Disposed():
                orders.disposed(world, event, now)
            case RecordingOrdered():
                recording.ordered(world, event, now)
            case TrunksChanged():
                orders.trunks_changed(world, event, now)
            case SettingsChanged():
                orders.settings_changed(world, event, self._make_pacer, now)
            case PauseRequested():
                orders.pause(world, event, now)
            case ResumeRequested():
                orders.resume(world)
            case DrainRequested():
                orders.drain(world, event, now)
            case Started():
                raise NotStarted(event.kind)
            case never:
                assert_never(never)

    def _step(self, world: World, now: datetime, *, tick: bool) -> None:
        """Do what the event, or the time, has made possible or due."""
        if world.waiting:
            matching.match(world, now)
        while (due := world.deadlines.pop_due(now)) is not None:
            timers.fire(world, *due, now)
            matching.match(world, now)
        if world.drained:
            return
        if world.previews:
            previewing.tidy(world, now)
        if world.leaving:
            agents.give_up_leaving(world, now)
        if world.resting:
            agents.park_resting(world, now)
        if world.promised:
            promised.keep(world, now)
        if tick or (world.pace_due and placing.is_rested(world, now)):
            placing.pace(world, self._rules, now)
        selection.load(world, now)
        if world.started.capabilities.lists_calls:
            _watch(world, now)
        if (world.draining or world.buffer.exhausted) and orders.wind_down(world, now):
            world.drained = True
            world.deadlines.cancel(Timer.snapshot)
            world.emit(Drained(reason=world.draining))


def _watch(world: World, now: datetime) -> None:
    """Keep asking the switch what is going on while anything is."""
    planned = world.deadlines.at(Timer.snapshot)
    if not (world.in_progress or not world.settled or world.link_down):
        world.deadlines.cancel(Timer.snapshot)
    elif planned is None:
        wait = SNAPSHOT_EVERY if world.settled else SETTLING
        world.deadlines.set(Timer.snapshot, "", now + wait)
    elif world.unwatched_since is not None and not world.probes:
        world.deadlines.set(Timer.snapshot, "", min(planned, now + watching.LOOK))
