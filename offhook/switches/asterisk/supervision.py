"""A supervisor on a talk: he hears it, speaks to the agent alone, or joins in.

To listen and to whisper he is put into a bridge with a snoop upon the agent's channel; to barge in
he is put into the bridge of the talk itself. His channel is named after the attempt, so that it is
found and ended by whoever asks, and by the reflexes once the customer has left.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from dialer.switching import Accepted, SwitchRefused
from offhook.switches.asterisk import supervised, wire, wire_media, wire_requests
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.events import Company
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.settling import once_there
from offhook.switches.asterisk.wire_requests import Originate
from offhook.switches.base import Supervision

_LOOKS = timedelta(milliseconds=100)


class AsteriskSupervision:
    """Implements `offhook.switches.base.Supervises`."""

    def __init__(self, client: AriClient, *, link: str) -> None:
        self._client = client
        self._link = link
        self._names = Names(client.settings.app)

    async def supervise(self, correlator: str, *, address: str, how: Supervision) -> Accepted:
        """Ring a supervisor's device and put him to the talk of an attempt."""
        talk, agent = await self._talk(correlator)
        await self.end(correlator)
        own = supervised.channel(self._names, correlator)
        await self._ring(own, address)
        try:
            if how is Supervision.barge:
                await self._client.command(wire_requests.add_channel(talk.id, own))
            else:
                await self._overhear(correlator, agent, own, how)
        except BaseException:
            await asyncio.shield(self.end(correlator))
            raise
        return Accepted()

    async def end(self, correlator: str) -> bool:
        """Have a supervisor leave; False when there was none."""
        names = self._names
        own = supervised.channel(names, correlator)
        there = await self._client.channel(own) is not None
        for request in supervised.Supervisors(names).ends(correlator):
            with contextlib.suppress(SwitchRefused):  # what isn't there needs no end
                await self._client.command(request)
        return there

    async def _talk(self, correlator: str) -> tuple[wire.Bridge, str]:
        customer = self._names.of(correlator)
        for bridge in await self._client.bridges():
            agents = Company.of(bridge, self._names).agents
            if customer in bridge.channels and agents:
                return bridge, agents[0]
        raise SwitchRefused(
            f"link {self._link}: nobody talks on call {correlator}; "
            "`offhook campaign status` shows the calls in progress"
        )

    async def _ring(self, own: str, address: str) -> None:
        settings = self._client.settings
        timeout = settings.divert_timeout
        await self._client.originate(
            Originate(
                channel_id=own,
                endpoint=address,
                app=settings.app,
                args=str(Part.other),
                timeout=timeout,
                caller_id=settings.caller_number,
            )
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout.total_seconds()):
                while (channel := await self._client.channel(own)) is not None:
                    if channel.up and channel.in_stasis:
                        return
                    await asyncio.sleep(_LOOKS.total_seconds())
        with contextlib.suppress(SwitchRefused):
            await self._client.command(wire_requests.hang_up(own))
        raise SwitchRefused(
            f"link {self._link}: {address} did not answer; register that telephone and try again"
        )

    async def _overhear(self, correlator: str, agent: str, own: str, how: Supervision) -> None:
        names = self._names
        bridge, snoop = supervised.bridge(names, correlator), supervised.snoop(names, correlator)
        await self._client.command(
            wire_media.snoop(
                agent,
                snoop_id=snoop,
                app=self._client.settings.app,
                whisper=how is Supervision.whisper,
                args=str(Part.other),
            )
        )
        await self._client.command(wire_requests.make_bridge(bridge, name="supervision"))
        for channel in (own, snoop):
            await once_there(self._client, wire_requests.add_channel(bridge, channel))
