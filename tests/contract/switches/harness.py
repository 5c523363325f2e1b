"""What the contract suite needs of a PBX family; a family adds one harness and no test.

A harness brings a simulator that speaks the family's protocol over real sockets, the adapter under
test, and the way back for events. The suite sees dialer events and `SwitchError`s only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Protocol, TypeVar

from dialer.commands import HangUp, ParkAgent, PlaceCall
from dialer.events import EndedBy, SwitchEvent
from dialer.model import AgentId, AttemptId, CallRef, ContactId, SwitchId, TrunkId
from dialer.switching import RawEvent
from offhook.api.hooks import HookRoute, Hooks
from offhook.storage.inbox import RawItem
from offhook.switches.base import ConnectsAgents, SwitchAdapter
from tests.support.serving import serving

PATIENCE_S = 20.0
"""Far beyond what anything here takes: only a failing test waits so long."""

E = TypeVar("E", bound=SwitchEvent)


class Act(Enum):
    """A command or question, by the adapter's method."""

    place = "place"
    park = "park"
    join = "join"
    divert = "divert"
    play_message = "play_message"
    hang_up = "hang_up"
    snapshot = "snapshot"


class Break(StrEnum):
    """How the switch fails to answer a command."""

    server_error = "server_error"
    web_page = "web_page"
    half_reply = "half_reply"
    reset = "reset"
    silence_after_acting = "silence_after_acting"
    slow = "slow"
    refusal = "refusal"
    fails_later = "fails_later"


class Lie(StrEnum):
    """What happens to events on their way."""

    duplicate = "duplicate"
    reorder = "reorder"
    drop = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a number meets."""

    kind: str
    """answer, busy, no_answer, rejected, unavailable."""
    ring_s: float = 0.02
    patience_s: float = 600.0
    talk_s: float = 600.0


@dataclass(slots=True)
class Inbox:
    """Commits what the hook receives, drops duplicates and translates, as production does."""

    translate: Callable[[RawEvent], Any]
    events: list[SwitchEvent] = field(default_factory=list)
    raw: list[RawItem] = field(default_factory=list)
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def add(self, channel: str, item: RawItem) -> None:
        if (channel, item.key) in self._keys:
            return
        self._keys.add((channel, item.key))
        self.raw.append(item)
        raw = RawEvent(
            inbox_id=len(self.raw),
            channel=channel,
            payload=item.payload,
            received_at=item.received_at,
        )
        async with self._changed:
            self.events.extend(self.translate(raw))
            self._changed.notify_all()

    async def append_raw(self, channel: str, items: Sequence[RawItem]) -> int:
        """Take what an event stream brought."""
        before = len(self.raw)
        for item in items:
            await self.add(channel, item)
        return len(self.raw) - before

    async def wait(self, kind: type[E], correlator: str = "") -> E:
        """The first event of a kind about a correlator, now or soon."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while True:
                for event in self.events:
                    if isinstance(event, kind) and getattr(event, "correlator", "") == correlator:
                        return event
                await self._changed.wait()

    def about(self, correlator: str) -> list[SwitchEvent]:
        """Every event about a correlator, in the order of arrival."""
        return [e for e in self.events if getattr(e, "correlator", "") == correlator]


class SwitchHarness(Protocol):
    """A family under test."""

    family: str
    adapter: SwitchAdapter
    inbox: Inbox
    trunk: str
    agents: tuple[str, ...]
    """Addresses; their telephones answer a park by themselves."""
    connector: ConnectsAgents
    fails_later: bool
    """It takes a command and tells afterwards that it failed; else it says so at once."""

    def person(self, number: str, person: Person) -> None:
        """Decide what a number meets from now on."""
        ...

    def extension(self, agent: str) -> str:
        """The extension of the agent at an address."""
        ...

    def no_phone(self, agent: str) -> None:
        """Let an agent's telephone never answer."""
        ...

    def break_next(self, act: Act, how: Break) -> None:
        """Let the next such command fail."""
        ...

    def lie(self, what: Lie, *, about: str, only: type[SwitchEvent] | None = None) -> None:
        """Mistreat the events about a correlator (one kind of them, or all)."""
        ...

    def hang_up(self, correlator: str, by: EndedBy) -> None:
        """Let somebody in the call hang up."""
        ...

    def times_rung(self, number: str) -> int:
        """How often the switch really dialed a number."""
        ...

    def times_asked(self, act: Act) -> int:
        """How often the switch got such a request."""
        ...

    def in_progress(self) -> int:
        """How many calls to customers the switch really has."""
        ...

    async def go_away(self) -> None:
        """Stop listening."""
        ...


SECRET = "contract-suite-secret"


@asynccontextmanager
async def event_path(adapter: SwitchAdapter, family: str) -> AsyncIterator[tuple[Inbox, str]]:
    """The hook on a socket, its inbox, and the URL for the switch."""
    inbox = Inbox(translate=adapter.translate)
    hooks = Hooks(inbox)
    hooks.serve(
        [HookRoute(switch_id=SwitchId("s"), family=family, secret=SECRET, file=adapter.file)]
    )
    async with serving(hooks) as base:
        yield inbox, f"{base}/hooks/{family}/{SECRET}"


def place_command(harness: SwitchHarness, attempt: str, number: str) -> PlaceCall:
    """Dial `number` as `attempt`."""
    return PlaceCall(
        attempt_id=AttemptId(attempt),
        contact_id=ContactId("c"),
        number=number,
        trunk_id=TrunkId("t"),
        trunk_address=harness.trunk,
        caller_id="+390733000000",
        ring_timeout=timedelta(seconds=25),
    )


def park_command(agent: str, correlator: str) -> ParkAgent:
    """Park `agent`."""
    return ParkAgent(agent_id=AgentId(agent), correlator=correlator, address=agent, number="")


def hang_up_command(correlator: str, call: CallRef | None) -> HangUp:
    """End a call."""
    return HangUp(correlator=correlator, call=call, reason="test")


def now() -> datetime:
    """The instant, aware."""
    return datetime.now(UTC)
