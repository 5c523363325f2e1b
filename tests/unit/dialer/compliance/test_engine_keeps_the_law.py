"""No call is placed outside any rule, whatever happens on the floor, in whatever order.

The floor of `test_engine_invariants`, with profiles of several countries, rules of the house, calls
of other campaigns, a do-not-call list, changes of daylight saving time and a clock that is set. The
record is kept here independently: what the engine knows of it is as old as the claim, and the guard
of the transaction that writes a call counts anew, as the database does.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dialer.agent import AgentState
from dialer.commands import CloseAttempt, Command, OpenAttemptRecord, PlaceCall
from dialer.compliance.facts import Counted, History, Listed, PastCall, number_key
from dialer.compliance.rules import CapRule, HolidayRule, HoursRule, LockoutRule
from dialer.compliance.scope import rules_for
from dialer.events import CallForbidden, ContactsLoaded, Event, Started
from dialer.media import AmdSettings
from dialer.model import ContactId, Dialable, Mode, Number, PacingSettings
from dialer.outcomes import Outcome
from tests.support.dialing import agent, capabilities, contact, seconds, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor, Step
from tests.unit.dialer.test_engine_invariants import AGENTS, RETRY, AnyFloor, fates, heard

PEOPLE = 24
PLACES = (
    ("+4420712345", ("Europe/London",)),
    ("+3902123456", ("Europe/Rome",)),
    ("+1305555010", ("America/New_York",)),
    ("+1206555010", ("America/Los_Angeles", "America/New_York")),
)
SOURCE = {"text": "a rule of the house"}
HOUSE = [
    {"id": "cap", "kind": "cap", "most": 2, "within": 90.0, "source": SOURCE},
    {
        "id": "abandoned",
        "kind": "lockout",
        "after": "abandoned",
        "locked": 15.0,
        "reserved": 300.0,
        "source": SOURCE,
    },
    {"id": "lunch", "kind": "hours", "hours": "daily 00:00-12:30,13:00-24:00", "source": SOURCE},
]
STARTS = (
    datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC),  # Europe's clocks go forward at 01:00
    datetime(2026, 3, 8, 13, 59, tzinfo=UTC),  # New York's have; Los Angeles' about to open
    datetime(2026, 10, 25, 19, 59, tzinfo=UTC),
    datetime(2026, 3, 2, 11, 29, 30, tzinfo=UTC),  # lunch in Rome
    datetime(2026, 7, 14, 19, 58, tzinfo=UTC),
)


@dataclass
class Book:
    """Every call ever placed, by number, and who is on a do-not-call list."""

    calls: dict[str, list[PastCall]] = field(default_factory=lambda: defaultdict(list))
    open: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Attempt -> number and place in its calls."""
    listed: set[str] = field(default_factory=set)

    def history(self, who: Dialable) -> History:
        numbers = [one.number for one in who.numbers]
        return History(
            calls=tuple(call for number in numbers for call in self.calls[number]),
            listed=tuple(Listed(number=one) for one in numbers if one in self.listed),
        )

    def opened(self, attempt: str, number: str, now: datetime) -> None:
        call = PastCall(keys=(number_key(number),), at=now)
        self.open[attempt] = (number, len(self.calls[number]))
        self.calls[number].append(call)

    def closed(self, command: CloseAttempt, now: datetime) -> None:
        number, place = self.open.pop(command.attempt_id)
        before = self.calls[number][place]
        talked = command.talk is not None
        ended = replace(before, ended_at=now, outcome=command.outcome, talked=talked)
        self.calls[number][place] = ended

    def forbids(self, record: OpenAttemptRecord, now: datetime) -> str:
        calls = tuple(self.calls[record.number])
        if record.number in self.listed:
            return "do_not_call"
        over = (one.rule for one in record.limits if one.frees_at(calls, now) is not None)
        return next(over, "")


class LawfulFloor(Floor):
    """A floor whose contacts come with their history, and whose record forbids calls."""

    def __init__(self, first: Started, *, contacts: Sequence[Dialable], seed: int) -> None:
        super().__init__(first, contacts=contacts, seed=seed)
        self.book = Book()

    def give(self, event: Event) -> list[Command]:
        if isinstance(event, ContactsLoaded):
            known = tuple(
                replace(one, history=self.book.history(one), due_at=min(one.due_at, self.now))
                for one in event.contacts
            )
            event = replace(event, contacts=known)
        engine, told = self.engine, list[CallForbidden]()
        handle = engine.handle

        def guarded(event: Event, now: datetime) -> list[Command]:
            return self._guard(handle(event, now), told)

        engine.handle = guarded  # type: ignore[method-assign]  # the record stands between
        try:
            commands = super().give(event)
        finally:
            engine.handle = handle  # type: ignore[method-assign]  # as it was
        for one in told:
            self.give(one)
        return commands

    def _guard(self, commands: list[Command], told: list[CallForbidden]) -> list[Command]:
        agreed: list[Command] = []
        forbidden: set[str] = set()
        for command in commands:
            if isinstance(command, OpenAttemptRecord):
                if why := self.book.forbids(command, self.now):
                    forbidden.add(command.attempt_id)
                    told.append(
                        CallForbidden(
                            attempt_id=command.attempt_id,
                            contact_id=command.contact_id,
                            number=command.number,
                            reason=why,
                            until=None if why == "do_not_call" else self.now + seconds(20),
                        )
                    )
            elif isinstance(command, CloseAttempt):
                self.book.closed(command, self.now)
            if getattr(command, "attempt_id", "") not in forbidden:
                agreed.append(command)
        return agreed


class AnyLawfulFloor(AnyFloor):
    """Everything happens, under the law."""

    floor: LawfulFloor

    @initialize(
        seed=st.integers(0, 10_000),
        mode=st.sampled_from([Mode.progressive, Mode.power, Mode.predictive, Mode.preview]),
        fate=st.lists(fates, min_size=4, max_size=4),
        parks=st.sampled_from([True, True, False]),
        profiles=st.sampled_from([(), ("uk", "it", "us"), ("uk", "us"), ("none",)]),
        begins=st.sampled_from(STARTS),
        amd=st.one_of(heard, st.just(AmdSettings())),
    )
    def open_floor(
        self,
        *,
        seed: int,
        mode: Mode,
        fate: list[Fate],
        parks: bool,
        profiles: tuple[str, ...],
        begins: datetime,
        amd: AmdSettings,
    ) -> None:
        self.limits = settings(
            mode=mode,
            wrap_up=seconds(3),
            retry=RETRY,
            amd=amd,
            compliance={"profiles": profiles, "rules": HOUSE},
            pacing=PacingSettings(concurrency=6, calls_per_second=10.0),
        )
        self.lines = {"gw1": 8, "gw2": 2}
        self.people = [_person(number, begins) for number in range(PEOPLE)]
        self.floor = LawfulFloor(
            started(
                settings=self.limits,
                capabilities=capabilities(parks_agents=parks, detects_machines=True),
                agents=tuple(agent(number) for number in range(AGENTS)),
                trunks=(trunk(8, "gw1"), trunk(2, "gw2")),
            ),
            contacts=self.people,
            seed=seed,
        )
        self.floor.now = begins
        for number, person in enumerate(self.people):
            for way in person.numbers:
                self.floor.switch.fates[way.number] = fate[number % 4]
        self.floor.watch = self._watch
        self.ever_down = True  # the clock is set: how long anybody waited can't be told by it
        self.floor.start()

    @rule(by=st.sampled_from([-3600.0, -90.0, -5.0, 5.0, 1800.0, 7200.0]))
    def clock_is_set(self, by: float) -> None:
        self.floor.set_clock(by)

    @rule(number=st.integers(0, PEOPLE - 1), ended=st.sampled_from(["abandoned", "busy", ""]))
    def another_campaign_calls(self, number: int, ended: str) -> None:
        way = self.people[number].numbers[0].number
        call = PastCall(keys=(number_key(way),), at=self.floor.now)
        if ended:
            call = replace(call, ended_at=self.floor.now, outcome=Outcome(ended))
        if all(one.ended_at is not None for one in self.floor.book.calls[way]):
            self.floor.book.calls[way].append(call)

    @rule(number=st.integers(0, PEOPLE - 1))
    def person_opts_out_elsewhere(self, number: int) -> None:
        self.floor.book.listed.add(self.people[number].numbers[0].number)

    def _watch(self, step: Step) -> None:
        opened = {}
        for command in step.commands:
            if isinstance(command, OpenAttemptRecord):
                self._must_be_lawful(command.number, command.attempt_id, step.at)
                self.floor.book.opened(command.attempt_id, command.number, step.at)
                opened[command.attempt_id] = command
        placed = [one.attempt_id for one in step.commands if isinstance(one, PlaceCall)]
        assert placed == list(opened)

    def _must_be_lawful(self, number: str, attempt: str, now: datetime) -> None:
        way = next(w for person in self.people for w in person.numbers if w.number == number)
        calls = self.floor.book.calls[number]
        assert number not in self.floor.book.listed
        assert all(one.ended_at is not None for one in calls), "two calls to a number at once"
        rules = rules_for(self.limits.compliance, number)
        assert rules is not None, "no profile covers the number"
        reserved = any(
            row.attempt_id == attempt and row.state in (AgentState.reserved, AgentState.ringing)
            for row in self.floor.engine.status(now).agents
        )
        for name, law in rules:
            match law:
                case HoursRule():
                    assert law.hours.contains(now, way.zones), name
                case HolidayRule() | CapRule() | LockoutRule():
                    assert _allows(law, calls, now, reserved=reserved), name
                case _:
                    pass


def _allows(
    law: HolidayRule | CapRule | LockoutRule,
    calls: Sequence[PastCall],
    now: datetime,
    *,
    reserved: bool,
) -> bool:
    match law:
        case CapRule():
            return sum(one.at > now - law.within for one in calls) < law.most
        case LockoutRule():
            ends = [one.since(law.after) for one in calls if one.counts_as(Counted(law.after))]
            span = law.locked if reserved else max(law.locked, law.reserved)
            return all(end <= now - span for end in ends)
        case HolidayRule():
            return True


def _person(number: int, begins: datetime) -> Dialable:
    prefix, zones = PLACES[number % 4]
    return contact(
        number,
        contact_id=ContactId(f"contact{number}"),
        numbers=(Number(number=f"{prefix}{number:02d}"[:13], zones=zones),),
        due_at=begins,
        priority=number % 3,
    )


AnyLawfulFloor.TestCase.settings = hypothesis_settings(
    max_examples=12, stateful_step_count=20, deadline=None
)
TestAnyLawfulFloor = AnyLawfulFloor.TestCase
