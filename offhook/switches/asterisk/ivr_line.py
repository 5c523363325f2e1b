"""What is done to one caller's channel, and how what he shall hear becomes what Asterisk plays.

A refusal means that the caller is gone, or will be told of as gone by an event; it changes nothing
here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from dialer.switching import SwitchError, SwitchRefused
from ivr.prompts import Piece, PlayFile
from offhook.errors import OffhookError
from offhook.switches.asterisk import wire_ivr, wire_media, wire_requests
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.ivr_names import BRIDGE_NAME, LEG, CallNames
from offhook.switches.asterisk.media import media_of
from offhook.switches.asterisk.wire_requests import Originate, Request
from offhook.switches.base import Voice
from offhook.telemetry import counter

log = structlog.get_logger()

_MUSIC = "default"
_UNSAID = counter(
    "dialer_ivr_pieces_unsaid_total", "Pieces of prompts that could not be made or played."
)


@dataclass(frozen=True)
class Sounds:
    """Pieces of prompts as media that this Asterisk plays."""

    voice: Voice
    audio: Path
    """The folder of the trees' recordings."""
    home: Path
    """The folder that both are below, here."""
    seen_as: str = ""
    """The same folder as Asterisk sees it, where it runs on another machine."""

    async def media(self, pieces: Iterable[Piece]) -> list[str]:
        """What to play; a piece that can't be spoken is left out, and counted."""
        found = []
        for piece in pieces:
            try:
                path = await asyncio.to_thread(self._file, piece)
                found.append(media_of(self._as_seen(path)))
            except (OffhookError, SwitchRefused, OSError) as error:
                _UNSAID.inc()
                log.warning("ivr_piece_unsaid", language=piece.language, error=str(error)[:200])
        return found

    def _file(self, piece: Piece) -> Path:
        if isinstance(piece, PlayFile):
            return self.audio / piece.file
        return self.voice.say(piece.text, language=piece.language.lower())

    def _as_seen(self, path: Path) -> str:
        if self.seen_as and path.is_relative_to(self.home):
            return f"{self.seen_as.rstrip('/')}/{path.relative_to(self.home)}"
        return str(path)


@dataclass(frozen=True)
class Line:
    """One caller's channel."""

    client: AriClient
    names: CallNames
    sounds: Sounds
    calling: str = ""

    @property
    def call(self) -> str:
        """The id of the channel."""
        return self.names.call

    async def answer(self) -> None:
        """Answer."""
        await self._do(wire_ivr.answer(self.call))

    async def refuse(self) -> None:
        """Let him hear that the line is busy."""
        await self._do(wire_ivr.refuse(self.call))

    async def hang_up(self) -> None:
        """End the call."""
        await self._do(wire_requests.hang_up(self.call))

    async def say(self, playback: int, pieces: Iterable[Piece]) -> bool:
        """Play; False when nothing will be heard, so that no end of it will be told either."""
        media = await self.sounds.media(pieces)
        if not media:
            return False
        name = self.names.playback(playback)
        return await self._do(wire_media.play_list(self.call, media=media, playback=name))

    async def hush(self, playback: int) -> None:
        """Stop a playback."""
        await self._do(wire_media.stop_playback(self.names.playback(playback)))

    async def music(self, kind: str | None) -> None:
        """Begin the music of somebody who waits, of this class or the default one; None ends it."""
        request = wire_requests.stop_music(self.call)
        if kind is not None:
            request = wire_requests.start_music(self.call, music=kind or _MUSIC)
        await self._do(request)

    async def ring(self, leg: int, address: str, *, timeout: timedelta) -> bool:
        """Call a telephone for him; False when it can't be called."""
        try:
            await self.client.originate(
                Originate(
                    channel_id=self.names.leg(leg),
                    endpoint=address,
                    app=self.names.app,
                    args=f"{LEG},{self.call}",
                    timeout=timeout,
                    caller_id=self.calling,
                )
            )
        except SwitchError as error:
            log.warning("ivr_leg_refused", address=address, error=str(error))
            return False
        return True

    async def join(self, leg: int) -> bool:
        """Have him and a telephone that answered hear each other.

        The telephone first: if it is gone by then, nothing has happened to the caller.
        """
        bridge = self.names.bridge
        await self._do(wire_requests.make_bridge(bridge, name=BRIDGE_NAME))
        if not await self._do(wire_requests.add_channel(bridge, self.names.leg(leg))):
            return False
        await self.music(None)
        return await self._do(wire_requests.add_channel(bridge, self.call))

    async def drop(self, leg: int) -> None:
        """End the call to a telephone."""
        await self._do(wire_requests.hang_up(self.names.leg(leg)))

    async def _do(self, request: Request) -> bool:
        try:
            await self.client.command(request)
        except SwitchRefused:
            return False
        except SwitchError as error:
            log.warning("ivr_request_failed", request=request.what, error=str(error))
            return False
        return True
