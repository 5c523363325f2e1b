"""Whether anybody watches a switch's events: told by a real links process, believed by a loop."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from activities.ports import StoreUnavailable
from activities.watching import Watching
from dialer.events import EventsWatched
from dialer.model import SwitchId
from offhook.doctor import State, diagnose
from offhook.link_says import say_for_ever
from offhook.offices.switches import SwitchOffice
from offhook.settings import DatabaseSettings, Settings
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import Simulator, running_simulator
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.storage.watch import SILENCE, PostgresWatch, WatchTeller
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.observer import MeteredDialing
from tests.support.stack import free_ports

SWITCH = SwitchId("pbx")
PATIENCE_S = 20.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def told(watch: PostgresWatch) -> AsyncIterator["asyncio.Queue[EventsWatched]"]:
    """What an engine is told of the switch."""
    events: asyncio.Queue[EventsWatched] = asyncio.Queue()
    watching = Watching(watch, clock=utc_now, observer=MeteredDialing(), put=events.put_nowait)
    task = asyncio.create_task(watching.run(SWITCH))
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def news(events: "asyncio.Queue[EventsWatched]") -> EventsWatched:
    async with asyncio.timeout(PATIENCE_S):
        return await events.get()


async def save_switch(database: Database, simulator: Simulator) -> None:
    """Store a simulator as the switch."""
    config = SwitchConfig(
        switch_id=SWITCH,
        family="voispeed",
        name="pbx",
        settings={"base_url": simulator.url, "reception_ivr": "1", "hold_ivr": "2"},
        secret=simulator.config.token,
        hook_secret="s3cret",
    )
    opened = open_switch(config)
    await LinkStore(database).save(config, await opened.inventory(), replace=False, now=utc_now())
    await opened.adapter.aclose()


@pytest.mark.slow
async def test_killed_links_process_is_noticed_and_another_is_noticed_again(
    database: Database, database_url: str
) -> None:
    environment = {
        **os.environ,
        "OFFHOOK_DATABASE__URL": database_url,
        "OFFHOOK_LINKS__PORT": str(free_ports("links")["links"]),
        "OFFHOOK_TEMPORAL__ADDRESS": "127.0.0.1:9",  # needed once a caller is there
    }

    async def links() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook", "links",
            env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async with running_simulator(SimulatorConfig()) as simulator:
        await save_switch(database, simulator)
        async with PostgresWatch(database_url) as watch, told(watch) as events:
            assert not (await news(events)).watched  # nobody has begun yet
            first = await links()
            assert (await news(events)).watched
            killed_at = utc_now()
            first.kill()
            lost = await news(events)
            assert not lost.watched
            assert lost.since <= killed_at + timedelta(milliseconds=200)
            second = await links()
            assert (await news(events)).watched
            second.terminate()
            await asyncio.gather(first.wait(), second.wait())


async def test_doctor_and_check_say_whether_anybody_watches(
    database: Database, database_url: str
) -> None:
    settings = Settings(database=DatabaseSettings(url=SecretStr(database_url)))
    office = SwitchOffice(database, settings)

    async def found() -> tuple[State, str, bool]:
        (finding,) = [one for one in (await diagnose(settings)).findings if one.check == "watch"]
        (result,) = [one for one in await office.check("pbx") if one.name == "watch"]
        return finding.state, finding.detail, result.ok

    async with running_simulator(SimulatorConfig()) as simulator:
        await save_switch(database, simulator)
        assert await found() == (
            State.failed,
            "nobody watches the events of pbx: campaigns on them wait",
            False,
        )
        pool = await open_pool(database_url, size=1)
        saying = asyncio.create_task(say_for_ever(WatchTeller(pool), lambda: [SWITCH]))
        try:
            assert await found() == (State.ok, "the events of pbx are watched", True)
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            await pool.close()


async def test_loop_that_stood_still_itself_does_not_take_that_for_silence() -> None:
    class StoodStill:
        """Silent once, as to somebody who looks before he has listened."""

        looks = 0

        def unwatched_since(self, switch: SwitchId, now: datetime) -> datetime | None:
            self.looks += 1
            return now - SILENCE if self.looks == 1 else None

        def heard_at(self, switch: SwitchId) -> datetime | None:
            return None

    watch = StoodStill()
    events: list[EventsWatched] = []
    watching = Watching(watch, clock=utc_now, observer=MeteredDialing(), put=events.append)
    task = asyncio.create_task(watching.run(SWITCH))
    async with asyncio.timeout(PATIENCE_S):
        while watch.looks < 3:  # noqa: ASYNC110 - another task's state
            await asyncio.sleep(0.02)
    task.cancel()
    assert events == []


async def test_watch_counts_from_the_moment_its_own_connection_is_there(database_url: str) -> None:
    now = utc_now()
    async with PostgresWatch(database_url, clock=lambda: now) as watch:
        assert watch.unwatched_since(SWITCH, now + SILENCE) is None
        assert watch.unwatched_since(SWITCH, now + SILENCE * 2) == now
        pool = await open_pool(database_url, size=1)
        later = now + timedelta(minutes=1)
        now = later
        async with asyncio.timeout(PATIENCE_S):
            while watch.unwatched_since(SWITCH, later + SILENCE) is not None:
                await WatchTeller(pool).say([SWITCH])
                await asyncio.sleep(0.02)
        await pool.close()


async def test_loop_whose_own_connection_comes_back_says_watched_only_once_it_heard_so() -> None:
    began = utc_now()

    class Reconnected:
        """Silent, then connected anew and none the wiser; then somebody says that he watches."""

        looks = 0

        def unwatched_since(self, switch: SwitchId, now: datetime) -> datetime | None:
            self.looks += 1
            return began if self.looks <= 2 else None

        def heard_at(self, switch: SwitchId) -> datetime | None:
            return began if self.looks <= 4 else utc_now()

    watch = Reconnected()
    events: list[tuple[int, bool]] = []
    watching = Watching(
        watch,
        clock=utc_now,
        observer=MeteredDialing(),
        put=lambda event: events.append((watch.looks, event.watched)),
    )
    task = asyncio.create_task(watching.run(SWITCH))
    async with asyncio.timeout(PATIENCE_S):
        while watch.looks < 6:  # noqa: ASYNC110 - another task's state
            await asyncio.sleep(0.02)
    task.cancel()
    assert events == [(2, False), (5, True)]


async def test_what_is_watched_is_said_again_after_whatever_went_wrong() -> None:
    class Failing:
        """Fails twice, once as nobody foresaw."""

        said: list[list[SwitchId]]
        errors: list[Exception]

        async def say(self, switches: Collection[SwitchId]) -> None:
            if self.errors:
                raise self.errors.pop()
            self.said.append(list(switches))

    teller = Failing()
    teller.said, teller.errors = [], [RuntimeError("a bug"), StoreUnavailable("away")]
    task = asyncio.create_task(say_for_ever(teller, lambda: [SWITCH]))
    async with asyncio.timeout(PATIENCE_S):
        while not teller.said:  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.02)
    task.cancel()
    assert teller.said == [[SWITCH]]
