"""The queue and its agents on a real PostgreSQL: the best first, nobody twice, in order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import pytest

from activities.ivr_contracts import AgentSearch, LeaveQueue, SeekAgent
from dialer.model import AgentId
from dialer.suitability import Needs, SkillLevel
from ivr.routing import QueuePolicy
from offhook.ivr.agents import OFFER_LEASE, TALK_LEASE, PostgresAgentFinder
from offhook.storage.agent_routing import RoutingStore
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool, open_pool
from tests.integration.storage.steps import CAPABILITIES
from tests.support.builders import NOW, SWITCH, Rows

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SALES = Needs(group="sales")


@dataclass
class Hall:
    """Callers who wait, and agents who come and go."""

    pool: Pool
    rows: Rows
    policy: QueuePolicy = field(default_factory=QueuePolicy)
    now: datetime = NOW

    @property
    def finder(self) -> PostgresAgentFinder:
        return PostgresAgentFinder(self.pool, lambda: self.now, self.policy)

    async def agent(
        self,
        name: str,
        *,
        skills: dict[str, int] | None = None,
        groups: dict[str, int] | None = None,
        hours: str = "",
    ) -> None:
        await self.rows.agents(name)
        await self.pool.execute(
            "INSERT INTO agent_profiles (agent_id, skills, groups, hours, changed_at)"
            " VALUES ($1, $2::jsonb, $3::jsonb, $4, $5)",
            name,
            orjson.dumps(skills or {}).decode(),
            orjson.dumps({"sales": 0} if groups is None else groups).decode(),
            hours,
            NOW,
        )

    async def seek(
        self,
        caller: str,
        needs: Needs = SALES,
        *,
        since: datetime | None = None,
        refused: str | None = None,
        calling: str = "",
        customer: str | None = None,
        max_wait: timedelta = 5 * MINUTE,
    ) -> AgentSearch:
        await self.pool.execute(
            "INSERT INTO ivr_sessions (id, switch_id, call_id, tree, version, phase, started_at,"
            " changed_at) VALUES ($1, $2, $1, 'sales', 1, 'queued', $3, $3) ON CONFLICT DO NOTHING",
            caller,
            SWITCH,
            NOW,
        )
        return await self.finder.find(
            SeekAgent(
                session_id=caller,
                switch_id=SWITCH,
                needs=needs,
                since=since or self.now,
                max_wait=max_wait,
                calling=calling,
                customer=customer,
                refused=None if refused is None else AgentId(refused),
            )
        )

    async def leave(self, caller: str, *, connected: bool = False) -> None:
        await self.finder.leave(LeaveQueue(session_id=caller, connected=connected))


@pytest.fixture
async def hall(database: Database, database_url: str) -> AsyncIterator[Hall]:
    pool = await open_pool(database_url, size=10)
    rows = Rows(database)
    await rows.switch()
    yield Hall(pool, rows)
    await pool.close()


def who(found: AgentSearch) -> str | None:
    return found.agent.agent_id if found.agent else None


async def test_most_suitable_agent_is_reserved_and_the_reason_is_on_record(hall: Hall) -> None:
    await hall.agent("ann", skills={"router": 2})
    await hall.agent("bea", skills={"router": 9})
    needs = Needs(group="sales", required=(SkillLevel(name="router", level=2),))
    found = await hall.seek("s1", needs)
    assert (found.outcome, who(found)) == ("reserved", "bea")
    kept = await hall.pool.fetchval("SELECT reasons FROM agent_offer_log")
    assert found.agent is not None
    assert tuple(kept) == found.agent.reasons
    assert "has router 9 (2 is required)" in kept


async def test_asking_again_tells_the_same_agent(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.agent("bea")
    assert who(await hall.seek("s1")) == who(await hall.seek("s1"))
    assert await hall.pool.fetchval("SELECT count(*) FROM agent_offers") == 1


async def test_callers_at_once_never_share_an_agent_and_keep_their_order(hall: Hall) -> None:
    for name in ("ann", "bea", "cid"):
        await hall.agent(name)
    for number in range(8):
        hall.now = NOW + number * SECOND
        await hall.pool.execute(
            "INSERT INTO ivr_queue (session_id, switch_id, queue, needs, since, seen_at)"
            " VALUES ($1, $2, 'sales', $3::jsonb, $4, $4)",
            f"s{number}",
            SWITCH,
            SALES.model_dump_json(),
            hall.now,
        )
    found = await asyncio.gather(*(hall.seek(f"s{number}") for number in reversed(range(8))))
    by_caller = dict(zip((f"s{number}" for number in reversed(range(8))), found, strict=True))
    reserved = {caller for caller, one in by_caller.items() if one.outcome == "reserved"}
    assert reserved == {"s0", "s1", "s2"}
    assert len({who(by_caller[caller]) for caller in reserved}) == 3
    assert by_caller["s7"].position is not None
    again = await hall.seek("s4")
    assert (again.outcome, again.position) == ("waiting", 2)


async def test_agent_of_no_use_to_those_ahead_is_not_kept_waiting(hall: Hall) -> None:
    await hall.agent("ann", groups={"sales": 0})
    await hall.agent("tom", groups={"tech": 0})
    tech = Needs(group="tech")
    assert who(await hall.seek("s1", tech)) == "tom"
    assert (await hall.seek("s2", tech)).outcome == "waiting"
    hall.now += SECOND
    assert who(await hall.seek("s3")) == "ann"


async def test_next_candidate_is_offered_when_one_does_not_answer(hall: Hall) -> None:
    await hall.agent("ann", groups={"sales": 0})
    await hall.agent("bea", groups={"sales": 5})
    assert who(await hall.seek("s1")) == "ann"
    assert who(await hall.seek("s1", refused="ann")) == "bea"
    assert who(await hall.seek("s1", refused="bea")) == "ann"  # everybody was tried: once more
    log = await hall.pool.fetch("SELECT agent_id, outcome FROM agent_offer_log ORDER BY id")
    assert [tuple(row) for row in log] == [("ann", "no_answer"), ("bea", "no_answer"), ("ann", "")]


async def test_nobody_on_duty_and_a_full_queue_are_told_at_once(hall: Hall) -> None:
    assert (await hall.seek("s1")).outcome == "nobody"
    await hall.agent("ann", hours="sat 09:00-12:00")
    assert (await hall.seek("s2")).outcome == "nobody"
    await hall.agent("bea")
    hall.policy = QueuePolicy(max_length=1)
    await hall.leave("s1")
    await hall.leave("s2")
    assert who(await hall.seek("s3")) == "bea"
    assert (await hall.seek("s4")).outcome == "waiting"
    assert (await hall.seek("s5")).outcome == "nobody"


async def test_wait_ends_at_its_limit(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.seek("s1")
    assert (await hall.seek("s2", since=NOW)).outcome == "waiting"
    await hall.pool.execute("UPDATE agent_offers SET expires_at = expires_at + interval '1 hour'")
    hall.now += 5 * MINUTE
    assert (await hall.seek("s2", since=NOW)).outcome == "timeout"


async def test_lease_of_a_dead_session_ends_and_the_agent_is_offered_again(hall: Hall) -> None:
    await hall.agent("ann")
    assert who(await hall.seek("s1")) == "ann"
    assert (await hall.seek("s2")).outcome == "waiting"
    hall.now += OFFER_LEASE + SECOND
    assert who(await hall.seek("s2", since=NOW)) == "ann"
    assert (await hall.pool.fetchval("SELECT outcome FROM agent_offer_log LIMIT 1")) == "expired"


async def test_connected_agent_stays_with_the_caller_and_is_their_last_agent(hall: Hall) -> None:
    await hall.agent("ann", groups={"sales": 9})
    assert who(await hall.seek("s1", calling="+390733111111")) == "ann"
    await hall.leave("s1", connected=True)
    await hall.agent("bea", groups={"sales": 0})
    hall.now += OFFER_LEASE + MINUTE
    assert who(await hall.seek("s2")) == "bea"
    await RoutingStore(hall.pool).free(AgentId("ann"), now=hall.now)
    await hall.leave("s2")
    found = await hall.seek("s3", calling="+390733111111")
    assert who(found) == "ann"
    assert found.agent is not None
    assert "spoke to the caller last" in found.agent.reasons


async def test_agent_whose_talk_nobody_ended_is_free_after_the_lease(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.seek("s1")
    await hall.leave("s1", connected=True)
    hall.now += TALK_LEASE
    assert who(await hall.seek("s2")) == "ann"


async def test_own_agent_and_importance_are_known_by_customer_or_number(hall: Hall) -> None:
    await hall.agent("ann", groups={"sales": 0})
    await hall.agent("bea", groups={"sales": 7})
    await hall.pool.execute(
        "INSERT INTO caller_profiles (kind, value, vip, owner, changed_at)"
        " VALUES ('customer', 'c7', false, 'bea', $1), ('number', '+39055', true, NULL, $1)",
        NOW,
    )
    assert who(await hall.seek("s1", customer="c7")) == "bea"
    await hall.seek("s2", calling="+39055")
    assert await hall.pool.fetchval("SELECT vip FROM ivr_queue WHERE session_id = 's2'")


async def test_agent_has_one_master_a_campaign_or_a_caller(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.agent("bea")
    campaign = await hall.rows.campaign(agents=[AgentId("ann"), AgentId("bea")])
    assert who(await hall.seek("s1")) in {"ann", "bea"}
    taken = who(await hall.seek("s1"))
    store = PostgresDialStore(hall.pool)
    lease = await store.take_lease(campaign, owner="worker-1", now=NOW)
    started = await store.load_started(lease, CAPABILITIES, NOW)
    assert {agent.agent_id for agent in started.agents} == {"ann", "bea"} - {taken}
    assert (await hall.seek("s2")).outcome == "waiting"
    await hall.leave("s1")
    assert who(await hall.seek("s2")) == taken


async def test_look_for_a_caller_who_has_left_reserves_nobody(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.agent("bea")
    assert who(await hall.seek("s1")) is not None
    await hall.pool.execute("UPDATE ivr_sessions SET phase = 'ended' WHERE id = 's1'")
    await hall.leave("s1")
    assert (await hall.seek("s1")).outcome == "nobody"
    assert await hall.pool.fetchval("SELECT count(*) FROM agent_offers") == 0
    assert await hall.pool.fetchval("SELECT count(*) FROM ivr_queue") == 0


async def test_look_for_an_earlier_wait_of_the_caller_finds_nobody(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.seek("s1", max_wait=5 * MINUTE)
    await hall.leave("s1")
    await hall.pool.execute("UPDATE ivr_sessions SET turn = 7 WHERE id = 's1'")
    late = SeekAgent(
        session_id="s1", switch_id=SWITCH, turn=4, needs=SALES, since=NOW, max_wait=MINUTE
    )
    assert (await hall.finder.find(late)).outcome == "nobody"
    assert (await hall.finder.find(late.model_copy(update={"turn": 7}))).outcome == "reserved"


async def test_watch_wakes_the_next_caller_when_an_agent_comes_free(hall: Hall) -> None:
    await hall.agent("ann")
    finder = hall.finder
    assert who(await hall.seek("s1", since=NOW)) == "ann"
    for caller, since in (("s2", NOW + SECOND), ("s3", NOW + 2 * SECOND)):
        assert (await hall.seek(caller, since=since)).outcome == "waiting"
    waiting = {
        caller: SeekAgent(
            session_id=caller, switch_id=SWITCH, needs=SALES, since=NOW, max_wait=MINUTE,
            position=place,
        )
        for place, caller in enumerate(("s2", "s3"), 1)
    }  # fmt: skip
    assert not await finder.stirred(waiting["s2"], within=1.2 * SECOND)
    second, third = (asyncio.create_task(finder.stirred(one, within=10 * SECOND))
                     for one in waiting.values())  # fmt: skip
    await hall.leave("s1")
    assert await second
    assert not third.done()
    await hall.leave("s2")
    assert await third


async def test_watch_wakes_callers_whom_nobody_can_take_any_more(hall: Hall) -> None:
    await hall.agent("ann")
    await hall.seek("s1")
    await hall.seek("s2")
    request = SeekAgent(
        session_id="s2", switch_id=SWITCH, needs=SALES, since=NOW, max_wait=MINUTE, position=1
    )
    waiting = asyncio.create_task(hall.finder.stirred(request, within=10 * SECOND))
    await hall.pool.execute("UPDATE agents SET status = 'logged_off'")
    assert await waiting


async def test_end_of_a_call_frees_the_agent_who_had_it_and_nobody_else(hall: Hall) -> None:
    for name in ("ann", "bea"):
        await hall.agent(name)
    taken = [who(await hall.seek(caller)) for caller in ("s1", "s2")]
    await hall.leave("s1", connected=True)
    await RoutingStore(hall.pool).talks_over(SWITCH, ["s1", "of a campaign"], now=hall.now)
    assert await hall.pool.fetchval("SELECT agent_id FROM agent_offers") == taken[1]
    assert who(await hall.seek("s3")) == taken[0]
