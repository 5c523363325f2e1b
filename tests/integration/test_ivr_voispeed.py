"""Callers in a tree on a VOIspeed responder, over real HTTP, with a real record and Temporal."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from structlog.testing import capture_logs
from temporalio.client import Client

from offhook.settings import load_settings
from offhook.simulator.voispeed_ivr import IvrFault
from offhook.storage.database import Database
from tests.support.ivr_stack import PIN, TUTORIAL, IvrStack, ivr_stack


@pytest.fixture
async def stack(
    database: Database,
    database_url: str,
    temporal_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[IvrStack]:
    """The tutorial's tree behind a PBX."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    settings = load_settings()
    async with ivr_stack(settings, database, database_url, temporal_client) as made:
        await made.publish(TUTORIAL.read_text())
        yield made


async def test_right_pin_reaches_the_agent_of_the_group_and_wrong_ones_the_default(
    stack: IvrStack,
) -> None:
    with capture_logs() as logs:
        right = await stack.call("1", PIN)
        wrong = await stack.call("1", "111111", "222222", "333333")
    assert (right.end, right.to) == ("transferred", "0:101")
    assert (wrong.end, wrong.to) == ("transferred", "100")
    session = await stack.session(right)
    assert (session.ended, session.customer, session.agent_id) == ("connected", "C7", stack.agent)
    assert (await stack.session(wrong)).customer is None
    history = (await stack.workflow(right).fetch_history()).to_json()
    rows = await stack.pool.fetch(
        "SELECT to_jsonb(e)::text AS row FROM ivr_session_events e"
        " UNION ALL SELECT to_jsonb(s)::text FROM ivr_sessions s"
        " UNION ALL SELECT to_jsonb(a)::text FROM pin_attempts a"
    )
    seen = [history, json.dumps(logs, default=str), *(row["row"] for row in rows)]
    assert not [one for one in seen if PIN in one or "111111" in one]


async def test_repeated_lost_and_changed_questions_change_nothing(stack: IvrStack) -> None:
    faults = {0: IvrFault.repeat, 1: IvrFault.lose_answer, 2: IvrFault.repeat}
    record = await stack.call("1", PIN, faults=faults)
    assert (record.end, record.to) == ("transferred", "0:101")
    assert "(two answers)" not in record.heard
    changed = await stack.call("1", "1", faults={1: IvrFault.change_tag})
    assert changed.heard[0] == changed.heard[1]
    found = await stack.pool.fetchval("SELECT count(*) FROM pin_attempts")
    assert found == 1


async def test_caller_who_hangs_up_ends_the_session_by_the_event_of_the_switch(
    stack: IvrStack,
) -> None:
    record = await stack.call("1", "!")
    session = await stack.session(record)
    assert (record.end, session.ended, session.lost) == ("hung_up", "hung_up", False)


async def test_agent_is_free_again_once_the_talk_is_over(stack: IvrStack) -> None:
    first = await stack.call("1", PIN, talk_s=4.0)
    assert (first.end, (await stack.session(first)).agent_id) == ("transferred", stack.agent)
    async with asyncio.timeout(20):
        while await stack.pool.fetchval("SELECT count(*) FROM agent_offers"):  # noqa: ASYNC110 - told by the switch
            await asyncio.sleep(0.05)
    assert await stack.pool.fetchval("SELECT idle_since IS NOT NULL FROM agent_profiles")
    second = await stack.call("1", PIN)
    assert (await stack.session(second)).agent_id == stack.agent


async def test_running_call_keeps_the_version_that_it_began_with(stack: IvrStack) -> None:
    calling = asyncio.create_task(stack.call("1", PIN, think_s=20.0))
    await asyncio.sleep(0.5)
    changed = TUTORIAL.read_text().replace("to: 100", "to: 300")
    assert await stack.publish(changed) == 2
    assert await stack.publish(changed) == 2
    record = await calling
    assert (await stack.session(record)).version == 1
    later = await stack.call()
    assert (later.to, (await stack.session(later)).version) == ("300", 2)


async def test_hook_ends_calls_that_it_cannot_answer_and_tells_nothing_of_them(
    stack: IvrStack,
) -> None:
    async with aiohttp.ClientSession() as http:

        async def ask(url: str = stack.script_url, **params: str) -> tuple[int, str]:
            async with http.get(url, params=params) as reply:
                return reply.status, (await reply.text()).strip()

        with capture_logs() as logs:
            assert await ask(nodeid="0", input=PIN) == (200, "command=0")
            known = {"ivrid": "9", "nodeid": "0", "callid": "gone", "input": PIN}
            assert await ask(**known, tag="5") == (200, "command=0")
            status, _ = await ask(f"{stack.script_url}x", **known)
            assert status == 404
        assert PIN not in json.dumps(logs, default=str)
        reasons = {one.get("reason", one["event"]) for one in logs if "ivr" in one["event"]}
        assert reasons == {"ivr_question_unreadable", "ivr_session_over"}
