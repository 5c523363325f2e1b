"""What offhook on Asterisk is measured against: a script that only dials and joins.

No database, no durability, no pacing, no rules: agents are parked, numbers dialled at a rate, and
whoever answers is put into the bridge of a free agent. It is as close to the machine's best as a
Python program gets, and is run in the same run, on the same Asterisk, with the same people.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

APPLICATION = "bare"
CUSTOMER = "bare-customer-"
_AGENT = "bare-agent-"
PASSWORD_VARIABLE = "OFFHOOK_BARE_ARI_PASSWORD"  # noqa: S105 - the name of a variable
_PARKED_S = 20.0
_LAST_S = 30.0
"""How long the last calls may take: one whose end was never told must not hold up the rest."""


class BareDialer:
    """Parks agents, dials, joins."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, trunk: str) -> None:
        self._session = session
        self._url = url
        self._trunk = trunk
        self._free: deque[int] = deque()
        self._waiting: deque[str] = deque()
        self._talks: dict[str, int] = {}
        self._parked: dict[int, asyncio.Event] = {}
        self._ended = 0
        self._all_ended = asyncio.Event()
        self._acting: set[asyncio.Task[None]] = set()
        self.joined = 0
        self.refused = 0

    async def park(self, agents: Sequence[str]) -> None:
        """Call every agent and put each into a bridge of his own."""
        self._parked = {index: asyncio.Event() for index in range(len(agents))}
        for index, endpoint in enumerate(agents):
            await self._post("bridges", bridgeId=f"{_AGENT}{index}", type="mixing")
            await self._post(
                "channels",
                endpoint=endpoint,
                app=APPLICATION,
                channelId=f"{_AGENT}{index}",
                appArgs="agent",
            )
        async with asyncio.timeout(_PARKED_S):
            for parked in self._parked.values():
                await parked.wait()

    async def dial(self, numbers: Sequence[str], rate: float) -> float:
        """Dial all of `numbers`, so many a second; seconds until the last call has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for index, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, began + index / rate - loop.time()))
            self._act(self._call(f"{CUSTOMER}{index}", number))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_S):
                while self._ended < len(numbers):
                    self._all_ended.clear()
                    await self._all_ended.wait()
        return loop.time() - began

    async def _call(self, channel: str, number: str) -> None:
        """Call somebody; a call that is refused has ended."""
        endpoint = f"PJSIP/{number}@{self._trunk}"
        if not await self._post("channels", endpoint=endpoint, app=APPLICATION, channelId=channel):
            self.refused += 1
            self._ended += 1
            self._all_ended.set()

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Act on every event until the connection ends."""
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.take(json.loads(message.data))

    def take(self, event: dict[str, Any]) -> None:
        """Act on one event."""
        channel = event.get("channel", {}).get("id", "")
        if event["type"] == "StasisStart" and channel.startswith(CUSTOMER):
            self._waiting.append(channel)
        elif event["type"] == "StasisStart" and channel.startswith(_AGENT):
            index = int(channel.removeprefix(_AGENT))
            self._act(self._add(index, channel))
            self._free.append(index)
            self._parked[index].set()
        elif event["type"] == "ChannelDestroyed" and channel.startswith(CUSTOMER):
            self._ended += 1
            self._all_ended.set()
            if (agent := self._talks.pop(channel, None)) is not None:
                self._free.append(agent)
        while self._waiting and self._free:
            customer, agent = self._waiting.popleft(), self._free.popleft()
            self._talks[customer] = agent
            self.joined += 1
            self._act(self._add(agent, customer))

    async def _add(self, agent: int, channel: str) -> None:
        await self._post(f"bridges/{_AGENT}{agent}/addChannel", channel=channel)

    async def clear(self) -> None:
        """Hang up every agent."""
        for index in self._parked:
            await self._delete(f"channels/{_AGENT}{index}")
            await self._delete(f"bridges/{_AGENT}{index}")

    def _act(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def _post(self, path: str, **parameters: str) -> bool:
        async with self._session.post(f"{self._url}/{path}", params=parameters) as reply:
            return reply.status < 300

    async def _delete(self, path: str) -> None:
        async with self._session.delete(f"{self._url}/{path}"):
            pass


@asynccontextmanager
async def _dialer(url: str, user: str, trunk: str) -> Any:
    headers = {"Authorization": aiohttp.encode_basic_auth(user, os.environ[PASSWORD_VARIABLE])}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{url}/events?app={APPLICATION}") as socket,
    ):
        source = {"eventSource": "channel:,bridge:"}
        async with session.post(f"{url}/applications/{APPLICATION}/subscription", params=source):
            pass
        dialer = BareDialer(session, url, trunk=trunk)
        listening = asyncio.create_task(dialer.listen(socket))
        try:
            yield dialer
        finally:
            listening.cancel()


async def _main(arguments: argparse.Namespace, numbers: Sequence[str]) -> None:
    async with _dialer(arguments.url, arguments.user, arguments.trunk) as dialer:
        await dialer.park(arguments.agents.split(","))
        took = await dialer.dial(numbers, arguments.rate)
        times = os.times()
        await dialer.clear()
    said = {
        "took_s": took,
        "joined": dialer.joined,
        "refused": dialer.refused,
        "cpu_s": times.user + times.system,
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Dial the numbers on standard input.")
    for name in ("url", "user", "trunk", "agents"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rate", type=float, required=True)
    asyncio.run(_main(parser.parse_args(), sys.stdin.read().split()))
