"""Somebody who only listens to an Asterisk's events: when each channel answered and met another.

The instants are Asterisk's own, so what a client needs to notice and to decide is in them and what
the onlooker needs is not.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from offhook.pbx.asterisk import RunningAsterisk

_APPLICATION = "onlooker"
_PAUSE_S = 0.2
_WANTED = (
    "Dial",
    "ChannelStateChange",
    "ChannelEnteredBridge",
    "ChannelDestroyed",
    "PlaybackStarted",
)


@dataclass(slots=True)
class SeenChannel:
    """What was told of one channel."""

    number: str | None = None
    """What was dialled, where it was dialled."""
    dialled_at: datetime | None = None
    up_at: datetime | None = None
    joined_at: datetime | None = None
    """First in a bridge with somebody else."""
    message_at: datetime | None = None
    """First something was played to it."""
    ended_at: datetime | None = None


class Onlooker:
    """Listens for as long as it is told to; a PBX that restarts is listened to again."""

    def __init__(self, asterisk: RunningAsterisk) -> None:
        self._asterisk = asterisk
        self._seen: dict[str, SeenChannel] = {}
        self._listening = asyncio.Event()

    @property
    def channels(self) -> Mapping[str, SeenChannel]:
        """Every channel by its id."""
        return self._seen

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen for the length of the block, which begins when events arrive."""
        task = asyncio.create_task(self._listen_for_ever(), name="onlooker")
        try:
            await self._listening.wait()
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen_for_ever(self) -> None:
        headers = {
            "Authorization": aiohttp.encode_basic_auth(self._asterisk.user, self._asterisk.password)
        }
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    await self._listen(session)
                # An Asterisk that is asked again at once may take the new connection for the old.
                await asyncio.sleep(_PAUSE_S)

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        base = self._asterisk.ari_url
        async with session.ws_connect(f"{base}/events?app={_APPLICATION}", heartbeat=10) as socket:
            application = f"{base}/applications/{_APPLICATION}"
            allowed = {"allowed": [{"type": name} for name in _WANTED]}
            async with session.put(f"{application}/eventFilter", json=allowed) as reply:
                reply.raise_for_status()
            async with session.post(
                f"{application}/subscription", params={"eventSource": "channel:,bridge:"}
            ) as reply:
                reply.raise_for_status()
            self._listening.set()
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.take(json.loads(message.data))

    def take(self, event: Mapping[str, Any]) -> None:
        """Note what an event says."""
        at = datetime.fromisoformat(event["timestamp"])
        match event["type"]:
            case "Dial":
                seen = self._of(event["peer"]["id"])
                if seen.dialled_at is None:
                    seen.dialled_at, seen.number = at, event["dialstring"].partition("@")[0]
            case "ChannelStateChange" if event["channel"]["state"] == "Up":
                seen = self._of(event["channel"]["id"])
                seen.up_at = seen.up_at or at
            case "ChannelEnteredBridge" if len(event["bridge"]["channels"]) > 1:
                for channel in event["bridge"]["channels"]:
                    seen = self._of(channel)
                    seen.joined_at = seen.joined_at or at
            case "PlaybackStarted":
                kind, _, target = event["playback"]["target_uri"].partition(":")
                if kind == "channel":
                    seen = self._of(target)
                    seen.message_at = seen.message_at or at
            case "ChannelDestroyed":
                self._of(event["channel"]["id"]).ended_at = at

    def _of(self, channel: str) -> SeenChannel:
        return self._seen.setdefault(channel, SeenChannel())
