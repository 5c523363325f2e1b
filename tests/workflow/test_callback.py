"""Promises to call back over days and weeks, with time skipping and a record in memory."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.callback_contracts import (
    AgentLeft,
    CancelCallback,
    ReleaseCallback,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
    WakeInput,
)
from dialer.callbacks import CallbackPhase, Move, TicketStatus
from dialer.model import AgentId
from offhook.temporal.campaigns import OrderRefused
from tests.support.callbacks import (
    ANNA,
    BRUNO,
    MOBILE,
    MORNING,
    NUMBER,
    CallbackWorld,
    a_request,
    callback_desk,
    result_of,
)
from workflows.callback import CallbackWakeWorkflow, CallbackWorkflow


def key() -> str:
    return uuid4().hex


def take(agent: AgentId = ANNA) -> TakeCallback:
    return TakeCallback(request_id=key(), agent_id=agent)


def start(agent: AgentId = ANNA, number: str = "") -> StartCallback:
    return StartCallback(request_id=key(), agent_id=agent, number=number)


def ticket(status: TicketStatus, agent: AgentId = ANNA, **more: date) -> TicketCallback:
    return TicketCallback(request_id=key(), agent_id=agent, status=status, **more)


async def today(env: WorkflowEnvironment) -> date:
    return (await env.get_current_time()).date()


async def test_callback_falls_due_is_taken_started_and_kept(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        assert (await desk.order(callback, take())).phase is CallbackPhase.taken
        started = await desk.order(callback, start(number=MOBILE))
        assert (started.phase, started.call_failed) == (CallbackPhase.started, "")
        assert world.calls == [(ANNA, MOBILE, started.ticket_id)]
        closed = await desk.order(callback, ticket(TicketStatus.answered))
        assert closed.phase is CallbackPhase.closed
        assert (await result_of(desk, callback)).asleep is False
    assert world.moves[-1].ticket_id == started.ticket_id
    assert world.moves[-1].status is TicketStatus.answered


async def test_callback_waits_for_its_day_over_a_change_of_the_clocks(
    time_skipping: WorkflowEnvironment,
) -> None:
    now = await time_skipping.get_current_time()
    spring = next(
        date(year, 3, 31) - timedelta(days=(date(year, 3, 31).weekday() + 1) % 7)
        for year in (now.year + 1,)
    )
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        before = world.promise(a_request(spring - timedelta(days=1), period=MORNING))
        after = world.promise(a_request(spring, period=MORNING))
        assert world.promises[before].opens_at.time() == time(8)
        assert world.promises[after].opens_at.time() == time(7)
        await time_skipping.sleep(
            datetime.combine(spring, time(6), UTC) - await time_skipping.get_current_time()
        )
        answer = await desk.order(after, RescheduleCallback(request_id=key(), period=MORNING))
        assert answer.phase is CallbackPhase.waiting
        await time_skipping.sleep(timedelta(minutes=61))
        assert world.promises[after].phase is CallbackPhase.due
        await desk.order(after, CancelCallback(request_id=key()))


async def test_callback_that_is_due_in_weeks_leaves_only_its_row(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping) + timedelta(days=1)))
        later = await today(time_skipping) + timedelta(weeks=5)
        moved = await desk.order(callback, RescheduleCallback(request_id=key(), due_on=later))
        assert moved.phase is CallbackPhase.waiting
        assert (await result_of(desk, callback)).asleep is True
        taken = await desk.order(callback, take())
        assert (taken.phase, taken.version) == (CallbackPhase.taken, 2)
        await desk.order(callback, ReleaseCallback(request_id=key(), agent_id=ANNA))
        assert (await result_of(desk, callback)).asleep is True
    assert world.promises[callback].request.due_on == later


async def test_second_agent_is_told_who_has_it(time_skipping: WorkflowEnvironment) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        first = take()
        answer = await desk.order(callback, first)
        with pytest.raises(OrderRefused, match="taken by agent anna since") as refused:
            await desk.order(callback, take(BRUNO))
        assert refused.value.code == "callback_taken"
        assert await desk.order(callback, first) == answer
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, start(BRUNO))
        assert refused.value.code == "callback_of_another"
        await desk.order(callback, CancelCallback(request_id=key()))


async def test_start_after_release_is_refused(time_skipping: WorkflowEnvironment) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        await desk.order(callback, take())
        await desk.order(callback, ReleaseCallback(request_id=key(), agent_id=ANNA))
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, start())
        assert refused.value.code == "callback_not_in_phase"
        assert world.calls == []
        await desk.order(callback, CancelCallback(request_id=key()))


async def test_agent_who_leaves_gives_back_what_he_had(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        await desk.order(callback, take())
        handle = desk.client.get_workflow_handle(f"callback/{callback}")
        await handle.signal(CallbackWorkflow.agent_left, AgentLeft(agent_id=BRUNO))
        await handle.signal(CallbackWorkflow.agent_left, AgentLeft(agent_id=ANNA))
        assert (await desk.order(callback, take(BRUNO))).phase is CallbackPhase.taken
        await desk.order(callback, CancelCallback(request_id=key()))
    assert [move.move for move in world.moves].count(Move.lose) == 1


async def test_agent_who_does_nothing_loses_it_with_the_lease(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)), lease=timedelta(minutes=10))
        await desk.order(callback, take())
        await time_skipping.sleep(timedelta(minutes=11))
        assert world.promises[callback].holder is None
        await desk.order(callback, CancelCallback(request_id=key()))


async def test_promise_of_an_owner_who_stays_away_becomes_anyones_and_expires(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        request = a_request(await today(time_skipping) - timedelta(days=1), owner=ANNA)
        callback = world.promise(
            request, escalate_after=timedelta(hours=4), expire_after=timedelta(days=7)
        )
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, take(BRUNO))
        assert refused.value.code in {"callback_reserved_for_owner"}
        await time_skipping.sleep(timedelta(hours=4, minutes=1))
        assert (await desk.order(callback, take(BRUNO))).phase is CallbackPhase.taken
        await desk.order(callback, ReleaseCallback(request_id=key(), agent_id=BRUNO))
        await time_skipping.sleep(timedelta(days=8))
        assert (await result_of(desk, callback)).phase is CallbackPhase.expired
    assert Move.escalate in [move.move for move in world.moves]


async def test_ticket_that_says_call_again_puts_it_off(time_skipping: WorkflowEnvironment) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        day = await today(time_skipping)
        callback = world.promise(a_request(day))
        await desk.order(callback, take())
        await desk.order(callback, start())
        again = await desk.order(callback, ticket(TicketStatus.callback))
        assert again.phase is CallbackPhase.waiting
        assert world.promises[callback].request.due_on == day + timedelta(days=1)
        await desk.order(callback, CancelCallback(request_id=key()))
    assert world.promises[callback].tries == 1


async def test_law_is_asked_at_the_moment_of_calling(time_skipping: WorkflowEnvironment) -> None:
    world = CallbackWorld(forbidden=True)
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        await desk.order(callback, take())
        with pytest.raises(OrderRefused, match="France") as refused:
            await desk.order(callback, start())
        assert refused.value.code == "outside_hours"
        assert (world.calls, world.promises[callback].tries) == ([], 0)
        world.forbidden = False
        await desk.order(callback, start())
        await desk.order(callback, ticket(TicketStatus.no_answer))
    assert [call[1] for call in world.calls] == [NUMBER]


async def test_call_that_the_switch_refuses_leaves_the_ticket_open(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld(switch_refuses=True)
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        await desk.order(callback, take())
        started = await desk.order(callback, start())
        assert started.call_failed == "the agent's telephone is busy"
        assert started.phase is CallbackPhase.started
        await desk.order(callback, ticket(TicketStatus.answered))


@pytest.mark.parametrize("when", ["before it starts", "while it waits"])
async def test_callback_whose_list_is_deleted_ends(
    time_skipping: WorkflowEnvironment, when: str
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping)))
        if when == "while it waits":
            await desk.order(callback, take())
        del world.promises[callback]
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, start())
        assert refused.value.code == "callback_unknown"
        assert (await result_of(desk, callback)).phase is None
    assert world.calls == []


async def test_callbacks_that_are_due_soon_are_woken(time_skipping: WorkflowEnvironment) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        day = await today(time_skipping)
        soon = [world.promise(a_request(day)) for _ in range(3)]
        world.promise(a_request(day + timedelta(days=9)))
        woken = await desk.client.execute_workflow(
            CallbackWakeWorkflow.run,
            WakeInput(before=datetime.combine(day + timedelta(days=1), time(0), UTC)),
            id=f"callbacks/wake/{key()}",
            task_queue=desk.task_queue,
        )
    assert (woken.woken, sorted(world.started)) == (3, sorted(soon))
