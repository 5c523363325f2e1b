"""Short ways to say what a dial loop writes."""

from collections.abc import Sequence
from datetime import timedelta

from activities.ports import JournalEntry, Lease
from dialer.commands import CloseAttempt, ContactState, OpenAttemptRecord, RecordCommand
from dialer.events import Started
from dialer.model import AgentId, AttemptId, CampaignId, Dialable
from dialer.outcomes import Outcome
from dialer.switching import Capabilities, Way
from offhook.storage.dial_store import PostgresDialStore
from tests.support.builders import NOW, TRUNK, at

CAPABILITIES = Capabilities(way=Way.customer_first)
ATTEMPT = AttemptId("c1-1-1")
ALICE = AgentId("alice")


def entry(seq: int) -> JournalEntry:
    return JournalEntry(seq=seq, at=NOW, event=b'{"kind":"tick"}', commands=b"[]")


async def write(
    store: PostgresDialStore,
    lease: Lease,
    *records: RecordCommand,
    seq: int = 1,
    cursors: Sequence[tuple[str, int]] = (),
) -> None:
    await store.apply(lease, entries=[entry(seq)], records=records, cursors=cursors, now=NOW)


async def take(store: PostgresDialStore, campaign: CampaignId) -> Lease:
    return await store.take_lease(campaign, owner="worker", now=NOW)


async def claim(store: PostgresDialStore, lease: Lease, limit: int = 10) -> list[Dialable]:
    contacts, _, _ = await store.claim_contacts(lease, limit=limit, now=NOW)
    return list(contacts)


async def started(store: PostgresDialStore, lease: Lease) -> Started:
    return await store.load_started(lease, CAPABILITIES, NOW)


def opening(contact: Dialable, attempt: AttemptId = ATTEMPT) -> OpenAttemptRecord:
    return OpenAttemptRecord(
        attempt_id=attempt,
        contact_id=contact.contact_id,
        number=contact.numbers[0].number,
        trunk_id=TRUNK,
        caller_id="+390550000",
        at=NOW,
    )


def closing(
    contact: Dialable, outcome: Outcome, attempt: AttemptId = ATTEMPT, number: int = 0
) -> CloseAttempt:
    finished = outcome is Outcome.answered
    return CloseAttempt(
        attempt_id=attempt,
        contact_id=contact.contact_id,
        number=contact.numbers[number].number,
        outcome=outcome,
        at=at(30),
        reason="finished" if finished else "retry",
        contact_state=ContactState.finished if finished else ContactState.ready,
        due_at=None if finished else at(300),
        talk=timedelta(seconds=20) if finished else None,
        agent_id=ALICE if finished else None,
    )
