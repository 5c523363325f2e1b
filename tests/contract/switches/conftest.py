"""Every test of the suite runs once for each family."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.switches.harness import SwitchHarness
from tests.contract.switches.voispeed import voispeed_harness

HARNESSES = {"voispeed": voispeed_harness}


@pytest.fixture(params=sorted(HARNESSES))
async def switch(request: pytest.FixtureRequest) -> AsyncIterator[SwitchHarness]:
    """A PBX of the family, with its adapter and event path."""
    async with HARNESSES[request.param]() as harness:
        yield harness
