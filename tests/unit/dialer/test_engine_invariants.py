"""What holds whatever happens, in whatever order, however the switch lies."""

from collections import Counter
from dataclasses import replace

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialer.agent import AgentState
from dialer.commands import (
    CloseAttempt,
    Divert,
    Join,
    OpenAttemptRecord,
    PlaceCall,
    SaveAttempt,
)
from dialer.events import (
    AgentChanged,
    ContactRemoved,
    Disposed,
    DrainRequested,
    PauseRequested,
    ResumeRequested,
    SettingsChanged,
    SnapshotTaken,
    Started,
    Tick,
    TrunksChanged,
)
from dialer.media import AmdAction, AmdSettings, Verdict
from dialer.model import (
    AgentStatus,
    AttemptId,
    CampaignSettings,
    ContactId,
    Distribution,
    Mode,
    Number,
    PacingSettings,
)
from dialer.outcomes import Outcome
from dialer.retry import OutcomeRule, RetryRules
from dialer.windows import CallingHours
from tests.support.dialing import agent, capabilities, contact, seconds, settings, started, trunk
from tests.support.fake_switch import Fate, Lies
from tests.support.floor import Floor, Step

PEOPLE = 40
AGENTS = 4
ZONES = (("Europe/Rome",), ("America/New_York",), ("Asia/Tokyo", "Europe/Rome"), ())
HOURS = CallingHours.parse("daily 08:00-20:00")
RETRY = RetryRules(
    max_attempts=3,
    no_answer=OutcomeRule(delay=seconds(20)),
    busy=OutcomeRule(delay=seconds(10)),
    abandoned=OutcomeRule(delay=seconds(40)),
)
LONGEST_WAIT = 22.0
"""Patience 2, late by up to 1.5, a join's 3 and its check's 2, or a diverted agent's 10 instead of
the 3, and a snapshot's 5 where an event was lost: with something to spare for repeated bad luck."""
LISTENING = 5.0
"""Beyond that: the longest that a switch listens, and a second for word of it."""
heard = st.builds(
    AmdSettings,
    enabled=st.just(True),
    machine=st.sampled_from(AmdAction),
    fax=st.sampled_from(AmdAction),
    unsure=st.sampled_from(AmdAction),
    message=st.just("later"),
)

WITH_CUSTOMER = (AgentState.reserved, AgentState.ringing, AgentState.talking)

fates = st.builds(
    Fate,
    ring=st.sampled_from([1.0, 4.0, 30.0]),
    answers=st.sampled_from([True, True, False]),
    outcome=st.sampled_from([Outcome.no_answer, Outcome.busy, Outcome.invalid]),
    patience=st.sampled_from([None, 1.0, 4.0]),
    refused=st.sampled_from([False, False, False, True]),
    verdict=st.sampled_from([None, *Verdict]),
    listening=st.sampled_from([0.5, 3.0]),
)
lies = st.sampled_from(
    [
        Lies(),
        Lies(repeat=0.5, late=0.5),
        Lies(lose=0.1),
        Lies(unclear=0.15, late=0.2),
        Lies(refuse_join=0.5),
        Lies(lose=0.05, repeat=0.2, late=0.3, unclear=0.05, refuse_join=0.1),
    ]
)


class AnyFloor(RuleBasedStateMachine):
    """A floor on which everything happens."""

    floor: Floor

    @initialize(
        seed=st.integers(0, 10_000),
        mode=st.sampled_from([Mode.progressive, Mode.power, Mode.predictive, Mode.agentless]),
        fate=st.lists(fates, min_size=4, max_size=4),
        parks=st.sampled_from([True, True, False]),
        plays=st.booleans(),
        limits=st.booleans(),
        lines=st.integers(1, 8),
        distribution=st.sampled_from(Distribution),
        amd=st.one_of(heard, heard, st.just(AmdSettings())),
    )
    def open_floor(
        self,
        *,
        seed: int,
        mode: Mode,
        fate: list[Fate],
        parks: bool,
        plays: bool,
        limits: bool,
        lines: int,
        distribution: Distribution,
        amd: AmdSettings,
    ) -> None:
        self.limits = settings(
            mode=mode,
            wrap_up=seconds(3),
            distribution=distribution,
            contact_hours=HOURS,
            retry=RETRY,
            amd=amd,
            pacing=PacingSettings(concurrency=6, calls_per_second=10.0),
        )
        self.lines = {"gw1": lines, "gw2": 2}
        people = [
            contact(
                number,
                numbers=tuple(
                    Number(number=f"+39{kind}{number:07d}", zones=ZONES[(number + kind) % 4])
                    for kind in range(1 + number % 2)
                ),
                priority=number % 3,
            )
            for number in range(PEOPLE)
        ]
        self.floor = Floor(
            started(
                settings=self.limits,
                capabilities=capabilities(
                    parks_agents=parks,
                    plays_message=plays,
                    limits_ringing=limits,
                    detects_machines=True,
                ),
                agents=tuple(agent(number) for number in range(AGENTS)),
                trunks=(trunk(lines, "gw1"), trunk(2, "gw2")),
            ),
            contacts=people,
            seed=seed,
        )
        for number, person in enumerate(people):
            for way in person.numbers:
                self.floor.switch.fates[way.number] = fate[number % 4]
        self.people = people
        self.floor.watch = self._watch
        self.ever_down = False
        self.floor.start()

    @rule(duration=st.sampled_from([0.5, 3.0, 10.0, 30.0]))
    def time_passes(self, duration: float) -> None:
        self.floor.run(duration)

    @rule(duration=st.sampled_from([5.0, 20.0]))
    def more_time_passes(self, duration: float) -> None:
        self.floor.give(ResumeRequested())
        self.floor.run(duration)

    @rule(lie=lies)
    def switch_misbehaves(self, lie: Lies) -> None:
        self.floor.switch.lies = lie

    @rule(number=st.integers(0, AGENTS - 1), after=st.sampled_from([0.5, 4.0, None]))
    def agent_picks_up(self, number: int, after: float | None) -> None:
        self.floor.switch.agent_answers[f"user{number}"] = after

    @rule(
        number=st.integers(0, AGENTS),
        status=st.sampled_from([*AgentStatus, AgentStatus.available]),
        reachable=st.sampled_from([True, True, False]),
    )
    def agent_changes(self, number: int, status: AgentStatus, reachable: bool) -> None:
        self.floor.give(AgentChanged(agent=agent(number, status=status, reachable=reachable)))

    @rule(pick=st.integers(0, 50), ready=st.booleans())
    def agent_disposes(self, pick: int, ready: bool) -> None:
        said = self.floor.of(Join)
        if said:
            join = said[pick % len(said)]
            attempt = AttemptId(join.correlator)
            self.floor.give(
                Disposed(agent_id=join.agent_id, attempt_id=attempt, code="sale", ready=ready)
            )

    @rule(clear=st.booleans(), for_s=st.sampled_from([1.0, 12.0]))
    def somebody_pauses(self, clear: bool, for_s: float) -> None:
        self.floor.give(PauseRequested(clear=clear))
        self.floor.run(for_s)

    @rule()
    def somebody_resumes(self) -> None:
        self.floor.give(ResumeRequested())

    @rule(number=st.integers(0, PEOPLE - 1))
    def contact_goes(self, number: int) -> None:
        self.floor.give(ContactRemoved(contact_id=ContactId(f"contact{number}"), reason="dnc"))

    @rule(lines=st.integers(0, 8), enabled=st.booleans())
    def trunks_change(self, lines: int, enabled: bool) -> None:
        self.lines = {"gw1": lines, "gw2": 2 if enabled else 0}
        self.floor.first = _with_trunks(self.floor.first, lines, enabled)
        self.floor.give(TrunksChanged(trunks=self.floor.first.trunks))

    @rule(concurrency=st.integers(1, 12), mode=st.sampled_from([None, *Mode]))
    def settings_change(self, concurrency: int, mode: Mode | None) -> None:
        pacing = self.limits.pacing.model_copy(update={"concurrency": concurrency})
        self.limits = self.limits.model_copy(
            update={"pacing": pacing, "mode": mode or self.limits.mode}
        )
        self.floor.first = _with_settings(self.floor.first, self.limits)
        self.floor.give(SettingsChanged(settings=self.limits))

    @rule(pick=st.integers(0, 10_000))
    def old_event_comes_again(self, pick: int) -> None:
        old = [
            step.event
            for step in self.floor.steps[-300:]
            if hasattr(step.event, "correlator") and not isinstance(step.event, SnapshotTaken)
        ]
        if old:
            self.floor.give(old[pick % len(old)])

    @rule(for_s=st.sampled_from([1.0, 8.0, 40.0]))
    def link_goes_down(self, for_s: float) -> None:
        self.ever_down = True
        self.floor.switch.down = True
        self.floor.run(for_s)
        self.floor.switch.down = False

    @precondition(lambda self: not self.floor.drained)
    @rule(after=st.sampled_from([0.0, 2.0, 8.0]))
    def engine_dies(self, after: float) -> None:
        self.ever_down = True
        self.floor.die(Tick())
        if not self.floor.drained:
            self.floor.take_over(after=after)
            self.floor.give(SettingsChanged(settings=self.limits))

    @rule(clear=st.booleans(), chance=st.integers(0, 9))
    def somebody_drains(self, clear: bool, chance: int) -> None:
        if chance == 9:
            self.floor.give(DrainRequested(reason="stopped", clear=clear))

    # -- what always holds ---------------------------------------------------------------------

    def _watch(self, step: Step) -> None:
        """After every single step: windows, lines, concurrency, and one customer per agent."""
        by_trunk = Counter(a.trunk_id for a in self.floor.record.attempts.values())
        for command in step.commands:
            if isinstance(command, PlaceCall):
                way = next(
                    way
                    for person in self.people
                    for way in person.numbers
                    if way.number == command.number
                )
                assert HOURS.contains(step.at, way.zones or ("UTC",))
                assert by_trunk.total() <= self.limits.pacing.concurrency
                assert by_trunk[command.trunk_id] <= self.lines[command.trunk_id]
        status = self.floor.engine.status(step.at)
        with_customer = [row.attempt_id for row in status.agents if row.state in WITH_CUSTOMER]
        with_customer = [attempt for attempt in with_customer if attempt]
        assert len(with_customer) == len(set(with_customer))

    @invariant()
    def agent_never_hears_two_customers(self) -> None:
        if not hasattr(self, "floor"):
            return
        customers = [
            call.agent
            for call in self.floor.switch.calls.values()
            if call.agent and not call.park_of
        ]
        assert len(customers) == len(set(customers))

    def teardown(self) -> None:
        """Everything comes to an end, and everybody was looked after."""
        if not hasattr(self, "floor"):
            return
        floor = self.floor
        floor.switch.lies = Lies()
        if not floor.drained:
            floor.give(DrainRequested(reason="stopped"))
        for _ in range(40):
            if floor.drained:
                break
            floor.run(5.0)
        assert floor.drained
        opened = Counter(command.attempt_id for command in floor.of(OpenAttemptRecord))
        assert opened == Counter(command.attempt_id for command in floor.of(CloseAttempt))
        assert all(count == 1 for count in opened.values())
        assert not floor.record.attempts
        if not self.ever_down:
            assert max(floor.switch.waits.values(), default=0.0) <= LONGEST_WAIT + LISTENING
        taken_for_machines = {
            save.attempt_id
            for save in floor.of(SaveAttempt)
            if save.verdict in (Verdict.machine, Verdict.fax)
        }
        for close in floor.of(CloseAttempt):
            if close.outcome in (Outcome.machine, Outcome.fax):
                assert close.attempt_id in taken_for_machines or self.ever_down
        assert all(count == 1 for count in _asked(floor).values())


def _asked(floor: Floor) -> Counter[tuple[int, str, str]]:
    """How often each engine asked for a join; its successor doesn't know who was tried."""
    asked, engine = Counter[tuple[int, str, str]](), 0
    for step in floor.steps:
        engine += isinstance(step.event, Started)
        joins = (command for command in step.commands if isinstance(command, Join | Divert))
        asked.update((engine, join.correlator, join.agent_id) for join in joins)
    return asked


def _with_trunks(first: Started, lines: int, enabled: bool) -> Started:
    return replace(first, trunks=(trunk(lines, "gw1"), trunk(2, "gw2", enabled=enabled)))


def _with_settings(first: Started, wanted: CampaignSettings) -> Started:
    return replace(first, settings=wanted)


AnyFloor.TestCase.settings = hypothesis_settings(
    max_examples=30, stateful_step_count=25, deadline=None
)
TestAnyFloor = AnyFloor.TestCase
