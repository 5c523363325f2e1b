"""The simulated xuc towards the vendor's own JavaScript client, whose code is not ours to ship.

What that client does on the wire was read from a public copy and is retyped here: how it logs in,
its pings, and every command that it can send, those too that the vendor's document doesn't have.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from offhook.simulator.config import make_users
from offhook.simulator.xivo_config import QueueSetup, XivoConfig
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from tests.unit.switches.xivo.examples import COMMANDS

CONFIG = XivoConfig(speed=25, users=make_users(2), queues=(QueueSetup(id=9, name="sales"),))
PING = {"claz": "ping"}
BEYOND: list[dict[str, Any]] = [
    {"command": "conference"},
    {"command": "conferenceMute", "numConf": "4000", "index": 1},
    {"command": "conferenceUnmute", "numConf": "4000", "index": 1},
    {"command": "conferenceMuteAll", "numConf": "4000"},
    {"command": "conferenceUnmuteAll", "numConf": "4000"},
    {"command": "conferenceMuteMe", "numConf": "4000"},
    {"command": "conferenceUnmuteMe", "numConf": "4000"},
    {"command": "conferenceKick", "numConf": "4000", "index": 1},
    {"command": "getQueueStatistics", "queueId": 9, "window": 3600, "xqos": 60},
    {"command": "inviteConferenceRoom", "userId": 3},
    {"command": "getUserCallHistoryByDays", "days": 7},
    {"command": "findCustomerCallHistory", "id": 1, "request": {"filters": [], "size": 5}},
    {"command": "listenCallbackMessage", "voiceMessageRef": "1"},
    {"command": "sendDtmf", "key": "5"},
    {"command": "subscribeToPhoneHints", "phoneNumbers": ["201"]},
    {"command": "unsubscribeFromAllPhoneHints"},
    {"command": "flashTextBrowserRequest", "request": "FlashTextDirectMessage", "sequence": 1},
]


class Page:
    """A page of a browser with the vendor's client in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def told_until_echo(self) -> list[dict[str, Any]]:
        """What is told until the ping sent now is echoed."""
        await self._socket.send_json(PING)
        told = []
        while (message := await self._socket.receive_json(timeout=5)) != PING:
            told.append(message)
        return told

    async def send(self, text: str) -> None:
        """Send a message, and wait for nothing."""
        await self._socket.send_str(text)

    async def say(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        """Send a command; what is told after it."""
        await self._socket.send_json({"claz": "web", **command})
        return await self.told_until_echo()


@asynccontextmanager
async def page(simulator: XivoSimulator, login: str) -> AsyncIterator[Page]:
    """Log in as the page does: a token by HTTP, then the WebSocket with it."""
    async with aiohttp.ClientSession() as browser:
        credentials = {"login": login, "password": CONFIG.token}
        async with browser.post(f"{simulator.url}/xuc/api/2.0/auth/login", json=credentials) as got:
            assert got.status == 200
            token = (await got.json())["token"]
        url = f"{simulator.url}/xuc/api/2.0/cti?token={token}".replace("http:", "ws:")
        async with browser.ws_connect(url) as socket:
            yield Page(socket)


@pytest.fixture
async def simulator() -> AsyncIterator[XivoSimulator]:
    async with running_xivo(CONFIG) as running:
        yield running


async def test_page_is_greeted_as_its_handlers_expect(simulator: XivoSimulator) -> None:
    async with page(simulator, "agent201") as anna:
        told = await anna.told_until_echo()
    kinds = [message["msgType"] for message in told]
    assert kinds[:3] == ["RightProfile", "LoggedOn", "UserConfigUpdate"]
    assert all(set(message) <= {"msgType", "ctiMessage"} for message in told)


async def test_every_command_of_the_client_leaves_the_connection_open(
    simulator: XivoSimulator,
) -> None:
    async with page(simulator, "agent201") as anna:
        await anna.told_until_echo()
        for command in COMMANDS:
            for message in await anna.say(command):
                assert isinstance(message["msgType"], str)
        for command in BEYOND:
            (refusal, *others) = [
                m for m in await anna.say(command) if m["msgType"] in ("Error", "AgentError")
            ]
            assert (refusal["ctiMessage"]["Error"], others) == ("NotSupported", []), command
        assert await anna.told_until_echo() == []


async def test_cut_has_on_record_what_it_swallowed(simulator: XivoSimulator) -> None:
    async with page(simulator, "agent201") as anna:
        await anna.told_until_echo()
        await anna.send('{"claz":"web","command":"hangup"}')
        simulator.cut()
        await asyncio.sleep(0.05)
        assert list(simulator.swallowed) == ['{"claz":"web","command":"hangup"}']
        assert simulator.face.services["hangup"] == 0
