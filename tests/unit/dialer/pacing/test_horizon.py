"""The race between answers and free agents, against counting by brute force."""

import math
import random

import numpy as np

from dialer.pacing.estimates import AnswerEstimate, DurationEstimate
from dialer.pacing.horizon import SETTLE_S, Crowd, Outlook, Race, outlook, pmf


def memoryless(*, rate: float = 0.25, talk_s: float = 120.0) -> Outlook:
    answer = AnswerEstimate(rate, ring_s=15.0, timeout_s=110.0, half_life=300.0, weight=1e6)
    talk = DurationEstimate(talk_s, horizon_s=1200, half_life=400.0, weight=1e6)
    short = DurationEstimate(0.5, horizon_s=60, half_life=400.0, weight=1e6)
    return outlook(answer, (talk, short, short), 0.0, patience_s=2.0)


def race(tables: Outlook, *, ringing: int, talking: int, free: int) -> Race:
    answers, freed = Crowd(), Crowd()
    answers.add(tables.answers, [0.0] * ringing, 0.5)
    freed.add(tables.talks, [40.0] * talking)
    return Race(tables, answers, freed, free=free)


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
    mean, squares = np.array([4.0]), np.array([1.0])
    found = pmf(mean, squares, 60)[:, 0]
    counts = np.arange(60)
    assert abs(found.sum() - 1.0) < 1e-9
    assert abs((found * counts).sum() - 4.0) < 1e-6
    assert abs((found * counts**2).sum() - 16.0 - 3.0) < 1e-6


def test_agents_sure_to_be_free_count_as_free() -> None:
    freed = pmf(np.array([12.0]), np.array([12.0]), 40)[:, 0]
    assert freed[10:].sum() > 0.99


def test_counts_of_a_thousand_agents_are_still_told_apart() -> None:
    mean, squares = np.array([900.0, 40.0]), np.array([810.0, 16.0])
    found = pmf(mean, squares, 1_200)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=0), 1.0)
    assert np.allclose(np.arange(1_200) @ found, mean, rtol=1e-3)


def test_spare_agents_count_as_free_ones() -> None:
    tables = memoryless()
    for free in (-2, 0, 3):
        asked = race(tables, ringing=30, talking=20, free=free)
        for spare in (0, 1, 5):
            known = race(tables, ringing=30, talking=20, free=free + spare)
            assert math.isclose(asked.risk(4, spare), known.risk(4), abs_tol=1e-12)


def test_race_without_some_calls_is_the_race_that_never_had_them() -> None:
    tables = memoryless()
    some = race(tables, ringing=30, talking=20, free=1).without(tables.answers[:1].repeat(12, 0))
    assert math.isclose(some.risk(2), race(tables, ringing=18, talking=20, free=1).risk(2))
