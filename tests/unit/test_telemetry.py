"""Metrics follow one naming rule, and none is labelled by a person."""

import pytest
from prometheus_client import generate_latest

from offhook.telemetry import counter, documented, gauge, histogram, registry


def test_counter_is_exported_under_its_name() -> None:
    made = counter("dialer_tests_run_total", "Tests that ran.", labels=("tier",))
    made.labels(tier="unit").inc()
    assert b'dialer_tests_run_total{tier="unit"}' in generate_latest(registry)
    assert ("dialer_tests_run_total", "counter", "Tests that ran.") in documented()


def test_metric_asked_for_again_is_the_same_one() -> None:
    assert gauge("dialer_test_events", "x") is gauge("dialer_test_events", "x")


@pytest.mark.parametrize("name", ["dialer_tests_run", "calls_placed_total", "dialer_Calls_total"])
def test_counter_is_refused_when_its_name_breaks_the_rule(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        counter(name, "x")


def test_histogram_is_refused_when_its_name_has_no_unit() -> None:
    with pytest.raises(ValueError, match="unit"):
        histogram("dialer_answer_to_agent", "x")


@pytest.mark.parametrize("label", ["phone", "call_id", "agent", "caller_id", "contact"])
def test_metric_is_refused_when_a_label_could_name_a_person(label: str) -> None:
    with pytest.raises(ValueError, match="closed set"):
        counter("dialer_refused_labels_total", "x", labels=(label,))


def test_metric_is_refused_when_the_name_is_another_kind_already() -> None:
    gauge("dialer_kind_events", "x")
    with pytest.raises(ValueError, match="exists already"):
        histogram("dialer_kind_events", "x")
