"""What a phone event of an agent means to dialing.

XiVO calls an agent of the queue, turns his call round once he takes it, and dials the customer; xuc
tells each step as an event of the agent's telephone, with our data (`USR_`) in it:

    EventRinging                    CallStarted with the agent: the queue chose him
    EventDialing                    CallRinging: the customer is being called
    EventEstablished, outgoing      CallJoined with the agent: the customer answered
    EventEstablished, incoming      CallStarted: the agent took it (or CallJoined, see AnswerSign)
    EventOnHold                     nothing
    EventReleased                   CallEnded, unless the telephone had only rung: then the queue
                                    goes on to another agent

Why a customer did not answer is not told, nor who hung up. What a release means depends on the
event before it, which the event stream adds (`Seen`), so that translating needs no memory and two
processes translate alike.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dialer.events import CallEnded, CallJoined, CallRinging, CallStarted, SwitchEvent
from dialer.model import CallRef
from dialer.outcomes import Outcome
from offhook.switches.base import Correlated
from offhook.switches.xivo import wire
from offhook.switches.xivo.settings import AnswerSign
from offhook.switches.xivo.wire_commands import PREFIX
from offhook.switches.xivo.wire_events import Direction, PhoneEvent, PhoneEventType

CORRELATOR = f"{PREFIX}OFFHOOK_ID"
"""The variable that carries an attempt's id through XiVO."""
MESSAGE, AGENT, BEFORE = "xuc", "agent", "before"
"""Fields of a stored event: it as it came, the agent's address, and the last event before it."""
_LONGEST_ID = 64
_SECONDS_DIGITS = 10
_REMEMBERED = 20_000


def correlator_of(event: PhoneEvent) -> str:
    """The attempt that a phone event is about, or nothing."""
    return event.user_data.get(CORRELATOR, "")[:_LONGEST_ID]


def joined(event: PhoneEvent, sign: AnswerSign) -> bool:
    """Whether customer and agent hear each other, by the last event of a call."""
    if event.event_type == PhoneEventType.on_hold:
        return True
    if event.event_type != PhoneEventType.established:
        return False
    return sign is AnswerSign.any or event.call_direction == Direction.outgoing


def begun_at(event: PhoneEvent) -> datetime | None:
    """When an event's call began: XiVO names a call by the second of its first channel."""
    seconds = (event.linked_id or event.unique_id).partition(".")[0]
    if not seconds.isdecimal() or len(seconds) > _SECONDS_DIGITS:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """A call of ours at a telephone, as its last event says."""

    login: str
    event: PhoneEvent
    agent: str = ""


class CallMemory:
    """The last event of every call of ours at every telephone; bounded."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._seen: OrderedDict[tuple[str, str], Seen] = OrderedDict()

    def next(self, seen: Seen) -> Seen | None:
        """Keep an event; the one before it of the same telephone and attempt, if any."""
        key = (seen.login, correlator_of(seen.event))
        before = self._seen.pop(key, None)
        if seen.event.event_type != PhoneEventType.released:
            self._seen[key] = seen
            if len(self._seen) > self._limit:
                self._seen.popitem(last=False)
        return before

    def at(self, login: str) -> tuple[Seen, ...]:
        """Our calls at a user's telephone."""
        return tuple(seen for seen in self._seen.values() if seen.login == login)


def stored(seen: Seen, before: Seen | None) -> dict[str, str]:
    """An event as it is kept in the inbox."""
    return {
        MESSAGE: wire.render_event(seen.event),
        AGENT: seen.agent or (before.agent if before else ""),
        BEFORE: f"{before.event.event_type} {before.event.call_direction}" if before else "",
    }


def name(payload: Mapping[str, str]) -> Correlated:
    """Name a stored event; the same step of the same call is the same event, however often told."""
    said = payload.get(MESSAGE, "")
    try:
        event = _parsed(said)
    except wire.WireError:
        digest = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16)
        return Correlated(correlator="", dedup_key=digest.hexdigest())
    parts = (event.event_type, event.dn, event.unique_id, event.call_direction or "")
    digest = hashlib.blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=16)
    return Correlated(
        correlator=correlator_of(event), dedup_key=f"{correlator_of(event)} {digest.hexdigest()}"
    )


def translate(
    payload: Mapping[str, str], sign: AnswerSign, *, at: datetime
) -> tuple[SwitchEvent, ...]:
    """What a stored event means; nothing when it is not about a call of ours.

    Raises `wire.WireError` for an event that can't be read.
    """
    event = _parsed(payload.get(MESSAGE, ""))
    correlator, address = correlator_of(event), payload.get(AGENT, "")
    if not correlator:
        return ()
    call = call_ref(event, address)
    before = payload.get(BEFORE, "")
    match event.event_type:
        case PhoneEventType.ringing:
            return (CallStarted(correlator=correlator, call=call, at=at, address=address),)
        case PhoneEventType.dialing:
            return (CallRinging(correlator=correlator, call=call, at=at, address=address),)
        case PhoneEventType.established if not joined(event, sign):
            return (CallStarted(correlator=correlator, call=call, at=at, address=address),)
        case PhoneEventType.established if not _was_joined(before, sign):
            return (CallJoined(correlator=correlator, call=call, at=at, address=address),)
        case PhoneEventType.released if not before.startswith(PhoneEventType.ringing):
            return (
                CallEnded(
                    correlator=correlator,
                    call=call,
                    at=at,
                    outcome=_outcome(before, sign),
                    cause=f"after {before or 'nothing that was heard'}",
                ),
            )
        case _:
            return ()


def call_ref(event: PhoneEvent, address: str) -> CallRef:
    """XiVO's name of a call, and the agent at whose telephone it can be ended."""
    return CallRef(call_id=event.linked_id or event.unique_id, leg=address)


def _was_joined(before: str, sign: AnswerSign) -> bool:
    kind, _, direction = before.partition(" ")
    if kind == PhoneEventType.on_hold:
        return True
    turned = sign is AnswerSign.any or direction == Direction.outgoing
    return kind == PhoneEventType.established and turned


def _outcome(before: str, sign: AnswerSign) -> Outcome | None:
    if not before:
        return None
    if _was_joined(before, sign):
        return Outcome.answered
    if before.startswith(PhoneEventType.dialing):
        return Outcome.no_answer
    return Outcome.failed  # the agent took it, and left before the customer was called


def _parsed(text: str) -> PhoneEvent:
    message = wire.parse_message(text)
    if not isinstance(message, PhoneEvent):
        raise wire.WireError("a stored event", "it is no PhoneEvent")
    return message
