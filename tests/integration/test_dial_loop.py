"""The live layer, end to end without Temporal: real sockets, real PostgreSQL, the simulated PBX."""

import asyncio
from datetime import timedelta

import pytest

from activities.ports import LeaseLost
from dialer.model import CampaignSettings, Mode, PacingSettings
from dialer.outcomes import Outcome
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.population import Behaviour, PersonKind, Population, RandomTime
from tests.support.floor_stack import SWITCH, floor_stack

ANNA = "+393201112223"


async def test_one_contact_meets_one_agent(database_url: str) -> None:
    people = Population(numbers={ANNA: [Behaviour(kind=PersonKind.answer, ring_s=0.2, talk_s=0.3)]})
    settings = CampaignSettings(
        name="first call", mode=Mode.progressive, switch=SWITCH, wrap_up=timedelta(0)
    )
    async with floor_stack(
        database_url, SimulatorConfig(users=make_users(1), population=people)
    ) as floor:
        await floor.create(settings, [ANNA])
        async with asyncio.timeout(20):
            reason = await floor.dial()
        assert reason == "exhausted"
        assert [attempt.outcome for attempt in await floor.attempts()] == [Outcome.answered]
        assert (await floor.judge(settings)).clean


@pytest.mark.slow
async def test_predictive_floor_tells_the_same_story_as_the_pbx(database_url: str) -> None:
    people = Population(
        answer_probability=0.5,
        ring=RandomTime(mean_s=0.4),
        failure=RandomTime(mean_s=0.2),
        talk=RandomTime(mean_s=0.6),
        patience=RandomTime(mean_s=3),
    )
    settings = CampaignSettings(
        name="sixty people",
        mode=Mode.predictive,
        switch=SWITCH,
        wrap_up=timedelta(milliseconds=100),
        pacing=PacingSettings(max_lines_per_agent=4),
        retry={"max_attempts": 1},
        ring_timeout=timedelta(seconds=15),
    )
    async with floor_stack(
        database_url,
        SimulatorConfig(
            users=make_users(5), population=people, ring_timeout_s=2, auto_answer_s=(0.02, 0.05)
        ),
    ) as floor:
        await floor.create(settings, [f"+39320{index:07}" for index in range(60)])
        async with asyncio.timeout(60):
            assert await floor.dial() == "exhausted"
        judged = await floor.judge(settings)
        assert judged.clean, judged
        assert len(await floor.attempts()) == 60


@pytest.mark.slow
async def test_a_loop_that_dies_is_taken_over_without_calling_anybody_twice(
    database_url: str,
) -> None:
    people = Population(
        answer_probability=0.6,
        ring=RandomTime(mean_s=0.5),
        failure=RandomTime(mean_s=0.2),
        talk=RandomTime(mean_s=1.0),
        patience=RandomTime(mean_s=6),
    )
    settings = CampaignSettings(
        name="killed", switch=SWITCH, wrap_up=timedelta(0), retry={"max_attempts": 1}
    )
    async with floor_stack(
        database_url,
        SimulatorConfig(
            users=make_users(5), population=people, ring_timeout_s=2, auto_answer_s=(0.02, 0.05)
        ),
    ) as floor:
        await floor.create(settings, [f"+39320{index:07}" for index in range(40)])
        async with asyncio.timeout(90):
            for take_over in range(4):
                dialing = asyncio.create_task(floor.dial(owner=f"worker {take_over}"))
                await asyncio.wait({dialing}, timeout=2.5)
                dialing.cancel()
                await asyncio.wait({dialing})
            assert await floor.dial(owner="last") == "exhausted"
        judged = await floor.judge(settings)
        assert judged.double_dialed == 0
        assert judged.stranded == 0
        assert judged.unclaimed == 0


async def test_a_second_loop_fences_off_the_first(database_url: str) -> None:
    settings = CampaignSettings(name="fenced", mode=Mode.progressive, switch=SWITCH)
    async with floor_stack(database_url, SimulatorConfig(users=make_users(1))) as floor:
        await floor.create(settings, [])
        first = asyncio.create_task(floor.dial(owner="first"))
        await asyncio.wait({first}, timeout=0.1)
        async with asyncio.timeout(20):
            assert await floor.dial(owner="second") == "exhausted"
            await asyncio.wait({first})
        assert first.exception() is None or isinstance(first.exception(), LeaseLost)
