"""Hazards learnt from endings and from what is still going on."""

import random

import numpy as np

from dialer.pacing.estimates import AnswerEstimate, DurationEstimate, InProgress


def durations(mean_s: float = 100.0) -> DurationEstimate:
    return DurationEstimate(mean_s, horizon_s=1200, half_life=400.0, weight=8.0)


def answers(rate: float = 0.3) -> AnswerEstimate:
    return AnswerEstimate(rate, ring_s=12.0, timeout_s=25.0, half_life=300.0, weight=8.0)


def test_duration_starts_as_its_prior() -> None:
    survival = durations(100.0).survival(0.0)
    assert abs(survival[100] - np.exp(-1.0)) < 0.01


def test_duration_learns_a_constant_talk_time() -> None:
    estimate = durations()
    for _ in range(400):
        estimate.learn(0.0, 60.4)
    survival = estimate.survival(0.0)
    assert survival[55] > 0.5
    assert survival[70] < 0.05


def test_talks_still_going_on_keep_early_endings_from_looking_typical() -> None:
    blind, seeing = durations(), durations()
    for _ in range(30):
        seeing.begin(0.0)
    for number in range(10):
        blind.learn(float(number), float(number))
        seeing.learn(float(number), float(number))
    assert seeing.survival(10.0)[10] > blind.survival(10.0)[10] + 0.2


def test_duration_forgets_an_old_regime() -> None:
    estimate = durations()
    for mean_s in (200.0, 50.0):
        for number in range(3000):
            estimate.learn(0.0, -mean_s * np.log(1.0 - (number % 100 + 0.5) / 100.0))
    assert abs(estimate.survival(0.0)[50] - np.exp(-1.0)) < 0.05


def test_answer_curve_rises_to_the_answer_rate() -> None:
    rng = random.Random(1)
    estimate = answers(0.5)
    for _ in range(3000):
        answered = rng.random() < 0.2
        estimate.learn(0.0, rng.expovariate(0.1) if answered else 25.0, answered=answered)
    reached, ringing = estimate.curves(0.0)
    assert 0.14 < reached[-1] < 0.26
    assert ringing[0] == 1.0
    assert np.all(np.diff(reached) >= 0.0)
    assert np.all(np.diff(ringing) <= 0.0)


def test_machines_found_lower_the_share_of_persons() -> None:
    estimate = answers()
    for number in range(200):
        estimate.learn(0.0, 8.0, answered=True)
        if number % 2:
            estimate.learn_machine()
    assert 0.4 < estimate.persons < 0.6


def test_caution_shrinks_with_evidence() -> None:
    estimate = answers()
    before = estimate.caution
    for number in range(300):
        estimate.learn(0.0, 8.0, answered=number % 3 == 0)
    assert 1.0 < estimate.caution < before


def test_estimates_survive_rescaling() -> None:
    estimate, calls = DurationEstimate(9.0, horizon_s=60, half_life=1.0, weight=1.0), answers()
    fast = AnswerEstimate(0.3, ring_s=9.0, timeout_s=25.0, half_life=1.0, weight=1.0)
    for number in range(200):
        estimate.learn(0.0, 20.5)
        fast.learn(0.0, 8.0, answered=number % 2 == 0)
    assert np.isfinite(estimate.survival(0.0)).all()
    assert np.isfinite(fast.curves(0.0)[0]).all()
    assert fast.evidence < calls.evidence + 10.0


def test_in_progress_matches_an_ending_with_the_nearest_start_and_drops_the_lost() -> None:
    going = InProgress(100.0)
    going.end(5.0, 5.0)
    for start in (0.0, 10.0, 20.0):
        going.begin(start)
    going.end(31.0, 20.5)
    assert going.ages(30.0).tolist() == [30.0, 10.0]
    going.end(140.0, 0.0)
    assert going.ages(119.0).tolist() == []


def ring(estimate: AnswerEstimate, rate: float, calls: int, begun: float, seed: int = 3) -> float:
    """Let calls ring, one a second, a quarter of a minute at most; returns when all were placed."""
    rng = random.Random(seed)
    endings = []
    for number in range(calls):
        answered = rng.random() < rate
        lasted = min(24.0, rng.expovariate(0.1)) if answered else 25.0
        endings.append((begun + number + lasted, lasted, answered))
    moments = [(begun + number, 0.0, False) for number in range(calls)]
    for seen, (now_s, lasted, answered) in enumerate(sorted(moments + endings)):
        if lasted:
            estimate.learn(now_s, lasted, answered=answered)
        else:
            estimate.begin(now_s)
        if seen % 25 == 0:
            estimate.notice(now_s)
    return begun + calls + 25.0


def patient(rate: float = 0.3) -> AnswerEstimate:
    return AnswerEstimate(rate, ring_s=10.0, timeout_s=25.0, half_life=1_200.0, weight=8.0)


def test_estimate_notices_that_twice_as_many_answer_within_a_hundred_calls() -> None:
    estimate = patient()
    then = ring(estimate, 0.2, 3_000, 0.0)
    assert 0.17 < estimate.curves(then)[0][-1] < 0.23
    then = ring(estimate, 0.45, 100, then, seed=4)
    assert estimate.curves(then)[0][-1] > 0.36


def test_estimate_notices_that_hardly_anybody_answers_any_more() -> None:
    estimate = patient()
    then = ring(estimate, 0.4, 3_000, 0.0)
    then = ring(estimate, 0.1, 300, then, seed=4)
    assert estimate.curves(then)[0][-1] < 0.22


def test_first_answers_of_a_burst_are_no_change() -> None:
    """The calls that nobody answers end last, so the first endings are all answers."""
    estimate = patient()
    then = ring(estimate, 0.3, 2_000, 0.0)
    for _ in range(60):
        estimate.begin(then)
    for number in range(18):
        estimate.learn(then + 0.5 * number, 0.5 * number, answered=True)
    estimate.notice(then + 9.0)
    assert estimate.evidence > 1_000


def test_long_memory_of_an_unchanged_list_is_kept() -> None:
    estimate = patient()
    then = 0.0
    for seed in range(4):
        then = ring(estimate, 0.25, 1_000, then, seed=seed)
    assert estimate.evidence > 1_000
    assert estimate.caution < 1.08
