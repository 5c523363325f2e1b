"""One callback, and the orders about it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from activities.callback_contracts import (
    CallbackAnswer,
    CallbackOrder,
    CancelCallback,
    ReleaseCallback,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
)
from dialer.appointments import Period
from dialer.callbacks import CallbackId, TicketStatus
from dialer.model import AgentId
from offhook.api.auth import CanRead, CanWrite
from offhook.api.callback_seeing import InScope
from offhook.api.idempotency import IdempotencyKey, Repeatable, request_id_of
from offhook.api.problems import RESPONSES
from offhook.api.requests import Day, Key, Sent
from offhook.api.services import Services, Svc
from offhook.callbacks import CallbackOffice
from offhook.storage.callback_lists import CallbackRow

router = APIRouter(
    prefix="/callbacks",
    tags=["callbacks"],
    responses=RESPONSES,
    route_class=Repeatable,
    dependencies=[InScope],
)

Agent = Annotated[str, Field(min_length=1, max_length=100, examples=["201"])]
PeriodName = Annotated[str, Field(max_length=100, examples=["morning"])]


class ByAgent(Sent):
    """Who asks; none is a supervisor."""

    agent_id: Agent | None = None


class TakeBody(Sent):
    """The agent who takes it."""

    agent_id: Agent


class CallNowBody(ByAgent):
    """Which of its numbers is called; the first if none is said."""

    number: Annotated[str, Field(max_length=20, examples=["+390612345678"])] = ""


class TicketBody(ByAgent):
    """What came of it; day and period go with the status `callback`."""

    status: TicketStatus
    comment: Annotated[str, Field(max_length=2_000)] = ""
    due_on: Day | None = None
    period: PeriodName = ""
    """Id or name of one of the list's."""


class RescheduleBody(ByAgent):
    """Another day, period or owner; what is not said stays."""

    due_on: Day | None = None
    period: PeriodName = ""
    owner: Agent | None = None


class CancelBody(ByAgent):
    """Why nobody is to be called."""

    reason: Annotated[str, Field(max_length=500)] = ""


@router.get("/{callback_id}", dependencies=[CanRead], summary="See a callback")
async def show(callback_id: Key, services: Svc) -> CallbackRow:
    """One callback as recorded."""
    return await services.lists.row(CallbackId(callback_id))


@router.post("/{callback_id}/take", dependencies=[CanWrite], summary="Take a callback")
async def take(
    callback_id: Key, body: TakeBody, services: Svc, idempotency_key: IdempotencyKey = None
) -> CallbackAnswer:
    """Have it under a lease, so that nobody else may."""
    order = TakeCallback(request_id=request_id_of(idempotency_key), agent_id=AgentId(body.agent_id))
    return await _give(services, callback_id, order)


@router.post("/{callback_id}/start", dependencies=[CanWrite], summary="Call now")
async def start(
    callback_id: Key, body: CallNowBody, services: Svc, idempotency_key: IdempotencyKey = None
) -> CallbackAnswer:
    """Open its ticket, ask the law, and connect the agent with the number."""
    order = StartCallback(
        request_id=request_id_of(idempotency_key),
        agent_id=_agent(body.agent_id),
        number=body.number,
    )
    return await _give(services, callback_id, order)


@router.post("/{callback_id}/ticket", dependencies=[CanWrite], summary="Say what came of it")
async def ticket(
    callback_id: Key, body: TicketBody, services: Svc, idempotency_key: IdempotencyKey = None
) -> CallbackAnswer:
    """Close the ticket; with the status `callback` it waits for another day."""
    order = TicketCallback(
        request_id=request_id_of(idempotency_key),
        agent_id=_agent(body.agent_id),
        status=body.status,
        comment=body.comment,
        due_on=body.due_on,
        period=await _period(services, callback_id, body.period),
    )
    return await _give(services, callback_id, order)


@router.post("/{callback_id}/release", dependencies=[CanWrite], summary="Give a callback back")
async def release(
    callback_id: Key, body: ByAgent, services: Svc, idempotency_key: IdempotencyKey = None
) -> CallbackAnswer:
    """Give it back, for anybody to take."""
    order = ReleaseCallback(
        request_id=request_id_of(idempotency_key), agent_id=_agent(body.agent_id)
    )
    return await _give(services, callback_id, order)


@router.post("/{callback_id}/reschedule", dependencies=[CanWrite], summary="Put a callback off")
async def reschedule(
    callback_id: Key,
    body: RescheduleBody,
    services: Svc,
    idempotency_key: IdempotencyKey = None,
) -> CallbackAnswer:
    """Move it to another day, period or owner."""
    order = RescheduleCallback(
        request_id=request_id_of(idempotency_key),
        agent_id=_agent(body.agent_id),
        due_on=body.due_on,
        period=await _period(services, callback_id, body.period),
        owner=_agent(body.owner),
    )
    return await _give(services, callback_id, order)


@router.post("/{callback_id}/cancel", dependencies=[CanWrite], summary="Withdraw a callback")
async def cancel(
    callback_id: Key, body: CancelBody, services: Svc, idempotency_key: IdempotencyKey = None
) -> CallbackAnswer:
    """Nobody is to be called back."""
    order = CancelCallback(
        request_id=request_id_of(idempotency_key),
        agent_id=_agent(body.agent_id),
        reason=body.reason,
    )
    return await _give(services, callback_id, order)


async def _give(services: Services, callback: str, order: CallbackOrder) -> CallbackAnswer:
    office = CallbackOffice(services.database, await services.desk())
    return await office.order(CallbackId(callback), order)


async def _period(services: Services, callback: str, wanted: str) -> Period | None:
    if not wanted:
        return None
    row = await services.lists.row(CallbackId(callback))
    on = await services.lists.find(row.promise.request.list_id, now=services.clock())
    return on.period(wanted)


def _agent(given: str | None) -> AgentId | None:
    return AgentId(given) if given else None
