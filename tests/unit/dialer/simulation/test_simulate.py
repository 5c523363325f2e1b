"""Simulated shifts: short ones, to show that they count rightly and repeat themselves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dialer.model import Mode
from dialer.simulation import Drift, Scenario, Spread, simulate
from dialer.simulation.results import Latency, worst_window
from dialer.simulation.scenario import Shape

FIXED = Spread(dist=Shape.constant, mean_s=60.0)


def scenario(**changes: object) -> Scenario:
    values: dict[str, object] = {
        "agents": 5,
        "duration_s": 900.0,
        "warmup_s": 200.0,
        "answer_probability": 0.3,
        "talk": {"dist": "exponential", "mean_s": 60.0},
    }
    return Scenario.model_validate(values | changes)


def test_same_seed_gives_the_same_shift_and_another_seed_another() -> None:
    first, again, other = (simulate(scenario(), seeds=[seed])[0] for seed in (1, 1, 2))
    assert first.model_copy(update={"decide_us": again.decide_us}) == again
    assert (first.calls, first.agent_utilisation) != (other.calls, other.agent_utilisation)


def test_progressive_shift_abandons_nobody_and_matches_arithmetic() -> None:
    certain = scenario(
        answer_probability=1.0,
        ring=Spread(dist=Shape.constant, mean_s=20.0),
        talk=FIXED,
        wrap=Spread(dist=Shape.constant, mean_s=20.0),
        duration_s=2_300.0,
    )
    (result,) = simulate(certain, mode=Mode.progressive)
    assert result.abandoned == 0
    assert result.agent_utilisation == pytest.approx(0.8, abs=0.02)
    assert result.answered == pytest.approx(100, abs=5)
    assert result.calls == pytest.approx(105, abs=6)


def test_predictive_shift_beats_progressive_within_the_cap() -> None:
    shift = scenario(agents=12, duration_s=2_400.0, warmup_s=600.0)
    (progressive,) = simulate(shift, mode=Mode.progressive)
    (predictive,) = simulate(shift, mode=Mode.predictive)
    assert predictive.agent_utilisation > progressive.agent_utilisation + 0.05
    assert predictive.abandonment_rate <= 0.035


@settings(max_examples=4, deadline=None)
@given(
    agents=st.integers(2, 15),
    cap=st.sampled_from([0.01, 0.03, 0.05]),
    machines=st.sampled_from([0.0, 0.2]),
    drift=st.lists(
        st.builds(
            Drift,
            at_s=st.floats(60.0, 1_700.0),
            answer_probability=st.none() | st.floats(0.05, 0.7),
            talk_mean_s=st.none() | st.floats(20.0, 240.0),
            agents=st.none() | st.integers(1, 15),
        ),
        max_size=4,
    ),
    seed=st.integers(1, 10_000),
)
def test_predictive_shift_keeps_the_cap_whatever_drifts(
    agents: int, cap: float, machines: float, drift: list[Drift], seed: int
) -> None:
    shift = scenario(
        agents=agents,
        warmup_s=0.0,
        duration_s=1_800.0,
        machine_probability=machines,
        amd_s=1.0,
        target_abandonment=cap,
        drift=tuple(drift),
    )
    (result,) = simulate(shift, seeds=[seed])
    # Half an hour is short: beside the cap, what was lent, and who rang when the world changed.
    surprise = 2.0 + 0.6 * max([agents, *(step.agents or 0 for step in drift)]) * len(drift)
    assert result.abandoned <= cap * result.answered + 1.2 + surprise


def test_machines_and_busy_numbers_reach_no_agent() -> None:
    nobody = scenario(
        agents=2,
        duration_s=400.0,
        warmup_s=100.0,
        answer_probability=0.0,
        machine_probability=0.5,
        amd_s=1.0,
        busy_probability=0.2,
    )
    (result,) = simulate(nobody)
    assert result.calls > 20
    assert result.answered == result.abandoned == 0
    assert result.agent_utilisation == 0.0


def test_agents_who_leave_are_no_longer_counted_and_come_back() -> None:
    drift = (
        Drift(at_s=400.0, agents=2, talk_mean_s=30.0),
        Drift(at_s=600.0, agents=8, answer_probability=0.9),
    )
    (result,) = simulate(scenario(drift=drift, wrap={"mean_s": 10.0}), mode=Mode.progressive)
    assert 0.2 < result.agent_utilisation < 1.0
    assert result.abandoned == 0


def test_lines_limit_what_is_placed() -> None:
    tight = scenario(lines=2, no_answer={"dist": "lognormal", "mean_s": 10.0, "cv": 0.5})
    (result,) = simulate(tight)
    (loose,) = simulate(scenario())
    assert result.calls < loose.calls


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"answer_probability": 0.7, "machine_probability": 0.4}, "more than 1"),
        ({"warmup_s": 900.0}, "warmup_s"),
        ({"agents": 0}, "agents"),
        ({"pace": 3}, "pace"),
    ],
)
def test_scenario_that_makes_no_sense_is_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        scenario(**changes)


def test_worst_window_slides() -> None:
    fates = [False] * 1500 + [True] * 40 + [False] * 1000
    assert worst_window(fates) == 0.04
    assert worst_window([True] * 10) is None


def test_latency_of_nothing_is_nothing() -> None:
    assert Latency.of([]) == Latency(p50=0.0, p99=0.0)
    assert Latency.of([3_000, 1_000, 2_000]) == Latency(p50=2.0, p99=3.0)
