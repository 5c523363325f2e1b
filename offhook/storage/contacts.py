"""What is known of one contact: who it is, every attempt, every call that was not placed.

The data behind "why is it not dialing?"; the words of the answer are the asker's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession

from dialer.commands import ContactState
from dialer.model import AgentId, AttemptId, CampaignId, ContactId, Number
from dialer.outcomes import Outcome
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import ContactNotFound
from offhook.storage.list_tables import campaign_lists
from offhook.storage.tables import attempts, contacts, lists, numbers, refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt as it is stored."""

    attempt_id: AttemptId
    number: str
    state: str
    opened_at: datetime
    answered_at: datetime | None
    joined_at: datetime | None
    ended_at: datetime | None
    talk: timedelta | None
    outcome: Outcome | None
    reason: str
    cause: str
    disposition: str | None
    agent_id: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecord:
    """Calls that were not placed for one reason."""

    reason: str
    number: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactHistory:
    """A contact with everything that was, and was not, done."""

    contact_id: ContactId
    campaign_id: CampaignId
    external_id: str
    name: str
    state: ContactState
    finished_reason: str
    due_at: datetime
    priority: int
    owner: AgentId | None
    """The agent who is to have the contact."""
    held: str
    """What keeps him out of his list's queue; empty for nothing."""
    inactive_list: str
    """His list, where that is not dialed."""
    ahead: int
    """Contacts that are due now and will be claimed before this one; 0 unless this one is due."""
    numbers: tuple[Number, ...]
    attempts: tuple[AttemptRecord, ...]
    refusals: tuple[RefusalRecord, ...]


@dataclass(frozen=True)
class Contacts:
    """Finds contacts and tells their history."""

    database: Database

    async def find(self, campaign: CampaignId, key: str) -> list[ContactId]:
        """Contacts of the campaign by id, by the id their list gave them, or by a number."""
        # The index of these ids leaves out contacts without one, and must be seen to fit.
        own = (contacts.c.external_id == key) & (contacts.c.external_id != "")
        ways: list[ColumnElement[bool]] = [own]
        ways.append(contacts.c.id.in_(select(numbers.c.contact_id).where(numbers.c.number == key)))
        if key.isascii() and key.isdigit() and len(key) < 19:
            ways.append(contacts.c.id == int(key))
        of_campaign = select(contacts.c.id).where(contacts.c.campaign_id == campaign)
        async with store_session(self.database) as session:
            found = await session.scalars(union(*(of_campaign.where(way) for way in ways)))
            return [ContactId(str(contact)) for contact in sorted(found)]

    async def history(self, contact: ContactId, *, now: datetime) -> ContactHistory:
        """Everything about one contact; `ContactNotFound` when there is none."""
        if not contact.isdigit():
            raise ContactNotFound(contact)
        key = int(contact)
        async with store_session(self.database) as session:
            row = (
                await session.execute(select(contacts).where(contacts.c.id == key))
            ).one_or_none()
            if row is None:
                raise ContactNotFound(contact)
            due = row.state == ContactState.ready and row.due_at <= now
            return ContactHistory(
                contact_id=contact,
                campaign_id=CampaignId(row.campaign_id),
                external_id=row.external_id,
                name=row.name,
                state=ContactState(row.state),
                finished_reason=row.finished_reason,
                due_at=row.due_at,
                priority=row.priority,
                owner=None if row.owner is None else AgentId(row.owner),
                held=row.held,
                inactive_list=await _inactive_list(session, row.list_id),
                ahead=await _ahead(session, key, now) if due else 0,
                numbers=await _numbers(session, key),
                attempts=await _attempts(session, key),
                refusals=await _refusals(session, key),
            )


async def _inactive_list(session: AsyncSession, list_id: int) -> str:
    name = await session.scalar(
        select(lists.c.name)
        .join(campaign_lists, campaign_lists.c.list_id == lists.c.id)
        .where(lists.c.id == list_id, ~campaign_lists.c.active)
    )
    return name or ""


async def _ahead(session: AsyncSession, contact: int, now: datetime) -> int:
    """How many due contacts come before this one, in the order in which contacts are claimed."""
    this = contacts.alias("this")
    other = contacts.c
    mine = tuple_(this.c.rank, this.c.due_at, this.c.id)
    earlier = (other.priority == this.c.priority) & (
        tuple_(other.rank, other.due_at, other.id) < mine
    )
    count = await session.scalar(
        select(func.count())
        .select_from(contacts)
        .join(this, this.c.list_id == other.list_id)
        .where(
            this.c.id == contact,
            other.state == ContactState.ready,
            other.held == "",
            other.due_at <= now,
            or_(other.priority > this.c.priority, earlier),
        )
    )
    return count or 0


async def _numbers(session: AsyncSession, contact: int) -> tuple[Number, ...]:
    found = await session.execute(
        select(numbers).where(numbers.c.contact_id == contact).order_by(numbers.c.position)
    )
    return tuple(
        Number(
            number=row.number,
            zones=tuple(row.zones),
            label=row.label,
            attempts=row.attempts,
            last_outcome=None if row.last_outcome is None else Outcome(row.last_outcome),
        )
        for row in found
    )


async def _attempts(session: AsyncSession, contact: int) -> tuple[AttemptRecord, ...]:
    known = attempts.c
    found = await session.execute(
        select(attempts).where(known.contact_id == contact).order_by(known.opened_at, known.id)
    )
    return tuple(
        AttemptRecord(
            attempt_id=AttemptId(row.id),
            number=row.number,
            state=row.state,
            opened_at=row.opened_at,
            answered_at=row.answered_at,
            joined_at=row.joined_at,
            ended_at=row.ended_at,
            talk=row.talk,
            outcome=None if row.outcome is None else Outcome(row.outcome),
            reason=row.reason,
            cause=row.cause,
            disposition=row.disposition,
            agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        )
        for row in found
    )


async def _refusals(session: AsyncSession, contact: int) -> tuple[RefusalRecord, ...]:
    known = refusals.c
    found = await session.execute(
        select(refusals).where(known.contact_id == contact).order_by(known.last_at)
    )
    return tuple(
        RefusalRecord(
            reason=row.reason,
            number=row.number,
            count=row._mapping["count"],
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in found
    )
