"""Forecasts of campaigns: how long the list takes, with how many agents, at which abandonment.

What is asked is made from the campaign as it stands: its settings, the contacts left, and what its
calls so far have shown.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dialer.model import CampaignSettings, Mode
from dialer.simulation import Forecast, Question, Scenario, Spread, counts_around
from dialer.simulation.scenario import Shape
from offhook.errors import OffhookError
from offhook.offices.forecast_process import SimulationBroke, simulated
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.forecast_store import ForecastStore, KeptForecast
from offhook.storage.pacing_facts import PacingFacts, pacing_facts

TRUST = 20.0
"""Measured calls or talks that weigh as much as what is assumed without any."""
ASSUMED_ANSWER, ASSUMED_RING_S, ASSUMED_TALK_S, ASSUMED_WRAP_S = 0.25, 12.0, 120.0, 15.0
ASSUMED_CV = 0.8
ENOUGH_FINISHED = 50
"""Finished contacts from which on their calls are counted instead of computed."""
LONGEST_S = 120.0
MOST_WAITING = 4
"""Forecasts that may be wanted at a time; they are simulated one by one."""
UNPACED = (Mode.preview, Mode.agentless)
Simulate = Callable[[Question], Awaitable[Forecast]]


class NoForecast(OffhookError):
    """There is nothing to forecast."""

    code = "no_forecast"


class ForecastsBusy(OffhookError):
    """Too many forecasts are wanted at this moment."""

    code = "forecasts_busy"

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_WAITING} forecasts are being made already",
            hint="ask again in a minute",
        )


class ForecastTooSlow(OffhookError):
    """A simulation took too long, or did not come to its end."""

    code = "forecast_too_slow"

    def __init__(self, why: str = f"the forecast was not done within {LONGEST_S:.0f} s") -> None:
        super().__init__(
            why,
            hint="ask about fewer or smaller numbers of agents, or when less is being dialed",
        )


class ForecastWish(BaseModel):
    """What is asked about, where it is not as it stands."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"agents": [5, 10, 20], "contacts": 5000}]},
    )

    agents: Annotated[tuple[Annotated[int, Field(ge=1, le=500)], ...], Field(max_length=12)] = ()
    """Numbers of agents to compare; none: half to twice the campaign's own."""
    contacts: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    """Length of the list; null: the contacts that are left."""
    pacer: Mode | None = None
    """Null: the campaign's own; preview and agentless aren't paced by agents."""


@dataclass
class ForecastOffice:
    """Makes forecasts, a few at a time, and keeps the newest of each campaign."""

    database: Database
    clock: Callable[[], datetime]
    simulate: Simulate = simulated
    waiting: int = field(default=0, init=False)
    """Forecasts that are wanted now, the one that is being made included."""
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def last(self, campaign: str) -> KeptForecast:
        """The newest forecast of a campaign; raises `ForecastNotFound`."""
        return await ForecastStore(self.database).find(campaign)

    async def make(self, campaign: str, wish: ForecastWish) -> KeptForecast:
        """Simulate the campaign, by its id.

        Raises `NoForecast` where nobody is left to dial or the pacer goes by no agents, and
        `ForecastsBusy` or `ForecastTooSlow` where there is no time for it.
        """
        async with self._turns():
            question = await self._question(campaign, wish)
            found = await self.simulate(question)
        return await ForecastStore(self.database).keep(campaign, found, now=self.clock())

    @asynccontextmanager
    async def _turns(self) -> AsyncIterator[None]:
        if self.waiting >= MOST_WAITING:
            raise ForecastsBusy
        self.waiting += 1
        try:
            async with asyncio.timeout(LONGEST_S), self._turn:
                yield
        except TimeoutError:
            raise ForecastTooSlow from None
        except SimulationBroke as broke:
            raise ForecastTooSlow(str(broke)) from None
        finally:
            self.waiting -= 1

    async def _question(self, campaign: str, wish: ForecastWish) -> Question:
        found = await campaign_question(self.database, campaign)
        mode, contacts = wish.pacer or found.mode, wish.contacts or found.contacts
        if mode in UNPACED:
            raise NoForecast(
                f"{mode} isn't paced by agents coming free",
                hint="name another `pacer`: progressive, power or predictive",
            )
        if not contacts:
            raise NoForecast(
                "nobody is left to dial", hint="import contacts, or say `contacts`, their number"
            )
        counts = tuple(sorted(set(wish.agents))) or counts_around(found.scenario.agents)
        return Question(scenario=found.scenario, mode=mode, contacts=contacts, agents=counts)


async def campaign_question(database: Database, key: str) -> Question:
    """The campaign of an id or name as it stands; 0 contacts where nobody is left to dial."""
    views = CampaignViews(database)
    row = await views.find(key)
    settings = await views.settings(row.campaign_id)
    facts = await pacing_facts(database, row.campaign_id, settings.switch, tuple(settings.trunks))
    scenario = scenario_of(row.name, settings, facts)
    counts = counts_around(scenario.agents)
    return Question(scenario=scenario, mode=settings.mode, contacts=facts.left, agents=counts)


def scenario_of(name: str, settings: CampaignSettings, facts: PacingFacts) -> Scenario:
    """A shift like those of the campaign, as far as its calls have shown."""
    weight = TRUST + facts.calls
    answer = (ASSUMED_ANSWER * TRUST + facts.answered) / weight
    rest = 1.0 - answer
    talk = _mean(facts.talk_s, facts.talks, ASSUMED_TALK_S)
    spread = facts.talk_deviation_s / facts.talk_s if facts.talks > TRUST else ASSUMED_CV
    wrap = _mean(facts.wrap_s, facts.wraps, ASSUMED_WRAP_S)
    wrap = min(wrap, settings.wrap_up.total_seconds())
    tries = settings.retry.max_attempts
    per_contact = (1.0 - rest**tries) / answer
    if facts.finished >= ENOUGH_FINISHED:
        per_contact = facts.attempts / facts.finished
    return Scenario(
        name=name,
        agents=max(1, facts.agents),
        duration_s=3_600.0,
        answer_probability=answer,
        machine_probability=min(facts.machines / weight, 0.9 * rest),
        amd_s=2.0 if facts.machines else 0.0,
        busy_probability=min(facts.busy / weight, 0.1 * rest),
        ring=_lognormal(_mean(facts.ring_s, facts.picked_up, ASSUMED_RING_S), 0.6),
        ring_timeout_s=settings.ring_timeout.total_seconds(),
        talk=_lognormal(talk, min(10.0, max(0.1, spread))),
        wrap=_lognormal(wrap, 0.6),
        patience_s=settings.patience.total_seconds(),
        lines=min(settings.pacing.concurrency, facts.lines or settings.pacing.concurrency),
        target_abandonment=settings.pacing.target_abandonment,
        max_lines_per_agent=settings.pacing.max_lines_per_agent,
        calls_per_second=settings.pacing.calls_per_second,
        ratio=settings.pacing.ratio,
        calls_per_contact=min(100.0, max(1.0, per_contact)),
    )


def _mean(measured: float, count: int, assumed: float) -> float:
    return (measured * count + assumed * TRUST) / (count + TRUST)


def _lognormal(mean_s: float, cv: float) -> Spread:
    return Spread(dist=Shape.lognormal, mean_s=round(mean_s, 3), cv=round(cv, 3))
