"""Drive the production engine through one simulated shift and count.

Nothing here decides anything: the engine gets its events and ticks as in production, only the clock
jumps from one to the next. One seed gives the same shift, call for call, on every machine.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from dialer.agent import AgentState
from dialer.commands import CloseAttempt, Command, PlaceCall, SaveAgent
from dialer.engine import Engine
from dialer.events import AgentChanged, Event, Started, Tally, Tick
from dialer.media import AmdSettings
from dialer.model import (
    Agent,
    AgentId,
    AgentStatus,
    CampaignId,
    CampaignSettings,
    Mode,
    PacingSettings,
    SwitchId,
    Trunk,
    TrunkId,
)
from dialer.pacing import make_pacer
from dialer.pacing.base import (
    Abandoned,
    Answered,
    Decision,
    Floor,
    MachineFound,
    Observation,
    Pacer,
    Served,
)
from dialer.simulation.results import Latency, SimulationResult, worst_window
from dialer.simulation.scenario import Drift, Scenario, Spread
from dialer.simulation.switch import CARRIED_OUT, VirtualSwitch, lasts_fixed
from dialer.switching import Capabilities, Way

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TICK = timedelta(seconds=2)
"""Coarser than in production: between events little changes that a pacer would act upon."""
SHORTEST_RING_S, LONGEST_RING_S = 15.0, 120.0
UNLIMITED = 10_000
ENDLESS = 1_000_000
"""Contacts of a scenario that names none."""
MEASURED, OFTEN = 32, 64
"""One decision in so many is timed, and half as many each time that so many were: a look at the
clock of a thread can cost ten times what a decision does.
"""
LONGEST_WRAP = timedelta(minutes=30)
LONGEST_LISTENING = timedelta(seconds=10)
"""The switch here always knows in time; the scenario says after how long."""

_SWITCH = Capabilities(
    way=Way.customer_first,
    limits_ringing=True,
    detects_machines=True,
    lists_calls=False,
    keeps_parked=True,
)
_WORKING = frozenset({AgentState.talking, AgentState.wrap_up})
_NOTED = frozenset({SaveAgent, PlaceCall, CloseAttempt})
"""Commands that say what is counted."""
_FATES = (Served, Abandoned)

PacerFactory = Callable[[CampaignSettings, Tally], Pacer]


class MeasuredPacer:
    """A pacer under observation: what it heard, and how long it thought."""

    def __init__(self, pacer: Pacer, count_from: datetime) -> None:
        self.name = pacer.name
        self._pacer = pacer
        self._agentless = pacer.name == Mode.agentless
        self._count_from = count_from
        self._until_timed = MEASURED
        self.spent_ns: list[int] = []
        self.fates: list[bool] = []
        """For each person who answered: abandoned or not."""
        self.moments: list[float] = []
        """When that was known, in seconds since the start."""
        self.counted = 0
        self.abandoned = 0
        self.waited_s = 0.0

    def observe(self, observation: Observation, now: datetime) -> None:
        """Note what became of each person, and pass it on."""
        self._pacer.observe(observation, now)
        if isinstance(observation, _FATES):
            lost = isinstance(observation, Abandoned)
            self.fates.append(lost)
            self.moments.append((now - START).total_seconds())
            if now >= self._count_from:
                self.counted += 1
                self.abandoned += lost
                self.waited_s += 0.0 if lost else observation.wait_s
        elif self._agentless and now >= self._count_from:
            # Nobody is there to be joined with: whoever answers is served.
            self.counted += isinstance(observation, Answered) - isinstance(
                observation, MachineFound
            )

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Ask the pacer, now and then against the clock of this thread: other work on the machine
        is no cost of the pacer.
        """
        self._until_timed -= 1
        if self._until_timed:
            return self._pacer.calls_to_place(floor, now)
        self._until_timed = MEASURED << len(self.spent_ns) // OFTEN
        begun = time.thread_time_ns()
        decision = self._pacer.calls_to_place(floor, now)
        self.spent_ns.append(time.thread_time_ns() - begun)
        return decision

    def retune(self, settings: CampaignSettings) -> None:
        """Pass changed settings on."""
        self._pacer.retune(settings)


class Shift:
    """One engine, one virtual switch, one clock."""

    def __init__(
        self, scenario: Scenario, mode: Mode, seed: int, make: PacerFactory = make_pacer
    ) -> None:
        self._scenario = scenario
        self._switch = VirtualSwitch(scenario, random.Random(f"{scenario.name}/{seed}"))
        self._now = START
        self._count_from = START + timedelta(seconds=scenario.warmup_s)
        self._end = START + timedelta(seconds=scenario.duration_s)
        self._drift = sorted(scenario.drift, key=lambda step: step.at_s)
        self._working: set[AgentId] = set()
        self._available = scenario.agents
        self._gone: set[AgentId] = set()
        self._known = scenario.agents
        self.busy_s = self.paid_s = 0.0
        self.calls = 0
        self._in_progress = self.most_in_progress = 0
        self.pacer: MeasuredPacer | None = None
        self._engine = Engine(pacer_factory=self._measured)
        self._mode = mode
        self._make = make

    def run(self) -> MeasuredPacer:
        """Go through the shift and return the pacer as it was observed."""
        self._feed(self._started())
        switch = self._switch
        while self._now < self._end:
            coming = switch.next_at()
            self._advance(min(self._next(coming), self._end))
            if self._drift:
                self._apply_drift()
                coming = switch.next_at()
            if coming is not None and coming <= self._now:
                event = switch.pop()
                if event is not None:
                    self._feed(event)
            else:
                self._feed(Tick())
        if self.pacer is None:
            raise RuntimeError("the engine made no pacer when it was started")
        return self.pacer

    def _measured(self, settings: CampaignSettings, tally: Tally) -> Pacer:
        self.pacer = MeasuredPacer(self._make(settings, tally), self._count_from)
        return self.pacer

    def _started(self) -> Started:
        lines = self._scenario.lines or UNLIMITED
        trunk = Trunk(trunk_id=TrunkId("trunk"), address="trunk", lines=lines)
        return Started(
            campaign_id=CampaignId("simulation"),
            epoch=1,
            settings=_settings(self._scenario, self._mode),
            capabilities=_SWITCH,
            agents=tuple(_agent(number) for number in range(1, self._scenario.agents + 1)),
            trunks=(trunk,),
            tally=Tally(contacts_left=ENDLESS),
        )

    def _next(self, coming: datetime | None) -> datetime:
        """When something happens next, where the switch's next event is `coming`."""
        then = self._now + TICK
        if coming is not None and coming < then:
            then = coming
        if (due := self._engine.next_deadline()) is not None and due < then:
            then = due
        if self._drift:
            then = min(then, START + timedelta(seconds=self._drift[0].at_s))
        return max(self._now, then)

    def _advance(self, to: datetime) -> None:
        counted = (to - max(self._now, self._count_from)).total_seconds()
        if counted > 0.0:
            leaving = len(self._working & self._gone) if self._gone else 0
            self.busy_s += counted * len(self._working)
            self.paid_s += counted * (self._available + leaving)
        self._now = to

    def _feed(self, event: Event) -> None:
        """Give the engine an event, and the switch what the engine wants, until all is still."""
        now, pending = self._now, [event]
        for coming in pending:
            for command in self._engine.handle(coming, now):
                kind = type(command)  # most commands are for the record alone
                if kind in _NOTED:
                    self._note(command)
                if kind in CARRIED_OUT:
                    pending += self._switch.execute(command, now)

    def _note(self, command: Command) -> None:
        match command:
            case CloseAttempt():
                self._in_progress -= 1
            case SaveAgent():
                if command.state in _WORKING:
                    self._working.add(command.agent_id)
                else:
                    self._working.discard(command.agent_id)
            case PlaceCall():
                self.calls += self._now >= self._count_from
                self._in_progress += 1
                if self._now >= self._count_from:
                    self.most_in_progress = max(self.most_in_progress, self._in_progress)
            case _:
                pass

    def _apply_drift(self) -> None:
        while self._drift and START + timedelta(seconds=self._drift[0].at_s) <= self._now:
            step = self._drift.pop(0)
            if step.answer_probability is not None:
                self._switch.answer_probability = step.answer_probability
            if step.talk_mean_s is not None:
                talk = self._scenario.talk
                self._switch.talk = Spread(dist=talk.dist, cv=talk.cv, mean_s=step.talk_mean_s)
            if step.agents is not None:
                self._staff(step)

    def _staff(self, step: Drift) -> None:
        """Let agents come, or go once they are done with their customer."""
        wanted = step.agents or 0
        self._available = wanted
        for number in range(1, max(self._known, wanted) + 1):
            agent_id = AgentId(f"agent{number}")
            here = number <= self._known and agent_id not in self._gone
            if here and number > wanted:
                self._gone.add(agent_id)
                self._feed(AgentChanged(agent=_agent(number, status=AgentStatus.not_ready)))
            elif not here and number <= wanted:
                self._gone.discard(agent_id)
                self._feed(AgentChanged(agent=_agent(number)))
        self._known = max(self._known, wanted)


def _agent(number: int, *, status: AgentStatus = AgentStatus.available) -> Agent:
    name = f"agent{number}"
    return Agent(agent_id=AgentId(name), address=name, status=status, order=number)


def _settings(scenario: Scenario, mode: Mode) -> CampaignSettings:
    ring_s = min(LONGEST_RING_S, max(SHORTEST_RING_S, scenario.ring_timeout_s))
    wrap = timedelta(seconds=scenario.wrap.mean_s)
    if not lasts_fixed(scenario.wrap):
        wrap = LONGEST_WRAP
    return CampaignSettings(
        name=scenario.name[:120] or "scenario",
        mode=mode,
        switch=SwitchId("virtual"),
        ring_timeout=timedelta(seconds=ring_s),
        patience=timedelta(seconds=scenario.patience_s),
        wrap_up=min(wrap, LONGEST_WRAP),
        amd=AmdSettings(enabled=scenario.machine_probability > 0.0, longest=LONGEST_LISTENING),
        pacing=PacingSettings(
            target_abandonment=scenario.target_abandonment,
            max_lines_per_agent=scenario.max_lines_per_agent,
            calls_per_second=scenario.calls_per_second,
            ratio=scenario.ratio,
            concurrency=UNLIMITED,
        ),
    )


def simulate(
    scenario: Scenario,
    *,
    mode: Mode = Mode.predictive,
    seeds: Sequence[int] = (1,),
    make: PacerFactory = make_pacer,
) -> list[SimulationResult]:
    """Return what became of the scenario with each seed; `make` may bring a pacer to try."""
    results = []
    for seed in seeds:
        shift = Shift(scenario, mode, seed, make)
        seen = shift.run()
        served = seen.counted - seen.abandoned
        results.append(
            SimulationResult(
                pacer=seen.name,
                seed=seed,
                calls=shift.calls,
                answered=seen.counted,
                abandoned=seen.abandoned,
                abandonment_rate=seen.abandoned / seen.counted if seen.counted else 0.0,
                agent_utilisation=shift.busy_s / shift.paid_s if shift.paid_s else 0.0,
                mean_wait_ms=1e3 * seen.waited_s / served if served else 0.0,
                decide_us=Latency.of(seen.spent_ns),
                worst_1000=worst_window(seen.fates),
            )
        )
    return results
