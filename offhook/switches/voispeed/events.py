"""What a VOIspeed event means to dialing.

The PBX tells every step of both communications that offhook makes; each step means something only
with who took it, and whose communication it is:

    customer's (gateway -> reception IVR)        agent's (user -> hold IVR)
    call_out gateway          CallStarted        call_out user            CallStarted
    call_progress gateway     CallRinging        call_progress user       CallRinging
    call_response ok gateway  CallAnswered       call_response ok user    CallAnswered
    call_response ok IVR      CallHeld           call_response ok IVR     CallHeld
    call_transfer to user     CallJoined
    call_response ok user     CallJoined (after a divert)
    call_response no user     CommandFailed (divert)
    disconnect in or out user CallJoined, if that was not told before
    call_terminated           CallEnded          call_terminated          CallEnded

The rest is detail or another's business. A correlator tells an agent's communication from a
customer's (`-p` before its number), so each event is understood by itself. Only two things are
spread over several events: which entity call (leg) to act upon, and who hung up. `CallMemory`
remembers those; forgetting them after a restart costs an empty leg, which the engine had stored, or
`EndedBy.unknown`. All instants are ours: a PBX's clock may be an hour off, and tells whole seconds.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandFailed,
    EndedBy,
    SwitchEvent,
)
from dialer.model import CallRef
from dialer.outcomes import Outcome
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.wire import CallOutcome, EntityRef, EntityType

OUTCOMES: Mapping[CallOutcome, Outcome] = {
    CallOutcome.ok: Outcome.answered,
    CallOutcome.called_busy: Outcome.busy,
    CallOutcome.called_rejected: Outcome.rejected,
    CallOutcome.called_unavailable: Outcome.unavailable,
    CallOutcome.called_no_answer: Outcome.no_answer,
    CallOutcome.called_no_lines: Outcome.failed,
    CallOutcome.called_do_not_disturb: Outcome.unavailable,
    CallOutcome.called_absent: Outcome.unavailable,
    CallOutcome.calling_no_answer: Outcome.no_answer,
    CallOutcome.calling_busy: Outcome.busy,
    CallOutcome.calling_rejected: Outcome.rejected,
    CallOutcome.calling_unavailable: Outcome.unavailable,
    CallOutcome.calling_no_lines: Outcome.failed,
}
"""Table 8 in our words. Both halves are heeded: the customer is the calling side of our requests,
but a PBX that reports the number we dialed as the called one means the same."""

_PARK = re.compile(r".*-\d+-p\d+")
_REMEMBERED = 20_000
_WORDS = 200


class Role(StrEnum):
    """Whose communication it is."""

    customer = "customer"
    agent = "agent"


def role_of(correlator: str) -> Role:
    """Whose communication carries this correlator."""
    return Role.agent if _PARK.fullmatch(correlator) else Role.customer


@dataclass(slots=True)
class _Seen:
    correlator: str
    legs: dict[EntityType, str] = field(default_factory=dict)
    held: bool = False
    joined: bool = False
    rung: bool = False
    """A user's telephone was rung for the customer: its end does not mean that they talked."""
    ended_by: EndedBy | None = None
    refused: CallOutcome | None = None


class CallMemory:
    """What earlier events of a communication said; bounded, and empty after a restart."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def of(self, call_id: str, correlator: str) -> _Seen:
        """The notes on a communication; another correlator means that the PBX reused the id."""
        seen = self._seen.get(call_id)
        if seen is None or seen.correlator != correlator:
            seen = self._seen[call_id] = _Seen(correlator)
            if len(self._seen) > self._limit:
                self._seen.popitem(last=False)
        return seen

    def correlator(self, call_id: str) -> str:
        """The correlator that the communication was made with, or nothing."""
        seen = self._seen.get(call_id)
        return seen.correlator if seen else ""

    def leg(self, call_id: str, entity_type: EntityType) -> str:
        """The entity call of this kind of entity in the communication, or nothing."""
        seen = self._seen.get(call_id)
        return seen.legs.get(entity_type, "") if seen else ""

    def forget(self, call_id: str) -> None:
        """Drop the notes on a communication that is over."""
        self._seen.pop(call_id, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What must be known of a link to understand its events."""

    dialect: wire.Dialect
    reception_ivr: str
    hold_ivr: str


def translate(
    params: Mapping[str, str], link: LinkFacts, memory: CallMemory, *, at: datetime
) -> tuple[SwitchEvent, ...]:
    """What the event means, oldest first; nothing when it is not about a call of ours.

    Raises `wire.WireError` for an event that can't be read.
    """
    event = wire.parse_event(params, link.dialect)
    if isinstance(event, wire.CmdFailed):
        return (_command_failed(event),)
    if not isinstance(event, wire.ExtendedEvent):
        return ()
    correlator = event.extid or ""
    if isinstance(event, wire.CallTransferred):
        # Two communications meet here, and the PBX may name either's extid.
        correlator = memory.correlator(event.call_id) or correlator
    if not correlator:
        return ()
    return _Reading(correlator, event.call_id, at, link, memory).read(event)


def _command_failed(event: wire.CmdFailed) -> CommandFailed:
    said = " ".join(part for part in (event.error_code, event.error) if part)
    return CommandFailed(
        correlator=event.extid or "",
        request_id=event.request_id,
        reason=(said or "no reason given")[:_WORDS],
        refused=True,
    )


class _Reading:
    """One event of one communication being understood."""

    def __init__(
        self, correlator: str, call_id: str, at: datetime, link: LinkFacts, memory: CallMemory
    ) -> None:
        self._correlator = correlator
        self._call_id = call_id
        self._at = at
        self._link = link
        self._memory = memory
        self._seen = memory.of(call_id, correlator)
        self._role = role_of(correlator)
        # The side that offhook has called: a customer through a gateway, an agent as a user.
        self._party = EntityType.gateway if self._role is Role.customer else EntityType.user

    def read(self, event: wire.ExtendedEvent) -> tuple[SwitchEvent, ...]:
        match event:
            case wire.CallOut():
                return self._called(event)
            case wire.CallProgress():
                return self._progress(event)
            case wire.CallResponse():
                return self._accepted(event) if event.accepted else self._refused(event)
            case wire.CallTransferred():
                return self._transferred(event)
            case wire.DisconnectIn():
                joined = self._late_join(event.sender, event.entity_call_id)
                self._hung_up(event.sender)
                return joined
            case wire.DisconnectOut():
                # To the party called, before anybody hung up: the PBX ends it, most often because
                # we asked. An IVR is also dropped when it is replaced.
                if event.recipient and event.recipient.type == self._party:
                    self._seen.ended_by = self._seen.ended_by or EndedBy.switch
                return self._late_join(event.recipient, event.entity_call_id)
            case wire.CallTerminated():
                return self._terminated(event)
            case _:
                pass
        return ()

    def _called(self, event: wire.CallOut) -> tuple[SwitchEvent, ...]:
        if event.called is None:
            return ()
        self._note(event.called.type, event.entity_call_id)
        if event.called.type != self._party:
            self._seen.rung = self._seen.rung or event.called.type == EntityType.user
            return ()
        call = self._party_call(event.entity_call_id)
        return (CallStarted(correlator=self._correlator, call=call, at=self._at),)

    def _progress(self, event: wire.CallProgress) -> tuple[SwitchEvent, ...]:
        if event.sender is None:
            return ()
        if event.sender.type != self._party:
            self._seen.rung = self._seen.rung or event.sender.type == EntityType.user
            return ()
        self._note(event.sender.type, event.entity_call_id)
        if event.progress is wire.ForwardingCode.forwarded:
            return ()
        call = self._party_call(event.entity_call_id)
        return (CallRinging(correlator=self._correlator, call=call, at=self._at),)

    def _accepted(self, event: wire.CallResponse) -> tuple[SwitchEvent, ...]:
        sender = event.sender or event.connected
        if sender is None:
            return ()
        self._note(sender.type, event.entity_call_id)
        if sender.type == self._party:
            return self._party_answered(event)
        if sender.type == EntityType.ivr:
            return self._reached_ivr(sender, event)
        agent = sender if sender.type == EntityType.user else event.connected
        if self._role is Role.customer and agent is not None and agent.type == EntityType.user:
            return self._joined(agent, event.entity_call_id)
        return ()

    def _joined(self, agent: EntityRef, leg: str | None) -> tuple[SwitchEvent, ...]:
        self._seen.joined = True
        call = self._call(leg)
        return (CallJoined(correlator=self._correlator, call=call, at=self._at, address=agent.id),)

    def _late_join(self, who: EntityRef | None, leg: str | None) -> tuple[SwitchEvent, ...]:
        """A user who leaves a held customer was joined, if the event that says so is lost or late.

        Unless his telephone was only rung for the customer, or the beginning was not heard.
        """
        if who is None or who.type != EntityType.user or self._role is not Role.customer:
            return ()
        if self._seen.joined or self._seen.rung or not self._seen.held:
            return ()
        return self._joined(who, leg)

    def _party_answered(self, event: wire.CallResponse) -> tuple[SwitchEvent, ...]:
        call = self._party_call(event.entity_call_id)
        answered = CallAnswered(correlator=self._correlator, call=call, at=self._at)
        if self._role is Role.agent and self._seen.held:
            # The IVR's answer overtook his own, which alone names the leg to act upon.
            return (answered, CallHeld(correlator=self._correlator, call=call, at=self._at))
        return (answered,)

    def _reached_ivr(self, ivr: EntityRef, event: wire.CallResponse) -> tuple[SwitchEvent, ...]:
        if self._role is Role.customer:
            if ivr.id != self._link.reception_ivr:
                return ()
            leg = event.entity_call_id
        else:
            if ivr.id != self._link.hold_ivr:
                return ()
            leg = self._seen.legs.get(EntityType.user)
        self._seen.held = True
        return (CallHeld(correlator=self._correlator, call=self._call(leg), at=self._at),)

    def _refused(self, event: wire.CallResponse) -> tuple[SwitchEvent, ...]:
        if event.sender is None:
            return ()
        if event.sender.type == self._party:
            self._seen.refused = event.outcome
        elif event.sender.type == EntityType.user:
            return (
                CommandFailed(
                    correlator=self._correlator,
                    action="divert",
                    reason=f"the agent's device: {event.outcome.name}",
                    refused=True,
                ),
            )
        return ()

    def _transferred(self, event: wire.CallTransferred) -> tuple[SwitchEvent, ...]:
        recipient = event.recipient
        if recipient is None or recipient.type != EntityType.user:
            return ()
        if self._role is not Role.customer:
            return ()
        self._note(recipient.type, event.recipient_call_id)
        return self._joined(recipient, event.recipient_call_id)

    def _hung_up(self, sender: EntityRef | None) -> None:
        if sender is None or self._seen.ended_by is not None:
            return
        by = {
            EntityType.gateway: EndedBy.customer,
            EntityType.user: EndedBy.agent,
            EntityType.ivr: EndedBy.switch,
        }
        self._seen.ended_by = by.get(sender.type)

    def _terminated(self, event: wire.CallTerminated) -> tuple[SwitchEvent, ...]:
        code = event.outcome
        if code is CallOutcome.unknown and self._seen.refused is not None:
            code = self._seen.refused
        by = self._seen.ended_by or EndedBy.unknown
        self._memory.forget(self._call_id)
        return (
            CallEnded(
                correlator=self._correlator,
                call=self._call(None),
                at=self._at,
                outcome=OUTCOMES.get(code),
                by=by,
                cause=f"{int(code)} {code.name}",
            ),
        )

    def _note(self, entity_type: EntityType, leg: str | None) -> None:
        if leg:
            self._seen.legs[entity_type] = leg

    def _party_call(self, own: str | None) -> CallRef:
        """The communication with the leg to act upon: an agent's own, but a customer's IVR's.

        What is put in the customer's company takes the place of the IVR, so his own entity call is
        none that a command could name.
        """
        agent = self._role is Role.agent
        return self._call(own if agent else self._seen.legs.get(EntityType.ivr))

    def _call(self, leg: str | None) -> CallRef:
        return CallRef(call_id=self._call_id, leg=leg or "")
