"""The people a simulated PBX reaches: who answers, how soon, how long they wait and talk.

What somebody does depends on the seed, the number and how often the number was tried before, never
on the order in which numbers are tried: two campaigns that pace differently meet the same people.
"""

from __future__ import annotations

import json
import math
import random
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class PersonKind(StrEnum):
    """What happens at the other end of a line."""

    answer = "answer"
    machine = "machine"
    no_answer = "no_answer"
    busy = "busy"
    rejected = "rejected"
    invalid = "invalid"
    unavailable = "unavailable"


class Dist(StrEnum):
    """The shape of a random time."""

    constant = "constant"
    exponential = "exponential"
    lognormal = "lognormal"


class RandomTime(BaseModel):
    """A time drawn afresh for each call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dist: Dist = Dist.lognormal
    mean_s: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    cv: Annotated[float, Field(gt=0, le=10)] = 0.5

    def draw(self, rng: random.Random) -> float:
        """Seconds."""
        if self.dist is Dist.constant:
            return self.mean_s
        if self.dist is Dist.exponential:
            return rng.expovariate(1 / self.mean_s)
        variance = math.log(1 + self.cv**2)
        return rng.lognormvariate(math.log(self.mean_s) - variance / 2, math.sqrt(variance))


class Behaviour(BaseModel):
    """What one try at a number meets; times left out are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PersonKind
    ring_s: Seconds | None = None
    talk_s: Seconds | None = None
    patience_s: Seconds | None = None
    hangs_up_first: bool | None = None


class Person(BaseModel):
    """Somebody at the other end of one call, decided in advance."""

    model_config = ConfigDict(frozen=True)

    kind: PersonKind
    ring_s: float
    talk_s: float
    patience_s: float
    hangs_up_first: bool

    @property
    def answers(self) -> bool:
        """Whether the call is taken, by a person or a machine."""
        return self.kind in (PersonKind.answer, PersonKind.machine)


class Population(BaseModel):
    """How people behave, and the numbers whose behaviour is written down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_probability: Probability = 0.3
    machine_probability: Probability = 0.0
    busy_probability: Probability = 0.1
    rejected_probability: Probability = 0.05
    invalid_probability: Probability = 0.02
    unavailable_probability: Probability = 0.03
    ring: RandomTime = RandomTime(dist=Dist.lognormal, mean_s=8, cv=0.5)
    failure: RandomTime = RandomTime(dist=Dist.lognormal, mean_s=1, cv=0.5)
    talk: RandomTime = RandomTime(dist=Dist.lognormal, mean_s=60, cv=0.8)
    patience: RandomTime = RandomTime(dist=Dist.exponential, mean_s=12)
    machine_talk: RandomTime = RandomTime(dist=Dist.lognormal, mean_s=15, cv=0.3)
    customer_hangs_up_probability: Probability = 0.7
    numbers: dict[str, list[Behaviour]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leaves_room(self) -> Population:
        if sum(weight for _, weight in self._weights()) > 1 + 1e-9:
            raise ValueError("the probabilities add up to more than 1; lower one of them")
        return self

    def with_answers(self, answer: float | None, machine: float | None) -> Population:
        """The same people answering this often; the ways to fail shrink to what room is left."""
        answer = self.answer_probability if answer is None else answer
        machine = self.machine_probability if machine is None else machine
        failing = {
            "busy_probability": self.busy_probability,
            "rejected_probability": self.rejected_probability,
            "invalid_probability": self.invalid_probability,
            "unavailable_probability": self.unavailable_probability,
        }
        room = max(0.0, 1 - answer - machine)
        scale = min(1.0, room / (sum(failing.values()) or 1.0))
        shrunk = {name: value * scale for name, value in failing.items()}
        given = {"answer_probability": answer, "machine_probability": machine, **shrunk}
        return Population.model_validate({**self.model_dump(), **given})

    def _weights(self) -> tuple[tuple[PersonKind, float], ...]:
        return (
            (PersonKind.answer, self.answer_probability),
            (PersonKind.machine, self.machine_probability),
            (PersonKind.busy, self.busy_probability),
            (PersonKind.rejected, self.rejected_probability),
            (PersonKind.invalid, self.invalid_probability),
            (PersonKind.unavailable, self.unavailable_probability),
        )

    def person(self, number: str, attempt: int, *, seed: int) -> Person:
        """Who is met when `number` is tried for the `attempt`-th time (from 0)."""
        rng = random.Random(f"{seed}:{number}:{attempt}")
        script = self.numbers.get(number)
        wanted = script[min(attempt, len(script) - 1)] if script else None
        kind = self._kind(rng)
        if wanted is not None:
            kind = wanted.kind
        failing = kind not in (PersonKind.answer, PersonKind.machine, PersonKind.no_answer)
        ring = (self.failure if failing else self.ring).draw(rng)
        machine = kind is PersonKind.machine
        talk = self.talk.draw(rng)
        patience = (self.machine_talk if machine else self.patience).draw(rng)
        first = rng.random() < self.customer_hangs_up_probability
        if machine:  # an agent who hears a machine hangs up soon
            talk, first = 3.0, False
        if wanted is not None:
            ring = ring if wanted.ring_s is None else wanted.ring_s
            talk = talk if wanted.talk_s is None else wanted.talk_s
            patience = patience if wanted.patience_s is None else wanted.patience_s
            first = first if wanted.hangs_up_first is None else wanted.hangs_up_first
        return Person(
            kind=kind, ring_s=ring, talk_s=talk, patience_s=patience, hangs_up_first=first
        )

    def _kind(self, rng: random.Random) -> PersonKind:
        point = rng.random()
        for kind, weight in self._weights():
            if point < weight:
                return kind
            point -= weight
        return PersonKind.no_answer


class PopulationFileError(ValueError):
    """A population file that can't be used; says where it is wrong."""

    code = "population_file_invalid"


def read_population(path: Path) -> Population:
    """The population in a TOML or JSON file."""
    try:
        raw = path.read_bytes()
        data = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode())
        return Population.model_validate(data)
    except OSError as error:
        raise PopulationFileError(f"{path}: {error.strerror}; name a readable file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PopulationFileError(f"{path}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise PopulationFileError(
            f"{path}: {error}; write TOML, or JSON in a .json file"
        ) from error
