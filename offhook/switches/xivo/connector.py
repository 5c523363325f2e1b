"""Calls for an agent: `dial` from the telephone of the user whom the agent is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from dialer.switching import Accepted, SwitchError, SwitchRefused
from offhook.switches.base import AgentCall
from offhook.switches.dialled import dialled
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.events import CORRELATOR, correlator_of
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.wire_commands import Dial


@dataclass(frozen=True)
class XivoConnector:
    """Implements `offhook.switches.base.ConnectsAgents`. The caller id is the user's own."""

    settings: XivoSettings
    client: XivoClient

    async def connect(self, call: AgentCall) -> Accepted:
        """Have the agent's telephone call the number, under the correlator."""
        session = await self.session_of(call.address)
        if await self._has(session, call.correlator):
            return Accepted()
        number = dialled(
            call.number,
            number_format=self.settings.number_format,
            region=self.settings.region,
            prefix=self.settings.dial_prefix,
        )
        await session.tell(Dial(destination=number, variables={CORRELATOR: call.correlator}))
        return Accepted()

    async def in_progress(self, correlator: str) -> bool:
        """Whether any telephone has a call under that correlator."""
        found = await asyncio.gather(
            *(self._has(session, correlator) for session in self.client.sessions)
        )
        return any(found)

    async def session_of(self, agent: str) -> Session:
        """The session of the user whom an agent is; `SwitchRefused` when the link has none."""
        with suppress(SwitchError):
            # xuc tells each user who he is when he connects; one who is let in suffices.
            async with asyncio.timeout(self.settings.reply_timeout.total_seconds()):
                await asyncio.gather(*(one.ready() for one in self.client.sessions))
        for session in self.client.sessions:
            if session.user is not None and str(session.user.agent_id) == agent:
                return session
        raise SwitchRefused(
            f"link {self.client.link}: no user is known who is agent {agent}; add his login to "
            "agent_logins"
        )

    async def _has(self, session: Session, correlator: str) -> bool:
        calls = await self.client.current_calls(session)
        return any(correlator_of(event) == correlator for event in calls)
