"""Calls for an agent: the user interface's `call_request`, from his own telephone."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.switching import Accepted, SwitchRefused
from offhook.switches.base import AgentCall
from offhook.switches.dialled import dialled
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.telephone import UserTelephone


@dataclass(frozen=True)
class VoispeedConnector:
    """Implements `offhook.switches.base.ConnectsAgents`. The caller id is the user's own."""

    settings: VoispeedSettings
    client: VoispeedClient
    link: str

    async def connect(self, call: AgentCall) -> Accepted:
        """Have the user's telephone call the number; `extid` is the correlator."""
        if not call.extension:
            raise SwitchRefused(
                f"link {self.link}: agent {call.address} has no extension, and only a "
                "user with one can be made to call; give him one on the PBX and import again"
            )
        if await self.in_progress(call.correlator):
            return Accepted()
        number = dialled(
            call.number,
            number_format=self.settings.number_format,
            region=self.settings.region,
            prefix=self.settings.dial_prefix,
        )
        telephone = UserTelephone(self.client, call.extension)
        accepted = await telephone.call(number, extid=call.correlator)
        return Accepted(request_id=accepted.request_id or "")

    async def in_progress(self, correlator: str) -> bool:
        """Whether the PBX has a call with this `extid`."""
        return any(call.extid == correlator for call in await self.client.current_calls())
