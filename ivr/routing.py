"""The policy of a queue: who may join it and who is next.

Only facts go in and only answers come out; who keeps the queue keeps its facts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, NewType

from pydantic import Field

from dialer.model import Frozen

CallerId = NewType("CallerId", str)
"""A caller in a queue: the id of the session."""


class QueuePolicy(Frozen):
    """How many may wait, and what importance is worth. How long is the tree's to say."""

    max_length: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Of one group's queue; whoever comes then is told that nobody can take the call."""
    vip_bonus: timedelta = Field(default=timedelta(minutes=10), ge=timedelta(0))
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


def admits(length: int, policy: QueuePolicy) -> bool:
    """Whether one more may join a queue of this length."""
    return length < policy.max_length
