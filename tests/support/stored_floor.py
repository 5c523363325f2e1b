"""A floor whose record is the real one: contacts, law, attempts and take-overs from PostgreSQL."""

import heapq
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar, get_args

from activities.ports import JournalEntry, Lease, campaign_channel
from dialer.commands import CloseAttempt, Command, RecordCommand
from dialer.engine import Engine
from dialer.events import (
    EVENT,
    CallForbidden,
    CommandAccepted,
    CommandFailed,
    ContactsLoaded,
    Event,
    SnapshotTaken,
)
from dialer.model import CampaignId
from dialer.switching import Capabilities
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool
from tests.support.dialing import seconds
from tests.support.floor import Floor, Step

T = TypeVar("T")
Await = Callable[[Coroutine[Any, Any, T]], T]
_RECORDS = get_args(RecordCommand)
_ORDERED = "SELECT id, event FROM inbox WHERE channel = $1 AND id > $2 ORDER BY id"


class StoredFloor(Floor):
    """An engine on a fake switch in virtual time, and the store that production has."""

    def __init__(
        self,
        store: PostgresDialStore,
        campaign: CampaignId,
        capabilities: Capabilities,
        *,
        wait_for: Await[Any],
        now: datetime,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.store, self.campaign, self.wait_for = store, campaign, wait_for
        self.able = capabilities
        self.now = now
        self.refused: list[str] = []
        """Rules by which the record did not agree to calls."""
        self._heard = 0
        self._begin()

    def _begin(self) -> None:
        self.lease: Lease = self.wait_for(
            self.store.take_lease(self.campaign, owner="floor", now=self.now)
        )
        self.first = self.wait_for(self.store.load_started(self.lease, self.able, self.now))
        self._entries = 0
        self.engine = Engine()

    def give(self, event: Event) -> list[Command]:
        """Hand an event to the engine, write what it wants written, and carry out the rest."""
        commands, forbidden = self._written(event)
        for command in commands:
            self._carry_out(command)
        for one in forbidden:
            self.give(one)
        return commands

    def _written(self, event: Event) -> tuple[list[Command], Sequence[CallForbidden]]:
        """The commands that the record agreed to, and the calls that it didn't."""
        wanted = self.engine.handle(event, self.now)
        commands, forbidden = self._recorded(wanted)
        self.steps.append(Step(self.now, event, commands))
        if self.watch is not None:
            self.watch(self.steps[-1])
        return commands, forbidden

    def _recorded(self, wanted: list[Command]) -> tuple[list[Command], Sequence[CallForbidden]]:
        records = [one for one in wanted if isinstance(one, _RECORDS)]
        if not records:
            return wanted, ()
        self._entries += 1
        entry = JournalEntry(seq=self._entries, at=self.now, event=b"{}", commands=b"[]")
        told = self.wait_for(
            self.store.apply(self.lease, entries=[entry], records=records, cursors=(), now=self.now)
        )
        self.refused += [one.reason for one in told]
        forbidden = {one.attempt_id for one in told}
        agreed = [one for one in wanted if getattr(one, "attempt_id", "") not in forbidden]
        return agreed, told

    def deliver(self, pool: Pool) -> None:
        """Hand over what was ordered through the inbox since the last time."""
        rows = self.wait_for(pool.fetch(_ORDERED, campaign_channel(self.campaign), self._heard))
        for row in rows:
            self._heard = row["id"]
            self.give(EVENT.validate_json(row["event"]))

    def crash(self, event: Event, *, committed: bool) -> None:
        """The engine decides upon an event and its process dies, before or after the commit."""
        if committed:
            self._written(event)
        else:
            self.engine.handle(event, self.now)

    def take_over(self, *, after: float = 0.0) -> "StoredFloor":
        """Another process takes the campaign over, and reads what it must know."""
        meantime: list[Event] = []
        end = self.now + seconds(after)
        gone = CommandAccepted | CommandFailed | SnapshotTaken
        while self._queue and self._queue[0][0] <= end:
            when, _, item = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            if callable(item):
                item(self.now)
            elif not isinstance(item, gone):
                meantime.append(item)
        self.now = end
        self._begin()
        self.start()
        for event in meantime:
            self.give(event)
        return self

    def _load(self, limit: int, engine: Engine) -> None:
        if engine is not self.engine:
            return
        contacts, exhausted, next_due_at = self.wait_for(
            self.store.claim_contacts(self.lease, limit=limit, now=self.now)
        )
        self.give(ContactsLoaded(contacts=contacts, exhausted=exhausted, next_due_at=next_due_at))

    def _closed(self, command: CloseAttempt) -> None:
        """The record knows what becomes of the contact."""
