"""What the predictive pacer does at a shift's beginning and end, with machines, and with nobody."""

from dataclasses import replace

import pytest

from dialer.events import Tally
from dialer.model import Mode
from dialer.outcomes import Outcome
from dialer.pacing import make_pacer
from dialer.pacing.base import (
    Abandoned,
    Answered,
    Floor,
    MachineFound,
    NotAnswered,
    Pacer,
    Placed,
    Served,
    TalkEnded,
    Why,
)
from tests.support.dialing import at, settings

FLOOR = Floor(free=4, agents=20, talking_ages=[5.0 * number for number in range(16)])
SOON = replace(FLOOR, free=1, agents=17, talking_ages=[89.0 - 2.0 * number for number in range(16)])
"""A floor on which everybody's talk is soon over."""


def predictive(*, placed: int = 0, answered: int = 0, abandoned: int = 0) -> Pacer:
    past = Tally(placed=placed, answered=answered, abandoned=abandoned, contacts_left=100_000)
    return make_pacer(settings(mode=Mode.predictive), past)


def dial(pacer: Pacer, calls: int, *, machine_after_s: float | None = None) -> Pacer:
    """So many calls, a quarter answered; with machines, every second of those by one."""
    for number in range(calls):
        pacer.observe(Placed(), at(number))
        if number % 4:
            ended = NotAnswered(ring_s=25.0, outcome=Outcome.no_answer)
            pacer.observe(ended, at(number + 25))
            continue
        pacer.observe(Answered(ring_s=10.0), at(number + 10))
        if machine_after_s is not None and number % 8:
            pacer.observe(MachineFound(after_s=machine_after_s), at(number + 10 + machine_after_s))
            continue
        pacer.observe(Served(wait_s=0.0), at(number + 10))
        pacer.observe(TalkEnded(talk_s=90.0), at(number + 100))
    return pacer


def test_pacer_that_knows_nothing_yet_places_one_call_per_free_agent_and_says_so() -> None:
    decision = predictive().calls_to_place(FLOOR, at(0))
    assert (decision.place, decision.why) == (FLOOR.free, Why.no_budget)


def test_first_burst_is_no_bigger_than_what_is_known() -> None:
    busy = Floor(free=2, agents=200, talking_ages=[89.0] * 198)
    few = dial(predictive(), 60).calls_to_place(busy, at(160)).place
    many = dial(predictive(), 600).calls_to_place(busy, at(700)).place
    assert busy.free < few <= 0.6 * 60 < many


def test_earlier_run_of_the_campaign_stands_in_for_a_cold_start() -> None:
    """A take-over goes on with what the tally holds, not with what is assumed of any list."""
    rare = predictive(placed=5_000, answered=250)
    frequent = predictive(placed=5_000, answered=2_500)
    places = [pacer.calls_to_place(FLOOR, at(0)).place for pacer in (rare, frequent)]
    assert places[0] > 2 * places[1] > 2 * FLOOR.free - 1


def test_end_of_a_list_is_dialed_safely_while_hardly_anything_is_saved() -> None:
    thin = dial(predictive(placed=2_000, answered=500, abandoned=17), 400)
    middle = thin.calls_to_place(FLOOR, at(600)).place
    end = thin.calls_to_place(replace(FLOOR, contacts_left=200), at(600)).place
    assert FLOOR.free <= end < middle
    saved = dial(predictive(placed=2_000, answered=500), 400)
    assert saved.calls_to_place(replace(FLOOR, contacts_left=200), at(600)).place > end
    assert saved.calls_to_place(replace(FLOOR, contacts_left=3), at(600)).place == 3


def test_calls_listened_to_count_as_answers_with_the_share_of_persons() -> None:
    floor = replace(SOON, free=6)
    listening = replace(floor, listening_ages=[1.0] * 6)
    costs = [
        pacer.calls_to_place(floor, at(900)).place - pacer.calls_to_place(listening, at(900)).place
        for pacer in (dial(predictive(), 800), dial(predictive(), 800, machine_after_s=0.2))
    ]
    # Twice as many calls stand for an answer of a person where half of the answers are machines.
    assert costs[0] >= 6 * 3
    assert costs[1] == pytest.approx(costs[0], rel=0.4)


def test_time_that_listening_takes_is_time_for_agents_to_come_free() -> None:
    slow, quick = (dial(predictive(), 800, machine_after_s=seconds) for seconds in (5.0, 0.2))
    assert slow.calls_to_place(SOON, at(900)).place > quick.calls_to_place(SOON, at(900)).place


def test_agents_who_left_are_no_longer_reckoned_with() -> None:
    pacer = dial(predictive(), 800)
    without = replace(SOON, agents=9, talking_ages=SOON.talking_ages[8:])
    with_them = pacer.calls_to_place(SOON, at(900)).place
    assert pacer.calls_to_place(without, at(900)).place < with_them / 2


def test_abandoned_call_makes_the_next_ones_rarer_and_they_come_back_as_people_are_served() -> None:
    pacer = dial(predictive(), 800)
    before = pacer.calls_to_place(FLOOR, at(900)).place
    for _ in range(6):
        pacer.observe(Abandoned(wait_s=2.0), at(901))
    after = pacer.calls_to_place(FLOOR, at(902)).place
    dial(pacer, 1_600)
    assert FLOOR.free <= after < before
    assert pacer.calls_to_place(FLOOR, at(2_700)).place > after
