"""What dial loops tell Prometheus."""

from dialer.commands import NotePacing
from dialer.pacing.base import Why
from offhook import telemetry
from offhook.temporal.observer import MeteredDialing


def note(why: Why, place: int) -> NotePacing:
    return NotePacing(
        place=place,
        wanted=place,
        reason="in words",
        free=1,
        ringing=0,
        waiting=0,
        talking=0,
        abandonment=0.0,
        why=why.value,
    )


def counted(name: str, why: Why) -> float:
    return telemetry.registry.get_sample_value(name, {"why": why.value}) or 0.0


def test_decisions_of_the_pacer_are_counted_by_their_kind_of_reason_with_the_calls_placed() -> None:
    metrics = ("dialer_pacing_decisions_total", "dialer_paced_calls_total")
    before = [counted(name, why) for name in metrics for why in (Why.risk, Why.no_budget)]
    dialing = MeteredDialing()
    for why, place in ((Why.risk, 3), (Why.risk, 2), (Why.no_budget, 0)):
        dialing.paced(note(why, place))
    after = [counted(name, why) for name in metrics for why in (Why.risk, Why.no_budget)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 5, 0]
