"""Callers in a menu over minutes, with time skipping and a record in memory."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.ivr_contracts import AgentSearch, FrontEnd, Heard
from dialer.model import AgentId
from ivr.machine_words import EndReason, HangUp, PinAnswer, Transfer
from offhook.temporal.ivr import SessionOver, SessionUnanswered
from tests.support.ivr import ANNA, PBX, IvrWorld, PbxCall, ended, gathers, ivr_desk, words_of
from workflows.ivr_session import GRACE, UNHEARD

RIGHT = "ref-right"
WAITING = AgentSearch(outcome="waiting", position=2)


def world(**more: object) -> IvrWorld:
    return IvrWorld(pins={RIGHT: PinAnswer.ok}, **more)  # type: ignore[arg-type]  # fields by name


async def at_the_pin(call: PbxCall) -> None:
    assert words_of(await call.begin()) == ["Welcome"]
    asked = gathers(await call.returned())
    assert asked is not None
    assert asked.secret


async def in_the_queue(call: PbxCall) -> None:
    await at_the_pin(call)
    assert words_of(await call.types_secret(RIGHT)) == ["Please hold"]


async def at_the_menu(call: PbxCall) -> None:
    await in_the_queue(call)
    await call.types("9")


async def test_right_pin_reaches_the_agent_and_the_session_is_recorded(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world()
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        reply = await call.types_secret(RIGHT)
        while reply.agent is None:
            reply = await call.returned()
        assert (reply.agent, reply.ended) == (ANNA, EndReason.connected)
        result = await ended(time_skipping, call)
    assert (result.ended, result.lost) == (EndReason.connected, False)
    assert floor.left[-1].connected
    last, step = floor.steps[max(floor.steps)]
    assert (last.agent_id, step.session.customer) == ("anna", "C7")


async def test_wrong_pin_twice_reaches_the_default_user(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with ivr_desk(time_skipping.client, world()) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        assert words_of(await call.types_secret("ref-wrong"))[0] == "Wrong"
        reply = await call.types_secret("ref-wrong")
        (order,) = [one for one in reply.actions if isinstance(one, Transfer)]
        assert str(order.to) == "user:7"
        assert (await ended(time_skipping, call)).ended is EndReason.transferred


async def test_repeated_question_is_answered_the_same(time_skipping: WorkflowEnvironment) -> None:
    floor = world()
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        first = await call.begin()
        assert await call.begin() == first
        second = await call.returned()
        again, once_more = await asyncio.gather(
            call.returned(turn=first.turn), call.returned(turn=first.turn)
        )
        assert again == once_more == second
        await call.types_secret("ref-wrong")
        turn = second.turn
        late = await call.returned(turn=turn, secret="ref-other-one", heard=Heard.typed)
        assert words_of(late)[0] == "Wrong"
        assert len(floor.verified) == 1


async def test_last_question_is_answered_the_same_after_the_end(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with ivr_desk(time_skipping.client, world()) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        turn = (await call.types_secret("ref-wrong")).turn
        reply = await call.types_secret("ref-wrong")
        again = await call.returned(turn=turn, secret="ref-wrong", heard=Heard.typed)
        assert [type(one) for one in again.actions] == [type(one) for one in reply.actions]
        await ended(time_skipping, call)
        with pytest.raises(SessionOver):
            await call.returned()


async def test_silence_asks_again_and_then_takes_the_way_for_silence(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with ivr_desk(time_skipping.client, world()) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        assert gathers(await call.returned()) is not None
        reply = await call.returned()
        assert isinstance(reply.actions[-1], HangUp)
        assert (await ended(time_skipping, call)).ended is EndReason.completed


async def test_switch_that_never_comes_back_ends_the_session(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world()
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        result = await ended(time_skipping, call)
    assert (result.ended, result.lost) == (EndReason.hung_up, True)
    assert floor.steps[max(floor.steps)][0].lost


async def test_queue_that_is_not_asked_about_any_more_is_left(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world(searches=[WAITING])
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await in_the_queue(call)
        result = await ended(time_skipping, call)
    assert result.lost
    assert not floor.left[-1].connected


@pytest.mark.parametrize("reach", [at_the_pin, in_the_queue, at_the_menu])
async def test_caller_who_hangs_up_ends_the_session_in_any_phase(
    time_skipping: WorkflowEnvironment, reach: object
) -> None:
    floor = world(searches=[WAITING])
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await reach(call)  # type: ignore[operator]  # one of the three above
        assert await desk.caller_gone(PBX, "c1")
        result = await ended(time_skipping, call)
        assert not await desk.caller_gone(PBX, "c1")
    assert (result.ended, result.lost) == (EndReason.hung_up, False)
    assert [one.connected for one in floor.left] == ([] if reach is at_the_pin else [False])


async def test_call_id_that_comes_again_is_another_callers_and_shows_nothing_of_the_first(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world(searches=[WAITING])
    async with ivr_desk(time_skipping.client, floor) as desk:
        first = PbxCall(desk, "c1")
        await in_the_queue(first)
        second = PbxCall(desk, "c1", calling="+390733999")
        assert words_of(await second.begin()) == ["Welcome"]
        assert await second.begin() == second.reply
        ends = [step.session.ended for _, step in floor.steps.values() if step.session.ended]
        assert ends == [EndReason.hung_up]
        assert [one.connected for one in floor.left] == [False]


async def test_caller_hears_a_better_place_once_and_leaves_the_queue_by_a_key(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world(searches=[WAITING])
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await in_the_queue(call)
        while (heard := words_of(await call.returned())) == []:
            pass
        assert heard == ["You are number", "2"]
        second = await call.returned()
        assert second.part == 1
        assert words_of(await call.returned()) == []
        reply = await call.types("9")
        assert "9 no more calls" in words_of(reply)[0]
    assert [one.connected for one in floor.left] == [False]


async def test_nobody_in_the_group_is_another_way_on(time_skipping: WorkflowEnvironment) -> None:
    floor = world(searches=[AgentSearch(outcome="nobody")])
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        reply = await call.types_secret(RIGHT)
        while reply.ended is None:
            reply = await call.returned()
        assert isinstance(reply.actions[-1], Transfer)
    assert len(floor.left) == 1


@pytest.mark.parametrize(("refuses", "said"), [(False, "Thanks"), (True, "Sorry")])
async def test_opt_out_and_callback_are_written_or_the_caller_is_told(
    time_skipping: WorkflowEnvironment, *, refuses: bool, said: str
) -> None:
    floor = world(searches=[WAITING], refuses=refuses)
    async with ivr_desk(time_skipping.client, floor) as desk:
        for key, number in (("9", "c1"), ("8", "c2")):
            call = PbxCall(desk, number)
            await at_the_menu(call)
            assert words_of(await call.types(key)) == [said]
            assert isinstance((await call.returned()).actions[-1], HangUp)
    assert len(floor.opted_out) == len(floor.booked) == (0 if refuses else 1)


async def test_answers_are_saved_and_a_service_without_answer_has_a_way_on(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world(searches=[WAITING], hook_result=None)
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await at_the_menu(call)
        await call.types("6")
        assert words_of(await call.types("4")) == ["Thanks"]
        asking = PbxCall(desk, "c2")
        await at_the_menu(asking)
        heard = words_of(await asking.types("7"))
        while heard == []:
            heard = words_of(await asking.returned())
        assert heard == ["Sorry"]
    assert [one.answers for one in floor.answers] == [{"happy": 4}]


async def test_step_waits_for_a_record_that_is_away(time_skipping: WorkflowEnvironment) -> None:
    floor = world(outages=3)
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        assert words_of(await call.begin()) == ["Welcome"]


@pytest.mark.parametrize("tells", [True, False])
async def test_session_whose_tree_is_gone_ends_and_gives_back_what_it_held(
    time_skipping: WorkflowEnvironment, *, tells: bool
) -> None:
    floor = world(searches=[WAITING])
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1")
        await in_the_queue(call)
        floor.gone = True
        with pytest.raises(SessionUnanswered, match="ivr_tree_unknown"):
            await call.types("9")
        if tells:
            await desk.caller_gone(PBX, "c1")  # unless the queue has found out before
        assert (await ended(time_skipping, call)).ended is EndReason.hung_up
    assert [one.connected for one in floor.left] == [False]


async def test_number_that_no_tree_answers_ends_the_call(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with ivr_desk(time_skipping.client, world(routed=False)) as desk:
        call = PbxCall(desk, "c1")
        reply = await call.begin()
        assert isinstance(reply.actions[-1], HangUp)
        assert (await ended(time_skipping, call)).ended is None


async def test_front_end_that_is_told_offers_the_next_agent_when_one_does_not_answer(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world()
    patience = timedelta(seconds=5)
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1", FrontEnd.told)
        await call.begin()
        await call.returned(heard=Heard.prompt_finished)
        reply = await call.types_secret(RIGHT)
        while reply.agent is None:
            reply = await call.returned(heard=Heard.nothing, known=reply.serial, patience=patience)
        assert reply.ended is None
        reply = await call.returned(heard=Heard.failed)
        while reply.agent is None:
            reply = await call.returned(heard=Heard.nothing, known=reply.serial, patience=patience)
        reply = await call.returned(heard=Heard.carried, patience=patience)
        assert (await ended(time_skipping, call)).ended is EndReason.connected
    assert [one.refused for one in floor.sought] == [None, AgentId("anna")]
    assert [one.connected for one in floor.left] == [True]


async def test_front_end_that_is_told_and_silent_is_given_up_after_some_silences(
    time_skipping: WorkflowEnvironment,
) -> None:
    floor = world()
    async with ivr_desk(time_skipping.client, floor) as desk:
        call = PbxCall(desk, "c1", FrontEnd.told)
        await call.begin()
        began = await time_skipping.get_current_time()
        result = await ended(time_skipping, call)
        assert await time_skipping.get_current_time() - began > GRACE
    assert result.ended is not None
    silences = [req for req, _ in floor.steps.values() if req.event.event == "silence"]
    assert 0 < len(silences) <= UNHEARD + 1


async def test_history_of_a_session_holds_no_tree_and_stays_short(
    time_skipping: WorkflowEnvironment,
) -> None:
    async with ivr_desk(time_skipping.client, world()) as desk:
        call = PbxCall(desk, "c1")
        await at_the_pin(call)
        for _ in range(2):
            await call.types_secret("ref-wrong")
        history = await call.handle().fetch_history()
        await ended(time_skipping, call)
    first, question, deed, handed_over = 19, 13, 12, 12
    assert len(history.events) <= first + 3 * question + 2 * deed + handed_over
    assert max(event.ByteSize() for event in history.events) < 8_000
