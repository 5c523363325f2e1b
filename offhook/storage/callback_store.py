"""Promises to call back on PostgreSQL: booked once, and every move of theirs written once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.callback_contracts import RecordMove
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import (
    OVER,
    CallbackId,
    CallbackRequest,
    CallbackRules,
    Move,
    Promise,
    TicketStatus,
)
from dialer.model import AgentId, AgentStatus
from dialer.outcomes import Outcome
from offhook.storage.callback_tables import (
    CallbackSource,
    callback_lists,
    callback_moves,
    callback_tickets,
    callbacks,
)
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.fact_log import Noted, note
from offhook.storage.tables import agents

_AT_ONCE = 1_000
"""Rows of one statement; PostgreSQL takes 32,767 parameters."""
_HELD_SINCE = callbacks.c.promise["held_since"].astext.cast(DateTime(timezone=True))
_END_CALLS = text(
    """
    UPDATE past_calls SET ended_at = :at, outcome = :outcome,
        answered_at = CASE WHEN :talked THEN opened_at END,
        joined_at = CASE WHEN :talked THEN opened_at END, agent_id = :agent
    WHERE ended_at IS NULL AND id IN (
        SELECT callback_id || '.' || version FROM callback_moves
        WHERE callback_id = :callback AND move = 'start')
    """
)
_OUTCOMES = {
    TicketStatus.answered: Outcome.answered,
    TicketStatus.no_answer: Outcome.no_answer,
    TicketStatus.fax: Outcome.fax,
}
_ENDS_TICKET = frozenset({Move.ticket, Move.call_again, Move.lose, Move.mirror})


class CallbackListNotFound(NotFound):
    """There is no such callback list."""

    code = "callback_list_not_found"
    noun = "callback list"
    listed_by = "`offhook callback lists` names them all"


class CallbackMoved(Exception):
    """The record is not where the workflow believes it is: somebody else has written.

    It can't happen while one workflow keeps each promise; the activity is tried again, so that
    whoever restored an old state of Temporal sees it instead of losing a move.
    """

    code = "callback_moved"

    def __init__(self, callback: str, recorded: int, wanted: int) -> None:
        super().__init__(
            f"callback {callback} is at move {recorded} in the record, not at {wanted - 1}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A promise to be recorded, and where it came from."""

    request: CallbackRequest
    source: CallbackSource
    source_key: str = ""
    """Equal for two bookings of the same promise; empty books anew each time."""


@dataclass(frozen=True)
class PostgresCallbacks:
    """Implements `activities.callbacks.CallbackRecords`, and books promises."""

    database: Database

    async def book(self, booking: Booking, *, now: datetime) -> tuple[CallbackId, bool]:
        """Record a promise with its list's rules; the id of the one that there was, and False,
        when it had been booked before.
        """
        return (await self.book_all([booking], now=now))[0]

    async def book_all(
        self, bookings: Sequence[Booking], *, now: datetime
    ) -> list[tuple[CallbackId, bool]]:
        """Record promises in one transaction, in their order."""
        async with store_session(self.database) as session:
            rules = await _rules(session, {b.request.list_id for b in bookings})
            for booking in bookings:
                if booking.request.list_id not in rules:
                    raise CallbackListNotFound(booking.request.list_id)
            booked = await _book(session, bookings, rules, now)
            made = [
                _booked_fact(booking, callback)
                for booking, (callback, new) in zip(bookings, booked, strict=True)
                if new
            ]
            await note(session, made, now=now)
            return booked

    async def read(self, callback: CallbackId) -> Promise | None:
        """The promise as recorded."""
        async with store_session(self.database) as session:
            found = await session.scalar(
                select(callbacks.c.promise).where(callbacks.c.id == callback)
            )
        return None if found is None else Promise.model_validate(found)

    async def record(self, move: RecordMove) -> None:
        """Write a move once, with its ticket."""
        promise = move.promise
        callback = promise.request.callback_id
        async with store_session(self.database) as session:
            version = await session.scalar(
                select(callbacks.c.version).where(callbacks.c.id == callback).with_for_update()
            )
            if version is None:
                raise CallbackUnknown(callback)
            if await _is_written(session, move):
                return
            if version != promise.version - 1:
                raise CallbackMoved(callback, version, promise.version)
            await session.execute(
                insert(callback_moves).values(
                    callback_id=callback,
                    version=promise.version,
                    request_id=move.request_id,
                    move=move.move,
                    agent_id=move.agent_id,
                    at=move.at,
                )
            )
            await session.execute(
                update(callbacks)
                .where(callbacks.c.id == callback)
                .values(_columns(promise, move.at))
            )
            await _write_ticket(session, move)
            await note(session, [_moved_fact(move)], now=move.at)

    async def asleep(
        self, *, due_before: datetime, after: CallbackId | None, limit: int
    ) -> list[CallbackId]:
        """Open callbacks whose day has come or comes before a moment, longest due first.

        Those whose workflow runs are among them: finding it running is how one that Temporal has
        lost is found.
        """
        wanted = (
            select(callbacks.c.id)
            .where(callbacks.c.ended_at.is_(None), callbacks.c.opens_at < due_before)
            .order_by(callbacks.c.opens_at, callbacks.c.id)
            .limit(limit)
        )
        if after is not None:
            last = select(callbacks.c.opens_at, callbacks.c.id).where(callbacks.c.id == after)
            wanted = wanted.where(
                tuple_(callbacks.c.opens_at, callbacks.c.id) > last.scalar_subquery()
            )
        async with store_session(self.database) as session:
            return [CallbackId(found) for found in await session.scalars(wanted)]

    async def left_behind(self) -> dict[AgentId, list[CallbackId]]:
        """What agents have who have logged off since they took it."""
        left = (
            select(callbacks.c.holder, callbacks.c.id)
            .join(agents, agents.c.id == callbacks.c.holder)
            .where(
                callbacks.c.holder.is_not(None),
                agents.c.status == AgentStatus.logged_off,
                agents.c.status_at > _HELD_SINCE,
            )
            .order_by(callbacks.c.holder, callbacks.c.id)
        )
        found: dict[AgentId, list[CallbackId]] = {}
        async with store_session(self.database) as session:
            for holder, callback in await session.execute(left):
                found.setdefault(AgentId(holder), []).append(CallbackId(callback))
        return found

    async def held_by(self, agent: AgentId) -> list[CallbackId]:
        """The callbacks that an agent has."""
        async with store_session(self.database) as session:
            found = await session.scalars(
                select(callbacks.c.id).where(callbacks.c.holder == agent).order_by(callbacks.c.id)
            )
            return [CallbackId(callback) for callback in found]


def _booked_fact(booking: Booking, callback: CallbackId) -> Noted:
    request = booking.request
    data = {
        "callback_id": callback,
        "list_id": request.list_id,
        "due_on": request.due_on.isoformat(),
        "source": booking.source,
    }
    return Noted(
        key=f"callback {callback} booked",
        kind="callback.booked",
        campaign_id=request.campaign_id,
        data=data,
    )


def _moved_fact(move: RecordMove) -> Noted:
    promise = move.promise
    request = promise.request
    data = {
        "callback_id": request.callback_id,
        "list_id": request.list_id,
        "due_on": request.due_on.isoformat(),
        "move": move.move,
        "phase": promise.phase,
        "agent_id": move.agent_id,
    }
    return Noted(
        key=f"callback {request.callback_id} {promise.version}",
        kind="callback.changed",
        campaign_id=request.campaign_id,
        data=data,
    )


async def _rules(session: AsyncSession, lists: set[Any]) -> dict[str, CallbackRules]:
    rows = await session.execute(
        select(callback_lists.c.id, callback_lists.c.rules).where(callback_lists.c.id.in_(lists))
    )
    return {key: CallbackRules.model_validate(rules) for key, rules in rows}


async def _book(
    session: AsyncSession,
    bookings: Sequence[Booking],
    rules: Mapping[str, CallbackRules],
    now: datetime,
) -> list[tuple[CallbackId, bool]]:
    new: set[CallbackId] = set()
    for first in range(0, len(bookings), _AT_ONCE):
        rows = [_row(b, rules, now) for b in bookings[first : first + _AT_ONCE]]
        added = insert(callbacks).values(rows).on_conflict_do_nothing().returning(callbacks.c.id)
        new.update(map(CallbackId, await session.scalars(added)))
    there = await _there(session, [b for b in bookings if b.request.callback_id not in new])
    return [
        (b.request.callback_id, True)
        if b.request.callback_id in new
        else (there[b.request.callback_id], False)
        for b in bookings
    ]


def _row(booking: Booking, rules: Mapping[str, CallbackRules], now: datetime) -> dict[str, Any]:
    request = booking.request
    promise = Promise(request=request, rules=rules[request.list_id])
    return {
        "id": request.callback_id,
        "list_id": request.list_id,
        "source": booking.source,
        "source_key": booking.source_key,
        "created_at": now,
        **_columns(promise, now),
    }


async def _there(session: AsyncSession, known: Sequence[Booking]) -> dict[CallbackId, CallbackId]:
    """The callbacks that these bookings found in their place."""
    c = callbacks.c
    found: dict[CallbackId, CallbackId] = {}
    for first in range(0, len(known), _AT_ONCE):
        part = known[first : first + _AT_ONCE]
        keys = [(b.request.list_id, b.source, b.source_key) for b in part if b.source_key]
        rows = await session.execute(
            select(c.id, c.list_id, c.source, c.source_key).where(
                c.id.in_([b.request.callback_id for b in part])
                | tuple_(c.list_id, c.source, c.source_key).in_(keys)
            )
        )
        by_key: dict[object, CallbackId] = {}
        for row in rows:
            by_key[row.id] = CallbackId(row.id)
            by_key[row.list_id, row.source, row.source_key] = CallbackId(row.id)
        for b in part:
            same = by_key.get(b.request.callback_id)
            found[b.request.callback_id] = (
                same or by_key[b.request.list_id, b.source.value, b.source_key]
            )
    return found


def _columns(promise: Promise, now: datetime) -> dict[str, Any]:
    return {
        "promise": promise.model_dump(mode="json"),
        "phase": promise.phase,
        "version": promise.version,
        "due_on": promise.request.due_on,
        "opens_at": promise.opens_at,
        "closes_at": promise.closes_at,
        "owner": promise.open_to,
        "holder": promise.holder,
        "tries": promise.tries,
        "kept_in_time": promise.kept_in_time,
        "ended_at": now if promise.phase in OVER else None,
    }


async def _is_written(session: AsyncSession, move: RecordMove) -> bool:
    found = await session.scalar(
        select(callback_moves.c.version).where(
            callback_moves.c.callback_id == move.promise.request.callback_id,
            callback_moves.c.request_id == move.request_id,
        )
    )
    return found is not None


async def _write_ticket(session: AsyncSession, move: RecordMove) -> None:
    if move.ticket_id is None:
        return
    if move.move is Move.start:
        ticket = insert(callback_tickets).values(
            id=move.ticket_id,
            callback_id=move.promise.request.callback_id,
            agent_id=move.agent_id,
            number=move.number,
            opened_at=move.at,
        )
        await session.execute(
            ticket.on_conflict_do_update(
                index_elements=["id"], set_={"number": ticket.excluded.number}
            )
        )
    elif move.move in _ENDS_TICKET:
        await session.execute(_END_CALLS, _call_ended(move))
        await session.execute(
            update(callback_tickets)
            .where(callback_tickets.c.id == move.ticket_id)
            .values(closed_at=move.at, status=move.status, comment=move.comment)
        )


def _call_ended(move: RecordMove) -> dict[str, object]:
    """What a ticket says of the calls under it, for whoever counts calls."""
    outcome = _OUTCOMES.get(move.status, Outcome.unknown) if move.status else Outcome.unknown
    return {
        "callback": move.promise.request.callback_id,
        "at": move.at,
        "outcome": outcome,
        "talked": outcome is Outcome.answered,
        "agent": move.agent_id,
    }
