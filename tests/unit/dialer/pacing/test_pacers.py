"""The simple pacers, and what every pacer promises."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.events import Tally
from dialer.model import Mode, PacingSettings
from dialer.outcomes import Outcome
from dialer.pacing import make_pacer
from dialer.pacing.base import (
    Abandoned,
    Answered,
    Floor,
    NotAnswered,
    Pacer,
    Placed,
    Served,
    TalkEnded,
    WrapEnded,
)
from tests.support.dialing import at, settings

ages = st.lists(st.floats(min_value=0.0, max_value=4000.0), max_size=40)


@pytest.mark.parametrize("mode", list(Mode))
def test_pacer_is_named_after_its_mode(mode: Mode) -> None:
    assert make_pacer(settings(mode=mode), Tally()).name == mode.value


def test_preview_offers_one_contact_to_each_free_agent_whatever_rings() -> None:
    pacer = make_pacer(settings(mode=Mode.preview), Tally())
    floor = Floor(free=5, agents=9, ringing_ages=[1.0, 2.0], waiting_ages=[0.5])
    assert pacer.calls_to_place(floor, at(0)).place == 5


def test_progressive_keeps_one_call_per_free_agent() -> None:
    pacer = make_pacer(settings(mode=Mode.progressive), Tally())
    floor = Floor(free=5, agents=9, ringing_ages=[1.0, 2.0], waiting_ages=[0.5])
    assert pacer.calls_to_place(floor, at(0)).place == 2


def test_power_pacer_multiplies_free_agents_by_the_ratio() -> None:
    power = settings(mode=Mode.power, pacing=PacingSettings(ratio=2.5))
    pacer = make_pacer(power, Tally(placed=1000, answered=400))
    floor = Floor(free=4, agents=9, ringing_ages=[1.0, 2.0])
    assert pacer.calls_to_place(floor, at(0)).place == 8


def test_power_pacer_falls_back_to_one_per_agent_when_the_cap_leaves_nothing() -> None:
    power = settings(mode=Mode.power, pacing=PacingSettings(ratio=2.5))
    pacer = make_pacer(power, Tally(placed=1000, answered=100, abandoned=3))
    decision = pacer.calls_to_place(Floor(free=4, agents=9), at(0))
    assert decision.place == 4
    assert "held at 1 by the cap" in decision.reason


def test_agentless_pacer_fills_the_concurrency() -> None:
    agentless = settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=10))
    pacer = make_pacer(agentless, Tally())
    floor = Floor(free=0, agents=0, ringing_ages=[1.0, 2.0], waiting_ages=[1.0])
    assert pacer.calls_to_place(floor, at(0)).place == 7


def test_retuned_pacer_goes_by_the_new_settings() -> None:
    before = settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=10))
    pacer = make_pacer(before, Tally())
    pacer.retune(settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=3)))
    assert pacer.calls_to_place(Floor(free=0, agents=0), at(0)).place == 3


@given(
    mode=st.sampled_from(list(Mode)),
    free=st.integers(0, 30),
    ringing=ages,
    waiting=ages,
    talking=ages,
    left=st.none() | st.integers(0, 5),
    closing=st.booleans(),
    answered=st.integers(0, 500),
    abandoned=st.integers(0, 20),
)
def test_pacer_never_asks_for_less_than_nothing_or_more_than_is_left(
    mode: Mode,
    free: int,
    ringing: list[float],
    waiting: list[float],
    talking: list[float],
    left: int | None,
    closing: bool,
    answered: int,
    abandoned: int,
) -> None:
    tally = Tally(placed=2 * answered, answered=answered, abandoned=min(abandoned, answered))
    pacer = make_pacer(settings(mode=mode), tally)
    floor = Floor(
        free=free,
        agents=free + len(talking),
        ringing_ages=ringing,
        waiting_ages=waiting,
        talking_ages=talking,
        wrap_ages=waiting,
        parking_ages=waiting,
        contacts_left=left,
        closing=closing,
    )
    first = pacer.calls_to_place(floor, at(0))
    assert first.place >= 0
    assert left is None or first.place <= left
    assert first == pacer.calls_to_place(floor, at(0)), "deciding must change nothing"


@given(
    fates=st.lists(st.sampled_from(["served", "abandoned", "nobody"]), max_size=200),
    free=st.integers(0, 12),
)
def test_predictive_pacer_runs_ahead_only_while_the_cap_can_pay(
    fates: list[str], free: int
) -> None:
    pacer = make_pacer(settings(mode=Mode.predictive), Tally())
    answered = abandoned = 0
    for second, fate in enumerate(fates):
        if fate == "nobody":
            pacer.observe(NotAnswered(ring_s=20.0, outcome=Outcome.no_answer), at(second))
            continue
        pacer.observe(Answered(ring_s=9.0), at(second))
        lost = fate == "abandoned"
        pacer.observe(Abandoned(wait_s=2.0) if lost else Served(wait_s=0.0), at(second))
        answered += 1
        abandoned += lost
    floor = Floor(free=free, agents=12, talking_ages=[60.0] * (12 - free))
    place = pacer.calls_to_place(floor, at(len(fates))).place
    assert place >= free
    if abandoned > 0.03 * answered + 2.0 or len(fates) < 50:
        assert place == free


def seasoned(*, abandoned: int = 0, ring_s: float = 10.0, lately: int | None = None) -> Pacer:
    """A predictive pacer with a purse, after an ordinary hour; `lately` were abandoned in it."""
    past = Tally(placed=2000, answered=500, abandoned=abandoned)
    if lately is not None:
        hours = ((at(-3_600), 900, lately),)
        past = Tally(placed=40_000, answered=10_000, abandoned=100, hours=hours)
    pacer = make_pacer(settings(mode=Mode.predictive), past)
    for number in range(400):
        pacer.observe(Placed(), at(number))
        if number % 4:
            ended = NotAnswered(ring_s=25.0, outcome=Outcome.no_answer)
            pacer.observe(ended, at(number + 25))
        else:
            pacer.observe(Answered(ring_s=ring_s), at(number + ring_s))
            pacer.observe(Served(wait_s=0.0), at(number + ring_s))
            pacer.observe(TalkEnded(talk_s=90.0), at(number + 100))
            pacer.observe(WrapEnded(wrap_s=5.0), at(number + 105))
    return pacer


FLOOR = Floor(free=4, agents=20, talking_ages=[5.0 * number for number in range(16)])


def test_predictive_pacer_runs_ahead_when_the_purse_is_full_and_says_why() -> None:
    decision = seasoned().calls_to_place(FLOOR, at(600))
    assert decision.place > 8
    for word in ("ringing", "answers expected", "coming free", "risk", "abandonment 0.0% of 3.0%"):
        assert word in decision.reason


def test_predictive_pacer_places_one_call_per_free_agent_when_the_shift_closes() -> None:
    closing = replace(FLOOR, closing=True)
    decision = seasoned().calls_to_place(closing, at(600))
    assert decision.place == 4
    assert "closing" in decision.reason


def test_predictive_pacer_counts_agents_about_to_be_free() -> None:
    pacer = seasoned()
    soon = replace(FLOOR, free=1, talking_ages=[89.0] * 16)
    late = replace(FLOOR, free=1, talking_ages=[1.0] * 16)
    waits = pacer.calls_to_place(late, at(600)).place
    assert pacer.calls_to_place(soon, at(600)).place > 2 * waits


def test_predictive_pacer_counts_people_already_waiting_against_free_agents() -> None:
    pacer = seasoned()
    waiting = replace(FLOOR, free=0, waiting_ages=[0.5, 1.0, 1.5])
    assert pacer.calls_to_place(waiting, at(600)).place == 0


def test_predictive_pacer_does_not_learn_from_a_failing_trunk() -> None:
    pacer, untroubled = seasoned(), seasoned()
    for number in range(300):
        pacer.observe(Placed(), at(600 + number))
        failed = NotAnswered(ring_s=0.2, outcome=Outcome.failed)
        pacer.observe(failed, at(600.2 + number))
    ahead = pacer.calls_to_place(FLOOR, at(1000)).place
    assert abs(ahead - untroubled.calls_to_place(FLOOR, at(1000)).place) <= 1


def test_predictive_pacer_takes_a_new_cap_at_once() -> None:
    pacer = seasoned(abandoned=14)
    before = pacer.calls_to_place(FLOOR, at(600)).place
    pacer.retune(settings(mode=Mode.predictive, pacing=PacingSettings(target_abandonment=0.01)))
    after = pacer.calls_to_place(FLOOR, at(600))
    assert after.place == 4 < before
    assert "no budget" in after.reason


def test_predictive_pacer_takes_back_calls_that_nobody_could_take_once_they_rang() -> None:
    pacer = seasoned(ring_s=21.0)
    deserted = Floor(free=0, agents=1, talking_ages=[5.0], ringing_ages=[16.0] * 30)
    assert 5 < pacer.calls_to_place(deserted, at(600)).cancel <= 30
    early = replace(deserted, ringing_ages=[8.0] * 30)
    assert pacer.calls_to_place(early, at(600)).cancel == 0
    assert pacer.calls_to_place(FLOOR, at(600)).cancel == 0


def test_predictive_pacer_places_less_the_more_of_the_last_thousand_were_abandoned() -> None:
    floor = replace(FLOOR, free=9)
    placed = [seasoned(lately=lost).calls_to_place(floor, at(600)).place for lost in (5, 30, 32)]
    assert placed == sorted(placed, reverse=True)
    assert floor.free < placed[2] < placed[0]


def test_predictive_pacer_takes_calls_back_that_could_be_one_too_many_of_a_thousand() -> None:
    ringing = replace(FLOOR, free=1, ringing_ages=[16.0] * 7)
    assert seasoned(ring_s=21.0, lately=5).calls_to_place(ringing, at(600)).cancel == 0
    short = seasoned(ring_s=21.0, lately=32).calls_to_place(ringing, at(600))
    assert 0 < short.cancel < 7


def test_predictive_pacer_learns_nothing_from_a_call_taken_back() -> None:
    pacer, untroubled = seasoned(), seasoned()
    for number in range(100):
        pacer.observe(Placed(), at(600 + number))
        ended = NotAnswered(ring_s=16.0, outcome=Outcome.no_answer, cancelled=True)
        pacer.observe(ended, at(616 + number))
    ahead = pacer.calls_to_place(FLOOR, at(800)).place
    assert abs(ahead - untroubled.calls_to_place(FLOOR, at(800)).place) <= 1
