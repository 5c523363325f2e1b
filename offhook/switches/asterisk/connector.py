"""Calls for an agent: his device is called into our application; the rest is the event stream's."""

from __future__ import annotations

from dialer.switching import Accepted, SwitchRefused
from offhook.switches.asterisk import connecting
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.names import Names
from offhook.switches.asterisk.wire_requests import Originate
from offhook.switches.base import AgentCall


class AsteriskConnector:
    """Implements `offhook.switches.base.ConnectsAgents`; needs a running `offhook links`."""

    def __init__(self, client: AriClient, *, link: str) -> None:
        self._client = client
        self._link = link
        self._names = Names(client.settings.app)

    async def connect(self, call: AgentCall) -> Accepted:
        """Ring the agent; Asterisk makes no second channel of a name while there is one."""
        settings = self._client.settings
        if not settings.trunks:
            raise SwitchRefused(
                f"link {self._link} has no trunk to call through; give it one with --trunk"
            )
        endpoint = settings.dialled(call.number, settings.trunks[0].address)
        caller_id = call.caller_id or settings.caller_number
        channel = connecting.channel(self._names, call.correlator)
        await self._client.originate(
            Originate(
                channel_id=channel,
                endpoint=call.address,
                app=settings.app,
                args=connecting.arguments(endpoint, caller_id, settings.divert_timeout * 2),
                timeout=settings.divert_timeout,
                caller_id=call.number,
            )
        )
        return Accepted(request_id=channel)

    async def in_progress(self, correlator: str) -> bool:
        """Whether the agent's channel is there."""
        channel = connecting.channel(self._names, correlator)
        return await self._client.channel(channel) is not None
