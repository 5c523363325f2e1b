"""Every test of the suite runs once for each family."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.switches.asterisk import AsteriskHarness, asterisk_harness
from tests.contract.switches.harness import SwitchHarness
from tests.contract.switches.voispeed import voispeed_harness
from tests.contract.switches.xivo import xivo_harness

FAMILIES = ("asterisk", "voispeed", "xivo")


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
