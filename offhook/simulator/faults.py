"""The ways a simulated PBX fails on demand: in its replies, in its events, in its own parts."""

from __future__ import annotations

import random
from collections import Counter
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from offhook.simulator.population import Probability, Seconds


class FaultKind(StrEnum):
    """What goes wrong."""

    status_500 = "status_500"
    html = "html"
    half_reply = "half_reply"
    hang = "hang"
    latency = "latency"
    wrong_encoding = "wrong_encoding"
    act_then_timeout = "act_then_timeout"
    refuse = "refuse"
    reset = "reset"
    fail_command = "fail_command"
    event_drop = "event_drop"
    event_delay = "event_delay"
    event_duplicate = "event_duplicate"
    event_reorder = "event_reorder"
    lines = "lines"
    phone_dead = "phone_dead"
    restart = "restart"
    cut = "cut"


SERVICE_FAULTS = frozenset(
    {
        FaultKind.status_500,
        FaultKind.html,
        FaultKind.half_reply,
        FaultKind.hang,
        FaultKind.latency,
        FaultKind.wrong_encoding,
        FaultKind.act_then_timeout,
        FaultKind.refuse,
        FaultKind.reset,
    }
)
EVENT_FAULTS = frozenset(
    {
        FaultKind.event_drop,
        FaultKind.event_delay,
        FaultKind.event_duplicate,
        FaultKind.event_reorder,
    }
)
AT_ONCE = frozenset({FaultKind.lines, FaultKind.phone_dead, FaultKind.restart, FaultKind.cut})


class Fault(BaseModel):
    """One way to fail: for a service, an event or an extid, now and then or the next N times.

    `lines`, `phone_dead`, `restart` and `cut` (connections break, calls go on) happen when they are
    posted; the others wait for their turn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    probability: Probability = 1.0
    next: Annotated[int | None, Field(ge=1, le=10**9)] = None
    service: str | None = None
    event: str | None = None
    extid: str | None = None
    delay_s: Seconds = 1.0
    gateway: str | None = None
    lines: Annotated[int | None, Field(ge=0, le=100_000)] = None
    user: str | None = None
    dead: bool = True


class FaultBook:
    """The faults in force, and how often each kind struck."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._active: list[tuple[Fault, list[int | None]]] = []
        self.struck: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._active.append((fault, [fault.next]))

    def clear(self) -> None:
        """Lift every fault."""
        self._active.clear()

    def listing(self) -> list[dict[str, object]]:
        """The faults in force, with how many times each may still strike."""
        return [
            {**fault.model_dump(exclude_none=True, mode="json"), "left": left[0]}
            for fault, left in self._active
        ]

    def strike(self, kinds: frozenset[FaultKind], *, name: str, extid: str | None) -> Fault | None:
        """The fault that strikes this service or event now, if any."""
        if not self._active:
            return None
        for entry in self._active:
            fault, left = entry
            if fault.kind not in kinds or not self._concerns(fault, name, extid):
                continue
            if fault.probability < 1 and self._rng.random() >= fault.probability:
                continue
            if left[0] is not None:
                left[0] -= 1
                if left[0] == 0:
                    self._active.remove(entry)
            self.struck[fault.kind] += 1
            return fault
        return None

    @staticmethod
    def _concerns(fault: Fault, name: str, extid: str | None) -> bool:
        wanted = fault.event if fault.kind in EVENT_FAULTS else fault.service
        return (wanted is None or wanted == name) and (fault.extid is None or fault.extid == extid)
