"""Contacts for phonebooks, and how far each synchronisation is, on PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from activities.pbx_contracts import JobPhase, PhonebookSyncInput, SyncCounts
from activities.phonebook import BookEntry, BookReport
from dialer.rejections import CampaignUnknown
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.link_tables import phonebook_notes, phonebook_syncs
from offhook.storage.tables import campaigns, contacts, lists, numbers

NOTES_SHOWN = 100
MAX_INFO = 200
_COUNTS = tuple(SyncCounts.model_fields)


class ListNotFound(NotFound):
    """There is no such list of contacts."""

    code = "list_not_found"
    noun = "list of contacts"


class SyncNotFound(NotFound):
    """There is no such synchronisation."""

    code = "phonebook_sync_not_found"
    noun = "phonebook synchronisation"


class SyncSuperseded(Exception):
    """Another run of the same synchronisation has begun, and what this one did is not noted."""

    code = "sync_superseded"

    def __init__(self, sync_id: str) -> None:
        super().__init__(f"a newer run of the synchronisation {sync_id} goes on instead")


class Note(BaseModel):
    """What the PBX said of one contact."""

    model_config = ConfigDict(frozen=True)

    contact_id: str
    act: str
    info: str


class SyncView(BaseModel):
    """How a synchronisation went, or goes."""

    model_config = ConfigDict(frozen=True)

    sync_id: str
    switch: str
    campaign_id: str
    list_id: int | None
    state: JobPhase
    counts: SyncCounts
    error: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    notes: tuple[Note, ...]
    """The first ones."""


@dataclass(frozen=True)
class PostgresPhonebookRecords:
    """Implements `activities.phonebook.PhonebookRecords`."""

    database: Database

    async def begin(
        self, request: PhonebookSyncInput, *, run_key: str, now: datetime
    ) -> tuple[int, SyncCounts]:
        """Last contact that was sent, and the counts; a new `run_key` starts from nothing."""
        async with store_session(self.database) as session:
            row = await _locked(session, request.sync_id)
            if row is not None and row.run_key == run_key:
                return row.last_contact, _counts(row)
            known = await session.scalar(
                select(campaigns.c.id).where(campaigns.c.id == request.campaign_id)
            )
            if known is None:
                raise CampaignUnknown(request.campaign_id)
            total = await session.scalar(
                select(func.count()).select_from(contacts).where(_wanted(request))
            )
            values = {
                "run_key": run_key,
                "switch_id": request.switch,
                "campaign_id": request.campaign_id,
                "list_id": request.list_id,
                "app_name": request.app_name,
                "state": JobPhase.running,
                "last_contact": 0,
                "error": "",
                "started_at": now,
                "ended_at": None,
            } | SyncCounts(total=total or 0).model_dump()
            await session.execute(
                postgresql.insert(phonebook_syncs)
                .values(id=request.sync_id, **values)
                .on_conflict_do_update(index_elements=["id"], set_=values)
            )
            await session.execute(
                delete(phonebook_notes).where(phonebook_notes.c.sync_id == request.sync_id)
            )
        return 0, SyncCounts(total=total or 0)

    async def page(
        self, request: PhonebookSyncInput, *, after: int, limit: int
    ) -> Sequence[BookEntry]:
        """The next contacts by id."""
        async with store_session(self.database) as session:
            rows = (
                await session.execute(
                    select(contacts.c.id, contacts.c.name, contacts.c.attributes)
                    .where(_wanted(request), contacts.c.id > after)
                    .order_by(contacts.c.id)
                    .limit(limit)
                )
            ).all()
            known = await session.execute(
                select(numbers.c.contact_id, numbers.c.label, numbers.c.number)
                .where(numbers.c.contact_id.in_([row.id for row in rows]))
                .order_by(numbers.c.contact_id, numbers.c.position)
            )
            of: dict[int, list[tuple[str, str]]] = {}
            for contact_id, label, number in known:
                of.setdefault(contact_id, []).append((label, number))
        return [
            BookEntry(
                contact_id=row.id,
                name=row.name,
                numbers=tuple(of.get(row.id, ())),
                info=_info(row.attributes, request.info),
            )
            for row in rows
        ]

    async def record(
        self,
        request: PhonebookSyncInput,
        *,
        run_key: str,
        last: int,
        sent: int,
        report: BookReport,
    ) -> SyncCounts:
        """Note what came of the page that ends with contact `last`, once."""
        async with store_session(self.database) as session:
            row = await _locked(session, request.sync_id)
            if row is None or row.run_key != run_key:
                raise SyncSuperseded(request.sync_id)
            counts = _counts(row)
            if row.last_contact >= last:
                return counts
            counts = SyncCounts(
                total=counts.total,
                sent=counts.sent + sent,
                processed=counts.processed + report.processed,
                skipped=counts.skipped + report.skipped,
                warnings=counts.warnings + report.warnings,
                errors=counts.errors + report.errors,
                chunks=counts.chunks + 1,
            )
            await session.execute(
                update(phonebook_syncs)
                .where(phonebook_syncs.c.id == request.sync_id)
                .values(last_contact=last, **counts.model_dump())
            )
            if report.notes:
                await session.execute(
                    insert(phonebook_notes),
                    [
                        {
                            "sync_id": request.sync_id,
                            "contact_id": note.external_id[:MAX_INFO],
                            "act": note.act[:MAX_INFO],
                            "info": note.info[:MAX_INFO],
                        }
                        for note in report.notes
                    ],
                )
        return counts

    async def finish(self, sync_id: str, *, run_key: str, error: str, now: datetime) -> None:
        """Note that a synchronisation is complete, or with `error` that it can't be."""
        state = JobPhase.failed if error else JobPhase.completed
        async with store_session(self.database) as session:
            await session.execute(
                update(phonebook_syncs)
                .where(phonebook_syncs.c.id == sync_id, phonebook_syncs.c.run_key == run_key)
                .values(state=state, error=error, ended_at=now)
            )

    async def find_list(self, key: str, *, campaign: str | None = None) -> tuple[int, str]:
        """(id, campaign) of the list with this id or name."""
        named = lists.c.name == key
        wanted = named if not key.isdigit() else named | (lists.c.id == int(key))
        if campaign is not None:
            wanted = and_(wanted, lists.c.campaign_id == campaign)
        async with store_session(self.database) as session:
            found = (
                await session.execute(select(lists.c.id, lists.c.campaign_id).where(wanted))
            ).all()
        if len(found) != 1:
            where = f"{key} in campaign {campaign}" if campaign else f"{key}"
            raise ListNotFound(where if not found else f"{key} alone: {len(found)} have that name")
        return found[0].id, found[0].campaign_id

    async def view(self, sync_id: str) -> SyncView:
        """How the newest run of a synchronisation went, or goes."""
        async with store_session(self.database) as session:
            row = (
                await session.execute(
                    select(phonebook_syncs).where(phonebook_syncs.c.id == sync_id)
                )
            ).one_or_none()
            if row is None:
                raise SyncNotFound(sync_id)
            notes = await session.execute(
                select(phonebook_notes)
                .where(phonebook_notes.c.sync_id == sync_id)
                .order_by(phonebook_notes.c.id)
                .limit(NOTES_SHOWN)
            )
            told = tuple(
                Note(contact_id=note.contact_id, act=note.act, info=note.info) for note in notes
            )
        return SyncView(
            sync_id=row.id,
            switch=row.switch_id,
            campaign_id=row.campaign_id,
            list_id=row.list_id,
            state=JobPhase(row.state),
            counts=_counts(row),
            error=row.error,
            started_at=row.started_at,
            ended_at=row.ended_at,
            notes=told,
        )


async def _locked(session: AsyncSession, sync_id: str) -> Row[Any] | None:
    found = await session.execute(
        select(phonebook_syncs).where(phonebook_syncs.c.id == sync_id).with_for_update()
    )
    return found.one_or_none()


def _counts(row: Row[Any]) -> SyncCounts:
    return SyncCounts(**{name: getattr(row, name) for name in _COUNTS})


def _wanted(request: PhonebookSyncInput) -> ColumnElement[bool]:
    of_campaign = contacts.c.campaign_id == request.campaign_id
    if request.list_id is None:
        return of_campaign
    return and_(of_campaign, contacts.c.list_id == request.list_id)


def _info(attributes: Mapping[str, object], wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(attributes[name])) for name in wanted if attributes.get(name))
