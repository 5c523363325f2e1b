"""Promises to call back over days and weeks, with time skipping and a record in memory."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from activities.callback_contracts import (
    AgentLeft,
    CancelCallback,
    MirrorCallback,
    MirrorLists,
    ReleaseCallback,
    RescheduleCallback,
    StartCallback,
    TakeCallback,
    TicketCallback,
    WakeInput,
)
from dialer.callback_mirror import Seen
from dialer.callbacks import CallbackId, CallbackPhase, CallbackRequest, Move, TicketStatus
from dialer.model import AgentId, SwitchId
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
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow, CallbackWakeWorkflow


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


async def test_callback_waits_for_its_day_over_the_change_back_in_autumn(
    time_skipping: WorkflowEnvironment,
) -> None:
    year = (await time_skipping.get_current_time()).year + 1
    autumn = date(year, 10, 31) - timedelta(days=(date(year, 10, 31).weekday() + 1) % 7)
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        before = world.promise(a_request(autumn - timedelta(days=1), period=MORNING))
        after = world.promise(a_request(autumn, period=MORNING))
        assert world.promises[before].opens_at.time() == time(7)
        assert world.promises[after].opens_at.time() == time(8)
        await time_skipping.sleep(
            datetime.combine(autumn, time(7), UTC) - await time_skipping.get_current_time()
        )
        moved = RescheduleCallback(request_id=key(), period=MORNING)
        assert (await desk.order(after, moved)).phase is CallbackPhase.waiting
        await time_skipping.sleep(timedelta(minutes=61))
        assert world.promises[after].phase is CallbackPhase.due
        await desk.order(after, CancelCallback(request_id=key()))


async def test_due_date_that_is_moved_again_and_again_counts_as_it_was_last(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        day = await today(time_skipping)
        callback = world.promise(a_request(day + timedelta(days=1)))
        for days in (30, 9, 16, 1):
            due_on = day + timedelta(days=days)
            await desk.order(callback, RescheduleCallback(request_id=key(), due_on=due_on))
        await time_skipping.sleep(
            world.promises[callback].opens_at - await time_skipping.get_current_time()
        )
        await desk.start(callback)
        taken = await desk.order(callback, take())
        assert (taken.phase, world.promises[callback].request.due_on) == (
            CallbackPhase.taken,
            day + timedelta(days=1),
        )
        await desk.order(callback, CancelCallback(request_id=key()))


async def test_callback_whose_list_is_deleted_while_it_sleeps_is_unknown(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping) + timedelta(weeks=3)))
        await desk.start(callback)
        assert (await result_of(desk, callback)).asleep is True
        del world.promises[callback]
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, take())
        assert refused.value.code == "callback_unknown"
        assert (await result_of(desk, callback)).phase is None


@pytest.mark.parametrize("when", ["while it waits", "while it is due", "during the call"])
async def test_callback_is_told_that_its_list_is_deleted_and_ends(
    time_skipping: WorkflowEnvironment, when: str
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(a_request(await today(time_skipping) + timedelta(days=2)))
        early = timedelta(hours=1) if when == "while it waits" else -timedelta(minutes=1)
        now = await time_skipping.get_current_time()
        await time_skipping.sleep(world.promises[callback].opens_at - early - now)
        await desk.start(callback)
        if when == "during the call":
            await desk.order(callback, take())
            await desk.order(callback, start())
        else:
            await time_skipping.sleep(timedelta(seconds=1))
        phases = {"while it waits": "waiting", "while it is due": "due"}
        assert world.promises[callback].phase == phases.get(when, "started")
        assert await desk.list_deleted([callback, CallbackId("cb-asleep")]) == 1
        ended = await result_of(desk, callback)
        assert (ended.phase, ended.reason) == (CallbackPhase.cancelled, "list_deleted")
        del world.promises[callback]
        assert await desk.list_deleted([callback]) == 0
        with pytest.raises(OrderRefused) as refused:
            await desk.order(callback, take())
        assert refused.value.code == "callback_unknown"


def kept_by_pbx(day: date) -> CallbackRequest:
    return a_request(day).model_copy(update={"external_id": "uuid-1"})


async def test_move_on_a_list_of_the_pbx_is_asked_of_it_before_it_is_written(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld(pbx_refuses=True)
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(kept_by_pbx(await today(time_skipping)))
        with pytest.raises(OrderRefused, match="bruno") as refused:
            await desk.order(callback, take())
        assert refused.value.code == "callback_taken"
        assert world.promises[callback].holder is None
        world.pbx_refuses = False
        await desk.order(callback, take())
        await desk.order(callback, start())
        await desk.order(callback, ticket(TicketStatus.answered))
        assert (await result_of(desk, callback)).phase is CallbackPhase.closed
    assert [order.move for order in world.driven] == [Move.take, Move.ticket]
    with pytest.raises(OrderRefused):
        await desk.order(callback, CancelCallback(request_id=key()))


async def test_what_the_pbx_says_wins_unless_it_is_older_than_a_move_here(
    time_skipping: WorkflowEnvironment,
) -> None:
    world = CallbackWorld()
    async with callback_desk(time_skipping.client, world) as desk:
        callback = world.promise(kept_by_pbx(await today(time_skipping)))
        seen = Seen(external_id="uuid-1", holder=BRUNO)
        told = MirrorCallback(request_id=key(), version=0, seen=seen)
        assert (await desk.order(callback, told)).phase is CallbackPhase.taken
        assert world.promises[callback].holder == BRUNO
        version = world.promises[callback].version
        released = seen.model_copy(update={"holder": None})
        stale = MirrorCallback(request_id=key(), version=version - 1, seen=released)
        assert (await desk.order(callback, stale)).phase is CallbackPhase.taken
        gone = seen.model_copy(update={"open": False})
        over = MirrorCallback(request_id=key(), version=version, seen=gone)
        assert (await desk.order(callback, over)).phase is CallbackPhase.closed
    assert world.driven == []


async def test_mirror_of_a_switch_that_is_gone_ends(time_skipping: WorkflowEnvironment) -> None:
    async with callback_desk(time_skipping.client, CallbackWorld()) as desk:
        handle = await desk.client.start_workflow(
            CallbackMirrorWorkflow.run,
            MirrorLists(switch=SwitchId("gone")),
            id=f"callbacks/mirror/{key()}",
            task_queue=desk.task_queue,
        )
        with pytest.raises(WorkflowFailureError):
            await handle.result()


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
