"""The links between PBX, hook and record: on a database, against the simulator."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from activities.ports import InboxItem, switch_channel
from dialer.events import AgentChanged, TrunksChanged
from dialer.media import RecordingState
from dialer.model import SwitchId
from offhook.api.hooks import Hooks
from offhook.health import Health, is_ready
from offhook.link_watch import Links, LinkState
from offhook.links import hook_url, make_app, run_links
from offhook.settings import load_settings
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import Simulator, running_simulator
from offhook.storage.database import Database
from offhook.storage.errors import SwitchNotFound
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.link_store import LinkStore, SwitchExists
from offhook.storage.pool import open_pool
from offhook.storage.recordings import Recordings
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig, open_switch
from tests.support.serving import serving
from tests.support.stack import free_ports

SWITCH = SwitchId("pbx")
PATIENCE_S = 20.0
SOON = timedelta(milliseconds=30)


def make_config(simulator: Simulator, **change: object) -> SwitchConfig:
    config = SwitchConfig(
        switch_id=SWITCH,
        family="voispeed",
        name="pbx",
        settings={
            "base_url": simulator.url,
            "reception_ivr": "1",
            "hold_ivr": "2",
            "message_ivr": "3",
            "read_retries": 0,
        },
        secret=simulator.config.token,
        hook_secret="s3cret",
    )
    return replace(config, **change)  # type: ignore[arg-type]  # a builder


@dataclass
class Floor:
    """A simulator, its links, and the record behind them."""

    simulator: Simulator
    links: Links
    store: LinkStore
    inbox: PostgresInbox

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await true():  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(0.02)

    async def until_state(self, state: LinkState) -> None:
        async def there() -> bool:
            status = self.links.status.get(SWITCH)
            return status is not None and status.state is state

        await self.until(there)

    async def inbox_items(self) -> list[InboxItem]:
        return list(await self.inbox.read([(switch_channel(SWITCH), 0)], limit=500))


@pytest.fixture
async def floor(database: Database, database_url: str) -> AsyncIterator[Floor]:
    """A stored switch, watched."""
    pool = await open_pool(database_url, size=4)
    async with running_simulator(SimulatorConfig(speed=25)) as simulator:
        store = LinkStore(database)
        config = make_config(simulator)
        opened = open_switch(config)
        await store.save(config, await opened.inventory(), replace=False, now=datetime.now(UTC))
        await opened.adapter.aclose()
        inbox = PostgresInbox(pool, database_url)
        links = Links(
            store=store,
            inbox=inbox,
            hooks=Hooks(InboxWriter(pool)),
            look_every=SOON,
            reload_every=SOON,
        )
        async with links.watching():
            yield Floor(simulator, links, store, inbox)
    await pool.close()


async def test_agent_whose_device_cannot_be_called_is_told_and_stored(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    async with aiohttp.ClientSession() as session:
        params = {
            "service": "set_user_mode",
            "token": "simulator",
            "ext": "201",
            "mode": "2",
        }
        await session.get(floor.simulator.url, params=params)

    async def told() -> bool:
        items = await floor.inbox_items()
        agents = [i.event.agent for i in items if isinstance(i.event, AgentChanged)]
        return [(a.address, a.reachable) for a in agents] == [("101", False)]

    async def stored() -> bool:
        agents = await floor.store.agents(SWITCH)
        return [agent.address for agent in agents if not agent.reachable] == ["101"]

    await floor.until(told)
    await floor.until(stored)


async def test_watcher_that_died_of_a_bug_is_started_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor.until_state(LinkState.up)
    first = floor.links._running[SWITCH].opened.adapter

    async def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(first, "snapshot", broken)

    async def another() -> bool:
        running = floor.links._running.get(SWITCH)
        return running is not None and running.opened.adapter is not first

    await floor.until(another)
    await floor.until_state(LinkState.up)


async def test_recording_whose_engine_and_call_are_gone_is_closed(
    floor: Floor, database_url: str
) -> None:
    pool = await open_pool(database_url, size=1)
    began = datetime.now(UTC) - timedelta(minutes=1)
    await pool.execute(
        """INSERT INTO recordings (campaign_id, switch_id, name, attempt_id, state, started_at,
            changed_at, keep_until)
        VALUES ('c1', $1, 'c1-1-1.1', 'c1-1-1', 'recording', $2, $2, $3)""",
        SWITCH,
        began,
        began + timedelta(days=90),
    )
    recordings = Recordings(pool)
    floor.links.recordings = recordings

    async def closed() -> bool:
        return (await recordings.find("c1-1-1.1")).state is RecordingState.stopped

    await floor.until(closed)
    await pool.close()


async def test_trunk_whose_lines_changed_is_told_and_stored(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    floor.simulator.face.pbx.gateways["1"].lines = 7

    async def told() -> bool:
        items = await floor.inbox_items()
        trunks = [i.event.trunks for i in items if isinstance(i.event, TrunksChanged)]
        return [[trunk.lines for trunk in told] for told in trunks] == [[7]]

    async def stored() -> bool:
        return [trunk.lines for trunk in await floor.store.trunks(SWITCH)] == [7]

    await floor.until(told)
    await floor.until(stored)


async def test_link_goes_down_and_comes_back_with_its_pbx(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    floor.simulator.restart(0.2)
    await floor.until_state(LinkState.down)
    assert floor.links.status[SWITCH].detail
    await floor.until_state(LinkState.up)
    assert not floor.links.status[SWITCH].detail


async def test_changed_switch_is_noticed_and_wrong_one_told(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    wrong = make_config(floor.simulator, settings={"base_url": "ftp://x"})
    now = datetime.now(UTC)
    inventory = await read(floor)
    with pytest.raises(SwitchExists):
        await floor.store.save(wrong, inventory, replace=False, now=now)
    await floor.store.save(wrong, inventory, replace=True, now=now)
    await floor.until_state(LinkState.misconfigured)
    right = make_config(floor.simulator)
    await floor.store.save(right, inventory, replace=True, now=now)
    await floor.until_state(LinkState.up)


async def read(floor: Floor) -> Inventory:
    opened = open_switch(make_config(floor.simulator))
    found = await opened.inventory()
    await opened.adapter.aclose()
    return found


async def test_replaced_switch_keeps_its_agents_and_forgets_trunks_left_out(floor: Floor) -> None:
    found = await read(floor)
    before = await floor.store.agents(SWITCH)
    other = replace(found.trunks[0], address="9", name="other", lines=4)
    await floor.store.save(
        make_config(floor.simulator),
        replace(found, trunks=(other,)),
        replace=True,
        now=datetime.now(UTC),
    )
    assert await floor.store.agents(SWITCH) == before
    assert [trunk.address for trunk in await floor.store.trunks(SWITCH)] == ["9"]


async def test_removed_switch_is_forgotten(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    await floor.store.remove("pbx")

    async def gone() -> bool:
        return not floor.links.status

    await floor.until(gone)
    with pytest.raises(SwitchNotFound):
        await floor.store.find("pbx")


async def test_events_reach_the_inbox_through_the_process(floor: Floor) -> None:
    await floor.until_state(LinkState.up)
    async with serving(make_app(floor.links, Health("links"))) as base:
        await floor.simulator.set_events_urls([f"{base}/hooks/voispeed/s3cret"])
        async with aiohttp.ClientSession() as session:
            params = {
                "service": "call_request_ext", "token": "simulator", "calling_id": "101",
                "calling_type": "0", "called_id": "2", "called_type": "3", "extid": "c-1-p1",
                "auto_answer": "1",
            }  # fmt: skip
            await session.get(floor.simulator.url, params=params)

            async def arrived() -> bool:
                items = await floor.inbox_items()
                return any(item.raw and "c-1-p1" in item.raw.payload.values() for item in items)

            await floor.until(arrived)
            status = await (await session.get(f"{base}/links")).json()
            ready = await session.get(f"{base}/readyz")
        (link,) = status["links"]
        assert (link["state"], link["name"]) == ("up", "pbx")
        assert link["events"]["stored"] >= 1
        assert "s3cret" not in json.dumps(status)
        assert ready.status == 200
        await floor.simulator.drained()
        await floor.simulator.set_events_urls([])
    assert await floor.store.last_event_at(SWITCH) is not None


async def test_process_serves_until_it_is_asked_to_stop(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_ports("links")["links"]
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    monkeypatch.setenv("OFFHOOK_LINKS__PORT", str(port))
    monkeypatch.setenv("OFFHOOK_TEMPORAL__ADDRESS", "127.0.0.1:9")  # needed once a caller is there
    settings, stop = load_settings(), asyncio.Event()
    process = asyncio.create_task(run_links(settings, stop=stop))

    async with asyncio.timeout(PATIENCE_S):
        while not await is_ready("127.0.0.1", port):  # noqa: ASYNC110 - an HTTP answer
            await asyncio.sleep(0.02)
    address = hook_url(settings, "voispeed", "unknown")
    async with aiohttp.ClientSession() as session, session.get(f"{address}?event=1") as reply:
        assert reply.status == 404
    stop.set()
    await process


async def offhook(database_url: str, *arguments: str, said: str = "") -> tuple[int, str, str]:
    """Run a command line as a process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", *arguments,
        env={**os.environ, "OFFHOOK_DATABASE__URL": database_url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(said.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
async def test_switch_is_added_shown_checked_and_removed_by_command(database_url: str) -> None:
    async with running_simulator(SimulatorConfig()) as simulator:
        options = ["--url", simulator.url, "--reception-ivr", "1", "--hold-ivr", "2", "--json"]
        options += ["--message-ivr", "3"]
        adding = ["switch", "add", "voispeed", "pbx", *options]
        code, out, err = await offhook(database_url, *adding, said="simulator\n")
        added = json.loads(out)
        assert (code, added["agents"], added["trunks"][0]["lines"]) == (0, 5, 30)
        assert "/hooks/voispeed/" in added["hook_url"]
        code, out, err = await offhook(database_url, "switch", "check", "pbx", "--json")
        wrong = [check["name"] for check in json.loads(out)["checks"] if not check["ok"]]
        assert (code, wrong) == (1, ["events", "watch"])
        code, out, err = await offhook(database_url, "switch", "show", "pbx", "--json")
        assert json.loads(out)["hook_url"] == added["hook_url"]
        assert "simulator" not in out + err
        code, out, _ = await offhook(database_url, "switch", "remove", "pbx", "--yes", "--json")
        assert (code, json.loads(out)) == (0, {"removed": "pbx"})
