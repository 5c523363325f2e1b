"""What a simulated shift is like: people, agents and lines, in numbers."""

import math
import random
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from dialer.model import Frozen, Rate

LONGEST_S = 31 * 86_400.0
"""Of anything: a month."""
Seconds = Annotated[float, Field(ge=0.0, le=LONGEST_S)]


class Finite(Frozen):
    """Numbers that a shift can be made of: neither infinite nor none at all."""

    model_config = ConfigDict(allow_inf_nan=False)


class Shape(StrEnum):
    """How a duration varies."""

    exponential = "exponential"
    lognormal = "lognormal"
    constant = "constant"


class Spread(Finite):
    """A random duration."""

    dist: Shape = Shape.exponential
    mean_s: Seconds
    cv: Annotated[float, Field(ge=0.0, le=10.0)] | None = None
    """Standard deviation over mean, 1 if not said; only of a lognormal."""

    def draw(self, rng: random.Random) -> float:
        """Return one duration in seconds."""
        if self.mean_s == 0.0:
            return 0.0
        match self.dist:
            case Shape.exponential:
                return rng.expovariate(1.0 / self.mean_s)
            case Shape.lognormal:
                cv = 1.0 if self.cv is None else self.cv
                variance = math.log1p(cv * cv)
                return rng.lognormvariate(
                    math.log(self.mean_s) - variance / 2.0, math.sqrt(variance)
                )
            case Shape.constant:
                return self.mean_s


class Drift(Finite):
    """What is different from a moment on."""

    at_s: Seconds
    answer_probability: Rate | None = None
    talk_mean_s: Annotated[float, Field(gt=0.0, le=LONGEST_S)] | None = None
    agents: Annotated[int, Field(ge=0, le=5_000)] | None = None


class Scenario(Finite):
    """A shift to simulate. A call is answered by a person, a machine, is busy, or rings out."""

    name: str = "scenario"
    agents: Annotated[int, Field(ge=1, le=5_000)]
    duration_s: Annotated[float, Field(gt=0.0, le=LONGEST_S)]
    warmup_s: Seconds = 0.0
    """Time at the start that isn't counted."""
    answer_probability: Rate
    """Share of calls that a person answers."""
    machine_probability: Rate = 0.0
    """Share of calls that a machine answers."""
    amd_s: Seconds = 0.0
    """How long the switch listens before it tells a person from a machine."""
    busy_probability: Rate = 0.0
    ring: Spread = Spread(mean_s=12.0)
    """From placing to answer, of calls that are answered."""
    ring_timeout_s: Annotated[float, Field(gt=0.0, le=LONGEST_S)] = 25.0
    """When ringing is given up; from 15 to 120 s, as campaigns allow."""
    no_answer: Spread | None = None
    """How long other calls ring; until `ring_timeout_s` if not said."""
    talk: Spread = Spread(mean_s=120.0)
    wrap: Spread = Spread(mean_s=0.0, dist=Shape.constant)
    patience_s: Annotated[float, Field(ge=0.0, le=30.0)] = 2.0
    lines: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Calls that may be in progress at once; None is no limit."""
    target_abandonment: Rate = 0.03
    contacts: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """How long the list is; only a forecast asks."""
    calls_per_contact: Annotated[float, Field(ge=1.0, le=100.0)] = 1.0
    """Calls that a contact takes until it is finished, on average; only a forecast asks."""
    max_lines_per_agent: Annotated[float, Field(ge=1.0, le=20.0)] = 20.0
    calls_per_second: Annotated[float, Field(gt=0.0, le=500.0)] = 500.0
    ratio: Annotated[float, Field(ge=1.0, le=10.0)] = 1.5
    """Of the power pacer."""
    drift: tuple[Drift, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.machine_probability + self.busy_probability
        likely = [step.answer_probability for step in self.drift if step.answer_probability]
        if total + max([self.answer_probability, *likely]) > 1.0 + 1e-9:
            raise ValueError(
                "answer, machine and busy probability add up to more than 1; lower one of them"
            )
        if self.warmup_s >= self.duration_s:
            raise ValueError("warmup_s leaves nothing of duration_s to count; shorten it")
        return self
