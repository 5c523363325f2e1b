"""Many callers in a menu at once: `python -m tests.bench.ivr_load [--callers N] [--kill] [--json]`.

The whole stack is what production runs; the callers are those of the VOIspeed simulator, a process
of its own that asks the hook over HTTP. Each keys through menus, types a PIN and is put through to
an agent, or, with a wrong PIN, to reception. They think as long as makes `--inputs` inputs a second
of all of them together. With `--kill` the worker is killed (SIGKILL) in the middle. A session is
lost whose caller got anywhere but where the keys lead, or whose record has no end.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, select

from ivr.tree import plant
from offhook.bench.dial import meter_of
from offhook.bench.meter import spent
from offhook.bench.report import Percentiles
from offhook.demo.pbx import SimulatedPbx
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.home import Home
from offhook.links import ivr_url
from offhook.logging import configure_logging
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.keys import PinKeys
from offhook.pins.stretching import Stretcher
from offhook.settings import LogSettings, load_settings
from offhook.simulator.population import Population
from offhook.storage import ivr_tables, tables
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pin_store import Terms
from offhook.storage.pool import Pool, open_pool
from offhook.temporal.codec import KeyRing

MENUS = 5
TALK_S = 10.0
PIN, WRONG = "591734", "804216"
WRONG_EVERY = 10
PEOPLE = "0:"
"""The kind of entity that agents are, as the simulator tells it."""
RECEPTION = "100"


def the_tree() -> str:
    """Menus in a row, a PIN, and an agent."""
    menus = "".join(
        f"""
  menu{n}:
    kind: menu
    prompt: {{en: "Menu {n}"}}
    keys: {{"1": {f"menu{n + 1}" if n < MENUS else "pin"}}}
    wait: 90s
    no_input: reception
    no_match: reception"""
        for n in range(1, MENUS + 1)
    )
    return f"""
ivr: load
language: en
start: menu1
nodes:{menus}
  pin:
    kind: pin
    prompt: {{en: "Your PIN"}}
    input: {{length: 6, wait: 90s}}
    tries: 1
    ok: agent
    wrong: reception
    no_input: reception
  agent:
    kind: route
    group: support
    position_prompt: {{en: "You are number {{position}}"}}
    max_wait: 10m
    nobody: reception
    timeout: reception
  reception: {{kind: transfer, to: {RECEPTION}}}
"""


async def prepare(stage: Rehearsal, pool: Pool) -> str:
    """The tree, the agents and the PIN; the responder's address."""
    now, store = datetime.now(UTC), IvrStore(pool)
    await store.publish("load", plant([("load.yaml", the_tree())]), now=now)
    await store.set_route(
        SWITCH, "load", ivr_id="", called="", hold_audio="hold.wav", callback_list="", now=now
    )
    async with stage.database.transaction() as session:
        agents = await session.scalars(
            select(tables.agents.c.id).where(tables.agents.c.switch_id == SWITCH)
        )
        rows = [
            {"agent_id": agent, "skills": {}, "groups": {"support": 0}, "changed_at": now}
            for agent in agents
        ]
        await session.execute(insert(ivr_tables.agent_profiles), rows)
    stretcher = Stretcher()
    try:
        keys = PinKeys.of(KeyRing.load(stage.stack.settings))
        office = PinOffice(pool, keys, stretcher, lambda: datetime.now(UTC))
        await office.enrol("C7", HiddenDigits(PIN), Terms())
    finally:
        stretcher.close()
    return ivr_url(stage.stack.settings, stage.switch.family, stage.switch.hook_secret)


def a_caller(number: int, script_url: str, think_s: float) -> dict[str, Any]:
    """Somebody with a number of their own, who thinks about as long as everybody."""
    wrong = number % WRONG_EVERY == 0
    return {
        "script_url": script_url,
        "called": "800123456",
        "calling": f"+39055{number:07}",
        "keys": ["1"] * MENUS + [WRONG if wrong else PIN],
        "think_s": random.Random(number).uniform(0.75, 1.25) * think_s,
        "talk_s": TALK_S,
    }


async def run(wanted: argparse.Namespace) -> dict[str, Any]:
    """One run on a stack of its own."""
    configure_logging(LogSettings(level="error"))
    cast = Cast(agents=wanted.agents, lines=30, seed=1, population=Population())
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="offhook-ivr-"))
        stage = await stack.enter_async_context(
            rehearsal(Home(Path(folder)), load_settings(), cast)
        )
        pool = await open_pool(stage.stack.database_url or "", size=2)
        stack.push_async_callback(pool.close)
        assert isinstance(stage.pbx, SimulatedPbx)
        control = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{stage.pbx.said.control_url}/", timeout=60)
        )
        script_url = await prepare(stage, pool)
        await asyncio.sleep(5)  # the links look for switches every two seconds
        return await measured(stage, pool, control, script_url, wanted)


async def measured(
    stage: Rehearsal,
    pool: Pool,
    control: httpx.AsyncClient,
    script_url: str,
    wanted: argparse.Namespace,
) -> dict[str, Any]:
    """Have everybody call, and judge what became of them."""
    think_s = wanted.callers / wanted.inputs
    before = meter_of(stage).cpu_s()
    began = time.perf_counter()
    inside = waiting = 0
    killing: asyncio.Task[None] | None = None
    if wanted.kill:
        killing = asyncio.create_task(kill_worker(stage, think_s * (1 + MENUS / 2)))
    for number in range(wanted.callers):
        await asyncio.sleep(max(0.0, began + number / wanted.inputs - time.perf_counter()))
        reply = await control.post("ivr/calls", json=a_caller(number, script_url, think_s))
        reply.raise_for_status()
    while True:
        found = (await control.get("ivr/calls")).json()
        inside = max(inside, found["summary"].get("talking", 0))
        waiting = max(waiting, await pool.fetchval("SELECT count(*) FROM ivr_queue"))
        if not found["summary"].get("talking"):
            break
        await asyncio.sleep(1)
    took = time.perf_counter() - began
    # Of a worker that was killed only its successor can be asked.
    cpu_s = {} if wanted.kill else spent(before, meter_of(stage).cpu_s())
    if killing is not None:
        await killing
    await asyncio.sleep(TALK_S + 25)  # sessions remember their end for 20 s, talks are over
    return await judged(pool, found["calls"], took, inside) | {
        "kill": wanted.kill,
        "waiting_at_most": waiting,
        "cpu_s": {name: round(used, 1) for name, used in cpu_s.items()},
    }


async def kill_worker(stage: Rehearsal, after_s: float) -> None:
    """Kill the worker; the supervisor starts another."""
    await asyncio.sleep(after_s)
    await stage.stack.wait_ready("worker", not_pid=stage.stack.kill("worker"))


async def judged(
    pool: Pool, calls: list[dict[str, Any]], took: float, inside: int
) -> dict[str, Any]:
    """What became of everybody, by the PBX and by the record."""
    lost = Counter[str]()
    for number, call in enumerate(calls):
        right = number % WRONG_EVERY != 0
        arrived = call["end"] == "transferred" and (
            call["to"].startswith(PEOPLE) if right else call["to"] == RECEPTION
        )
        if not arrived:
            lost[f"{call['end'] or 'never ended'} {call['to']}".strip()] += 1
    record = await pool.fetchrow(
        "SELECT count(*) AS sessions, count(*) FILTER (WHERE ended IS NULL OR lost"
        " OR ended NOT IN ('connected', 'transferred')) AS lost FROM ivr_sessions"
    )
    assert record is not None
    replies = [ms for call in calls for ms in call["reply_ms"]]
    events = await pool.fetchval("SELECT count(*) FROM ivr_session_events")
    return {
        "callers": len(calls),
        "at_once": inside,
        "questions": len(replies),
        "inputs_per_s": round(len(calls) * (MENUS + 1) / took, 1),
        "reply_ms": Percentiles.of(replies).model_dump(),
        "sessions": record["sessions"],
        "lost": sum(lost.values()) + record["lost"],
        "lost_how": dict(lost),
        "steps": events,
        "agents_still_held": await pool.fetchval("SELECT count(*) FROM agent_offers"),
        "took_s": round(took, 1),
    }


def main() -> None:
    """Run once and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--inputs", type=float, default=10.0, help="inputs a second of everybody")
    parser.add_argument("--agents", type=int, default=60, help="few make a queue")
    parser.add_argument("--kill", action="store_true", help="kill the worker in the middle")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    result = asyncio.run(run(wanted))
    if wanted.json:
        sys.stdout.write(json.dumps(result) + "\n")
        return
    ms = result["reply_ms"]
    sys.stdout.write(
        f"{result['callers']} callers, at most {result['at_once']} at once, "
        f"{result['inputs_per_s']} inputs/s, {result['questions']} questions\n"
        f"reply ms: p50 {ms['p50']:.0f}, p95 {ms['p95']:.0f}, p99 {ms['p99']:.0f}, "
        f"max {ms['max']:.0f}\nlost: {result['lost']} {result['lost_how'] or ''}\n"
        f"CPU s: {result['cpu_s']}\n"
    )


if __name__ == "__main__":
    main()
