"""The VOIspeed adapter: the engine's commands as services, the PBX's lists as a snapshot.

A customer's call is a `call_request_ext` from a gateway to the reception IVR; an agent is parked by
one from a user to the hold IVR; `call_transfer_ext` puts the agent in the place of the reception
IVR. What a command needs beside its own fields (the IVR's entity call) came with the events.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta

from dialer.commands import (
    Divert,
    HangUp,
    Join,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    RecordCall,
)
from dialer.events import SwitchEvent
from dialer.media import RecordingAction
from dialer.model import CallRef
from dialer.switching import (
    Accepted,
    AgentView,
    CallPhase,
    CallView,
    Capabilities,
    RawEvent,
    SwitchRefused,
    SwitchSnapshot,
    TrunkView,
    Way,
)
from offhook.switches.base import CheckResult, Correlated
from offhook.switches.delivery import EventPath
from offhook.switches.dialled import dialled
from offhook.switches.inventory import Inventory, Seat
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.check import check_link
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.events import CallMemory, LinkFacts, Role, role_of, translate
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.wire import AvStatus, EntityRef, EntityType

_UNREACHABLE = frozenset(
    {AvStatus.unavailable, AvStatus.do_not_disturb, AvStatus.absent, AvStatus.diverting}
)
_BUSY = frozenset({AvStatus.ringing, AvStatus.busy, AvStatus.reserved})
_DOWN = frozenset({wire.GatewayStatus.unregistered, wire.GatewayStatus.registering})
_LONGEST_ID = 64


class UntranslatableEvent(ValueError):
    """An event of this PBX can't be read; it stays in the inbox, and the dial loop counts it."""

    code = "voispeed_untranslatable_event"


class VoispeedSwitch:
    """One VOIspeed PBX as `SwitchAdapter`."""

    def __init__(
        self,
        settings: VoispeedSettings,
        *,
        link: str = "voispeed",
        client: VoispeedClient | None = None,
        event_path: EventPath | None = None,
    ) -> None:
        self._settings = settings
        self._link = link
        self._client = client or VoispeedClient(settings, link)
        self._event_path = event_path
        self._memory = CallMemory()
        self._facts = LinkFacts(
            dialect=self._client.dialect,
            reception_ivr=settings.reception_ivr,
            hold_ivr=settings.hold_ivr,
        )
        self._reception = EntityRef(EntityType.ivr, settings.reception_ivr)

    @property
    def capabilities(self) -> Capabilities:
        """Customer first, agents parked; the message only where its IVR is configured."""
        return Capabilities(
            way=Way.customer_first,
            parks_agents=True,
            plays_message=self._settings.message_ivr is not None,
            cancels_ringing=True,
            limits_ringing=False,
            detects_machines=False,
            records_calls=True,
            lists_calls=True,
        )

    async def place(self, command: PlaceCall) -> Accepted:
        """Call the customer through the trunk and hold the answer on the reception IVR."""
        return await self._do(
            wire.CallRequestExt(
                calling=EntityRef(EntityType.gateway, command.trunk_address),
                calling_number=self._dialled(command.number),
                called=self._reception,
                called_number=command.caller_id or self._settings.caller_number or None,
                extid=command.attempt_id,
                ring_timeout=self._ring_limit(command.ring_timeout),
            )
        )

    async def park(self, command: ParkAgent) -> Accepted:
        """Call the agent and let him wait on the hold IVR."""
        return await self._do(
            wire.CallRequestExt(
                calling=EntityRef(EntityType.user, command.address),
                calling_number=self._settings.caller_number or command.number or None,
                called=EntityRef(EntityType.ivr, self._settings.hold_ivr),
                called_number=command.number or None,
                extid=command.correlator,
                auto_answer=wire.AutoAnswer.calling if self._settings.auto_answer else None,
            )
        )

    async def join(self, command: Join) -> Accepted:
        """Put the parked agent in the place of the reception IVR."""
        return await self._do(
            wire.CallTransferExt(
                replace_com_id=command.customer.call_id,
                replace=self._reception,
                replace_local_id=self._leg(command.customer, EntityType.ivr, "the customer"),
                recipient_com_id=command.agent.call_id,
                recipient=EntityRef(EntityType.user, command.address),
                recipient_call_id=self._leg(command.agent, EntityType.user, "the agent"),
            )
        )

    async def divert(self, command: Divert) -> Accepted:
        """Ring an agent who isn't parked in the place of the reception IVR."""
        return await self._do(
            wire.CallDivertExt(
                call_id=command.customer.call_id,
                replace=self._reception,
                replace_local_id=command.customer.leg or None,
                recipient=EntityRef(EntityType.user, command.address),
                recipient_number=command.number or None,
            )
        )

    async def play_message(self, command: PlayMessage) -> Accepted:
        """Send the customer to the safe-harbour IVR, which ends the call after its message."""
        if self._settings.message_ivr is None:
            raise SwitchRefused(
                f"link {self._link} has no message IVR; set message_ivr to give the message"
            )
        return await self._do(
            wire.CallDivertExt(
                call_id=command.customer.call_id,
                replace=self._reception,
                replace_local_id=command.customer.leg or None,
                recipient=EntityRef(EntityType.ivr, self._settings.message_ivr),
            )
        )

    async def hang_up(self, command: HangUp) -> Accepted:
        """End the communication; one whose name we never learned is looked up by correlator."""
        call_id = command.call.call_id if command.call else await self._find(command.correlator)
        return await self._do(wire.CallTerminate(call_id=call_id))

    async def record_call(self, command: RecordCall) -> Accepted:
        """Switch the PBX's own recording on or off: it has no pause, so a pause ends the file."""
        on = command.action in (RecordingAction.start, RecordingAction.resume)
        if command.call is None:
            return await self.record(command.correlator, on=on)
        request = wire.CallRecordingExt(call_id=command.call.call_id, active=on)
        return await self._do(request)

    async def record(self, correlator: str, *, on: bool) -> Accepted:
        """Start or stop recording the call with this correlator, or this communication id."""
        found = await self._call(correlator)
        if found is None:
            raise self._gone(correlator)
        return await self._do(wire.CallRecordingExt(call_id=found.call_id, active=on))

    async def recording(self, correlator: str) -> bool | None:
        """Whether that call is being recorded; None when there is no such call."""
        found = await self._call(correlator)
        return None if found is None else bool(found.recording)

    async def snapshot(self) -> SwitchSnapshot:
        """Our calls, all users and all gateways."""
        calls, users, gateways = await asyncio.gather(
            self._client.current_calls(), self._client.users(), self._client.gateways()
        )
        return SwitchSnapshot(
            calls=tuple(view for call in calls if (view := self._call_view(call))),
            agents=tuple(agent_view(user) for user in users),
            trunks=tuple(trunk_view(gateway) for gateway in gateways),
        )

    async def inventory(self) -> Inventory:
        """The users and gateways, to import."""
        users, gateways = await asyncio.gather(self._client.users(), self._client.gateways())
        return Inventory(
            seats=tuple(_seat(user) for user in users),
            trunks=tuple(trunk_view(gateway) for gateway in gateways),
        )

    def translate(self, raw: RawEvent) -> Sequence[SwitchEvent]:
        """Say what a vendor event means; `UntranslatableEvent` when it can't be read."""
        try:
            return translate(raw.payload, self._facts, self._memory, at=raw.received_at)
        except wire.WireError as error:
            raise UntranslatableEvent(str(error)) from error

    def file(self, payload: dict[str, str]) -> Correlated:
        """Name an event by its `extid` and a digest of everything it says."""
        correlator = ""
        for name in self._facts.dialect.names(wire.Fact.extid):
            if value := payload.get(name, "").strip():
                correlator = value[:_LONGEST_ID]
                break
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(payload):
            # Lengths first, so that no two payloads can be written the same.
            value = payload[name]
            digest.update(f"{len(name)}:{len(value)}:{name}{value}".encode("utf-8", "replace"))
        return Correlated(correlator=correlator, dedup_key=digest.hexdigest())

    async def check(self) -> Sequence[CheckResult]:
        """Look at the address, token, clock, entities, lines, rights and event path."""
        return await check_link(self._client, self._settings, self._event_path)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _do(self, request: wire.Request) -> Accepted:
        accepted = await self._client.command(request)
        return Accepted(request_id=accepted.request_id or "")

    async def _find(self, correlator: str) -> str:
        for call in await self._client.current_calls():
            if call.extid == correlator:
                return call.call_id
        raise self._gone(correlator)

    def _gone(self, correlator: str) -> SwitchRefused:
        return SwitchRefused(
            f"link {self._link} has no call named {correlator}; it is over already"
        )

    async def _call(self, name: str) -> wire.CurrentCall | None:
        calls = await self._client.current_calls()
        by_extid = (call for call in calls if call.extid == name)
        return next(by_extid, next((call for call in calls if call.call_id == name), None))

    def _leg(self, call: CallRef, entity_type: EntityType, whose: str) -> str:
        leg = call.leg or self._memory.leg(call.call_id, entity_type)
        if not leg:
            raise SwitchRefused(
                f"link {self._link}: nobody knows the entity call of {whose} in communication "
                f"{call.call_id}; its events were lost, so divert or hang up instead"
            )
        return leg

    def _ring_limit(self, limit: timedelta) -> timedelta | None:
        return limit if self._settings.sends_ring_timeout else None

    def _dialled(self, number: str) -> str:
        settings = self._settings
        return dialled(
            number,
            number_format=settings.number_format,
            region=settings.region,
            prefix=settings.dial_prefix,
        )

    def _call_view(self, call: wire.CurrentCall) -> CallView | None:
        if not call.extid:
            return None
        connected = call.connected
        phase, address = CallPhase.calling, ""
        if role_of(call.extid) is Role.agent:
            address = call.calling.id if call.calling else ""
            leg = self._memory.leg(call.call_id, EntityType.user)
            if connected and connected.type == EntityType.ivr:
                phase = CallPhase.held
        else:
            leg = self._memory.leg(call.call_id, EntityType.ivr)
            if connected and connected.type == EntityType.user:
                phase, address = CallPhase.joined, connected.id
            elif connected and connected.type == EntityType.ivr:
                held = connected.id == self._settings.reception_ivr
                phase = CallPhase.held if held else CallPhase.message
        return CallView(
            correlator=call.extid,
            call=CallRef(call_id=call.call_id, leg=leg),
            phase=phase,
            address=address,
        )


def _seat(user: wire.User) -> Seat:
    return Seat(
        address=user.id,
        number=user.extension or "",
        name=" ".join(part for part in (user.name, user.surname) if part),
        reachable=agent_view(user).reachable,
    )


def agent_view(user: wire.User) -> AgentView:
    """Whether a user can be called, and is on the telephone."""
    return AgentView(
        address=user.id, reachable=user.av_status not in _UNREACHABLE, busy=user.av_status in _BUSY
    )


def trunk_view(gateway: wire.Gateway) -> TrunkView:
    """A gateway's lines, and whether it can be used."""
    return TrunkView(
        address=gateway.id,
        name=gateway.name or gateway.id,
        lines=gateway.lines or 0,
        busy_lines=gateway.busy_lines or 0,
        enabled=gateway.enabled is not False and gateway.link_status not in _DOWN,
    )
