"""Recordings of Asterisk: both sides of a customer's channel, from its start to its end at most.

The customer's channel is snooped upon and the snoop is recorded, rather than the bridge in which
the talk takes place: agents stay in their bridges from one customer to the next, and a recording
that outlived its talk because nobody stopped it would hold the next customer.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp
from pydantic import TypeAdapter
from yarl import URL

from dialer.commands import RecordCall
from dialer.media import RecordingAction
from dialer.switching import Accepted, SwitchRefused, SwitchUnavailable
from offhook.switches.asterisk import wire_media, wire_requests
from offhook.switches.asterisk.client import AriClient, authorization
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.settling import once_there

_CHUNK = 64 * 1024
_STORED = TypeAdapter(list[dict[str, str]])


class AsteriskRecordings:
    """Implements `offhook.switches.base.StoresRecordings`, and the engine's `RecordCall`."""

    def __init__(self, client: AriClient, *, link: str) -> None:
        self._client = client
        self._link = link
        self._names = Names(client.settings.app)

    async def record_call(self, command: RecordCall) -> Accepted:
        """Carry out an order; to stop what is over already is no failure."""
        name = self._names.of(command.name)
        match command.action:
            case RecordingAction.start:
                await self._start(command, name)
            case RecordingAction.pause:
                await self._client.command(wire_media.pause_recording(name))
            case RecordingAction.resume:
                await self._client.command(wire_media.resume_recording(name))
            case RecordingAction.stop:
                await self._stop(command, name)
        return Accepted()

    async def stored(self) -> tuple[str, ...]:
        """The names of our finished recordings, without the application's."""
        found = await self._client.ask("/recordings/stored", "recordings", _STORED)
        prefix = self._names.of("")
        names = (each.get("name", "") for each in found)
        return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    async def download(self, name: str, target: Path) -> int:
        """Write a recording's file to `target`; returns its bytes."""
        settings = self._client.settings
        path = f"{wire_media.stored_path(self._names.of(name))}/file"
        partial = target.with_name(f"{target.name}.part")
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=settings.connect_timeout.total_seconds(),
            sock_read=settings.total_timeout.total_seconds(),
        )
        failure, size = "", 0
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=timeout, headers=dict(authorization(settings))
                ) as session,
                session.get(URL(f"{settings.base_url}{path}", encoded=True)) as response,
            ):
                if response.status != 200:
                    raise SwitchRefused(
                        f"link {self._link} gave no file of recording {name}: HTTP "
                        f"{response.status}; `offhook recording list` shows those there are"
                    )
                with partial.open("wb") as file:
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        size += file.write(chunk)
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = type(error).__name__
        if failure:
            partial.unlink(missing_ok=True)
            raise SwitchUnavailable(
                f"link {self._link}: recording {name} did not come whole ({failure}); try again"
            )
        partial.replace(target)
        return size

    async def delete(self, name: str) -> bool:
        """Delete a file; False when there is none."""
        full = self._names.of(name)
        if full not in {self._names.of(each) for each in await self.stored()}:
            return False
        await self._client.command(wire_media.delete_recording(full))
        return True

    async def _start(self, command: RecordCall, name: str) -> None:
        channel = command.call.call_id if command.call else self._names.of(command.correlator)
        snoop = self._snoop(command)
        await self._client.command(
            wire_media.snoop(
                channel,
                snoop_id=snoop,
                app=self._client.settings.app,
                whisper=False,
                args=str(Part.other),
            )
        )
        try:
            await once_there(self._client, wire_media.record(snoop, name=name))
        except BaseException:
            await asyncio.shield(self._client.command(wire_requests.hang_up(snoop)))
            raise

    async def _stop(self, command: RecordCall, name: str) -> None:
        for request in (
            wire_media.stop_recording(name),
            wire_requests.hang_up(self._snoop(command)),
        ):
            with contextlib.suppress(SwitchRefused):  # it ended with the customer's channel
                await self._client.command(request)

    def _snoop(self, command: RecordCall) -> str:
        number = command.name.rpartition(".")[2]
        return f"{self._names.of(command.correlator)}.r.{number}"
