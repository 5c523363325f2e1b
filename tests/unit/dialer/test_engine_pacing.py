"""The pacer within the engine: what it is told of a shift's end, and where its reasons go."""

import re
from datetime import datetime
from itertools import pairwise
from typing import Any

from dialer.commands import NotePacing, PlaceCall
from dialer.events import AgentChanged, Tally
from dialer.model import AgentStatus, CampaignSettings, Mode, PacingSettings
from dialer.pacing import make_pacer
from dialer.pacing.base import Decision, Pacer, Why
from dialer.pacing.base import Floor as PacerFloor
from dialer.simulation import Scenario, Spread, simulate
from dialer.windows import CallingHours
from tests.support.dialing import agent, contact, seconds, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor


def floor_of(agents: int, **changes: object) -> Floor:
    """A predictive campaign in which a third answers and talks take half a minute."""
    wanted = settings(mode=Mode.predictive, **({"wrap_up": seconds(2)} | changes))
    staff = tuple(agent(number) for number in range(1, agents + 1))
    floor = Floor(
        started(settings=wanted, agents=staff, trunks=(trunk(8),)),
        contacts=[contact(number) for number in range(1, 2_000)],
    )
    floor.switch.fate = Fate(answers=False)
    return floor.start()


def test_every_decision_is_noted_with_its_kind_its_words_and_the_numbers_it_saw() -> None:
    floor = floor_of(3).run(30)
    notes = floor.of(NotePacing)
    assert {note.why for note in notes} <= {why.value for why in Why}
    first = next(note for note in notes if note.place)
    assert (first.place, first.free, first.ringing, first.waiting) == (1, 1, 0, 0)
    assert first.reason.startswith("0 ringing at")
    assert sum(note.place for note in notes) == len(floor.of(PlaceCall))


def test_pacer_is_told_that_the_campaigns_hours_end_soon_and_nothing_is_placed_after() -> None:
    hours = CallingHours.parse("daily 08:00-09:02")
    floor = floor_of(3, hours=hours).run(180)
    kinds = [note.why for note in floor.of(NotePacing)]
    end = kinds[kinds.index(Why.closing) :]
    assert set(end) == {Why.closing, Why.blocked}
    assert Why.closing not in end[end.index(Why.blocked) :]
    assert max(floor.moments(PlaceCall)) < 120.0
    assert any(moment > 60.0 for moment in floor.moments(PlaceCall)), "one call per free agent"


def test_lines_hold_back_what_the_pacer_wants_and_the_note_says_so() -> None:
    floor = floor_of(12).run(10)
    held = [note for note in floor.of(NotePacing) if note.wanted > note.place]
    assert any("lines" in note.reason for note in held)
    (line,) = floor.engine.status(floor.now).trunks
    assert line.used == 8


def test_ceiling_of_lines_per_agent_holds_whatever_the_pacer_wants() -> None:
    floor = floor_of(4, pacing=PacingSettings(max_lines_per_agent=1.0)).run(40)
    moments = floor.moments(PlaceCall)
    assert len(moments) > 4
    in_progress = [row.used for row in floor.engine.status(floor.now).trunks]
    assert sum(in_progress) <= 4


def test_agents_who_pause_are_no_longer_dialed_for() -> None:
    floor = floor_of(6).run(10)
    for number in range(1, 6):
        floor.give(AgentChanged(agent=agent(number, status=AgentStatus.not_ready)))
    floor.run(60)
    before = len(floor.of(PlaceCall))
    seen = len(floor.of(NotePacing))
    floor.run(60)
    assert len(floor.of(PlaceCall)) > before
    assert {note.free for note in floor.of(NotePacing)[seen:]} <= {0, 1}
    words = [re.search(r"(\d+) ringing", note.reason) for note in floor.of(NotePacing)[seen:]]
    assert all(int(found.group(1)) <= 1 for found in words if found)


class Asked:
    """A pacer that remembers when it was asked, and how many rang."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self.moments: list[tuple[datetime, int]] = []

    def calls_to_place(self, floor: PacerFloor, now: datetime) -> Decision:
        self.moments.append((now, len(floor.ringing_ages)))
        return self._pacer.calls_to_place(floor, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pacer, name)


def test_pacer_rests_between_decisions_where_many_ring_and_never_where_few_do() -> None:
    made: list[Asked] = []

    def asked(campaign: CampaignSettings, tally: Tally) -> Pacer:
        made.append(Asked(make_pacer(campaign, tally)))
        return made[-1]

    shift = Scenario(
        agents=60,
        duration_s=900.0,
        answer_probability=0.25,
        ring=Spread(mean_s=15.0),
        no_answer=Spread(mean_s=15.0),
        ring_timeout_s=120.0,
    )
    simulate(shift, make=asked)
    begun = made[0].moments[0][0] + seconds(1)  # the first calls are only held back by their rate
    pairs = pairwise(moment for moment in made[0].moments if moment[0] > begun)
    rests = [(after - before, ringing) for (before, ringing), (after, _) in pairs]
    many = sorted(rest for rest, ringing in rests if ringing >= 50)
    few = sorted(rest for rest, ringing in rests if ringing <= 10)
    assert len(many) > 100
    assert many[0] >= seconds(0.4)
    assert many[-1] < seconds(2.5), "the next event ends a rest that is over"
    assert few[0] == seconds(0.0)
