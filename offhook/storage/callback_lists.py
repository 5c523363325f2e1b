"""Callback lists as people see them: lists and periods, what is on them, tickets, how it went."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import and_, delete, func, insert, select, tuple_, update

from dialer.appointments import Period
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import (
    CallbackId,
    CallbackListId,
    CallbackPhase,
    CallbackRules,
    Promise,
    TicketStatus,
)
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage.callback_counts import counts, open_counts
from offhook.storage.callback_store import CallbackListNotFound
from offhook.storage.callback_tables import (
    CallbackSource,
    callback_lists,
    callback_periods,
    callback_tickets,
    callbacks,
)
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

PAGE = 200


class CallbackListExists(OffhookError):
    """Another list has that name."""

    code = "callback_list_exists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a callback list {name} already",
            hint="choose another name, or change the list that there is",
        )


class NoSuchPeriod(OffhookError):
    """The list has no such preferred period, or no default one."""

    code = "callback_period_unknown"

    def __init__(self, wanted: str, known: Sequence[Period]) -> None:
        names = ", ".join(period.name for period in known) or "none"
        super().__init__(
            f"the list has no preferred period {wanted}" if wanted else "no period is the default",
            hint=f"its periods are: {names}",
        )


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class CallbackListView(_View):
    """A list, and how much is on it."""

    list_id: CallbackListId
    name: str
    queue: str
    campaign_id: str | None
    switch_id: str | None
    external_id: str
    rules: CallbackRules
    periods: tuple[Period, ...]
    waiting: int = 0
    due: int = 0
    held: int = 0
    late: int = 0
    """Open, and the promised period has passed."""

    def period(self, wanted: str = "") -> Period:
        """The period of that id or name, or the default one."""
        for period in self.periods:
            if wanted in (period.period_id, period.name) or (not wanted and period.default):
                return period
        raise NoSuchPeriod(wanted, self.periods)


class CallbackRow(_View):
    """One callback of a list."""

    callback_id: CallbackId
    promise: Promise
    source: CallbackSource
    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    opens_at: AwareDatetime
    closes_at: AwareDatetime


class TicketRow(_View):
    """One call of a callback, for export."""

    ticket_id: str
    callback_id: str
    list_name: str
    agent_id: str | None
    number: str
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    status: TicketStatus | None
    comment: str


class CallbackStats(_View):
    """How promises of a list were kept in a time."""

    booked: int
    kept: int
    """Ended by a ticket."""
    kept_in_time: int
    """First called before the end of the period first promised."""
    expired: int
    cancelled: int
    open: int
    late: int
    average_age: timedelta | None
    """Of those that are open, since they were booked."""
    average_delay: timedelta | None
    """From the moment they were due to their end, of those that were kept."""
    tickets: dict[str, int]
    """By status; `given_up` are those whose lease ran out."""


@dataclass(frozen=True)
class CallbackLists:
    """Reads and changes lists; callbacks themselves are moved by their workflows only."""

    database: Database

    async def create(self, view: CallbackListView, *, now: datetime) -> None:
        """Add a list with its periods."""
        async with store_session(self.database) as session:
            taken = await session.scalar(
                select(callback_lists.c.id).where(
                    (callback_lists.c.name == view.name) | (callback_lists.c.id == view.list_id)
                )
            )
            if taken is not None:
                raise CallbackListExists(view.name)
            await session.execute(
                insert(callback_lists).values(
                    id=view.list_id,
                    name=view.name,
                    queue=view.queue,
                    campaign_id=view.campaign_id,
                    switch_id=view.switch_id,
                    external_id=view.external_id,
                    rules=view.rules.model_dump(mode="json"),
                    created_at=now,
                )
            )
            if view.periods:
                await session.execute(
                    insert(callback_periods), [_period_row(view.list_id, p) for p in view.periods]
                )
        note_change(f"callback-list/{view.list_id}", None, view)

    async def set_periods(self, list_id: CallbackListId, periods: Sequence[Period]) -> None:
        """Replace the periods of a list; promises keep the period that they were made with."""
        async with store_session(self.database) as session:
            await session.execute(
                delete(callback_periods).where(callback_periods.c.list_id == list_id)
            )
            if periods:
                await session.execute(
                    insert(callback_periods), [_period_row(list_id, p) for p in periods]
                )

    async def set_rules(self, list_id: CallbackListId, rules: CallbackRules) -> None:
        """For promises booked from now on."""
        async with store_session(self.database) as session:
            await session.execute(
                update(callback_lists)
                .where(callback_lists.c.id == list_id)
                .values(rules=rules.model_dump(mode="json"))
            )

    async def awake(self, list_id: CallbackListId, *, before: datetime) -> list[CallbackId]:
        """Open callbacks of a list that may have a workflow: near a moment, or in somebody's hands.

        What is due later is kept by its row alone.
        """
        c = callbacks.c
        wanted = select(c.id).where(
            c.list_id == list_id,
            c.ended_at.is_(None),
            (c.opens_at < before) | c.holder.is_not(None),
        )
        async with store_session(self.database) as session:
            return [CallbackId(found) for found in await session.scalars(wanted)]

    async def delete(self, list_id: CallbackListId) -> list[tuple[CallbackId, datetime]]:
        """Delete a list with everything on it; what was open, and when each was to fall due."""
        async with store_session(self.database) as session:
            open_ones = await session.execute(
                select(callbacks.c.id, callbacks.c.opens_at).where(
                    callbacks.c.list_id == list_id, callbacks.c.ended_at.is_(None)
                )
            )
            found = [(CallbackId(callback), opens_at) for callback, opens_at in open_ones]
            await session.execute(delete(callback_lists).where(callback_lists.c.id == list_id))
        return found

    async def all(self, *, now: datetime) -> list[CallbackListView]:
        """Every list, by name."""
        return await self._views(None, now)

    async def find(self, key: str, *, now: datetime) -> CallbackListView:
        """A list by id or name."""
        found = await self._views(key, now)
        if not found:
            raise CallbackListNotFound(key)
        return found[0]

    async def rows(
        self,
        list_id: CallbackListId | None,
        *,
        phases: Sequence[CallbackPhase] = (),
        after: CallbackId | None = None,
        limit: int = PAGE,
    ) -> list[CallbackRow]:
        """Callbacks, the longest due first; `after` goes on behind the last of a page."""
        wanted = select(callbacks).order_by(callbacks.c.opens_at, callbacks.c.id).limit(limit)
        if list_id is not None:
            wanted = wanted.where(callbacks.c.list_id == list_id)
        if phases:
            wanted = wanted.where(callbacks.c.phase.in_(phases))
        if after is not None:
            last = select(callbacks.c.opens_at).where(callbacks.c.id == after).scalar_subquery()
            wanted = wanted.where(
                (callbacks.c.opens_at > last)
                | and_(callbacks.c.opens_at == last, callbacks.c.id > after)
            )
        async with store_session(self.database) as session:
            return [_row(row) for row in await session.execute(wanted)]

    async def row(self, callback: CallbackId) -> CallbackRow:
        """One callback; raises `CallbackUnknown`."""
        async with store_session(self.database) as session:
            for row in await session.execute(select(callbacks).where(callbacks.c.id == callback)):
                return _row(row)
        raise CallbackUnknown(callback)

    async def open_rows(
        self, list_id: CallbackListId, *, keys: Collection[str] | None = None
    ) -> list[CallbackRow]:
        """Every callback of a list that isn't over; with `keys`, of those that a PBX names so."""
        wanted = select(callbacks).where(
            callbacks.c.list_id == list_id, callbacks.c.ended_at.is_(None)
        )
        if keys is not None:
            wanted = wanted.where(
                callbacks.c.source == CallbackSource.switch, callbacks.c.source_key.in_(keys)
            )
        async with store_session(self.database) as session:
            return [_row(row) for row in await session.execute(wanted)]

    async def tickets(
        self,
        list_id: CallbackListId | None,
        *,
        since: datetime,
        until: datetime,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[TicketRow]:
        """Tickets opened in a time, in order; `after` is moment and id of the last of a page."""
        wanted = (
            select(
                callback_tickets.c.id.label("ticket_id"),
                callback_tickets.c.callback_id,
                callback_lists.c.name.label("list_name"),
                callback_tickets.c.agent_id,
                callback_tickets.c.number,
                callback_tickets.c.opened_at,
                callback_tickets.c.closed_at,
                callback_tickets.c.status,
                callback_tickets.c.comment,
            )
            .join(callbacks, callbacks.c.id == callback_tickets.c.callback_id)
            .join(callback_lists, callback_lists.c.id == callbacks.c.list_id)
            .where(callback_tickets.c.opened_at >= since, callback_tickets.c.opened_at < until)
            .order_by(callback_tickets.c.opened_at, callback_tickets.c.id)
            .limit(limit)
        )
        if after is not None:
            place = tuple_(callback_tickets.c.opened_at, callback_tickets.c.id)
            wanted = wanted.where(place > after)
        if list_id is not None:
            wanted = wanted.where(callbacks.c.list_id == list_id)
        async with store_session(self.database) as session:
            async for row in await session.stream(wanted):
                yield TicketRow.model_validate(dict(row._mapping))

    async def stats(
        self, list_id: CallbackListId, *, since: datetime, until: datetime, now: datetime
    ) -> CallbackStats:
        """How the promises of a list were kept that were booked in a time."""
        booked = and_(
            callbacks.c.list_id == list_id,
            callbacks.c.created_at >= since,
            callbacks.c.created_at < until,
        )
        async with store_session(self.database) as session:
            found = (await session.execute(counts(now).where(booked))).one()
            tickets = await session.execute(
                select(callback_tickets.c.status, func.count())
                .join(callbacks, callbacks.c.id == callback_tickets.c.callback_id)
                .where(booked, callback_tickets.c.closed_at.is_not(None))
                .group_by(callback_tickets.c.status)
            )
            by_status = {status or "given_up": count for status, count in tickets}
        return CallbackStats(**found._mapping, tickets=by_status)

    async def _views(self, key: str | None, now: datetime) -> list[CallbackListView]:
        wanted = select(callback_lists).order_by(callback_lists.c.name)
        if key is not None:
            wanted = wanted.where((callback_lists.c.id == key) | (callback_lists.c.name == key))
        async with store_session(self.database) as session:
            rows = (await session.execute(wanted)).all()
            periods = (
                await session.execute(select(callback_periods).order_by(callback_periods.c.starts))
            ).all()
            open_now = {
                row.list_id: dict(row._mapping) for row in await session.execute(open_counts(now))
            }
        return [
            CallbackListView(
                list_id=row.id,
                name=row.name,
                queue=row.queue,
                campaign_id=row.campaign_id,
                switch_id=row.switch_id,
                external_id=row.external_id,
                rules=CallbackRules.model_validate(row.rules),
                periods=tuple(_period(p) for p in periods if p.list_id == row.id),
                **{k: v for k, v in open_now.get(row.id, {}).items() if k != "list_id"},
            )
            for row in rows
        ]


def _period(row: Any) -> Period:
    return Period(
        period_id=row.id, name=row.name, start=row.starts, end=row.ends, default=row.is_default
    )


def _period_row(list_id: CallbackListId, period: Period) -> dict[str, Any]:
    return {
        "list_id": list_id,
        "id": period.period_id,
        "name": period.name,
        "starts": period.start,
        "ends": period.end,
        "is_default": period.default,
    }


def _row(row: Any) -> CallbackRow:
    return CallbackRow(
        callback_id=row.id,
        promise=Promise.model_validate(row.promise),
        source=row.source,
        created_at=row.created_at,
        ended_at=row.ended_at,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
    )
