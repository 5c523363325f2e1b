"""The Asterisk adapter: the engine's commands as ARI requests, the PBX's lists as a snapshot.

Customers and agents are called into our Stasis application. A parked agent waits in a bridge of his
own, so a join moves one channel by one request; where agents aren't parked, the customer waits in a
bridge for the agent whose device is rung. What must follow an event at once is the event
stream's work (`reflexes`), not the engine's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from dialer.commands import Divert, HangUp, Join, ParkAgent, PlaceCall, PlayMessage, RecordCall
from dialer.events import SwitchEvent
from dialer.switching import (
    Accepted,
    Capabilities,
    RawEvent,
    SwitchRefused,
    SwitchSnapshot,
    Way,
)
from offhook.switches.asterisk import amd, wire, wire_requests
from offhook.switches.asterisk.check import check_link
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.events import CallMemory, subject, translate
from offhook.switches.asterisk.media import media_of
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.recordings import AsteriskRecordings
from offhook.switches.asterisk.settings import AsteriskSettings
from offhook.switches.asterisk.snapshot import agent_views, call_views, trunk_views, waiting
from offhook.switches.asterisk.wire_requests import Originate
from offhook.switches.base import CheckResult, Correlated
from offhook.switches.delivery import EventPath
from offhook.switches.inventory import Inventory, Seat

PAYLOAD = "ari"
"""The field of a stored event that holds it as it came."""


class UntranslatableEvent(ValueError):
    """An event of this PBX can't be read; it stays in the inbox, and the dial loop counts it."""

    code = "asterisk_untranslatable_event"


class AsteriskSwitch:
    """One Asterisk as `SwitchAdapter`."""

    def __init__(
        self,
        settings: AsteriskSettings,
        *,
        link: str = "asterisk",
        client: AriClient | None = None,
        event_path: EventPath | None = None,
    ) -> None:
        self._settings = settings
        self._link = link
        self._client = client or AriClient(settings, link)
        self._event_path = event_path
        self._names = Names(settings.app)
        self._memory = CallMemory()
        self._recordings = AsteriskRecordings(self._client, link=link)

    @property
    def capabilities(self) -> Capabilities:
        """Customer first; the message only where its media is configured."""
        return Capabilities(
            way=Way.customer_first,
            parks_agents=self._settings.parks_agents,
            plays_message=self._settings.message_media is not None,
            cancels_ringing=True,
            limits_ringing=True,
            detects_machines=self._settings.amd_context is not None,
            records_calls=True,
            supervises=True,
            lists_calls=True,
            keeps_parked=True,
        )

    async def place(self, command: PlaceCall) -> Accepted:
        """Call the customer through the trunk and hold the answer in our application."""
        channel = self._names.of(command.attempt_id)
        self._memory.of(channel).ring_timeout = command.ring_timeout
        settings = self._settings
        args, variables = (
            str(Part.customer),
            {**settings.variables, **wire_requests.headers(settings.headers)},
        )
        if command.detect_machine and settings.amd_context is not None:
            args = amd.asked_to_listen(settings.amd_context)
            variables |= amd.listening_variables(command.listen_limit)
        return await self._originate(
            Originate(
                channel_id=channel,
                endpoint=settings.dialled(command.number, command.trunk_address),
                app=settings.app,
                args=args,
                timeout=command.ring_timeout,
                caller_id=command.caller_id or settings.caller_number,
                variables=variables,
                hold=self._hold(Part.customer),
            )
        )

    async def park(self, command: ParkAgent) -> Accepted:
        """Call the agent's device, which answers by itself, to wait in a bridge of his own."""
        return await self._call_agent(
            self._names.of(command.correlator), Part.agent, command, self._settings.park_timeout
        )

    async def join(self, command: Join) -> Accepted:
        """Move the customer into the agent's bridge."""
        return await self._do(
            wire_requests.add_channel(command.agent.call_id, command.customer.call_id)
        )

    async def divert(self, command: Divert) -> Accepted:
        """Ring an agent who isn't parked; once he answers he is put to the waiting customer."""
        channel = self._names.diverted(command.correlator, command.address)
        with suppress(SwitchRefused):  # there already: he was tried before
            await self._client.command(wire_requests.make_bridge(channel, name=command.address))
        await self._client.command(wire_requests.add_channel(channel, command.customer.call_id))
        return await self._call_agent(
            channel, Part.diverted, command, self._settings.divert_timeout
        )

    async def play_message(self, command: PlayMessage) -> Accepted:
        """Play a message, at whose end the customer is let go: the safe-harbour message, or the
        prompt that is named, after the beep where it is for a machine.
        """
        channel, context = command.customer.call_id, self._settings.amd_context
        if command.prompt:
            wanted = media_of(command.prompt)
            if command.after_beep and context is not None:
                for request in amd.wait_for_beep(channel, context=context, media=wanted):
                    await self._client.command(request)
                return Accepted()
            playback = self._names.message(command.correlator)
            return await self._do(wire_requests.play(channel, media=wanted, playback=playback))
        if self._settings.message_media is None:
            raise SwitchRefused(f"link {self._link} has no message; set message_media to give one")
        return await self._do(
            wire_requests.play(
                command.customer.call_id,
                media=self._settings.message_media,
                playback=self._names.message(command.correlator),
            )
        )

    async def hang_up(self, command: HangUp) -> Accepted:
        """End the channel, whose name follows from the correlator."""
        channel = command.call.call_id if command.call else self._names.of(command.correlator)
        if self._names.read(channel) is None:
            raise SwitchRefused(f"link {self._link}: {channel[:60]} is not a channel of ours")
        try:
            return await self._do(wire_requests.hang_up(channel))
        except SwitchRefused as error:
            raise SwitchRefused(
                f"link {self._link} has no call named {command.correlator}; it is over already"
                f" ({error})"
            ) from None

    async def record_call(self, command: RecordCall) -> Accepted:
        """Record both sides of the customer's channel."""
        return await self._recordings.record_call(command)

    async def snapshot(self) -> SwitchSnapshot:
        """Our calls, the agents' devices and the trunks."""
        channels, bridges, endpoints = await asyncio.gather(
            self._client.channels(), self._client.bridges(), self._client.endpoints()
        )
        alone = waiting(channels, bridges, self._names)
        playing = await asyncio.gather(
            *(self._client.playing(self._names.message(attempt)) for attempt in alone)
        )
        hearing = {attempt for attempt, plays in zip(alone, playing, strict=True) if plays}
        return SwitchSnapshot(
            calls=call_views(channels, bridges, self._names, hearing=hearing),
            agents=agent_views(self._settings, endpoints, channels),
            trunks=trunk_views(self._settings, endpoints, channels),
        )

    async def inventory(self) -> Inventory:
        """The agents' devices and the trunks, to import."""
        endpoints = await self._client.endpoints()
        return Inventory(
            seats=tuple(
                Seat(
                    address=view.address,
                    number=view.address.partition("/")[2],
                    name=view.address.partition("/")[2],
                    reachable=view.reachable,
                )
                for view in agent_views(self._settings, endpoints, ())
            ),
            trunks=trunk_views(self._settings, endpoints, ()),
        )

    def translate(self, raw: RawEvent) -> Sequence[SwitchEvent]:
        """Say what an event means; `UntranslatableEvent` when it can't be read."""
        try:
            event = wire.parse_event(raw.payload.get(PAYLOAD, ""), self._link)
        except wire.WireError as error:
            raise UntranslatableEvent(str(error)) from error
        return translate(event, self._names, self._memory, at=raw.received_at)

    def file(self, payload: dict[str, str]) -> Correlated:
        """Name an event by the call it is about and a digest of all it says."""
        text = payload.get(PAYLOAD, "")
        try:
            event = wire.parse_event(text, self._link)
        except wire.WireError:
            return Correlated(correlator="", dedup_key=_digest(text))
        return name_event(event, text, self._names)

    async def check(self) -> Sequence[CheckResult]:
        """Look at the address, user, clock, endpoints, modules, message and event path."""
        return await check_link(self._client, self._event_path)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call_agent(
        self, channel: str, part: Part, command: ParkAgent | Divert, timeout: timedelta
    ) -> Accepted:
        settings = self._settings
        parked = part is Part.agent
        return await self._originate(
            Originate(
                channel_id=channel,
                endpoint=command.address,
                app=settings.app,
                args=f"{part},{command.address}",
                timeout=timeout,
                caller_id=settings.caller_number,
                variables=wire_requests.headers(settings.auto_answer_headers) if parked else {},
                hold=self._hold(Part.agent),
            )
        )

    def _hold(self, part: Part) -> wire_requests.Place | None:
        """Where a channel begins, so that it can wait for an application that is away."""
        context = self._settings.hold_context
        return wire_requests.Place(context=context, extension=part) if context else None

    async def _originate(self, originate: Originate) -> Accepted:
        await self._client.originate(originate)
        return Accepted(request_id=originate.channel_id)

    async def _do(self, request: wire_requests.Request) -> Accepted:
        await self._client.command(request)
        return Accepted()


def name_event(event: wire.Event, text: str, names: Names) -> Correlated:
    """The correlator of an event, and a key that is equal for two deliveries of it only."""
    about = subject(event)
    named = names.read(about)
    when = event.timestamp.isoformat() if event.timestamp else ""
    return Correlated(
        correlator=named.correlator if named else "",
        dedup_key=f"{event.type} {about} {when} {_digest(text)}",
    )


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
