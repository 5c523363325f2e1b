"""A call that a queue of a simulated XiVO is to place, and what stays of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from offhook.simulator.clock import Timer
from offhook.simulator.xivo_agents import AgentRow
from offhook.switches.xivo.wire_commands import PREFIX

ANSWERED_SOON = "answered within 15 s"
"""The counter that xuc's percentage of calls answered early is made from."""
SOON_S = 15.0
"""What counts as early there."""


@dataclass(slots=True, eq=False)
class QueueJob:
    """A call that a queue is to place."""

    queue_id: int
    destination: str
    caller_name: str
    caller_number: str
    data: dict[str, str]
    asked_at: datetime
    tried: list[int] = field(default_factory=list)
    agent: AgentRow | None = None
    timeout: Timer | None = None
    talked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuePast:
    """What stays of a call that a queue was to place; statuses are the document's."""

    queue_id: int
    started_at: datetime
    talk_s: float
    caller_number: str
    destination: str
    status: str


def prefixed(data: dict[str, str]) -> dict[str, str]:
    """Data as it comes back: the prefix is added where it is missing."""
    return {key if key.startswith(PREFIX) else PREFIX + key: value for key, value in data.items()}
