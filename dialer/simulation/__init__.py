"""A call floor in virtual time around the production engine: how good is the pacing?"""

from dialer.simulation.forecast import (
    Forecast,
    ForecastRow,
    Question,
    counts_around,
    forecast_row,
    gathered,
)
from dialer.simulation.results import Latency, SimulationResult
from dialer.simulation.run import simulate
from dialer.simulation.scenario import Drift, Scenario, Spread

__all__ = [
    "Drift",
    "Forecast",
    "ForecastRow",
    "Latency",
    "Question",
    "Scenario",
    "SimulationResult",
    "Spread",
    "counts_around",
    "forecast_row",
    "gathered",
    "simulate",
]
