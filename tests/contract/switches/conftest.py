"""Every test of the suite runs once for each family."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from threading import Thread

import pytest

from offhook.pbx.asterisk import RunningAsterisk, make_plan, prepare
from offhook.pbx.install import Installed
from tests.contract.switches.asterisk import AsteriskHarness, asterisk_harness
from tests.contract.switches.harness import SwitchHarness
from tests.contract.switches.voispeed import voispeed_harness
from tests.contract.switches.xivo import xivo_harness

FAMILIES = ("asterisk", "voispeed", "xivo")


@pytest.fixture(scope="session")
def asterisk_pbx(
    asterisk_installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAsterisk]:
    """One real Asterisk for every test of the session; each brings its own telephones."""
    pbx = prepare(asterisk_installed, make_plan(tmp_path_factory.mktemp("asterisk")))
    # On a loop of its own that lives as long: the process ends with the thread that started it.
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="asterisk", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(pbx.start(), loop).result()
        yield pbx
        asyncio.run_coroutine_threadsafe(pbx.stop(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
async def asterisk(request: pytest.FixtureRequest) -> AsyncIterator[AsteriskHarness]:
    """The real Asterisk, for what only it does."""
    async with asterisk_harness(request.getfixturevalue("asterisk_pbx")) as harness:
        yield harness


@pytest.fixture(params=FAMILIES)
async def switch(request: pytest.FixtureRequest) -> AsyncIterator[SwitchHarness]:
    """A PBX of the family, with its adapter and event path."""
    if request.param == "asterisk":
        async with asterisk_harness(request.getfixturevalue("asterisk_pbx")) as asterisk:
            yield asterisk
    elif request.param == "xivo":
        async with xivo_harness() as xivo:
            yield xivo
    else:
        async with voispeed_harness() as voispeed:
            yield voispeed
