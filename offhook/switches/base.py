"""The contract between offhook and a PBX family.

Every family is a package with the same files: `wire.py` (typed messages), `client.py` (commands
over the network), `events.py` (vendor event -> dialer event), `switch.py` (the adapter below). The
dial loop uses the part of it that `activities.ports.Switch` names; the links and the commands use
the rest.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """An event that a stream received, named for the inbox."""

    payload: dict[str, str]
    named: Correlated


class EventStream(Protocol):
    """Events that we fetch from a PBX ourselves, where it doesn't deliver them to a hook."""

    def connect(self) -> AbstractAsyncContextManager[AsyncIterator[Arrived]]:
        """One connection and what comes of it; the iterator raises `SwitchError` when it breaks."""
        ...


class RecordsCalls(Protocol):
    """A PBX that records calls when told to; what it records stays on the PBX."""

    async def record(self, correlator: str, *, on: bool) -> Accepted:
        """Start or stop recording the call with this correlator, or this id of the PBX's."""
        ...

    async def recording(self, correlator: str) -> bool | None:
        """Whether that call is being recorded; None when there is no such call."""
        ...


class Supervision(StrEnum):
    """What a third person does on a talk."""

    listen = "listen"
    """Hear both, unheard."""
    whisper = "whisper"
    """And speak to the agent, unheard by the customer."""
    barge = "barge"
    """Talk with both."""


class Supervises(Protocol):
    """A PBX that lets a supervisor's telephone take part in a talk."""

    async def supervise(self, correlator: str, *, address: str, how: Supervision) -> Accepted:
        """Ring the telephone and put it to the talk of an attempt, instead of one that is there."""
        ...

    async def end(self, correlator: str) -> bool:
        """Have the supervisor leave; False when there was none."""
        ...


class StoresRecordings(Protocol):
    """A PBX whose recordings can be fetched. Names are those of `RecordCall`."""

    async def stored(self) -> Sequence[str]:
        """The finished recordings of this installation."""
        ...

    async def download(self, name: str, target: Path) -> int:
        """Write the file to `target`, whole or not at all; returns its bytes."""
        ...

    async def delete(self, name: str) -> bool:
        """Delete the file; False when there is none."""
        ...


class PlaysMedia(Protocol):
    """A PBX that plays prompts to a caller and tells which keys he presses, call by call."""

    async def play(self, correlator: str, prompts: Sequence[str], *, playback: str) -> Accepted:
        """Play prompts one after the other; `playback` names them for `stop`."""
        ...

    async def stop(self, correlator: str, *, playback: str) -> Accepted:
        """Stop playing, as when a key is pressed."""
        ...

    async def hang_up(self, correlator: str) -> Accepted:
        """End the call."""
        ...

    async def move_to_agent(self, correlator: str, *, park: str) -> Accepted:
        """Put the caller to the agent who waits in the park of this name."""
        ...

    def digit(self, payload: str) -> tuple[str, str] | None:
        """The correlator and key that an event tells of."""
        ...


class SwitchAdapter(Switch, Protocol):
    """A PBX family's whole adapter."""

    def file(self, payload: dict[str, str]) -> Correlated:
        """Name an incoming event for the inbox; never fails on odd input."""
        ...

    async def check(self) -> Sequence[CheckResult]:
        """Look at everything that must work, each with advice; never raises."""
        ...
