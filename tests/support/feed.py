"""A journal that somebody writes, for those who read facts of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from activities.ports import JournalEntry, Lease
from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import (
    COMMANDS,
    CloseAttempt,
    Command,
    ContactState,
    NoteOddity,
    OpenAttemptRecord,
    SaveAgent,
    SaveAttempt,
    SaveDisposition,
)
from dialer.events import EVENT, CallAnswered, CallJoined, Event, Tick
from dialer.model import AgentId, AttemptId, CallRef, CampaignId, ContactId
from dialer.outcomes import Outcome
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool
from tests.support.builders import NOW, TRUNK, at

NUMBER = "+390551234567"
ANNA = AgentId("anna")


@dataclass
class Scribe:
    """Writes the journal of one campaign as its dial loop would; only the journal."""

    pool: Pool
    campaign: CampaignId
    lease: Lease | None = None
    seq: int = 0
    clock: datetime = field(default=NOW)

    async def take(self) -> None:
        """Take the lease, from whoever has it."""
        self.lease = await self._store.take_lease(self.campaign, owner="w", now=self.clock)
        self.seq = 0

    async def release(self) -> None:
        """Give the lease back."""
        assert self.lease is not None
        await self._store.release_lease(self.lease, now=self.clock)

    async def write(self, event: Event, *commands: Command) -> None:
        """One step."""
        await self.steps([(event, commands)])

    async def steps(self, steps: Sequence[tuple[Event, Sequence[Command]]]) -> None:
        """Several steps, in one transaction."""
        if self.lease is None:
            await self.take()
        assert self.lease is not None
        entries = [
            JournalEntry(
                seq=self.seq + number,
                at=self.clock,
                event=EVENT.dump_json(event),
                commands=COMMANDS.dump_json(list(commands)),
            )
            for number, (event, commands) in enumerate(steps, 1)
        ]
        self.seq += len(entries)
        await self._store.apply(self.lease, entries=entries, records=[], cursors=[], now=self.clock)

    async def odd(self, *codes: str) -> None:
        """Steps that tell one fact each, of these codes."""
        await self.steps([(Tick(), [NoteOddity(code=code)]) for code in codes])

    async def ended(self, attempt: str) -> None:
        """A step that tells that a call has ended."""
        await self.write(
            Tick(),
            CloseAttempt(
                attempt_id=AttemptId(attempt), contact_id=ContactId("7"), number=NUMBER,
                outcome=Outcome.no_answer, at=self.clock, reason="ring timeout",
                contact_state=ContactState.finished,
            ),
        )  # fmt: skip

    async def call(self, attempt: str = "a1", contact: str = "7") -> None:
        """A call from beginning to end."""
        attempt_id, contact_id = AttemptId(attempt), ContactId(contact)
        call = CallRef(call_id="x", leg="l")
        await self.write(
            Tick(),
            OpenAttemptRecord(
                attempt_id=attempt_id, contact_id=contact_id, number=NUMBER, trunk_id=TRUNK,
                caller_id="+39021", at=NOW,
            ),
        )  # fmt: skip
        saved = SaveAttempt(
            attempt_id=attempt_id, state=CallState.answered, at=NOW, answered_at=at(1)
        )
        await self.write(CallAnswered(correlator=attempt, call=call, at=NOW), saved)
        talking = SaveAttempt(
            attempt_id=attempt_id, state=CallState.talking, at=NOW, answered_at=at(1),
            joined_at=at(2), agent_id=ANNA,
        )  # fmt: skip
        agent = SaveAgent(agent_id=ANNA, state=AgentState.talking, at=NOW, correlator=attempt)
        await self.write(CallJoined(correlator=attempt, call=call, at=NOW), talking, agent)
        await self.write(
            Tick(),
            CloseAttempt(
                attempt_id=attempt_id, contact_id=contact_id, number=NUMBER,
                outcome=Outcome.answered, at=NOW, reason="finished",
                contact_state=ContactState.finished, agent_id=ANNA,
            ),
            SaveDisposition(attempt_id=attempt_id, agent_id=ANNA, code="sold", at=NOW),
        )  # fmt: skip

    @property
    def _store(self) -> PostgresDialStore:
        return PostgresDialStore(self.pool)
