"""`offhook callback take|start|ticket|release|reschedule|cancel`: orders about one callback."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

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
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import CallbackId, TicketStatus
from dialer.model import AgentId
from offhook.callbacks import CallbackOffice
from offhook.cli.callback_office import CallbackKey, Day, Office, day_of, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.callback_store import PostgresCallbacks

As = Annotated[
    str | None, typer.Option("--as", metavar="AGENT", help="Agent who does it; else a supervisor.")
]
RequestId = Annotated[
    str | None,
    typer.Option(help="Names this order: repeating it with the same id does nothing twice."),
]
PeriodName = Annotated[str, typer.Option("--period", help="Preferred period of the list.")]
_Making = Callable[[Office], Awaitable[CallbackOrder]]


def take(
    callback: CallbackKey,
    agent: Annotated[str, typer.Option("--as", metavar="AGENT", help="Agent who takes it.")],
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Take a callback, so that nobody else may.

    Example: offhook callback take cb-5f2a --as 201
    """
    order = TakeCallback(request_id=_id(request_id), agent_id=AgentId(agent))
    _give(callback, order, json_output)


def start(
    callback: CallbackKey,
    agent: As = None,
    number: Annotated[str, typer.Option(help="One of its numbers; else the first.")] = "",
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Call now: the agent's telephone rings, then the number is called.

    Example: offhook callback start cb-5f2a --as 201
    """
    order = StartCallback(request_id=_id(request_id), agent_id=_agent(agent), number=number)
    _give(callback, order, json_output)


def ticket(
    callback: CallbackKey,
    status: Annotated[TicketStatus, typer.Argument(help="What came of it.")],
    agent: As = None,
    comment: Annotated[str, typer.Option(help="For whoever reads the ticket.")] = "",
    due: Day = None,
    period: PeriodName = "",
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Say what came of it; `callback` puts it off to another day.

    Examples:

    offhook callback ticket cb-5f2a answered --as 201

    offhook callback ticket cb-5f2a callback --due 2026-12-01 --period morning
    """

    async def made(office: Office) -> CallbackOrder:
        return TicketCallback(
            request_id=_id(request_id),
            agent_id=_agent(agent),
            status=status,
            comment=comment,
            due_on=day_of(due),
            period=await _period(office, callback, period),
        )

    emit(run_async(_ordered(callback, made)), json_output, _shown)


def release(
    callback: CallbackKey,
    agent: As = None,
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Give a callback back, for anybody to take.

    Example: offhook callback release cb-5f2a --as 201
    """
    order = ReleaseCallback(request_id=_id(request_id), agent_id=_agent(agent))
    _give(callback, order, json_output)


def reschedule(
    callback: CallbackKey,
    due: Day = None,
    period: PeriodName = "",
    owner: Annotated[str | None, typer.Option(help="Agent whose promise it is now.")] = None,
    agent: As = None,
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Put a callback off to another day, period or owner.

    Example: offhook callback reschedule cb-5f2a --due 2026-12-01 --period morning
    """

    async def made(office: Office) -> CallbackOrder:
        return RescheduleCallback(
            request_id=_id(request_id),
            agent_id=_agent(agent),
            due_on=day_of(due),
            period=await _period(office, callback, period),
            owner=_agent(owner),
        )

    emit(run_async(_ordered(callback, made)), json_output, _shown)


def cancel(
    callback: CallbackKey,
    reason: Annotated[str, typer.Option(help="Why nobody is to be called.")] = "",
    agent: As = None,
    request_id: RequestId = None,
    json_output: JsonOption = False,
) -> None:
    """Withdraw a callback.

    Example: offhook callback cancel cb-5f2a --reason 'wrote to us instead'
    """
    order = CancelCallback(request_id=_id(request_id), agent_id=_agent(agent), reason=reason)
    _give(callback, order, json_output)


def _give(callback: str, order: CallbackOrder, json_output: bool) -> None:
    async def made(_office: Office) -> CallbackOrder:
        return order

    emit(run_async(_ordered(callback, made)), json_output, _shown)


async def _ordered(callback: str, made: _Making) -> CallbackAnswer:
    async with open_office() as office:
        work = CallbackOffice(office.database, await office.desk())
        return await work.order(CallbackId(callback), await made(office))


async def _period(office: Office, callback: str, wanted: str) -> Period | None:
    if not wanted:
        return None
    promise = await PostgresCallbacks(office.database).read(CallbackId(callback))
    if promise is None:
        raise CallbackUnknown(callback)
    on = await office.lists.find(promise.request.list_id, now=promise.opens_at)
    return on.period(wanted)


def _id(given: str | None) -> str:
    return given or f"cli-{secrets.token_hex(8)}"


def _agent(given: str | None) -> AgentId | None:
    return AgentId(given) if given else None


def _shown(answer: CallbackAnswer) -> str:
    said = f"callback {answer.callback_id} is {answer.phase}"
    if answer.call_failed:
        return f"{said}, but the switch did not place the call: {answer.call_failed}"
    return said
