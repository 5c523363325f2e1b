"""PINs on the whole stack: whatever befalls a call, what was typed is nowhere afterwards."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select

from ivr.pin import PinPolicy
from ivr.tree import plant
from offhook.demo.pbx import SimulatedPbx
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.home import Home
from offhook.links import ivr_url
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.keys import PinKeys
from offhook.pins.stretching import Stretcher
from offhook.settings import load_settings
from offhook.simulator.population import Population
from offhook.storage import ivr_tables, tables
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pin_store import Terms
from offhook.storage.pool import Pool, open_pool
from offhook.supervisor.parts import process_address
from offhook.temporal.codec import KeyRing
from tests.support.leaks import Place, files_of, history_of, leaks, rows_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PIN, PLANTED = "83650294", "61830527"
WRONG = ("30958172", "72910438", "49602815")
AGENT, RECEPTION = "0:", "100"
TREE = """
ivr: secure
language: en
start: menu
nodes:
  menu:
    kind: menu
    prompt: {en: Welcome}
    keys: {"1": pin, "2": asked}
    no_input: reception
    no_match: reception
  pin:
    kind: pin
    policy: long
    prompt: {en: Your PIN}
    input: {length: 8, wait: 30s}
    tries: 3
    ok: agent
    wrong: reception
    no_input: reception
  asked:
    kind: pin
    policy: long
    prompt: {en: Your PIN}
    input: {length: 8, wait: 30s}
    tries: 3
    ok: crm
    wrong: reception
    no_input: reception
  crm: {kind: hook, url: "http://127.0.0.1:1/x", results: {gold: agent}, fallback: reception}
  agent: {kind: route, group: support, nobody: reception, timeout: reception}
  reception: {kind: transfer, to: 100}
"""


@dataclass
class Stage:
    """The stack, and people who call it."""

    stage: Rehearsal
    pool: Pool
    control: httpx.AsyncClient
    script_url: str

    async def calls(self, *scripts: dict[str, Any]) -> list[dict[str, Any]]:
        """Everybody calls at once; what became of them."""
        placed = await self.place(*scripts)
        async with asyncio.timeout(90):
            while True:
                found = (await self.control.get("ivr/calls")).json()["calls"]
                mine = [one for one in found if one["call_id"] in placed]
                if all(one["end"] for one in mine):
                    return mine
                await asyncio.sleep(0.2)

    async def place(self, *scripts: dict[str, Any]) -> list[str]:
        """Everybody calls at once."""
        made = [{"script_url": self.script_url, "called": "800", **one} for one in scripts]
        reply = await self.control.post("ivr/calls", json=made)
        reply.raise_for_status()
        ids: list[str] = reply.json()["call_ids"]
        return ids

    async def kill_worker(self) -> None:
        await self.stage.stack.wait_ready("worker", not_pid=self.stage.stack.kill("worker"))

    async def metrics(self) -> list[Place]:
        found = []
        for part in ("worker", "links", "api"):
            host, port = process_address(part, self.stage.stack.settings)
            async with httpx.AsyncClient() as http:
                found.append((part, (await http.get(f"http://{host}:{port}/metrics")).content))
        return found

    async def everything(self) -> list[Place]:
        """All that remembers: rows, histories as kept and decoded, metrics, every file."""
        calls = await self.pool.fetch("SELECT call_id FROM ivr_sessions")
        histories = [
            await history_of(self.stage.client, f"ivr/{SWITCH}/{row['call_id']}") for row in calls
        ]
        files = await asyncio.to_thread(files_of, self.stage.stack.home.path)
        return [*await rows_of(self.pool), *histories, *await self.metrics(), *files]


async def prepare(stage: Rehearsal, pool: Pool) -> None:
    """The tree, the agents, a policy of eight digits and one PIN."""
    now, store = datetime.now(UTC), IvrStore(pool)
    for name in ("secure", "broken"):
        await store.publish(name, plant([("secure.yaml", TREE)]), now=now)
        await store.set_route(
            SWITCH, name, ivr_id="", called="" if name == "secure" else "999",
            hold_audio="hold.wav", callback_list="", now=now,
        )  # fmt: skip
    async with stage.database.transaction() as session:
        agents = await session.scalars(
            select(tables.agents.c.id).where(tables.agents.c.switch_id == SWITCH)
        )
        rows = [
            {"agent_id": agent, "groups": {"support": 0}, "changed_at": now} for agent in agents
        ]
        await session.execute(insert(ivr_tables.agent_profiles), rows)
    stretcher = Stretcher()
    try:
        keys = PinKeys.of(KeyRing.load(stage.stack.settings))
        office = PinOffice(pool, keys, stretcher, lambda: datetime.now(UTC))
        await office.set_policy("long", PinPolicy(min_length=8, max_length=8))
        await office.enrol("C7", HiddenDigits(PIN), Terms(), policy="long")
    finally:
        stretcher.close()


def ends(calls: Sequence[dict[str, Any]]) -> list[str]:
    """Where everybody got: to an agent, reception, or how the call ended."""
    return [
        "agent" if one["to"].startswith(AGENT) else
        "reception" if one["to"] == RECEPTION else one["end"]
        for one in calls
    ]  # fmt: skip


async def misfortunes(stage: Stage) -> None:
    """Every way in which a call with a PIN may go."""
    quiet = {"calling": "+39055000001"}
    guesser = {"calling": "+39055000002", "keys": ["1", *WRONG]}
    found = await stage.calls(
        {"keys": ["1", PIN], **quiet},
        {"keys": ["2", PIN], **quiet},
        {"keys": ["1", PIN], "faults": {"2": "lose_answer"}, **quiet},
        {"keys": ["1", PIN, PIN], "faults": {"2": "change_tag"}, **quiet},
        {"keys": ["1", PIN], "faults": {"2": "forget"}, **quiet},
        {"keys": ["1", "!"], **quiet},
        guesser,
    )
    assert ends(found) == [
        "agent", "reception", "agent", "agent", "forgotten", "hung_up", "reception",
    ]  # fmt: skip
    await stage.calls(guesser)
    assert ends(await stage.calls({**guesser, "keys": ["1", PIN]})) == ["reception"]
    async with httpx.AsyncClient() as http:
        for query in (
            f"nodeid=0&input={PIN}",
            f"callid=gone&nodeid=0&ivrid=9&tag=5&input={PIN}",
            f"callid=long&input={PIN}{'x' * 20_000}",
        ):
            assert "command=0" in (await http.get(f"{stage.script_url}?{query}")).text
        assert (await http.get(f"{stage.script_url}x?input={PIN}")).status_code == 404
        assert (await http.post(f"{stage.script_url}?input={PIN}")).status_code == 405


async def killed(stage: Stage) -> None:
    """The worker is killed while PINs are typed; and comes back to a tree that is gone."""
    typing = [
        {"keys": ["1", PIN], "calling": f"+3905511{n:04}", "think_s": 1.0 + n / 8}
        for n in range(12)
    ]
    broken = {"keys": ["1", PIN], "called": "999", "calling": "+390552222", "think_s": 4.0}
    going = asyncio.create_task(stage.calls(*typing, broken))
    await asyncio.sleep(2.8)
    await stage.pool.execute("DELETE FROM ivr_trees WHERE name = 'broken'")
    await stage.kill_worker()
    assert ends(await going) == ["agent"] * len(typing) + ["ended"]
    lost = "SELECT count(*) FROM ivr_sessions WHERE tree = 'secure' AND calling LIKE '+3905511%'"
    assert await stage.pool.fetchval(f"{lost} AND ended = 'connected' AND NOT lost") == len(typing)


async def test_pin_is_nowhere_whatever_befalls_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API__PORT", "LINKS__PORT", "WORKER__HEALTH_PORT"):
        monkeypatch.setenv(f"OFFHOOK_{name}", "0")  # any: other stacks start at the same time
    cast = Cast(agents=20, lines=10, seed=1, population=Population())
    async with AsyncExitStack() as closing:
        stage = await closing.enter_async_context(
            rehearsal(Home(tmp_path / "home"), load_settings(), cast)
        )
        pool = await open_pool(stage.stack.database_url or "", size=2)
        closing.push_async_callback(pool.close)
        assert isinstance(stage.pbx, SimulatedPbx)
        control = await closing.enter_async_context(
            httpx.AsyncClient(base_url=f"{stage.pbx.said.control_url}/", timeout=30)
        )
        await prepare(stage, pool)
        await asyncio.sleep(3)  # the links look for new switches every two seconds
        url = ivr_url(stage.stack.settings, stage.switch.family, stage.switch.hook_secret)
        people = Stage(stage, pool, control, url)
        await misfortunes(people)
        await killed(people)
        places = await people.everything()
        assert leaks(places, (PIN, *WRONG)) == []
        kept = dict(places)
        assert b"locked_by_caller" in kept["pin_attempts"]
        assert b"pin_judged" in kept["logs/worker.log"]
        assert b"dialer_ivr_reply_seconds" in kept["links"]
        assert sum(name.startswith("ivr/") and b"pin_checked" in data for name, data in places) > 10

        await plant_one(people)
        found = leaks(await people.everything(), (PLANTED,))
    assert {"ivr_answers", f"ivr/{SWITCH}/planted", "logs/links.log"} <= set(found)


async def plant_one(stage: Stage) -> None:
    """A secret where none belongs: in a row, in a sealed history, in a log."""
    session = await stage.pool.fetchval("SELECT id FROM ivr_sessions LIMIT 1")
    await stage.pool.execute(
        "INSERT INTO ivr_answers (session_id, survey, question, answer, at)"
        " VALUES ($1, 's', $2, 1, now())",
        session,
        PLANTED,
    )
    await stage.pool.execute(
        "INSERT INTO ivr_sessions (id, switch_id, call_id, tree, version, phase, started_at,"
        " changed_at) VALUES ('planted', 'x', 'planted', 't', 1, 'new', now(), now())"
    )
    await stage.stage.client.start_workflow(
        "Nobodys", PLANTED, id=f"ivr/{SWITCH}/planted", task_queue="nobodys"
    )
    with (stage.stage.stack.home.logs / "links.log").open("a") as log:
        log.write(f"input={PLANTED}\n")
