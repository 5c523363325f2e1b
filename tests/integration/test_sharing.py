"""Several campaigns on one switch and several switches at once, on real sockets and tables."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from dialer.agent import AgentState
from dialer.events import PauseRequested, ResumeRequested
from dialer.model import (
    AgentStatus,
    CampaignId,
    CampaignSettings,
    Mode,
    PacingSettings,
    SwitchId,
)
from offhook.demo.truth import Comparison
from offhook.simulator.config import GATEWAY, GatewayConfig, SimulatorConfig, make_users
from offhook.simulator.population import Population, RandomTime
from offhook.storage import tables
from offhook.storage.agent_store import AgentStore
from offhook.storage.pool import open_pool
from tests.support.floor_stack import SWITCH, FloorStack, floor_stack, utc_now

A, B, C = CampaignId("ca"), CampaignId("cb"), CampaignId("cc")
PATIENT = Population(
    ring=RandomTime(mean_s=0.3),
    talk=RandomTime(mean_s=0.4),
    patience=RandomTime(mean_s=8),
    customer_hangs_up_probability=1.0,
).with_answers(1.0, 0.0)
SHORT = {"duration_s": 0.6}


def numbers(first: int, count: int) -> list[str]:
    return [f"+39320{first + index:07}" for index in range(count)]


def plan(**changes: object) -> CampaignSettings:
    values: dict[str, object] = {
        "name": "shared",
        "switch": SWITCH,
        "mode": Mode.progressive,
        "wrap_up": timedelta(0),
        "retry": {"max_attempts": 1},
        "ring_timeout": timedelta(seconds=15),
    }
    return CampaignSettings.model_validate(values | changes)


def machine(users: int, *, population: Population = PATIENT, lines: int = 30) -> SimulatorConfig:
    return SimulatorConfig(
        users=make_users(users),
        gateways=(GatewayConfig(id=GATEWAY, name="carrier", lines=lines),),
        population=population,
        ivrs=tuple(
            ivr.model_copy(update=SHORT) if ivr.duration_s else ivr
            for ivr in SimulatorConfig().ivrs
        ),
        ring_timeout_s=10,
        auto_answer_s=(0.02, 0.05),
    )


async def until(true: Callable[[], Awaitable[bool]], *, within: float = 30) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (the truth is in tables and another process)
            await asyncio.sleep(0.05)


async def end(tasks: Sequence["asyncio.Task[str]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def talks_overlap(floor: FloorStack) -> list[str]:
    """Users who were with two customers at once, as the simulator saw it."""
    talks: dict[str, list[tuple[float, float]]] = {}
    for record in floor.simulator.face.pbx.recorder.calls.values():
        if record.joined_with and record.joined_at and record.ended_at:
            talks.setdefault(record.joined_with, []).append(
                (record.joined_at.timestamp(), record.ended_at.timestamp())
            )
    return [
        user
        for user, spans in talks.items()
        if any(a[1] > b[0] for a, b in zip(sorted(spans), sorted(spans)[1:], strict=False))
    ]


def sound(judged: Comparison) -> bool:
    return judged.double_dialed == judged.stranded == judged.unclaimed == 0


async def works_for(floor: FloorStack, user: int) -> str:
    """The campaign that has the lease of an agent."""
    agent = floor.agent_id(floor.simulator.config.users[user])
    async with floor.database.transaction() as session:
        found = await session.execute(
            tables.agent_leases.select().where(tables.agent_leases.c.agent_id == agent)
        )
        row = found.one_or_none()
    return "" if row is None else str(row.campaign_id)


async def state_in(floor: FloorStack, campaign: CampaignId, user: int) -> str:
    agent = floor.agent_id(floor.simulator.config.users[user])
    doing = tables.agent_activity
    async with floor.database.transaction() as session:
        found = await session.execute(
            doing.select().where(doing.c.agent_id == agent, doing.c.campaign_id == campaign)
        )
        row = found.one_or_none()
    return "" if row is None else str(row.state)


@pytest.mark.slow
async def test_campaigns_on_few_lines_progress_by_weight_and_never_use_more(
    database_url: str,
) -> None:
    agentless = PacingSettings(calls_per_second=100, concurrency=100)
    async with floor_stack(database_url, machine(0, lines=100)) as floor:
        await floor.limit(lines=8)
        for index, (campaign, weight) in enumerate(((A, 1), (B, 3))):
            settings = plan(mode=Mode.agentless, weight=weight, pacing=agentless)
            await floor.create(settings, numbers(10_000 * index, 600), campaign=campaign)
        running = [asyncio.create_task(floor.dial(campaign=campaign)) for campaign in (A, B)]
        # Whoever comes first has all lines for a moment; what counts is how they go on.
        await until(lambda: _placed(floor, 40))
        before = len(await floor.attempts(A)), len(await floor.attempts(B))
        await until(lambda: _placed(floor, 140))
        await end(running)
        slow = len(await floor.attempts(A)) - before[0]
        fast = len(await floor.attempts(B)) - before[1]
        assert floor.most_lines == 8
        assert 1.5 < fast / slow < 6, (slow, fast)


async def _placed(floor: FloorStack, count: int, campaign: CampaignId | None = None) -> bool:
    return len(await floor.attempts(campaign)) >= count


@pytest.mark.slow
async def test_three_campaigns_share_lines_and_agents_until_each_has_finished(
    database_url: str,
) -> None:
    async with floor_stack(database_url, machine(6, lines=50)) as floor:
        await floor.limit(lines=5)
        for index, campaign in enumerate((A, B, C)):
            settings = plan(priority=1 if campaign == C else 0)
            await floor.create(settings, numbers(10_000 * index, 12), campaign=campaign)
        async with asyncio.timeout(90):
            reasons = await asyncio.gather(
                *(floor.dial(campaign=campaign) for campaign in (A, B, C))
            )
        assert reasons == ["exhausted"] * 3
        assert floor.most_lines <= 5
        assert talks_overlap(floor) == []
        judged = await floor.judge(plan())
        assert sound(judged), judged
        assert len(await floor.attempts()) == 36


@pytest.mark.slow
async def test_calls_per_second_of_a_trunk_hold_for_all_its_campaigns_together(
    database_url: str,
) -> None:
    agentless = PacingSettings(calls_per_second=100, concurrency=100)
    async with floor_stack(database_url, machine(0, lines=200)) as floor:
        await floor.limit(lines=200, calls_per_second=5.0)
        for index, campaign in enumerate((A, B)):
            settings = plan(mode=Mode.agentless, pacing=agentless)
            await floor.create(settings, numbers(10_000 * index, 100), campaign=campaign)
        running = [asyncio.create_task(floor.dial(campaign=campaign)) for campaign in (A, B)]
        for campaign in (A, B):
            await until(lambda: _placed(floor, 10, campaign))  # noqa: B023 (awaited at once)
        await end(running)
        async with floor.database.transaction() as session:
            # When it was decided: a busy machine may bunch what then reaches the PBX.
            opened = (await session.scalars(select(tables.attempts.c.opened_at))).all()
        placed = sorted(moment.timestamp() for moment in opened)
        # Each engine may add a token of its own to what the trunk's bucket holds.
        for since in placed:
            assert sum(since <= moment < since + 2 for moment in placed) <= 2 * 5 + 4


@pytest.mark.slow
async def test_two_switches_dial_at_once_each_within_its_own_lines(database_url: str) -> None:
    async with AsyncExitStack() as closing:
        floors = [
            await closing.enter_async_context(
                floor_stack(database_url, machine(3, lines=30), switch_id=SwitchId(name))
            )
            for name in ("north", "south")
        ]
        campaigns = (A, B)
        for index, (floor, campaign) in enumerate(zip(floors, campaigns, strict=True)):
            await floor.limit(lines=2 + index)
            settings = plan(switch=floor.config.switch_id)
            await floor.create(settings, numbers(10_000 * index, 12), campaign=campaign)
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(f.dial(campaign=c) for f, c in zip(floors, campaigns, strict=True))
            )
        for index, floor in enumerate(floors):
            assert floor.most_lines <= 2 + index
            judged = await floor.judge(plan())
            assert sound(judged), judged
            assert len(await floor.attempts()) == 12


@pytest.mark.slow
async def test_agent_moved_during_a_talk_finishes_it_and_then_works_for_the_other(
    database_url: str,
) -> None:
    people = PATIENT.model_copy(update={"talk": RandomTime(mean_s=4.0, cv=0.05)})
    async with floor_stack(database_url, machine(2, population=people)) as floor:
        users = floor.simulator.config.users
        await floor.create(plan(), numbers(0, 40), campaign=A, users=users[:1])
        await floor.create(plan(), numbers(10_000, 40), campaign=B, users=users[1:])
        running = [asyncio.create_task(floor.dial(campaign=campaign)) for campaign in (A, B)]

        async def talks() -> bool:
            return await state_in(floor, A, 0) == AgentState.talking

        await until(talks)
        pool = await open_pool(database_url, size=1)
        store = AgentStore(pool)
        moved = await store.find(floor.agent_id(users[0]))
        await store.move(moved, source=A, target=B, now=utc_now())

        async def arrived() -> bool:
            return await works_for(floor, 0) == B and await state_in(floor, B, 0) == "talking"

        await until(arrived)
        await end(running)
        await pool.close()
        joined = [
            record
            for record in floor.simulator.face.pbx.recorder.calls.values()
            if record.joined_with == f"user:{users[0].id}" and record.ended_at
        ]
        assert joined
        assert {record.ended_by for record in joined} == {"customer"}
        assert talks_overlap(floor) == []


@pytest.mark.slow
async def test_agents_of_a_paused_campaign_work_for_the_other_and_come_back(
    database_url: str,
) -> None:
    async with floor_stack(database_url, machine(2)) as floor:
        await floor.create(plan(weight=5), numbers(0, 300), campaign=A)
        await floor.create(plan(), numbers(10_000, 300), campaign=B)
        running = [asyncio.create_task(floor.dial(campaign=campaign)) for campaign in (A, B)]

        async def all_at(campaign: CampaignId) -> bool:
            return {await works_for(floor, user) for user in (0, 1)} == {campaign}

        await until(lambda: all_at(A))
        await floor.order(A, PauseRequested())
        await until(lambda: all_at(B))
        await floor.order(A, ResumeRequested())
        await until(lambda: all_at(A))
        await end(running)
        assert talks_overlap(floor) == []


async def test_status_that_an_agent_chose_reaches_the_campaign_that_has_him(
    database_url: str,
) -> None:
    async with floor_stack(database_url, machine(1)) as floor:
        await floor.create(plan(), [], campaign=A)
        await floor.create(plan(), numbers(0, 1), campaign=B)
        pool = await open_pool(database_url, size=1)
        store = AgentStore(pool)
        agent = await store.find(floor.agent_id(floor.simulator.config.users[0]))
        await store.set_status(agent, AgentStatus.not_ready, now=utc_now())
        dialing = asyncio.create_task(floor.dial(campaign=B))
        done, _ = await asyncio.wait({dialing}, timeout=1.5)
        assert not done
        assert await floor.attempts() == []
        await store.set_status(agent, AgentStatus.available, now=utc_now())
        async with asyncio.timeout(20):
            assert await dialing == "exhausted"
        await pool.close()
        assert len(await floor.attempts()) == 1
