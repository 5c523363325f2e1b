"""What to record of callers in a menu."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.testing import WorkflowEnvironment

from activities.ivr_contracts import AgentSearch, FrontEnd, Heard
from ivr.machine_words import PinAnswer
from offhook.temporal.client import data_converter
from tests.support.ivr import PBX, IvrWorld, PbxCall, ended, ivr_desk
from tests.support.stack import time_skipping_server

Live = Callable[[PbxCall], Awaitable[None]]

RIGHT = "ref-right"
WAITING = AgentSearch(outcome="waiting", position=2)
PATIENCE = timedelta(seconds=4)


async def _at_the_pin(call: PbxCall) -> None:
    await call.begin()
    await call.returned()


async def _connected(call: PbxCall) -> None:
    await _at_the_pin(call)
    reply = await call.types_secret("ref-wrong")
    reply = await call.types_secret(RIGHT)
    while reply.agent is None:
        reply = await call.returned()


async def _offered_twice(call: PbxCall) -> None:
    await call.begin()
    await call.returned(heard=Heard.prompt_finished)
    reply = await call.types_secret(RIGHT)
    for heard in (Heard.failed, Heard.carried):
        while reply.agent is None:
            known = reply.serial
            reply = await call.returned(heard=Heard.nothing, known=known, patience=PATIENCE)
        reply = await call.returned(heard=heard)


async def _left_the_queue(call: PbxCall) -> None:
    await _at_the_pin(call)
    await call.types_secret(RIGHT)
    await call.desk.caller_gone(PBX, call.call_id)


async def _chose(call: PbxCall) -> None:
    """Out of the queue by a key, a survey, a promise to call back."""
    await _at_the_pin(call)
    await call.types_secret(RIGHT)
    await call.types("9")
    await call.types("8")
    await call.returned()


async def _lost(call: PbxCall) -> None:
    await _at_the_pin(call)


SESSIONS: dict[str, tuple[Callable[[], IvrWorld], FrontEnd, Live]] = {
    "ivr-connected": (lambda: _world(), FrontEnd.asked, _connected),
    "ivr-offered-twice": (lambda: _world(), FrontEnd.told, _offered_twice),
    "ivr-left-the-queue": (lambda: _world(WAITING), FrontEnd.asked, _left_the_queue),
    "ivr-call-back": (lambda: _world(WAITING), FrontEnd.asked, _chose),
    "ivr-lost": (lambda: _world(), FrontEnd.asked, _lost),
    "ivr-no-tree": (lambda: IvrWorld(routed=False), FrontEnd.asked, lambda call: _asked(call)),
}


def _world(*searches: AgentSearch) -> IvrWorld:
    return IvrWorld(pins={RIGHT: PinAnswer.ok}, searches=list(searches))


async def _asked(call: PbxCall) -> None:
    await call.begin()


async def record_session(name: str) -> dict[str, Any]:
    """Live through one scenario and return the history of the session."""
    make_world, front_end, live = SESSIONS[name]
    async with (
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
        ) as environment,
        ivr_desk(environment.client, make_world()) as desk,
    ):
        call = PbxCall(desk, "c1", front_end)
        await live(call)
        await ended(environment, call)
        history: dict[str, Any] = json.loads((await call.handle().fetch_history()).to_json())
        return history
