"""Recomputes a campaign's decisions from its journal.

The engine is pure, so an engine given the same events wants the same commands. Whatever differs was
not decided by this version of the engine from these events: another version, which the journal
names, or a changed journal.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Protocol

from dialer.commands import COMMANDS, Command
from dialer.engine import Engine
from dialer.events import EVENT, Started


class Entry(Protocol):
    """One step of an engine as it was journalled: what came in and what it wanted done, as JSON."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def event(self) -> bytes: ...
    @property
    def commands(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A command that was journalled and isn't wanted now, or the other way round."""

    epoch: int
    seq: int
    at: datetime
    event: str
    """Kind of the event."""
    position: int
    """Place among the commands of the step."""
    journalled: Command | None
    recomputed: Command | None


class JournalWithoutStart(Exception):
    """A journal doesn't begin with the event that starts an engine."""

    code = "journal_without_start"

    def __init__(self, seq: int, kind: str) -> None:
        super().__init__(
            f"journal entry {seq} is {kind}, with no started before it; "
            "replay from the first entry of an epoch"
        )


class Replay:
    """Recomputes a journal entry by entry; holds one engine, however long the journal is."""

    def __init__(self, *, engine_factory: Callable[[], Engine] = Engine) -> None:
        self._engine_factory = engine_factory
        self._engine: Engine | None = None
        self._epoch = 0
        self.made_by = 0
        """Which decisions the journal's engine took (`dialer.version`); 0 before it started."""

    def step(self, entry: Entry) -> list[Difference]:
        """What the engine decides otherwise than the entry says; a new epoch has a new engine."""
        event = EVENT.validate_json(entry.event)
        if isinstance(event, Started):
            self._engine, self._epoch = self._engine_factory(), event.epoch
            self.made_by = event.decisions
        if self._engine is None:
            raise JournalWithoutStart(entry.seq, event.kind)
        journalled = COMMANDS.validate_json(entry.commands)
        recomputed = self._engine.handle(event, entry.at)
        return [
            Difference(
                epoch=self._epoch,
                seq=entry.seq,
                at=entry.at,
                event=event.kind,
                position=position,
                journalled=before,
                recomputed=after,
            )
            for position, (before, after) in enumerate(zip_longest(journalled, recomputed))
            if before != after
        ]


def replay(
    entries: Iterable[Entry], *, engine_factory: Callable[[], Engine] = Engine
) -> Iterator[Difference]:
    """Run a new engine over each epoch of a journal and yield what it decides otherwise."""
    run = Replay(engine_factory=engine_factory)
    for entry in entries:
        yield from run.step(entry)
