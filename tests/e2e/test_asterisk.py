"""A campaign of real SIP calls with something killed under it."""

import pytest

from offhook.demo.run import DemoOptions
from offhook.home import Home
from offhook.pbx.install import Installed
from offhook.settings import load_settings
from tests.support.asterisk_campaign import Fault, run_campaign

CALLS = 24
AGENTS = 8
AWAY_S = 10.0
"""Long after the campaign has noticed, and until the first who answered have hung up."""


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", [Fault.asterisk, Fault.websocket, Fault.worker, Fault.links_away])
async def test_campaign_of_real_calls_agrees_with_the_other_end_whatever_is_killed(
    fault: Fault, asterisk_installed: Installed
) -> None:
    settings = load_settings()
    options = DemoOptions(contacts=CALLS, agents=AGENTS)

    result = await run_campaign(
        Home(settings.home), settings, options, fault, attempts=1, away_s=AWAY_S
    )

    assert result.sound, result
    assert result.cut_off == 0
    assert result.contacts == CALLS
    assert result.connected > 0
    assert asterisk_installed.versions["asterisk"]
