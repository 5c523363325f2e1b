"""The links on a real Asterisk and a real database: events committed, and answers soon joined."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from activities.ports import InboxItem, switch_channel
from dialer.commands import Join, ParkAgent, PlaceCall
from dialer.events import CallHeld, CallJoined, SnapshotTaken, SwitchEvent
from dialer.model import AgentId, AttemptId, ContactId, SwitchId, TrunkId
from dialer.switching import CallPhase
from offhook.api.hooks import Hooks
from offhook.link_watch import Links, LinkState
from offhook.pbx.asterisk import make_plan, running_asterisk
from offhook.pbx.install import Installed
from offhook.storage.database import Database
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.switches.base import SwitchAdapter
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig, open_switch
from tests.support.sip_phones import Phone, sip_phones

PATIENCE_S = 20
SWITCH = SwitchId("pbx")
CHANNEL = switch_channel(SWITCH)


@dataclass
class Reader:
    """Reads the inbox as a dial loop does."""

    inbox: PostgresInbox
    adapter: SwitchAdapter
    cursor: int = 0

    async def news(self) -> list[tuple[InboxItem, list[SwitchEvent]]]:
        """What came since the last time; waits a moment if nothing did."""
        items = await self.inbox.read([(CHANNEL, self.cursor)], limit=500)
        if not items:
            await self.inbox.wait([CHANNEL], timeout=1.0)
            items = await self.inbox.read([(CHANNEL, self.cursor)], limit=500)
        read = []
        for item in items:
            self.cursor = item.inbox_id
            read.append((item, list(self.adapter.translate(item.raw)) if item.raw else []))
        return read

    async def until(self, true: Callable[[InboxItem, list[SwitchEvent]], bool]) -> InboxItem:
        """The first item that is wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for item, events in await self.news():
                    if true(item, events):
                        return item


SHOWN = {
    CallHeld: {CallPhase.held, CallPhase.joined},
    CallJoined: {CallPhase.joined},
}


def told(kind: type[CallHeld] | type[CallJoined], correlator: str) -> Callable[..., bool]:
    """An event says it; or, where the socket was away just then, the snapshot that makes good."""

    def matches(item: InboxItem, events: list[SwitchEvent]) -> bool:
        if isinstance(item.event, SnapshotTaken):
            views = item.event.snapshot.calls
            return any(v.correlator == correlator and v.phase in SHOWN[kind] for v in views)
        return any(isinstance(e, kind) and e.correlator == correlator for e in events)

    return matches


def emptied(since: datetime) -> Callable[..., bool]:
    """A snapshot asked for since then shows no call."""

    def matches(item: InboxItem, _events: list[SwitchEvent]) -> bool:
        taken = item.event
        if not isinstance(taken, SnapshotTaken) or taken.asked_at < since:
            return False
        return not taken.snapshot.calls

    return matches


@dataclass
class Floor:
    reader: Reader
    adapter: SwitchAdapter
    links: Links
    store: LinkStore


@asynccontextmanager
async def watched(config: SwitchConfig, database: Database, url: str) -> AsyncIterator[Floor]:
    """A stored switch, watched by the links, and a reader of its events."""
    pool = await open_pool(url, size=4)
    store = LinkStore(database)
    opened = open_switch(config)
    await store.save(config, await opened.inventory(), replace=False, now=datetime.now(UTC))
    async with PostgresInbox(pool, url) as inbox:
        links = Links(
            store=store,
            inbox=inbox,
            hooks=Hooks(InboxWriter(pool)),
            events=inbox,
            look_every=timedelta(milliseconds=200),
        )
        async with links.watching():
            yield Floor(Reader(inbox, opened.adapter), opened.adapter, links, store)
    await opened.adapter.aclose()
    await pool.close()


async def test_call_on_a_real_pbx_goes_through_the_links_and_the_inbox(
    asterisk_installed: Installed,
    tmp_path_factory: pytest.TempPathFactory,
    database: Database,
    database_url: str,
) -> None:
    plan = make_plan(tmp_path_factory.mktemp("pbx"), agents=1)
    async with (
        sip_phones(plan.carrier_port) as carrier,
        sip_phones(plan.agents_port),
        running_asterisk(asterisk_installed, plan) as pbx,
    ):
        carrier.default = Phone(ring_s=0.05)
        config = SwitchConfig(
            switch_id=SWITCH,
            family="asterisk",
            name="pbx",
            settings={
                "base_url": pbx.ari_url,
                "username": pbx.user,
                "trunks": [{"address": "PJSIP/{number}@carrier", "lines": 30}],
            },
            secret=pbx.password,
            hook_secret="unused",
        )
        async with watched(config, database, database_url) as floor:
            await floor.reader.until(lambda item, _: isinstance(item.event, SnapshotTaken))
            assert [agent.address for agent in await floor.store.agents(SWITCH)] == ["PJSIP/agent1"]
            await _talk(floor, "spring-1-1", "spring-1-p1")
            restarted_at = datetime.now(UTC)
            await pbx.restart()
            await floor.reader.until(emptied(restarted_at))
            await _talk(floor, "spring-1-2", "spring-1-p2")
            async with asyncio.timeout(PATIENCE_S):
                while floor.links.status[SWITCH].stream != "up":  # noqa: ASYNC110 - another task
                    await asyncio.sleep(0.02)
            assert floor.links.hooks.status[SWITCH].last_at is not None


async def _talk(floor: Floor, attempt: str, park: str) -> None:
    """Park an agent, call a customer, and join them."""
    await floor.adapter.park(
        ParkAgent(agent_id=AgentId("a"), correlator=park, address="PJSIP/agent1", number="")
    )
    await floor.reader.until(told(CallHeld, park))
    place = PlaceCall(
        attempt_id=AttemptId(attempt),
        contact_id=ContactId("c"),
        number="+390733000001",
        trunk_id=TrunkId("t"),
        trunk_address="PJSIP/{number}@carrier",
        caller_id="+390733000000",
        ring_timeout=timedelta(seconds=20),
    )
    await floor.adapter.place(place)
    await floor.reader.until(told(CallHeld, attempt))
    calls = {view.correlator: view.call for view in (await floor.adapter.snapshot()).calls}
    await floor.adapter.join(
        Join(
            correlator=attempt,
            agent_id=AgentId("a"),
            address="PJSIP/agent1",
            customer=calls[attempt],
            agent=calls[park],
        )
    )
    await floor.reader.until(told(CallJoined, attempt))


async def test_switch_that_was_never_reached_is_watched_and_tried_again(
    database: Database, database_url: str
) -> None:
    config = SwitchConfig(
        switch_id=SWITCH,
        family="asterisk",
        name="pbx",
        settings={"base_url": "http://127.0.0.1:9/ari", "username": "offhook"},
        secret="secret",
        hook_secret="unused",
    )
    pool = await open_pool(database_url, size=2)
    store = LinkStore(database)
    await store.save(config, Inventory(), replace=False, now=datetime.now(UTC))
    inbox = PostgresInbox(pool, database_url)
    links = Links(store=store, inbox=inbox, hooks=Hooks(InboxWriter(pool)), events=inbox)
    async with links.watching(), asyncio.timeout(PATIENCE_S):
        while not _is_down(links):  # noqa: ASYNC110 - another task's state
            await asyncio.sleep(0.02)
    await pool.close()
    assert "was not sent" in links.status[SWITCH].detail


def _is_down(links: Links) -> bool:
    status = links.status.get(SWITCH)
    return status is not None and status.state is LinkState.down and status.stream == "down"
