"""The contract between offhook and a PBX family.

Every family is a package with the same files: `wire.py` (typed messages), `client.py` (commands
over the network), `events.py` (vendor event -> dialer event), `switch.py` (the adapter below). The
dial loop uses the part of it that `activities.ports.Switch` names; the links and the commands use
the rest.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from activities.ivr import Secrets, TreeRoute
from activities.ivr_contracts import SessionReply, StartSession, StepSession
from activities.ports import Switch
from dialer.appointments import Period
from dialer.callback_mirror import Seen
from dialer.callbacks import TicketStatus
from dialer.model import SwitchId
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
    waited_for: bool = True
    """Whether somebody may be waiting for what follows from it. What nobody waits for may gather
    for a moment, so that it shares a commit with what comes next.
    """


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


Due = tuple[date, Period]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCall:
    """A call to be made for an agent who waits at his telephone."""

    correlator: str
    """Names the call on the switch; at most one is made under a name while it lasts."""
    address: str
    """How the switch calls the agent."""
    extension: str
    number: str
    """E.164."""
    caller_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A callback list that the PBX keeps itself. Agents in it are named by address."""

    list_id: str
    name: str
    queue: str
    periods: tuple[Period, ...]
    requests: tuple[Seen, ...]


class KeepsCallbacks(Protocol):
    """A PBX that keeps callback lists of its own. Agents are named by address."""

    async def lists(self, *, anew: bool = True) -> Sequence[KeptList]:
        """What is on its lists now; not read anew where what it told since makes that known."""
        ...

    async def changed(self, *, within: timedelta) -> bool:
        """Wait for something to change, at most so long; whether it has, as far as was heard."""
        ...

    async def take(self, request: str, *, agent: str) -> None:
        """Take a request for an agent."""
        ...

    async def release(self, request: str, *, agent: str) -> None:
        """Give it back for him."""
        ...

    async def start(self, request: str, *, agent: str, number: str) -> None:
        """Have him call it at a number (E.164); never repeated."""
        ...

    async def ticket(
        self, request: str, status: TicketStatus, *, agent: str, comment: str, due: Due | None
    ) -> None:
        """Say what came of it; `due` is when to try again."""
        ...


class ConnectsAgents(Protocol):
    """A PBX that rings an agent and, once he has answered, calls a number for him."""

    async def connect(self, call: AgentCall) -> Accepted:
        """Begin; returns when the switch has taken it, not when anybody answers."""
        ...

    async def in_progress(self, correlator: str) -> bool:
        """Whether the switch has a call under that name."""
        ...


class Sessions(Protocol):
    """Callers' sessions by their call; every failure of the first two is an `OffhookError`
    (`offhook.temporal.ivr.IvrDesk`).
    """

    async def begin(self, start: StartSession, step: StepSession) -> SessionReply:
        """The first word about a call; one whose session runs is answered like any other."""
        ...

    async def step(self, switch: SwitchId, call: str, step: StepSession) -> SessionReply:
        """A further word."""
        ...

    async def caller_gone(self, switch: SwitchId, call: str) -> bool:
        """Tell that the call is over."""
        ...


class InboundRoutes(Protocol):
    """Which published tree answers a call."""

    async def route(self, start: StartSession) -> TreeRoute | None:
        """The tree; None when nobody wants the call; `StoreUnavailable` as stores do."""
        ...


class Voice(Protocol):
    """Speaks text into files (`offhook.speech.Prompts`)."""

    def say(self, text: str, *, language: str) -> Path:
        """The file of a spoken text; an `OffhookError` when it can't be spoken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerDesk:
    """What callers are served with."""

    sessions: Sessions
    secrets: Secrets
    routes: InboundRoutes
    voice: Voice
    audio: Path
    """The folder of the trees' recordings."""
    home: Path
    """The folder that recordings and spoken prompts are below."""


class AnswersCallers(Protocol):
    """A PBX whose incoming calls are answered here, as a menu wants it."""

    def serve(self, desk: CallerDesk) -> None:
        """Answer callers from now on, for as long as the event stream is read."""
        ...

    async def aclose(self) -> None:
        """Stop; callers stay on the line, for whoever serves next."""
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
