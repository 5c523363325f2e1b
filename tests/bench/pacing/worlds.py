"""The floors that pacers are compared on."""

from dialer.simulation import Drift, Scenario, Spread
from dialer.simulation.scenario import Shape
from tests.bench.pacing.optimum import Memoryless

WARM_UP_S = 1_800.0


def memoryless(floor: Memoryless, hours: float) -> Scenario:
    """The floor that the optimum is known of, after half an hour that isn't counted."""
    return Scenario(
        name="memoryless",
        agents=floor.agents,
        duration_s=3_600.0 * hours,
        warmup_s=WARM_UP_S,
        answer_probability=floor.answer_probability,
        ring=Spread(mean_s=floor.ring_s),
        ring_timeout_s=120.0,
        no_answer=Spread(mean_s=floor.ring_s),
        talk=Spread(mean_s=floor.handle_s),
        patience_s=floor.patience_s,
        target_abandonment=floor.cap,
    )


def lifelike(agents: int, hours: float, cap: float = 0.03) -> Scenario:
    """Lognormal times, machines, busy lines, wrap-up; answers and talks drift, agents pause."""
    hour = 3_600.0
    fewer = max(1, round(0.7 * agents))
    return Scenario(
        name="lifelike",
        agents=agents,
        duration_s=hour * hours,
        warmup_s=0.0,
        answer_probability=0.22,
        machine_probability=0.25,
        amd_s=1.5,
        busy_probability=0.08,
        ring=Spread(dist=Shape.lognormal, mean_s=11.0, cv=0.6),
        ring_timeout_s=25.0,
        talk=Spread(dist=Shape.lognormal, mean_s=110.0, cv=0.8),
        wrap=Spread(dist=Shape.lognormal, mean_s=15.0, cv=0.6),
        target_abandonment=cap,
        drift=(
            Drift(at_s=0.9 * hour, answer_probability=0.34),
            Drift(at_s=1.5 * hour, agents=fewer),
            Drift(at_s=1.75 * hour, agents=agents),
            Drift(at_s=2.2 * hour, answer_probability=0.15, talk_mean_s=80.0),
            Drift(at_s=3.0 * hour, answer_probability=0.3, talk_mean_s=150.0),
            Drift(at_s=3.4 * hour, agents=fewer),
        ),
    )
