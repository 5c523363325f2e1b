"""The tutorial's PIN tree on a real Asterisk: callers press keys, agents' telephones ring."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from offhook.pbx.install import Installed
from offhook.pbx.people import SippFailed
from offhook.settings import load_settings
from offhook.storage.database import Database
from tests.support.ivr_asterisk import asterisk_menu
from tests.support.ivr_stack import PIN, SWITCH

RIGHT, WRONG = "+390733000001", "+390733000002"


@pytest.mark.slow
async def test_right_pin_reaches_the_agent_and_wrong_ones_the_default_on_a_real_pbx(
    asterisk_installed: Installed,
    database: Database,
    database_url: str,
    temporal_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    monkeypatch.setenv("OFFHOOK_HOME", str(tmp_path / "home"))
    settings = load_settings()
    async with asterisk_menu(
        asterisk_installed, settings, database, database_url, temporal_client
    ) as menu:
        async with menu.watching():
            with pytest.raises(SippFailed):
                await menu.call("", calling=RIGHT, number="0733111")
            calling = asyncio.gather(
                menu.call(f"1;;;;;;{PIN}", calling=RIGHT),
                menu.call("1;;;;;;111111;;222222;;333333", calling=WRONG),
            )
            await asyncio.sleep(4)
        async with menu.watching():  # the links were ended while both were asked for the PIN
            await calling
            right, wrong = await menu.session(RIGHT), await menu.session(WRONG)
            async with asyncio.timeout(10):
                while await menu.pool.fetchval("SELECT count(*) FROM agent_offers"):  # noqa: ASYNC110 - told by the switch
                    await asyncio.sleep(0.1)
        assert (right.ended, right.customer) == ("connected", "C7")
        assert right.agent_id == f"{SWITCH}-PJSIP/agent1"
        assert (wrong.ended, wrong.customer) == ("transferred", None)
        rung = [call.number for call in menu.pbx.people.agent_calls()]
        assert sorted(rung) == ["agent1", "agent2"]
        assert "0 active channels" in await menu.pbx.asterisk.cli("core show channels")
        stored = await menu.pool.fetch("SELECT payload::text AS row FROM inbox")
        assert not [row for row in stored if "ChannelDtmfReceived" in (row["row"] or "")]
