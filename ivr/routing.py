"""The policy of a queue: who may join it, who is next, and when waiting has been enough.

Only facts go in and only answers come out; who keeps the queue keeps its facts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field

from dialer.model import Frozen

CallerId = NewType("CallerId", str)
"""A caller in a queue: the id of the session."""


class Overflow(StrEnum):
    """What is offered to a caller who doesn't get an agent in time."""

    callback = "callback"
    voicemail = "voicemail"
    group = "group"
    hangup = "hangup"


class QueuePolicy(Frozen):
    """How long callers wait, how many may, and what comes then."""

    max_wait: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    max_length: Annotated[int, Field(ge=1, le=10_000)] = 100
    offer_for: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))
    """How long an agent's device rings before the next candidate is tried."""
    announce_every: timedelta = Field(default=timedelta(seconds=45), ge=timedelta(seconds=10))
    overflow: Overflow = Overflow.callback
    vip_bonus: timedelta = timedelta(minutes=10)
    """How much longer than they do an important caller counts as waiting."""


class Waiting(Frozen):
    """A caller in a queue."""

    caller: CallerId
    since: datetime
    vip: bool = False


def in_order(waiting: Iterable[Waiting], policy: QueuePolicy) -> list[Waiting]:
    """The queue, who is next first; equal waits by the caller's id."""

    def key(one: Waiting) -> tuple[datetime, str]:
        return (one.since - policy.vip_bonus if one.vip else one.since, one.caller)

    return sorted(waiting, key=key)


def position(caller: CallerId, queue: Sequence[Waiting]) -> int | None:
    """The caller's place in a queue that is in order, from 1."""
    return next((at for at, one in enumerate(queue, 1) if one.caller == caller), None)


def admits(length: int, policy: QueuePolicy) -> bool:
    """Whether one more may join a queue of this length."""
    return length < policy.max_length


def gives_up_at(one: Waiting, policy: QueuePolicy) -> datetime:
    """When the caller has waited long enough."""
    return one.since + policy.max_wait


def expected_wait(place: int, agents: int, handling: timedelta) -> timedelta | None:
    """A sober estimate: each of `agents` frees every `handling`; None when nobody is on duty."""
    return handling * place / agents if agents > 0 else None
