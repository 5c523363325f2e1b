"""Metrics of this process: one registry, names that follow one rule, labels from closed sets.

A name is `dialer_<noun>_<unit>`, counters end in `_total`. Labels never hold a number, a name or
an id: each value of a label is a time series that Prometheus keeps for weeks.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import ProcessCollector as _ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

registry = CollectorRegistry()
_ProcessCollector(registry=registry)

LATENCY_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""Seconds; dense around the goals of 15 and 60 ms between an answer and an agent."""

_NAME = re.compile(r"dialer_[a-z][a-z0-9]*(_[a-z0-9]+)*")
_UNITS = ("_seconds", "_bytes", "_ratio", "_calls", "_agents", "_lines", "_events", "_restarts")
_PERSONAL = re.compile(r"(^|_)(id|number|phone|to|name|contact|agent|caller_id|extension)$")
_made: dict[str, MetricWrapperBase] = {}
_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


def counter(name: str, help_text: str, *, labels: Sequence[str] = ()) -> Counter:
    """The counter of this name; asked for again, the same one."""
    if not name.endswith("_total"):
        raise ValueError(f"counter {name} must end in _total")
    return _metric(
        Counter, name, labels, lambda: Counter(name, help_text, labels, registry=registry)
    )


def gauge(name: str, help_text: str, *, labels: Sequence[str] = ()) -> Gauge:
    """The gauge of this name; asked for again, the same one."""
    _require_unit(name)
    return _metric(Gauge, name, labels, lambda: Gauge(name, help_text, labels, registry=registry))


def histogram(
    name: str,
    help_text: str,
    *,
    labels: Sequence[str] = (),
    buckets: Sequence[float] = LATENCY_BUCKETS,
) -> Histogram:
    """The histogram of this name; asked for again, the same one."""
    _require_unit(name)
    return _metric(
        Histogram,
        name,
        labels,
        lambda: Histogram(name, help_text, labels, registry=registry, buckets=buckets),
    )


def documented() -> list[tuple[str, str, str]]:
    """Every metric of the loaded modules as (name, kind, help), by name."""
    return sorted(
        (name, type(metric).__name__.lower(), metric._documentation)
        for name, metric in _made.items()
    )


def _require_unit(name: str) -> None:
    if not name.endswith(_UNITS):
        raise ValueError(f"metric {name} must end in a unit: {', '.join(_UNITS)}")


def _metric(
    kind: type[_Metric], name: str, labels: Sequence[str], make: Callable[[], _Metric]
) -> _Metric:
    known = _made.get(name)
    if known is not None:
        if not isinstance(known, kind):
            raise ValueError(f"metric {name} exists already as a {type(known).__name__}")
        return known
    if not _NAME.fullmatch(name):
        raise ValueError(f"metric {name} must look like dialer_<noun>_<unit>")
    personal = [label for label in labels if _PERSONAL.search(label)]
    if personal:
        raise ValueError(f"metric {name} must not be labelled by {personal}: not a closed set")
    metric = make()
    _made[name] = metric
    return metric
