"""The race between answers and free agents: against brute force, and curve against counts."""

import math
import random
from functools import cache

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from dialer.pacing.base import Ages, Floor
from dialer.pacing.binomials import pmf
from dialer.pacing.crowds import Crowd, Crowds
from dialer.pacing.estimates import AnswerEstimate, DurationEstimate, Vector
from dialer.pacing.horizon import MOMENTS, SETTLE_S, Outlook, outlook
from dialer.pacing.race import CROWD, Race


def memoryless(*, rate: float = 0.25, talk_s: float = 120.0) -> Outlook:
    answer = AnswerEstimate(rate, ring_s=15.0, timeout_s=110.0, half_life=300.0, weight=1e6)
    talk = DurationEstimate(talk_s, horizon_s=1200, half_life=400.0, weight=1e6)
    short = DurationEstimate(0.5, horizon_s=60, half_life=400.0, weight=1e6)
    return outlook(answer, (talk, short, short), 0.0, patience_s=2.0)


def race(
    tables: Outlook, *, ringing: int, talking: int, free: int, spare: int | None = None
) -> Race:
    answers, freed = Crowd(), Crowd()
    answers.add(tables.answers, [0.0] * ringing, 0.5)
    freed.add(tables.talks, [40.0] * talking)
    return Race(tables, answers, freed, free=free, spare=spare)


def brute(*, ringing: int, talking: int, free: int, rounds: int = 4_000) -> float:
    rng = random.Random(5)
    lost = 0
    for _ in range(rounds):
        mine = rng.expovariate(1 / 15.0)
        answered = sum(
            rng.random() < 0.25 and rng.expovariate(1 / 15.0) < mine for _ in range(ringing)
        )
        freed = sum(rng.expovariate(1 / 120.0) < mine + 2.0 - SETTLE_S for _ in range(talking))
        lost += answered >= free + freed
    return lost / rounds


def test_risk_is_what_counting_says() -> None:
    tables = memoryless()
    for ringing, talking, free in ((4, 9, 1), (10, 7, 2), (30, 46, 4), (6, 0, 3), (8, 10, 0)):
        found = race(tables, ringing=ringing, talking=talking, free=free).risk(0)
        counted = brute(ringing=ringing, talking=talking, free=free)
        assert math.isclose(found, counted, rel_tol=0.25, abs_tol=0.012), (ringing, talking, free)


def test_risk_rises_with_every_call_and_falls_with_every_free_agent() -> None:
    tables = memoryless()
    risks = [race(tables, ringing=5, talking=8, free=2).risk(fresh) for fresh in range(20)]
    assert risks == sorted(risks)
    by_free = [race(tables, ringing=15, talking=8, free=free).risk(0) for free in range(-3, 12)]
    assert by_free == sorted(by_free, reverse=True)
    assert by_free[0] > 0.9


def test_nobody_rings_and_an_agent_is_free_is_no_risk() -> None:
    assert race(memoryless(), ringing=0, talking=5, free=1).risk(0) < 1e-9


def test_binomials_have_the_moments_that_were_asked_for() -> None:
    mean, variance = np.array([4.0]), np.array([3.0])
    found = pmf(mean, variance, 60)[:, 0]
    counts = np.arange(60)
    assert abs(found.sum() - 1.0) < 1e-9
    assert abs((found * counts).sum() - 4.0) < 1e-6
    assert abs((found * counts**2).sum() - 16.0 - 3.0) < 1e-6


def test_agents_sure_to_be_free_count_as_free() -> None:
    freed = pmf(np.array([12.0]), np.array([0.0]), 40)[:, 0]
    assert freed[10:].sum() > 0.99


def test_counts_of_a_thousand_agents_are_still_told_apart() -> None:
    mean, variance = np.array([900.0, 40.0]), np.array([90.0, 24.0])
    found = pmf(mean, variance, 1_200)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=0), 1.0)
    assert np.allclose(np.arange(1_200) @ found, mean, rtol=1e-3)


def test_overrun_is_the_risk_with_the_spare_agents_free() -> None:
    tables = memoryless()
    for free in (-2, 0, 3):
        for spare in (0, 1, 5):
            for ringing, talking in ((30, 20), (200, 180)):
                asked = race(tables, ringing=ringing, talking=talking, free=free, spare=spare)
                known = race(tables, ringing=ringing, talking=talking, free=free + spare)
                # Which of both is counted and which follows the curve depends on who waits.
                assert math.isclose(asked.overrun(4), known.risk(4), rel_tol=0.02, abs_tol=1e-9)


def test_nothing_overruns_where_no_spare_agents_are_told() -> None:
    assert race(memoryless(), ringing=300, talking=0, free=0).overrun(0) == 0.0


def test_race_without_some_calls_is_the_race_that_never_had_them() -> None:
    tables = memoryless()
    some = race(tables, ringing=30, talking=20, free=1).without(tables.answers[:1].repeat(12, 0))
    assert math.isclose(some.risk(2), race(tables, ringing=18, talking=20, free=1).risk(2))


@cache
def outlook_of(rate: float, talk_s: float, wrap_s: float) -> Outlook:
    answer = AnswerEstimate(rate, ring_s=12.0, timeout_s=60.0, half_life=300.0, weight=1e6)
    talk = DurationEstimate(talk_s, horizon_s=1200, half_life=400.0, weight=1e6)
    wrap = DurationEstimate(wrap_s, horizon_s=300, half_life=200.0, weight=1e6)
    return outlook(answer, (talk, wrap, wrap), 0.0, patience_s=2.0)


def floor_of(agents: int, lines: float, seed: int) -> Floor:
    rng = random.Random(seed)
    return Floor(
        free=0,
        agents=agents,
        ringing_ages=np.array([rng.uniform(0.0, 40.0) for _ in range(int(agents * lines))]),
        talking_ages=np.array([rng.uniform(0.0, 400.0) for _ in range(agents * 3 // 4)]),
        wrap_ages=np.array([rng.uniform(0.0, 30.0) for _ in range(agents // 10)]),
    )


def exact_risk(tables: Outlook, floor: Floor, *, free: int, fresh: int) -> float:
    """The chance by adding up one independent event after the other."""
    total = 0.0
    for moment in range(MOMENTS):

        def numbers(table: Vector, ages: Ages, step_s: float, moment: int = moment) -> Vector:
            found = np.ones(1)
            for age in ages:
                chance = table[min(len(table) - 1, int(age / step_s)), moment]
                found = np.convolve(found, (1.0 - chance, chance))
            return found

        answers = numbers(tables.answers, [*floor.ringing_ages, *[0.0] * fresh], 0.5)
        freed = np.convolve(
            numbers(tables.talks, floor.talking_ages, 1.0),
            numbers(tables.wraps, floor.wrap_ages, 1.0),
        )
        beyond = np.append(answers[::-1].cumsum()[::-1], 0.0)
        needed = np.clip(free + np.arange(len(freed)), 0, len(answers))
        total += float(freed @ beyond[needed])
    return total / MOMENTS


@given(
    rate=st.sampled_from((0.08, 0.15, 0.25, 0.5, 0.8)),
    talk_s=st.sampled_from((45.0, 120.0, 300.0)),
    wrap_s=st.sampled_from((1.0, 20.0)),
    agents=st.integers(8, 400),
    lines=st.floats(0.05, 3.0),
    deviations=st.floats(1.0, 3.5),
    fresh=st.integers(0, 4),
    seed=st.integers(0, 1_000),
)
def test_curve_gives_the_exact_risk_wherever_it_is_followed(
    rate: float,
    talk_s: float,
    wrap_s: float,
    agents: int,
    lines: float,
    deviations: float,
    fresh: int,
    seed: int,
) -> None:
    tables, floor = outlook_of(rate, talk_s, wrap_s), floor_of(agents, lines, seed)
    answers, freed = Crowds().of(floor, tables, 1.0)
    variance = answers.variance + freed.variance
    expected = float(answers.mean[-1] - freed.mean[-1])
    free = round(expected + deviations * math.sqrt(variance[-1]))
    assume(float(variance.min()) + min(free, 0) >= CROWD + 1.0 / 12.0)
    followed = Race(tables, answers, freed, free=free).risk(fresh)
    assume(0.0005 <= followed <= 0.1)
    exact = exact_risk(tables, floor, free=free, fresh=fresh)
    assume(0.001 <= exact <= 0.06)
    tolerance = 0.1 if variance.min() < 4.0 else 0.03
    assert math.isclose(followed, exact, rel_tol=tolerance)


def test_risk_of_a_floor_that_is_far_out_is_still_a_chance() -> None:
    tables = memoryless()
    for free in (-400, -50, -3, 60, 400):
        asked = race(tables, ringing=400, talking=90, free=free, spare=3)
        assert 0.0 <= asked.overrun(2) <= asked.risk(2) <= 1.0
    assert race(tables, ringing=400, talking=90, free=-400).risk(0) == 1.0
    assert race(tables, ringing=400, talking=90, free=400).risk(0) == 0.0


def test_race_of_a_floor_with_nobody_on_it_is_lost_without_a_free_agent() -> None:
    empty = race(memoryless(), ringing=0, talking=0, free=0)
    assert empty.risk(0) > 0.999
    assert race(memoryless(), ringing=0, talking=0, free=1).risk(0) < 1e-9


def test_crowds_of_the_same_ages_are_summed_once_and_of_others_anew() -> None:
    tables, crowds = memoryless(), Crowds()
    ringing, talking = np.array([1.0, 2.0]), np.array([30.0])
    asked = Floor(free=1, agents=3, ringing_ages=ringing, talking_ages=talking)
    first = crowds.of(asked, tables, 1.0)
    assert crowds.of(asked, tables, 1.0) == first
    joined = Floor(free=0, agents=3, ringing_ages=ringing, talking_ages=np.array([30.0, 0.0]))
    answers, freed = crowds.of(joined, tables, 1.0)
    assert answers is first[0]
    assert freed.mean[-1] > first[1].mean[-1]
    assert crowds.of(joined, memoryless(rate=0.5), 1.0)[0].mean[0] > answers.mean[0]


def test_crowds_count_calls_listened_to_and_agents_on_their_way_each_time() -> None:
    tables, crowds = memoryless(), Crowds()
    ringing: list[float] = []
    listening = Floor(free=1, agents=3, ringing_ages=ringing, listening_ages=[0.5, 1.0])
    assert crowds.of(listening, tables, 0.5)[0].mean.tolist() == [1.0] * MOMENTS
    assert crowds.of(listening, tables, 0.75)[0].mean.tolist() == [1.5] * MOMENTS
    over = Floor(free=1, agents=3, ringing_ages=ringing)
    assert crowds.of(over, tables, 0.75)[0].mean.tolist() == [0.0] * MOMENTS
    parking = Floor(free=1, agents=3, parking_ages=[0.1])
    assert crowds.of(parking, tables, 1.0)[1].mean[-1] > 0.5
    assert crowds.of(over, tables, 1.0)[1].mean[-1] == 0.0
