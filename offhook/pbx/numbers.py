"""Numbers that say how whoever has them behaves, so that people need not be told of each other.

An Italian mobile number `+39 32s brt nnnn`: `b` is the behaviour, `r` how long it rings, `t` how
long the talk lasts once it was answered, `s` and `nnnn` tell people apart. Who calls it need not
know any of that.
"""

import random
import re
from collections.abc import Sequence
from enum import IntEnum

from pydantic import BaseModel, ConfigDict

RINGS_S = (0.0, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)
"""Seconds of ringing before an answer, by the digit."""
TALKS_S = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 3600.0)
"""Seconds after which the called side hangs up by itself, by the digit."""
MOST_PEOPLE = 50_000
_KEYS = 7
"""From here the third digit is a way to send digits, not one of many equal people."""
_SHAPE = re.compile(r"32([0-8])([0-9])([0-9])([0-9])([0-9]{4})$")


class Behaviour(IntEnum):
    """What a called person does; the digit in the number."""

    human = 0
    """Answers, says hello, and listens."""
    busy = 1
    no_answer = 2
    invalid = 3
    rejected = 4
    unavailable = 5
    failed = 6
    machine = 7
    """Answers with a long greeting and a beep."""
    silent = 8
    """Answers and says nothing."""
    talker = 9
    """Answers and talks without pause."""


class Keys(IntEnum):
    """Digits that a person sends after answering; the third digit of the number."""

    none = 0
    info = 7
    """The key 5 by SIP INFO."""
    rfc2833 = 8
    """The keys 1, 2 and # in the audio stream; sending it needs the rights of root."""


class Person(BaseModel):
    """What a number says of whoever has it."""

    model_config = ConfigDict(frozen=True)

    behaviour: Behaviour
    ring_s: float
    talk_s: float

    @classmethod
    def of(cls, number: str) -> "Person | None":
        """Who answers at `number`, in any way of writing it; None when it isn't one of ours."""
        found = _SHAPE.search(number)
        if found is None:
            return None
        _, behaviour, ring, talk, _ = found.groups()
        return cls(
            behaviour=Behaviour(int(behaviour)),
            ring_s=RINGS_S[int(ring)],
            talk_s=TALKS_S[int(talk)],
        )


def number(
    behaviour: Behaviour,
    serial: int = 0,
    *,
    ring_s: float = 0.5,
    talk_s: float = 3600.0,
    keys: Keys = Keys.none,
) -> str:
    """The number, in E.164, of somebody who behaves so; times are rounded to what there is."""
    ring, talk = _nearest(RINGS_S, ring_s), _nearest(TALKS_S, talk_s)
    group, rest = divmod(serial, 10_000)
    if not 0 <= serial < MOST_PEOPLE:
        raise ValueError(f"there are {MOST_PEOPLE} people of each kind, none of serial {serial}")
    return f"+3932{keys or group}{behaviour:d}{ring}{talk}{rest:04}"


class Mixture(BaseModel):
    """How people are made: shares of behaviours, and the times to choose from."""

    model_config = ConfigDict(frozen=True)

    shares: dict[Behaviour, float] = {
        Behaviour.human: 0.40,
        Behaviour.machine: 0.12,
        Behaviour.silent: 0.05,
        Behaviour.no_answer: 0.18,
        Behaviour.busy: 0.14,
        Behaviour.rejected: 0.04,
        Behaviour.unavailable: 0.04,
        Behaviour.invalid: 0.03,
    }
    rings_s: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 3.0)
    talks_s: tuple[float, ...] = (1.0, 2.0, 3.0, 5.0)


def crowd(count: int, mixture: Mixture, *, seed: int) -> list[str]:
    """`count` different numbers; the same ones for the same seed."""
    rng = random.Random(seed)
    kinds = list(mixture.shares)
    weights = [mixture.shares[kind] for kind in kinds]
    return [
        number(
            kind,
            serial,
            ring_s=rng.choice(mixture.rings_s),
            talk_s=rng.choice(mixture.talks_s),
        )
        for serial, kind in enumerate(rng.choices(kinds, weights, k=count))
    ]


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))
