"""A real Asterisk and people to call, for tests: installed on demand, once for a machine.

Where it can't be installed its tests are skipped on a laptop, with the reason, and fail where CI is
set. `tests/conftest.py` makes the fixtures below known to every test.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import TypeVar

import httpx
import pytest

from offhook.pbx.asterisk import RunningAsterisk, make_plan, running_asterisk
from offhook.pbx.configuration import APPLICATION, TRUNK
from offhook.pbx.install import CannotInstall, Installed, install
from offhook.pbx.people import People, people_of
from tests.support.stack import in_ci

_T = TypeVar("_T")


@dataclass(frozen=True)
class RealPbx:
    """An Asterisk, and those at the other ends of its lines."""

    asterisk: RunningAsterisk
    people: People


@pytest.fixture(scope="session")
def asterisk_installed() -> Installed:
    """Asterisk and SIPp, from the cache or freshly installed."""
    try:
        return install()
    except CannotInstall as error:
        if in_ci():
            raise
        pytest.skip(f"no Asterisk here: {error}")


@contextmanager
def kept_running(context: AbstractAsyncContextManager[_T]) -> Iterator[_T]:
    """Something asynchronous that outlives a test's loop, on a loop of its own.

    Its processes end with the thread that started them, so the thread lives as long.
    """
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="asterisk", daemon=True)
    thread.start()
    try:
        running = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
        try:
            yield running
        finally:
            leaving = context.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(leaving, loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def asterisk_pbx(
    asterisk_installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAsterisk]:
    """One real Asterisk for every test of the session; each brings its own telephones."""
    plan = make_plan(tmp_path_factory.mktemp("asterisk"))
    with kept_running(running_asterisk(asterisk_installed, plan)) as pbx:
        yield pbx


@pytest.fixture(scope="session")
def asterisk_people(asterisk_installed: Installed) -> Iterator[RealPbx]:
    """Another one, with people who answer (SIPp), for tests that leave no call behind."""
    with kept_running(real_pbx(asterisk_installed, agents=2, phones=1)) as pbx:
        yield pbx


async def end_every_call(pbx: RunningAsterisk, *, patience_s: float = 20.0) -> None:
    """End all channels and bridges, so that the next test meets an idle PBX."""
    async with (
        httpx.AsyncClient(base_url=pbx.ari_url, auth=(pbx.user, pbx.password)) as ari,
        asyncio.timeout(patience_s),
    ):
        while channels := (await ari.get("channels")).json():
            for channel in channels:
                await ari.delete(f"channels/{channel['id']}")
            await asyncio.sleep(0.02)
        for bridge in (await ari.get("bridges")).json():
            await ari.delete(f"bridges/{bridge['id']}")


@asynccontextmanager
async def real_pbx(
    installed: Installed,
    *,
    agents: int = 3,
    phones: int = 1,
    trunks: tuple[str, ...] = (TRUNK,),
    application: str = APPLICATION,
    agents_speak: bool = False,
) -> AsyncIterator[RealPbx]:
    """Run one for the length of the block, in a folder that is gone afterwards.

    Endpoints: `trunks` lead to the called people, agent1.. have fixed addresses, phone1.. register
    and are registered already.
    """
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(
            tempfile.TemporaryDirectory(prefix="offhook-pbx-", ignore_cleanup_errors=True)
        )
        plan = make_plan(Path(folder), agents=agents, phones=phones)
        plan = replace(plan, trunks=trunks, application=application)
        asterisk = await closing.enter_async_context(running_asterisk(installed, plan))
        people = await closing.enter_async_context(
            people_of(installed, plan, agents_speak=agents_speak)
        )
        for phone in plan.phones:
            await people.register(phone)
        yield RealPbx(asterisk=asterisk, people=people)
