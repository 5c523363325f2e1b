"""Prompts and keys on an Asterisk's channels, and what a prompt's name means there."""

from __future__ import annotations

from collections.abc import Sequence

from dialer.switching import Accepted, SwitchRefused
from offhook.switches.asterisk import wire, wire_media, wire_requests
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.names import Names

_SCHEMES = ("sound:", "recording:", "tone:", "number:", "digits:", "characters:")


def media_of(prompt: str) -> str:
    """ARI's name of a prompt: a sound of the PBX or a path on it, unless it says what it is.

    A comma would begin another thing to play, in ARI as in the dialplan.
    """
    if "," in prompt:
        raise SwitchRefused(f"prompt {prompt[:60]} has a comma in its name; rename it")
    if prompt.startswith(_SCHEMES):
        return prompt
    return f"sound:{prompt.removesuffix('.wav')}"


class AsteriskMedia:
    """Implements `offhook.switches.base.PlaysMedia`."""

    def __init__(self, client: AriClient, *, link: str) -> None:
        self._client = client
        self._link = link
        self._names = Names(client.settings.app)

    async def play(self, correlator: str, prompts: Sequence[str], *, playback: str) -> Accepted:
        """Play prompts one after the other as one playback, which can be stopped by its name."""
        request = wire_media.play_list(
            self._names.of(correlator),
            media=[media_of(prompt) for prompt in prompts],
            playback=self._playback(correlator, playback),
        )
        return await self._do(request)

    async def stop(self, correlator: str, *, playback: str) -> Accepted:
        """End a playback; one that is over already is no failure."""
        try:
            return await self._do(wire_media.stop_playback(self._playback(correlator, playback)))
        except SwitchRefused:
            return Accepted()

    async def hang_up(self, correlator: str) -> Accepted:
        """End the call."""
        return await self._do(wire_requests.hang_up(self._names.of(correlator)))

    async def move_to_agent(self, correlator: str, *, park: str) -> Accepted:
        """Put the caller to the agent who waits in the park of this name."""
        return await self._do(
            wire_requests.add_channel(self._names.of(park), self._names.of(correlator))
        )

    def digit(self, payload: str) -> tuple[str, str] | None:
        """The correlator and key of an event as it was received, where that is what it tells."""
        event = wire.parse_event(payload, self._link)
        if not isinstance(event, wire.ChannelDtmfReceived):
            return None
        named = self._names.read(event.channel.id)
        return None if named is None else (named.correlator, event.digit)

    def _playback(self, correlator: str, playback: str) -> str:
        return f"{self._names.of(correlator)}.play.{playback}"

    async def _do(self, request: wire_requests.Request) -> Accepted:
        await self._client.command(request)
        return Accepted()
