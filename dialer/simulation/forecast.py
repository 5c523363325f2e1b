"""How long a list will take, with how many agents and lines, at which abandonment.

The production engine and pacer dial a stretch of simulated shift for each number of agents; what
an hour of it brings is carried forward over the whole list.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from dialer.model import Frozen, Mode
from dialer.simulation.run import Shift
from dialer.simulation.scenario import Scenario

WARM_UP_S = 900.0
"""Of each shift that is simulated, not counted."""
LEAST_S, MOST_S, AGENT_SECONDS = 5_400.0, 21_600.0, 129_600.0
"""Counted at least and at most, and between them so much time of all agents together: of few agents
an hour and a half is a handful of answers.
"""
SHARES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Numbers of agents to compare, as shares of those of the scenario."""


class ForecastRow(Frozen):
    """What so many agents would come to."""

    agents: int
    hours: float | None
    """Of dialing until the list is done; None where nothing was placed."""
    lines: int
    """Most calls in progress at once."""
    calls_per_hour: float
    talks_per_hour: float
    abandonment_rate: float
    """From the first call on, as the cap is kept."""
    agent_utilisation: float
    talk_minutes_per_agent_hour: float


class Forecast(Frozen):
    """A list, and what it takes by the number of agents."""

    name: str
    pacer: str
    contacts: Annotated[int, Field(ge=1)]
    calls_per_contact: float
    rows: tuple[ForecastRow, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A scenario, the list that is dialed in it, and who might do it."""

    scenario: Scenario
    mode: Mode
    contacts: int
    agents: tuple[int, ...]
    seed: int = 1


def counts_around(agents: int) -> tuple[int, ...]:
    """Numbers of agents worth comparing with the given one."""
    return tuple(sorted({max(1, round(agents * share)) for share in SHARES}))


def gathered(question: Question, rows: tuple[ForecastRow, ...]) -> Forecast:
    """The forecast that the rows make up."""
    return Forecast(
        name=question.scenario.name,
        pacer=question.mode.value,
        contacts=question.contacts,
        calls_per_contact=question.scenario.calls_per_contact,
        rows=rows,
    )


def forecast_row(question: Question, agents: int) -> ForecastRow:
    """Simulate one number of agents; what drifts in the scenario is left out."""
    counted_s = min(MOST_S, max(LEAST_S, AGENT_SECONDS / agents))
    scenario = question.scenario.model_copy(
        update={
            "agents": agents,
            "warmup_s": WARM_UP_S,
            "duration_s": WARM_UP_S + counted_s,
            "drift": (),
        }
    )
    shift = Shift(scenario, question.mode, question.seed)
    seen = shift.run()
    per_hour = 3_600.0 / counted_s
    calls = shift.calls * per_hour
    wanted = question.contacts * scenario.calls_per_contact
    served = seen.counted - seen.abandoned
    return ForecastRow(
        agents=agents,
        hours=round(wanted / calls, 2) if calls else None,
        lines=shift.most_in_progress,
        calls_per_hour=round(calls, 1),
        talks_per_hour=round(served * per_hour, 1),
        abandonment_rate=round(sum(seen.fates) / len(seen.fates), 5) if seen.fates else 0.0,
        agent_utilisation=round(shift.busy_s / shift.paid_s, 4) if shift.paid_s else 0.0,
        talk_minutes_per_agent_hour=round(60.0 * _talk_share(shift, scenario), 1),
    )


def _talk_share(shift: Shift, scenario: Scenario) -> float:
    """Talk as a share of agents' time: what is used, less wrap-up."""
    if not shift.paid_s:
        return 0.0
    handle = scenario.talk.mean_s + scenario.wrap.mean_s
    return shift.busy_s / shift.paid_s * (scenario.talk.mean_s / handle if handle else 0.0)
