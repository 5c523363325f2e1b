"""The contract between offhook and a PBX family.

Every family is a package with the same files: `wire.py` (typed messages), `client.py` (commands
over the network), `events.py` (vendor event -> dialer event), `switch.py` (the adapter below). The
dial loop uses the part of it that `activities.ports.Switch` names; the links and the commands use
the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from activities.ports import Switch
from dialer.switching import Accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One thing that `offhook switch check` looked at."""

    name: str
    """reachability, authentication, clock, events, rights, entities..."""
    ok: bool
    detail: str
    advice: str = ""
    """What to do when it isn't ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """What the hook needs to file a vendor event without understanding it."""

    correlator: str
    dedup_key: str
    """Equal for two deliveries of the same event."""


class RecordsCalls(Protocol):
    """A PBX that records calls when told to; what it records stays on the PBX."""

    async def record(self, correlator: str, *, on: bool) -> Accepted:
        """Start or stop recording the call with this correlator, or this id of the PBX's."""
        ...

    async def recording(self, correlator: str) -> bool | None:
        """Whether that call is being recorded; None when there is no such call."""
        ...


class SwitchAdapter(Switch, Protocol):
    """A PBX family's whole adapter."""

    def file(self, payload: dict[str, str]) -> Correlated:
        """Name an incoming event for the inbox; never fails on odd input."""
        ...

    async def check(self) -> Sequence[CheckResult]:
        """Look at everything that must work, each with advice; never raises."""
        ...
