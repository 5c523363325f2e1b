"""The bench of the live path, as small as it gets: it must be honest and clean, not fast."""

import pytest

from offhook.bench.dial import run_dial_bench
from offhook.bench.options import BenchOptions
from offhook.bench.report import BaselineReport, DialReport, Percentiles, with_baseline
from offhook.home import Home
from offhook.settings import load_settings

OURS = {"postgres", "temporal", "links", "worker", "api", "simulator"}


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_bench_makes_every_call_once_and_accounts_for_every_process() -> None:
    settings = load_settings()
    options = BenchOptions(calls=12, agents=4, rate=20.0, baseline=True)

    report = await run_dial_bench(Home(settings.home), settings, options)

    assert (report.calls, report.errors, report.double_dialed, report.stranded) == (12, 0, 0, 0)
    assert report.sound
    assert report.calls_per_s > 0
    assert set(report.cpu_s_per_call) == set(report.rss_mb) == OURS | {"total"}
    assert 0 < report.answer_to_join_command_ms.p50 <= report.answer_to_join_command_ms.max
    assert report.baseline is not None
    assert report.baseline.calls == 12
    assert report.baseline.cpu_s_per_call["temporal"] > 0


def test_percentiles_are_values_that_were_measured() -> None:
    found = Percentiles.of([5.0, 1.0, 3.0, 2.0, 4.0])

    assert found == Percentiles(p50=3.0, p95=5.0, p99=5.0, max=5.0)


def test_percentiles_of_nothing_are_zero() -> None:
    assert Percentiles.of([]) == Percentiles()


def test_ratio_says_how_many_times_better_the_live_path_is() -> None:
    report = with_baseline(
        _report(calls_per_s=80.0, cpu=0.02, join=Percentiles(p50=10.0, p99=50.0)),
        BaselineReport(
            calls=100,
            calls_per_s=20.0,
            answer_to_bridge_ms=Percentiles(p50=40.0, p99=500.0),
            cpu_s_per_call={"total": 0.05},
        ),
    )

    assert report.ratio is not None
    assert report.ratio.model_dump() == {
        "calls_per_s": 4.0,
        "cpu_s_per_call": 2.5,
        "answer_p50": 4.0,
        "answer_p99": 10.0,
    }


def test_report_with_a_call_that_failed_is_not_sound() -> None:
    assert not _report(errors=1).sound


def _report(
    *,
    calls_per_s: float = 1.0,
    cpu: float = 0.0,
    join: Percentiles | None = None,
    errors: int = 0,
) -> DialReport:
    return DialReport(
        calls=100,
        agents=10,
        rate=None,
        calls_per_s=calls_per_s,
        answer_to_agent_ms=Percentiles(),
        answer_to_join_command_ms=join or Percentiles(),
        cpu_s_per_call={"total": cpu},
        rss_mb={"total": 0.0},
        errors=errors,
        failed_commands=0,
        double_dialed=0,
        stranded=0,
        duration_s=1.0,
        load_average=(0.0, 0.0),
    )
