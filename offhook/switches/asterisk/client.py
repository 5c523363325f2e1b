"""ARI over HTTP: questions are repeated, commands never are.

What an error means is decided here once. Not connected: surely not done (`SwitchUnavailable`).
Sent without a clear reply: perhaps done (`SwitchUnclear`). A 4xx: Asterisk said no
(`SwitchRefused`), in its own words. One command may safely be given twice: to originate, because
the channel's id is ours and Asterisk makes no second channel of that id.
"""

from __future__ import annotations

import asyncio
import base64
import random
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from pydantic import TypeAdapter

from dialer.switching import SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.settings import AsteriskSettings
from offhook.switches.asterisk.wire_requests import Originate, Request
from offhook.switches.http import HttpLink, HttpReply

T = TypeVar("T")

_RETRY_FIRST = timedelta(milliseconds=200)
_RETRY_CAP = timedelta(seconds=2)
_WORDS = 200
_LONG = 32 * 1024
"""A list of a few hundred channels takes milliseconds to read: not while a join waits."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NEVER_ACTED = frozenset({408, 425, 429, 503})
_CHANNEL = TypeAdapter(wire.Channel)
_ANYTHING: TypeAdapter[object] = TypeAdapter(object)
_APPLICATION = TypeAdapter(wire.Application)
_INFO = TypeAdapter(wire.Info)


class AriClient:
    """Every request of one Asterisk."""

    def __init__(self, settings: AsteriskSettings, link: str, http: HttpLink | None = None) -> None:
        self.settings = settings
        self.link = link
        self._http = http or HttpLink(
            link,
            settings.base_url,
            timeouts=settings.timeouts,
            connections=settings.connections,
            headers=authorization(settings),
        )
        # Dials wait for each other, and so do long lists; a join waits for nobody.
        self._dials = asyncio.Semaphore(settings.parallel_dials)
        self._reads = asyncio.Semaphore(8)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def command(self, request: Request) -> None:
        """Make a request that changes something, once."""
        reply = await self._http.send(
            request.method, request.path, document=request.body, what=request.what
        )
        self._read(reply, request.what, _ANYTHING)

    async def originate(self, originate: Originate) -> None:
        """Make a channel; one of that id which is there already is the one that was asked for."""
        request = originate.request()
        async with self._dials:
            reply = await self._http.send(
                request.method, request.path, document=request.body, what=request.what
            )
        if reply.status == 409:
            # Asterisk 22 says so too of an endpoint that it doesn't have, in a thread that had
            # refused an id before: only the channel itself is proof.
            if await self.channel(originate.channel_id) is not None:
                return
            raise SwitchRefused(
                f"link {self.link}: originate was refused and there is no channel "
                f"{originate.channel_id}; check that the endpoint exists and is registered"
            )
        if reply.status == 500 and "allocation failed" in wire.problem(reply.body).lower():
            raise SwitchRefused(
                f"link {self.link}: originate was refused: no channel could be made; check that "
                "the endpoint exists and is registered"
            )
        self._read(reply, request.what, _CHANNEL)

    async def channels(self) -> tuple[wire.Channel, ...]:
        """Every channel of the PBX, foreign ones too."""
        return await self._ask("/channels", "channels", wire.CHANNELS)

    async def bridges(self) -> tuple[wire.Bridge, ...]:
        """Every bridge of the PBX, foreign ones too."""
        return await self._ask("/bridges", "bridges", wire.BRIDGES)

    async def endpoints(self) -> tuple[wire.Endpoint, ...]:
        """Everything that can be called."""
        return await self._ask("/endpoints", "endpoints", wire.ENDPOINTS)

    async def modules(self) -> tuple[wire.Module, ...]:
        """The loaded modules."""
        return await self._ask("/asterisk/modules", "modules", wire.MODULES)

    async def channel(self, channel: str) -> wire.Channel | None:
        """A channel, if it is there."""
        return await self._find(wire_requests.channel_path(channel), "channel", _CHANNEL)

    async def playing(self, playback: str) -> bool:
        """Whether a playback is in progress."""
        path = wire_requests.playback_path(playback)
        return await self._find(path, "playback", _ANYTHING) is not None

    async def has_sound(self, sound: str) -> bool:
        """Whether the PBX has a sound of this name."""
        return await self._find(wire_requests.sound_path(sound), "sound", _ANYTHING) is not None

    async def application(self) -> wire.Application | None:
        """Our Stasis application, if anybody is connected for it."""
        path = wire_requests.application_path(self.settings.app)
        return await self._find(path, "application", _APPLICATION)

    async def may_write(self) -> bool:
        """Whether the user may change things: asked by ending a channel that isn't there."""
        request = wire_requests.hang_up(f"{self.settings.app}.check")
        reply = await self._http.send(request.method, request.path, what="rights")
        return reply.status not in (401, 403)

    async def probe(self) -> HttpReply:
        """The raw reply to the lightest question, for a check: errors of transport are raised."""
        return await self._http.send("GET", "/asterisk/info?only=system", what="info")

    def understand(self, reply: HttpReply) -> wire.Info:
        """What the reply of `probe` says, or the error that it means."""
        return self._read(reply, "info", _INFO)

    async def ask(self, path: str, what: str, adapter: TypeAdapter[T]) -> T:
        """The answer to a question that a feature has."""
        return await self._ask(path, what, adapter)

    async def _find(self, path: str, what: str, adapter: TypeAdapter[T]) -> T | None:
        reply = await self._get(path, what)
        return None if reply.status == 404 else self._read(reply, what, adapter)

    async def _ask(self, path: str, what: str, adapter: TypeAdapter[T]) -> T:
        reply = await self._get(path, what)
        if len(reply.body) > _LONG:
            return await asyncio.to_thread(self._read, reply, what, adapter)
        return self._read(reply, what, adapter)

    async def _get(self, path: str, what: str) -> HttpReply:
        """A whole JSON document for a question, asked again with growing pauses if need be."""
        pause = _RETRY_FIRST
        for _ in range(self.settings.read_retries):
            try:
                return await self._get_once(path, what)
            except SwitchUnavailable:
                await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1.0))
                pause = min(pause * 2, _RETRY_CAP)
        return await self._get_once(path, what)

    async def _get_once(self, path: str, what: str) -> HttpReply:
        try:
            async with self._reads:
                reply = await self._http.send("GET", path, what=what)
        except SwitchUnclear as error:
            failure = str(error)  # nothing can have been done twice by a question
        else:
            if reply.status < 500 and reply.body[:1] in (b"{", b"["):
                return reply
            failure = str(self._unreadable(reply, what))
        raise SwitchUnavailable(failure)

    def _read(self, reply: HttpReply, what: str, adapter: TypeAdapter[T]) -> T:
        """What Asterisk said, or the error that it means."""
        if not 200 <= reply.status < 300:
            raise self._unreadable(reply, what)
        try:
            # 204 has nothing to say, and a command that answers otherwise answers in JSON.
            body = b"null" if reply.status == 204 else reply.body
            return wire.parse(adapter, body, where=what, link=self.link)
        except wire.WireError as error:
            raise self._unreadable(reply, what) from error

    def _unreadable(
        self, reply: HttpReply, what: str
    ) -> SwitchUnavailable | SwitchUnclear | SwitchRefused:
        status = reply.status
        told = f"link {self.link}: {what} got HTTP {status}"
        if 300 <= status < 400:
            return SwitchUnavailable(f"{told}, a redirect; give the link the final address")
        if status in _NEVER_ACTED:
            return SwitchUnavailable(f"{told}; Asterisk is overloaded or starting")
        if status in (401, 403):
            return SwitchRefused(f"{told}; check the user and password, and read_only in ari.conf")
        if 400 <= status < 500:
            words = _CONTROL.sub(" ", wire.problem(reply.body))[:_WORDS]
            return SwitchRefused(f"{told}: {words or 'check that the address ends in /ari'}")
        return SwitchUnclear(
            f"{told} and a reply that can't be read; look at the switch's calls before asking again"
        )


def authorization(settings: AsteriskSettings) -> Mapping[str, str]:
    """The header that says who asks: a password in an address would be logged on the way."""
    pair = f"{settings.username}:{settings.password.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
