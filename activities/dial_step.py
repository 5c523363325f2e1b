"""One step of the dial loop: what the engine wants written and sent, by when it may be."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from activities.ports import JournalEntry
from dialer.commands import (
    Command,
    Divert,
    Drained,
    HangUp,
    Join,
    LoadContacts,
    NotePacing,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    RecordCall,
    RecordCommand,
    SwitchCommand,
    TakeSnapshot,
)
from dialer.events import Event
from dialer.media import RecordingAction
from dialer.model import SwitchId


class DialObserver(Protocol):
    """Told what the loop does, for metrics and logs; must return at once."""

    def step(self, *, events: int, commands: int, took: timedelta) -> None: ...
    def sent(self, command: SwitchCommand, *, lag: timedelta) -> None:
        """A command left; `lag` is the time since the event that caused it was received."""
        ...

    def failed(self, action: str, error: Exception) -> None: ...
    def paced(self, note: NotePacing) -> None:
        """The pacer placed calls, or gave another kind of reason than before."""
        ...

    def untranslatable(self, channel: str, error: Exception) -> None: ...
    def watched(self, switch: SwitchId, since: datetime | None) -> None:
        """Nobody has watched the events of a switch since then; None: somebody does again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Something that came to the loop."""

    event: Event | None
    """None for an inbox row that concerns another campaign: only the cursor moves."""
    received_at: datetime
    inbox: tuple[str, int] | None = None
    handled: asyncio.Event | None = None
    """Set once the engine has seen the event."""


@dataclass(slots=True)
class Step:
    """What one or more turns of the loop want written and sent."""

    began: datetime
    """When its first entry was made."""
    entries: list[JournalEntry] = field(default_factory=list)
    records: list[RecordCommand] = field(default_factory=list)
    urgent: list[tuple[SwitchCommand, datetime]] = field(default_factory=list)
    """What a person on the line waits for: needs no row of its own."""
    after_commit: list[tuple[SwitchCommand, datetime]] = field(default_factory=list)
    questions: list[LoadContacts | TakeSnapshot] = field(default_factory=list)
    drained: str | None = None

    @property
    def is_waited_for(self) -> bool:
        """Whether something is only done once this is committed."""
        return bool(self.after_commit or self.questions or self.drained)

    def add(self, command: Command, *, since: datetime) -> None:
        """Take up a command that an event of `since` has caused."""
        match command:
            # To hang up a call that the switch hasn't told of must not overtake the call itself.
            # A file is begun only once its row is there to find it by.
            case (
                PlaceCall()
                | ParkAgent()
                | HangUp(call=None)
                | RecordCall(action=RecordingAction.start)
            ):
                self.after_commit.append((command, since))
            case Join() | Divert() | PlayMessage() | HangUp() | RecordCall():
                self.urgent.append((command, since))
            case LoadContacts() | TakeSnapshot():
                self.questions.append(command)
            case Drained(reason=reason):
                self.drained = reason
            case _:
                self.records.append(command)
