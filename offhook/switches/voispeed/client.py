"""VOIspeed's services over HTTP: questions are repeated, commands never are.

What an error means is decided here once. Not connected: surely not done (`SwitchUnavailable`). Sent
without a clear reply, whatever came instead: perhaps done (`SwitchUnclear`). `outcome` 1: the PBX
said no (`SwitchRefused`), in its own words. The token is part of every URL, so it is taken out of
any text that comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp

from dialer.switching import SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.http import HttpLink, HttpReply
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.settings import VoispeedSettings

T = TypeVar("T")

_RETRY_FIRST = timedelta(milliseconds=200)
_RETRY_CAP = timedelta(seconds=2)
_WORDS = 200
_LONG = 32 * 1024
"""A list of 400 calls takes 17 ms to read: too long to keep a join waiting for."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NEVER_ACTED = frozenset({408, 425, 429})


class VoispeedClient:
    """Every service of one VOIspeed PBX."""

    def __init__(self, settings: VoispeedSettings, link: str, http: HttpLink | None = None) -> None:
        self.dialect = settings.dialect(link)
        self._settings = settings
        self._link = link
        self._token = settings.token.get_secret_value()
        self._http = http or HttpLink(
            link,
            settings.base_url,
            timeouts=settings.timeouts,
            connections=settings.parallel_dials * 2 + 16,
        )
        # Dials wait for each other, and so do long lists; a join waits for nobody.
        self._dials = asyncio.Semaphore(settings.parallel_dials)
        self._reads = asyncio.Semaphore(4)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def command(self, request: wire.Request) -> wire.Accepted:
        """Send a request that changes something, once."""
        what = request.service.value
        lane = self._dials if isinstance(request, wire.CallRequestExt) else None
        async with lane or contextlib.nullcontext():
            reply = await self._http.get(self._query(request), what=what)
        return self._read(
            reply, what, lambda body: wire.parse_command_reply(body, self.dialect, where=what)
        )

    async def ask(self, request: wire.Request, parse: Callable[[bytes], T | wire.Refused]) -> T:
        """Send a request that changes nothing, again with growing pauses if it fails."""
        pause = _RETRY_FIRST
        for attempt in range(self._settings.read_retries + 1):
            try:
                async with self._reads:
                    return await self._ask_once(request, parse)
            except (SwitchUnavailable, SwitchUnclear):
                if attempt == self._settings.read_retries:
                    raise
            await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _RETRY_CAP)
        raise AssertionError("the last attempt returns or raises")

    async def probe(self) -> HttpReply:
        """The raw reply to the lightest question, for a check: errors of transport are raised."""
        request = wire.GetEntities(entity_type=wire.EntityType.gateway)
        return await self._http.get(self._query(request), what=request.service.value)

    def understand(self, reply: HttpReply) -> None:
        """Raise what the reply of `probe` means when it isn't good news."""
        gateway = wire.EntityType.gateway
        self._read(
            reply,
            wire.Service.get_entities.value,
            lambda body: wire.parse_entities(body, gateway, self.dialect),
        )

    async def users(self) -> tuple[wire.User, ...]:
        """Everybody who has an extension."""
        return tuple(e for e in await self._entities(wire.EntityType.user) if type(e) is wire.User)

    async def gateways(self) -> tuple[wire.Gateway, ...]:
        """The ways to the public network."""
        found = await self._entities(wire.EntityType.gateway)
        return tuple(e for e in found if isinstance(e, wire.Gateway))

    async def ivrs(self) -> tuple[wire.Ivr, ...]:
        """The automatic responders."""
        found = await self._entities(wire.EntityType.ivr)
        return tuple(e for e in found if isinstance(e, wire.Ivr))

    async def entities(
        self,
        entity_type: wire.EntityType,
        *,
        entity_id: str | None = None,
        owner_id: str | None = None,
    ) -> tuple[wire.AnyEntity, ...]:
        """Entities of one type; terminals only those of the owner."""
        if entity_type not in wire.LISTED_TYPES:
            known = ", ".join(sorted(listed.name for listed in wire.LISTED_TYPES))
            raise SwitchRefused(
                f"link {self._link}: nobody knows how a {entity_type.name} is listed; "
                f"the types that can be are {known}"
            )
        return await self._entities(entity_type, entity_id, owner_id)

    async def current_calls(self) -> tuple[wire.CurrentCall, ...]:
        """The communications in progress."""
        return await self.ask(
            wire.GetCurrentCalls(), lambda body: wire.parse_current_calls(body, self.dialect)
        )

    async def call_report(self, request: wire.GetCallReport) -> tuple[wire.ReportedCall, ...]:
        """The PBX's history."""
        return await self.ask(request, lambda body: wire.parse_call_report(body, self.dialect))

    async def user_call_report(
        self, request: wire.GetUserCallReport
    ) -> tuple[wire.UserReportedCall, ...]:
        """One user's history."""
        return await self.ask(request, lambda body: wire.parse_user_call_report(body, self.dialect))

    async def phonebook(self, search: str) -> tuple[wire.Contact, ...]:
        """Contacts of the directory that match."""
        return await self.ask(
            wire.GetPhonebook(search=search), lambda body: wire.parse_contacts(body, self.dialect)
        )

    async def add_contact(self, request: wire.AddPhonebook) -> str:
        """Add a contact to the directory and return its id."""
        what = request.service.value
        reply = await self._http.get(self._query(request), what=what)
        added = self._read(reply, what, lambda body: wire.parse_contact_added(body, self.dialect))
        return added.contact_id

    async def update_contact(self, request: wire.UpdatePhonebook) -> None:
        """Change a contact of the directory; what the request leaves out stays."""
        await self.command(request)

    async def delete_contact(self, request: wire.DeletePhonebook) -> None:
        """Delete a contact: ours by its id, an imported one by application and external id."""
        await self.command(request)

    async def record(self, call_id: str, *, on: bool) -> wire.Accepted:
        """Start or stop recording a communication; `current_calls` tells whether it happened."""
        return await self.command(wire.CallRecordingExt(call_id=call_id, active=on))

    async def terminate(self, call_id: str) -> wire.Accepted:
        """End a communication and disconnect both sides."""
        return await self.command(wire.CallTerminate(call_id=call_id))

    async def sync_contacts(
        self, contacts: Sequence[wire.SyncContact], *, verbose: bool = True
    ) -> wire.SyncReport:
        """Import contacts of another application; those already there are overwritten."""
        request = wire.PhonebookImportSync(verbose_output=verbose)
        what = request.service.value
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("contacts", wire.render_sync_contacts(contacts))
        reply = await self._http.post(self._query(request), form, what=what)
        return self._read(reply, what, lambda body: wire.parse_sync_report(body, self.dialect))

    async def _entities(
        self,
        entity_type: wire.EntityType,
        entity_id: str | None = None,
        owner_id: str | None = None,
    ) -> tuple[wire.AnyEntity, ...]:
        request = wire.GetEntities(entity_type=entity_type, entity_id=entity_id, owner_id=owner_id)
        return await self.ask(
            request, lambda body: wire.parse_entities(body, entity_type, self.dialect)
        )

    async def _ask_once(
        self, request: wire.Request, parse: Callable[[bytes], T | wire.Refused]
    ) -> T:
        what = request.service.value
        try:
            reply = await self._http.get(self._query(request), what=what)
        except SwitchUnclear as error:
            unavailable = SwitchUnavailable(self._scrub(str(error)))
        else:
            if len(reply.body) > _LONG:
                return await asyncio.to_thread(self._read, reply, what, parse)
            return self._read(reply, what, parse)
        raise unavailable  # nothing can have been done twice by a question

    def _query(self, request: wire.Request) -> str:
        params = request.to_params(self.dialect)
        params["token"] = self._token
        return urlencode(params)

    def _read(self, reply: HttpReply, what: str, parse: Callable[[bytes], T | wire.Refused]) -> T:
        """What the PBX said, or the error that it means."""
        try:
            said = parse(reply.body)
        except wire.WireError as error:
            raise self._unreadable(reply, what) from wire.WireError(
                self._scrub(error.what), where=error.where, link=error.link
            )
        if isinstance(said, wire.Refused):
            raise SwitchRefused(f"link {self._link}: {what} was refused: {self._scrub(said.error)}")
        return said

    def _unreadable(
        self, reply: HttpReply, what: str
    ) -> SwitchUnavailable | SwitchUnclear | SwitchRefused:
        status = reply.status
        told = f"link {self._link}: {what} got HTTP {status}"
        if 300 <= status < 400:
            return SwitchUnavailable(f"{told}, a redirect; give the link the final address")
        if status in _NEVER_ACTED:
            return SwitchUnavailable(f"{told}; the switch is overloaded, lower the link's rate")
        if status in (401, 403):
            return SwitchRefused(f"{told}; check the token and the rights of the module")
        if 400 <= status < 500:
            return SwitchRefused(f"{told}; check the link's address and parameter names")
        return SwitchUnclear(
            f"{told} and a reply that can't be read; look at the switch's calls before asking again"
        )

    def _scrub(self, text: str) -> str:
        return _CONTROL.sub(" ", text.replace(self._token, "***"))[:_WORDS]
