"""The user interface of VOIspeed: what one person does with their own telephone.

The guide shows `divert` and `disconnect` as actions on a call and speaks of hold and retrieve; the
words that are sent for the latter two are ours, and a link can rename no word, only parameters. A
PBX that doesn't know one refuses it, and nothing else happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.wire import CallAction


@dataclass(frozen=True)
class UserTelephone:
    """Services for the user with this extension; the call ids are those of the user's events."""

    client: VoispeedClient
    ext: str

    async def call(
        self, number: str, *, device: str | None = None, extid: str | None = None
    ) -> wire.Accepted:
        """Call `number` from one of the user's terminals; events about it carry `extid`."""
        return await self.client.command(
            wire.CallRequest(ext=self.ext, number=number, device=device, extid=extid)
        )

    async def divert(self, call_id: str, number: str, *, note: str | None = None) -> wire.Accepted:
        """Send a call on to another number."""
        return await self._act(call_id, CallAction.divert, number=number, note=note)

    async def disconnect(self, call_id: str) -> wire.Accepted:
        """End a call."""
        return await self._act(call_id, CallAction.disconnect)

    async def hold(self, call_id: str) -> wire.Accepted:
        """Let the other side of a call wait."""
        return await self._act(call_id, CallAction.hold)

    async def retrieve(self, call_id: str) -> wire.Accepted:
        """Take back a call that waits."""
        return await self._act(call_id, CallAction.retrieve)

    async def answer(self, call_id: str) -> wire.Accepted:
        """Take a call that rings, where the terminal can."""
        return await self._act(call_id, CallAction.answer)

    async def set_mode(
        self, mode: wire.UserMode, *, number: str | None = None, note: str | None = None
    ) -> wire.Accepted:
        """Say how calls are handled; `number` is where a divert goes."""
        return await self.client.command(
            wire.SetUserMode(ext=self.ext, mode=mode, number=number, note=note)
        )

    async def history(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[wire.UserReportedCall, ...]:
        """The user's calls that are over."""
        return await self.client.user_call_report(
            wire.GetUserCallReport(ext=self.ext, since=since, until=until, limit=limit)
        )

    async def _act(
        self,
        call_id: str,
        action: CallAction,
        *,
        number: str | None = None,
        note: str | None = None,
    ) -> wire.Accepted:
        return await self.client.command(
            wire.CallActionRequest(
                ext=self.ext, call_id=call_id, action=action, number=number, note=note
            )
        )
