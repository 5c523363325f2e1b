"""What to record of callbacks."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from activities.callback_contracts import (
    AgentLeft,
    CancelCallback,
    MirrorCallback,
    MirrorLists,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
    WakeInput,
)
from dialer.callback_mirror import Seen
from dialer.callbacks import CallbackId, TicketStatus
from dialer.model import SwitchId
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import data_converter
from tests.support.callbacks import ANNA, CallbackWorld, a_request, callback_desk, result_of
from tests.support.stack import time_skipping_server
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow, CallbackWakeWorkflow

Live = Callable[[CallbackDesk, CallbackWorld, date], Awaitable[str]]
"""Live through a scenario; the id of the workflow whose newest history is kept."""


def _book(world: CallbackWorld, due_on: date, **more: str) -> CallbackId:
    request = a_request(due_on).model_copy(update={"callback_id": "cb-1", **more})
    return world.promise(request)


async def _kept(desk: CallbackDesk, world: CallbackWorld, day: date) -> str:
    callback = _book(world, day)
    await desk.order(callback, TakeCallback(request_id="1", agent_id=ANNA))
    await desk.order(callback, StartCallback(request_id="2", agent_id=ANNA))
    done = TicketCallback(request_id="3", agent_id=ANNA, status=TicketStatus.answered)
    await desk.order(callback, done)
    return await _over(desk, callback)


async def _asleep(desk: CallbackDesk, world: CallbackWorld, day: date) -> str:
    callback = _book(world, day)
    later = RescheduleCallback(request_id="1", due_on=day + timedelta(days=40))
    await desk.order(callback, later)
    return await _over(desk, callback)


async def _left(desk: CallbackDesk, world: CallbackWorld, day: date) -> str:
    callback = _book(world, day)
    await desk.order(callback, TakeCallback(request_id="1", agent_id=ANNA))
    handle = desk.client.get_workflow_handle(f"callback/{callback}")
    await handle.signal(CallbackWorkflow.agent_left, AgentLeft(agent_id=ANNA))
    await desk.order(callback, CancelCallback(request_id="2"))
    return await _over(desk, callback)


async def _mirrored(desk: CallbackDesk, world: CallbackWorld, day: date) -> str:
    callback = _book(world, day, external_id="uuid-1")
    await desk.order(callback, TakeCallback(request_id="1", agent_id=ANNA))
    version = world.promises[callback].version
    gone = Seen(external_id="uuid-1", open=False)
    await desk.order(callback, MirrorCallback(request_id="2", version=version, seen=gone))
    return await _over(desk, callback)


async def _woken(desk: CallbackDesk, world: CallbackWorld, day: date) -> str:
    _book(world, day)
    name = "callbacks/wake"
    await desk.client.execute_workflow(
        CallbackWakeWorkflow.run, WakeInput(), id=name, task_queue=desk.task_queue
    )
    return name


async def _unfollowed(desk: CallbackDesk, _world: CallbackWorld, _day: date) -> str:
    name = "callbacks/mirror/gone"
    handle = await desk.client.start_workflow(
        CallbackMirrorWorkflow.run,
        MirrorLists(switch=SwitchId("gone")),
        id=name,
        task_queue=desk.task_queue,
    )
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    return name


async def _over(desk: CallbackDesk, callback: CallbackId) -> str:
    await result_of(desk, callback)
    return f"callback/{callback}"


CALLBACKS: dict[str, Live] = {
    "callback-kept": _kept,
    "callback-asleep": _asleep,
    "callback-agent-left": _left,
    "callback-mirrored": _mirrored,
    "callback-wake": _woken,
    "callback-mirror-ended": _unfollowed,
}


async def record_callback(name: str) -> dict[str, Any]:
    """Live through one scenario and return its history."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
    ) as environment:
        world = CallbackWorld()
        async with callback_desk(environment.client, world) as desk:
            day = (await environment.get_current_time()).date()
            found = await CALLBACKS[name](desk, world, day)
            history = await environment.client.get_workflow_handle(found).fetch_history()
            kept: dict[str, Any] = json.loads(history.to_json())
            return kept
