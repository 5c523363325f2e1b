"""A promise to call back: what may happen to it, and when it is due.

A request waits until its day and preferred period, is offered to its owner or to anyone, is taken
by one agent under a lease, started (which opens a ticket), and ends with the ticket that says what
came of it; or the ticket says to call back again, and it waits anew. `MOVES` lists every move;
whatever isn't there is refused with what is the case instead. The statuses of tickets and the shape
of lists, requests and periods are those of XiVO's callbacks (xuc interface, "Callback Events"), so
that its lists and ours look the same.

Pure: `act` gives the promise as it is afterwards, or raises `CallbackRefused`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field

from dialer.appointments import Period, appointment
from dialer.callback_refusals import (
    CallbackNotInPhase,
    CallbackOfAnother,
    CallbackReservedForOwner,
    CallbackTaken,
    NumberNotOfCallback,
)
from dialer.model import AgentId, CampaignId, Frozen, SwitchId

CallbackId = NewType("CallbackId", str)
CallbackListId = NewType("CallbackListId", str)
TicketId = NewType("TicketId", str)

MAX_MOVES = 1_000
"""Moves of one promise that are counted apart; more is a fault of whoever drives it."""


def call_name(callback: str, version: int) -> str:
    """What the call is called on the switch and in the record that the move `version` began."""
    return f"{callback}.{version}"


class CallbackPhase(StrEnum):
    """Where a promise stands."""

    waiting = "waiting"
    """Its day and period have yet to come."""
    due = "due"
    """Offered: whoever may take it sees it."""
    taken = "taken"
    """An agent has it, and nobody else may."""
    started = "started"
    """He is calling; a ticket is open."""
    closed = "closed"
    """A ticket says that it was kept, or that it can't be."""
    cancelled = "cancelled"
    """Withdrawn by a person, or its list is gone."""
    expired = "expired"
    """Nobody kept it in the time that its list allows."""


OVER = frozenset({CallbackPhase.closed, CallbackPhase.cancelled, CallbackPhase.expired})
HELD = frozenset({CallbackPhase.taken, CallbackPhase.started})


class TicketStatus(StrEnum):
    """What came of a callback that was started."""

    no_answer = "no_answer"
    answered = "answered"
    fax = "fax"
    callback = "callback"
    """To be called back again."""


class Move(StrEnum):
    """What can happen to a promise."""

    fall_due = "fall_due"
    take = "take"
    start = "start"
    ticket = "ticket"
    """With a status that ends it."""
    call_again = "call_again"
    """A ticket whose status is `callback`."""
    release = "release"
    lose = "lose"
    """The lease ran out, or the agent left."""
    reschedule = "reschedule"
    escalate = "escalate"
    """Its owner did not take it in time: from now on it is anyone's."""
    expire = "expire"
    cancel = "cancel"
    mirror = "mirror"
    """The PBX that keeps its list says so (`dialer.callback_mirror`), wherever it stands."""


_P = CallbackPhase
_M = Move

MOVES: Mapping[CallbackPhase, Mapping[Move, CallbackPhase]] = {
    _P.waiting: {
        _M.fall_due: _P.due,
        _M.take: _P.taken,
        _M.reschedule: _P.waiting,
        _M.cancel: _P.cancelled,
    },
    _P.due: {
        _M.take: _P.taken,
        _M.reschedule: _P.waiting,
        _M.escalate: _P.due,
        _M.expire: _P.expired,
        _M.cancel: _P.cancelled,
    },
    _P.taken: {
        _M.start: _P.started,
        _M.release: _P.waiting,
        _M.lose: _P.waiting,
        _M.reschedule: _P.waiting,
        _M.cancel: _P.cancelled,
    },
    _P.started: {
        _M.start: _P.started,
        _M.ticket: _P.closed,
        _M.call_again: _P.waiting,
        _M.lose: _P.waiting,
    },
    _P.closed: {},
    _P.cancelled: {},
    _P.expired: {},
}
"""`{phase: {move: next}}`. What waits and is due already falls due at once (`Promise.settled`)."""


class CallbackRules(Frozen):
    """What a list asks of its callbacks."""

    lease: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(hours=12))] = timedelta(
        minutes=30
    )
    """How long an agent may have one without starting it; a started one is his this long again."""
    escalate_after: Annotated[timedelta, Field(ge=timedelta(0))] | None = timedelta(hours=4)
    """How long after it fell due an owner has it to himself; None is for ever."""
    expire_after: Annotated[timedelta, Field(gt=timedelta(0))] | None = timedelta(days=14)
    """How long after its day's end it is given up; None is never."""
    again_after: Annotated[int, Field(ge=0, le=365)] = 1
    """Days until the next try, where a ticket says to call back and names no day."""


class CallbackRequest(Frozen):
    """Whom to call, about what, and when; what a person may change of a promise."""

    callback_id: CallbackId
    list_id: CallbackListId
    numbers: Annotated[tuple[str, ...], Field(min_length=1, max_length=5)]
    """E.164; the first is tried unless another is asked for."""
    first_name: Annotated[str, Field(max_length=200)] = ""
    last_name: Annotated[str, Field(max_length=200)] = ""
    company: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    due_on: date
    period: Period
    zone: Annotated[str, Field(min_length=1, max_length=60)]
    """IANA zone in which day and period are meant: the contact's."""
    owner: AgentId | None = None
    """Whose promise it is; None is anyone's."""
    campaign_id: CampaignId | None = None
    """Whose law, caller id and agents apply when it is called."""
    switch_id: SwitchId | None = None
    queue: Annotated[str, Field(max_length=100)] = ""
    external_id: Annotated[str, Field(max_length=200)] = ""
    """The PBX's own name of it, where the PBX keeps its list; empty for ours."""


class Promise(Frozen):
    """Everything that is known of a callback; the whole state of its workflow."""

    request: CallbackRequest
    rules: CallbackRules = CallbackRules()
    phase: CallbackPhase = CallbackPhase.waiting
    version: Annotated[int, Field(ge=0)] = 0
    """Moves so far."""
    holder: AgentId | None = None
    held_since: datetime | None = None
    held_until: datetime | None = None
    ticket_id: TicketId | None = None
    """Open while started."""
    fell_due_at: datetime | None = None
    escalated: bool = False
    tries: Annotated[int, Field(ge=0)] = 0
    kept_in_time: bool | None = None
    """Whether the first call was begun before the end of the period first promised."""
    promised_until: datetime | None = None

    @property
    def opens_at(self) -> datetime:
        """When it falls due: the start of the preferred period on its day."""
        return appointment(self.request.due_on, self.request.period, self.request.zone)[0]

    @property
    def closes_at(self) -> datetime:
        """When it is late: the end of the preferred period on its day."""
        return appointment(self.request.due_on, self.request.period, self.request.zone)[1]

    @property
    def open_to(self) -> AgentId | None:
        """The only agent who may take it; None is anyone."""
        return None if self.escalated else self.request.owner

    @property
    def escalates_at(self) -> datetime | None:
        """When an owner's promise becomes anyone's."""
        after = self.rules.escalate_after
        if self.open_to is None or self.fell_due_at is None or after is None:
            return None
        return self.fell_due_at + after

    @property
    def expires_at(self) -> datetime | None:
        """When it is given up."""
        after = self.rules.expire_after
        return None if after is None else self.closes_at + after

    def wakes_at(self) -> datetime | None:
        """When something happens to it by itself; None while it waits for people only."""
        match self.phase:
            case _P.waiting:
                return self.opens_at
            case _P.due:
                moments = (self.escalates_at, self.expires_at)
                return min((moment for moment in moments if moment), default=None)
            case _P.taken | _P.started:
                return self.held_until
            case _:
                return None

    def moved_by_time(self, now: datetime) -> Move | None:
        """What time itself does to it now."""
        wakes_at = self.wakes_at()
        if wakes_at is None or now < wakes_at:
            return None
        match self.phase:
            case _P.waiting:
                return _M.fall_due
            case _P.due:
                return _M.expire if wakes_at == self.expires_at else _M.escalate
            case _:
                return _M.lose


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A move that is asked for, by whom, and what goes with it."""

    move: Move
    agent_id: AgentId | None = None
    """None is a supervisor or the system."""
    ticket_id: TicketId | None = None
    number: str = ""
    due_on: date | None = None
    period: Period | None = None
    owner: AgentId | None = None
    """With `reschedule` and `call_again`: whose it is from now on; None leaves it."""


def act(promise: Promise, asked: Asked, now: datetime) -> Promise:
    """The promise after a move; raises `CallbackRefused` with what is the case instead."""
    _allow(promise, asked)
    moved = _MOVED.get(asked.move, _as_it_is)(promise, asked, now)
    return moved.model_copy(
        update={"phase": MOVES[promise.phase][asked.move], "version": promise.version + 1}
    )


def _allow(promise: Promise, asked: Asked) -> None:
    callback, agent = promise.request.callback_id, asked.agent_id
    if asked.move is _M.take and promise.phase in HELD:
        raise CallbackTaken(callback, promise.holder or "", promise.held_since)
    if asked.move not in MOVES[promise.phase]:
        raise CallbackNotInPhase(callback, asked.move, promise.phase)
    if asked.move is _M.take and promise.open_to not in (None, agent):
        raise CallbackReservedForOwner(callback, promise.open_to or "", promise.escalates_at)
    if promise.phase in HELD and asked.move is not _M.lose and agent not in (None, promise.holder):
        raise CallbackOfAnother(callback, promise.holder or "")
    if asked.number and asked.number not in promise.request.numbers:
        raise NumberNotOfCallback(callback)


def _as_it_is(promise: Promise, _asked: Asked, _now: datetime) -> Promise:
    return promise


def _take(promise: Promise, asked: Asked, now: datetime) -> Promise:
    return promise.model_copy(
        update={
            "holder": asked.agent_id,
            "held_since": now,
            "held_until": now + promise.rules.lease,
            "fell_due_at": promise.fell_due_at or now,
        }
    )


def _start(promise: Promise, asked: Asked, now: datetime) -> Promise:
    """The first number of a ticket counts as a try; another number is the same try."""
    again = promise.phase is _P.started
    in_time = promise.kept_in_time
    if in_time is None:
        in_time = now <= (promise.promised_until or promise.closes_at)
    return promise.model_copy(
        update={
            "held_until": now + promise.rules.lease,
            "ticket_id": promise.ticket_id if again else asked.ticket_id,
            "tries": promise.tries + (not again),
            "kept_in_time": in_time,
        }
    )


def _let_go(promise: Promise, _asked: Asked, _now: datetime) -> Promise:
    return promise.model_copy(
        update={"holder": None, "held_since": None, "held_until": None, "ticket_id": None}
    )


def _put_off(promise: Promise, asked: Asked, now: datetime) -> Promise:
    """Another day, period or owner; the owner has it to himself anew."""
    request = promise.request
    due_on = asked.due_on
    if due_on is None and asked.move is _M.call_again:
        due_on = request.due_on + timedelta(days=promise.rules.again_after)
    changes = {
        "due_on": due_on or request.due_on,
        "period": asked.period or request.period,
        "owner": asked.owner or request.owner,
    }
    free = _let_go(promise, asked, now)
    return free.model_copy(
        update={
            "request": request.model_copy(update=changes),
            "fell_due_at": None,
            "escalated": False,
        }
    )


def _fall_due(promise: Promise, _asked: Asked, now: datetime) -> Promise:
    return promise.model_copy(
        update={
            "fell_due_at": promise.fell_due_at or now,
            "promised_until": promise.promised_until or promise.closes_at,
        }
    )


def _escalate(promise: Promise, _asked: Asked, _now: datetime) -> Promise:
    return promise.model_copy(update={"escalated": True})


_MOVED = {
    _M.take: _take,
    _M.start: _start,
    _M.ticket: _let_go,
    _M.call_again: _put_off,
    _M.release: _let_go,
    _M.lose: _let_go,
    _M.reschedule: _put_off,
    _M.fall_due: _fall_due,
    _M.escalate: _escalate,
    _M.expire: _let_go,
    _M.cancel: _let_go,
}
