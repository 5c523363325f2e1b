"""No call is placed outside any rule, whatever happens, in whatever order.

Two campaigns call the same people at once, each by an engine of its own, over the store that
production has: claims, caps, lockouts and do-not-call lists are PostgreSQL's, and so is all that an
engine that takes over knows. Time is virtual: clocks are set, to the edges of hours and over
changes of daylight saving time too. What is lawful is said by `tests.support.law`, which knows
nothing of the product.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from dialer.agent import AgentState
from dialer.commands import (
    CloseAttempt,
    Command,
    HangUp,
    OpenAttemptRecord,
    PlaceCall,
    ReturnContact,
    SaveAttempt,
    SaveDisposition,
)
from dialer.events import (
    AgentChanged,
    ContactsAdded,
    Disposed,
    PauseRequested,
    ResumeRequested,
    SettingsChanged,
    Tick,
)
from dialer.model import AgentStatus, AttemptId, CampaignId, CampaignSettings, Mode
from offhook.storage.compliance_store import DoNotCall
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.list_store import ListStore
from tests.support.dialing import agent, capabilities, seconds
from tests.support.fake_switch import Fate, Lies
from tests.support.floor import Step
from tests.support.law import House, Ledger, Listing, Made, least_ring
from tests.support.law_office import (
    AGENTS,
    CAMPAIGNS,
    EDGES,
    HOUSES,
    MET,
    PLACES,
    STARTS,
    ZONES,
    Office,
    fates,
    law_office,
    people,
    settings_of,
)
from tests.support.stack import PostgresServer
from tests.support.stored_floor import StoredFloor

RESERVED = (AgentState.reserved, AgentState.ringing)

whose = st.sampled_from(CAMPAIGNS)


class Campaigns(RuleBasedStateMachine):
    """Two campaigns, and everything that happens to them."""

    office: Office

    @initialize(
        seed=st.integers(0, 10_000),
        modes=st.lists(
            st.sampled_from([Mode.progressive, Mode.power, Mode.predictive, Mode.preview]),
            min_size=2,
            max_size=2,
        ),
        houses=st.lists(st.sampled_from(HOUSES), min_size=2, max_size=2),
        fate=st.lists(fates, min_size=4, max_size=4),
        begins=st.sampled_from(STARTS),
    )
    def open_floors(
        self,
        *,
        seed: int,
        modes: list[Mode],
        houses: list[House],
        fate: list[Fate],
        begins: datetime,
    ) -> None:
        self.ledger, self.parties = Ledger(), people()
        self.set_by = timedelta(0)
        self.rung: dict[str, tuple[datetime, timedelta]] = {}
        """Attempt -> when it was placed, by a clock that nobody sets, and how long it must ring."""
        self.jumped = begins - timedelta(days=9_000)
        self.office.fill(self.parties, begins)
        store = PostgresDialStore(self.office.pool)
        self.houses = dict(zip(CAMPAIGNS, houses, strict=True))
        self.modes = dict(zip(CAMPAIGNS, modes, strict=True))
        self.shown = dict.fromkeys(CAMPAIGNS, ("+390299999999", "+33162000001"))
        self.floors: dict[str, StoredFloor] = {}
        for name in CAMPAIGNS:
            self._store_settings(name)
            floor = StoredFloor(
                store,
                CampaignId(name),
                capabilities(detects_machines=True, cancels_ringing=True),
                wait_for=self.office.runner.run,
                now=begins,
                seed=seed,
            )
            self.floors[name] = floor
            floor.watch = lambda step, name=name: self._watch(name, step)
            self._fates(name, fate)
            floor.start()

    # -- what happens ------------------------------------------------------------------------

    @rule(duration=st.sampled_from([2.0, 10.0, 30.0]))
    def time_passes(self, duration: float) -> None:
        for _ in range(int(duration)):
            for floor in self.floors.values():
                floor.run(1.0)

    @rule(
        days=st.sampled_from([-1, 0, 0, 1, 2, 3, 5, 7, 30]),
        s=st.sampled_from([-3_600, -90, -20, 70, 7_200, 43_200]),
    )
    def clock_is_set(self, days: int, s: int) -> None:
        self._set_clock(timedelta(days=days, seconds=s))

    @rule(moment=st.sampled_from(STARTS))
    def clock_comes_to_a_moment(self, moment: datetime) -> None:
        self._set_clock(moment - self.floors["spring"].now)

    @rule(edge=st.sampled_from(EDGES), zones=st.sampled_from([*PLACES.values()]))
    def clock_comes_close_to_an_edge(self, edge: str, zones: tuple[str, ...]) -> None:
        now = self.floors["spring"].now
        local = now.astimezone(ZoneInfo(zones[0]))
        hour, minute = map(int, edge.split(":"))
        then = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if then <= local:
            then += timedelta(days=1)  # on the wall clock, whatever it does at night
        self._set_clock(then.astimezone(UTC) - now - seconds(8))
        self.time_passes(duration=10.0)

    @rule(name=whose, house=st.sampled_from(HOUSES), mode=st.sampled_from([None, *Mode][:5]))
    def settings_change(self, name: str, house: House, mode: Mode | None) -> None:
        self.houses[name], self.modes[name] = house, mode or self.modes[name]
        self._reconfigure(name)

    @rule(
        name=whose,
        shown=st.sampled_from(["", "+390299999999"]),
        in_france=st.sampled_from(["", "+33600000001", "+33162000001"]),
    )
    def caller_ids_change(self, name: str, shown: str, in_france: str) -> None:
        self.shown[name] = shown, in_france
        self._reconfigure(name)

    @rule(
        pick=st.integers(0, 13),
        name=st.sampled_from(["", *CAMPAIGNS]),
        digits=st.sampled_from([None, None, 5]),
        for_s=st.sampled_from([None, 30.0]),
        told=st.booleans(),
    )
    def somebody_opts_out(
        self, pick: int, name: str, digits: int | None, for_s: float | None, told: bool
    ) -> None:
        now = self.floors["spring"].now
        until = None if for_s is None else now + seconds(for_s)
        number = self._at_hand(pick)
        self.ledger.listed.append(
            Listing(begins=number[:digits], whole=digits is None, campaign=name, until=until)
        )
        added = DoNotCall(self.office.pool).add(
            [number[:digits]], now=now, scope=name, is_prefix=digits is not None, expires_at=until
        )
        self.office.runner.run(added)
        if told:
            self._deliver()

    @rule(name=whose, code=st.sampled_from(["sale", "sale", "refused", "do_not_call"]))
    def agents_say(self, name: str, code: str) -> None:
        floor = self.floors[name]
        for row in floor.engine.status(floor.now).agents:
            if row.attempt_id and row.state in (AgentState.talking, AgentState.wrap_up):
                attempt = AttemptId(row.attempt_id)
                floor.give(Disposed(agent_id=row.agent_id, attempt_id=attempt, code=code))

    @rule(pick=st.integers(0, 13), zones=st.sampled_from(ZONES))
    def somebody_moves(self, pick: int, zones: tuple[str, ...]) -> None:
        party = self.parties[pick]
        party.zones = zones
        self.office.do(
            "UPDATE numbers SET zones = $1 WHERE number = ANY($2::text[])",
            list(zones), list(party.numbers),
        )  # fmt: skip
        for floor in self.floors.values():
            floor.give(ContactsAdded(recall=True))

    @rule(name=whose)
    def list_is_reset(self, name: str) -> None:
        lists, now = ListStore(self.office.pool), self.floors[name].now
        self.office.runner.run(lists.reset(CampaignId(name), "all", everybody=True, now=now))
        self._deliver()

    @rule(name=whose, pick=st.integers(0, 13))
    def contact_is_deleted_and_listed_anew(self, name: str, pick: int) -> None:
        floor, party = self.floors[name], self.parties[pick]
        gone = self.office.pool.fetchval(
            "DELETE FROM contacts WHERE campaign_id = $1 AND external_id = $2"
            " AND state IN ('ready', 'finished') RETURNING id", name, party.person,
        )  # fmt: skip
        if self.office.runner.run(gone) is not None:
            self.office.list_one(name, party, floor.now)
            floor.give(ContactsAdded())

    @rule(name=whose, committed=st.booleans(), after=st.sampled_from([0.0, 4.0]))
    def engine_dies(self, name: str, committed: bool, after: float) -> None:
        floor = self.floors[name]
        floor.crash(Tick(), committed=committed)
        floor.take_over(after=after)
        for other in self.floors.values():
            other.run(max(0.0, (floor.now - other.now).total_seconds()))

    @rule(name=whose, fate=st.lists(fates, min_size=4, max_size=4))
    def people_change_their_ways(self, name: str, fate: list[Fate]) -> None:
        self._fates(name, fate)

    @rule(name=whose, late=st.booleans(), lose=st.sampled_from([0.0, 0.05]))
    def switch_misbehaves(self, name: str, late: bool, lose: float) -> None:
        self.floors[name].switch.lies = Lies(late=0.3 * late, repeat=0.2 * late, lose=lose)

    @rule(name=whose, number=st.integers(0, AGENTS - 1), status=st.sampled_from(AgentStatus))
    def agent_changes(self, name: str, number: int, status: AgentStatus) -> None:
        who = agent(10 * CAMPAIGNS.index(name) + number, status=status)
        self.floors[name].give(AgentChanged(agent=who))

    @rule(name=whose, clear=st.booleans(), for_s=st.sampled_from([0.4, 12.0]))
    def somebody_pauses(self, name: str, clear: bool, for_s: float) -> None:
        self.floors[name].give(PauseRequested(clear=clear))
        for floor in self.floors.values():
            floor.run(for_s)
        self.floors[name].give(ResumeRequested())

    def _set_clock(self, by: timedelta) -> None:
        self.set_by += by
        for floor in self.floors.values():
            if by > timedelta(0):
                self.jumped = floor.now + by - self.set_by
            floor.set_clock(by.total_seconds())
            floor.give(Tick())
        # Everybody is due again, or after a step back nobody would be for as long.
        self.office.do(
            "UPDATE contacts SET state = 'ready', held = '', due_at = $1, finished_reason = ''"
            " WHERE state IN ('ready', 'finished')", self.floors["spring"].now,
        )  # fmt: skip
        for floor in self.floors.values():
            floor.give(ContactsAdded())

    def _at_hand(self, pick: int) -> str:
        """A number of somebody whom an engine holds already, if there is any."""
        rows = self.office.pool.fetch(
            "SELECT n.number FROM numbers n JOIN contacts c ON c.id = n.contact_id"
            " WHERE c.state = 'claimed' ORDER BY n.number, c.id"
        )
        held = [row["number"] for row in self.office.runner.run(rows)]
        return held[pick % len(held)] if held else self.parties[pick].numbers[0]

    def _deliver(self) -> None:
        for floor in self.floors.values():
            floor.deliver(self.office.pool)

    def _fates(self, name: str, fate: list[Fate]) -> None:
        for number, party in enumerate(self.parties):
            for way in party.numbers:
                self.floors[name].switch.fates[way] = fate[number % 4]

    def _settings(self, name: str) -> CampaignSettings:
        shown, in_france = self.shown[name]
        return settings_of(
            name, self.houses[name], self.modes[name], shown=shown, in_france=in_france
        )

    def _store_settings(self, name: str) -> None:
        stored = self._settings(name).model_dump_json()
        self.office.do("UPDATE campaigns SET settings = $2 WHERE id = $1", name, stored)

    def _reconfigure(self, name: str) -> None:
        self._store_settings(name)
        self.floors[name].give(SettingsChanged(settings=self._settings(name)))

    def teardown(self) -> None:
        for floor in getattr(self, "floors", {}).values():
            self.office.refused.update(f"record: {rule}" for rule in floor.refused)

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def time_goes_on(self) -> None:
        if hasattr(self, "floors"):
            self.time_passes(duration=4.0)

    def _watch(self, name: str, step: Step) -> None:
        for command in step.commands:
            self._note(name, command, step.at)

    def _note(self, name: str, command: Command, now: datetime) -> None:
        calls = self.ledger.calls
        match command:
            case OpenAttemptRecord():
                self._must_be_lawful(name, command, now)
            case PlaceCall():
                least = least_ring(self.houses[name])
                assert command.ring_timeout >= least
                assert command.attempt_id in calls
                self.rung[command.attempt_id] = now - self.set_by, least
            case HangUp():
                self._must_have_rung(name, command, now)
            case SaveAttempt(joined_at=datetime()):
                calls[command.attempt_id].talked = True
            case CloseAttempt():
                made = calls[command.attempt_id]
                made.ended_at, made.outcome = now, command.outcome
                made.talked = made.talked or command.talk is not None
            case SaveDisposition(code="refused"):
                calls[command.attempt_id].refused = True
            case SaveDisposition(code="do_not_call"):
                number = calls[command.attempt_id].number
                self.ledger.listed.append(Listing(begins=number, whole=True))
            case ReturnContact():
                self.office.refused[command.reason] += 1
            case _:
                pass

    def _must_be_lawful(self, name: str, command: OpenAttemptRecord, now: datetime) -> None:
        number, house = command.number, self.houses[name]
        who = next(one for one in self.parties if number in one.numbers)
        reserved = any(
            row.attempt_id == command.attempt_id and row.state in RESERVED
            for row in self.floors[name].engine.status(now).agents
        )
        broken = self.ledger.broken(
            who,
            number,
            house,
            campaign=name,
            now=now,
            reserved=reserved,
            shown=command.caller_id,
        )
        assert not broken, f"{name} at {now} calls {number} of {who}: {broken}"
        self.office.placed[number[:3]] += 1
        if reserved:
            self.office.placed["reserved"] += 1
        self.ledger.calls[command.attempt_id] = Made(
            number=number, person=who.person, debt=who.debt, at=now
        )

    def _must_have_rung(self, name: str, command: HangUp, now: datetime) -> None:
        """A phone that nobody has answered is not given up too soon, save for want of the agent
        who is kept for the call, and where the clock was put forward.
        """
        call = self.floors[name].switch.calls.get(command.correlator)
        if call is None or call.park_of or call.answered_at is not None:
            return
        placed_at, least = self.rung[command.correlator]
        if command.reason != "no_agent_left" and self.jumped < placed_at:
            assert now - self.set_by - placed_at >= least, f"rung too short: {command}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_call_is_placed_outside_any_rule_whatever_happens(
    postgres: PostgresServer, postgres_template: str
) -> None:
    with law_office(postgres, postgres_template) as office:
        limits = hypothesis_settings(
            max_examples=36,
            stateful_step_count=24,
            deadline=None,
            phases=[Phase.generate],  # to find a smaller example takes minutes
            suppress_health_check=list(HealthCheck),
        )
        of_office = type("Campaigns", (Campaigns,), {"office": office})
        run_state_machine_as_test(of_office, settings=limits)
    assert min(office.placed[country] for country in MET) > 5, office.placed
    assert len(office.refused) > 15, office.refused
