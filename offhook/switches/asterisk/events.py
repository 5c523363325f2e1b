"""What an event of Asterisk means to dialing.

    customer's channel                       agent's parked channel
    ChannelCreated        CallStarted        ChannelCreated            CallStarted
    state Ringing         CallRinging        state Ringing             CallRinging
    state Up              CallAnswered       state Up                  CallAnswered
    StasisStart           CallHeld           entered his own bridge    CallHeld
    in a bridge with an agent  CallJoined
    ChannelDestroyed      CallEnded          ChannelDestroyed          CallEnded

    diverted agent's channel
    ChannelDestroyed      CommandFailed (divert), unless he was joined or we let him go

The id of a channel says whose it is, so each event is understood by itself. Only who hung up, and
whether it rang, are spread over several events: `CallMemory` remembers those, and forgetting them
after a restart costs an `EndedBy.unknown`. `READERS` is the table of events that mean something; a
feature of the media path adds its own line there. Instants are ours: a PBX's clock may be off.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from offhook.switches.asterisk import amd, wire, wire_causes
from offhook.switches.asterisk.names import PARTIES, Named, Names, Part

_REMEMBERED = 20_000
_TIMER_SLACK = timedelta(milliseconds=300)
_CAUSE_WORDS = 100

Told = tuple[SwitchEvent, ...]


@dataclass(slots=True)
class Seen:
    """What earlier events of a channel said."""

    rang: bool = False
    held: bool = False
    joined: bool = False
    ended_by: EndedBy | None = None
    ring_timeout: timedelta | None = None
    """Ours, where this process placed the call."""


class CallMemory:
    """What earlier events said, by channel; bounded, and empty after a restart."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def of(self, channel: str) -> Seen:
        """The notes on a channel."""
        seen = self._seen.get(channel)
        if seen is None:
            seen = self._seen[channel] = Seen()
            if len(self._seen) > self._limit:
                self._seen.popitem(last=False)
        return seen

    def forget(self, channel: str) -> None:
        """Drop the notes on a channel that is gone."""
        self._seen.pop(channel, None)


@dataclass(frozen=True, slots=True)
class Reading:
    """One event being understood."""

    names: Names
    memory: CallMemory
    at: datetime


def translate(event: wire.Event, names: Names, memory: CallMemory, *, at: datetime) -> Told:
    """What the event means, oldest first; nothing when it is not about a call of ours."""
    reader = READERS.get(type(event))
    return () if reader is None else reader(event, Reading(names, memory, at))


def call_ref(channel: str) -> CallRef:
    """How commands name a channel: it is the call and the leg in one."""
    return CallRef(call_id=channel, leg=channel)


def subject(event: wire.Event) -> str:
    """The id that an event is about; nothing where it is about nobody's call."""
    match event:
        case wire.ChannelEvent():
            return event.channel.id
        case wire.Dial():
            return event.peer.id
        case wire.PlaybackStarted() | wire.PlaybackFinished():
            return event.playback.id
        case wire.RecordingEvent():
            return event.recording.target_uri.partition(":")[2]
        case _:
            return ""


def _party(channel: str, reading: Reading) -> Named | None:
    named = reading.names.read(channel)
    return named if named is not None and named.part in (Part.customer, Part.agent) else None


def _created(event: wire.ChannelCreated, reading: Reading) -> Told:
    named = _party(event.channel.id, reading)
    if named is None:
        return ()
    call = call_ref(event.channel.id)
    return (CallStarted(correlator=named.correlator, call=call, at=reading.at),)


def _changed(event: wire.ChannelStateChange, reading: Reading) -> Told:
    named = _party(event.channel.id, reading)
    if named is None:
        return ()
    if event.channel.state == wire.ChannelState.ringing:
        return _rings(event.channel.id, named, reading)
    if event.channel.up:
        call = call_ref(event.channel.id)
        return (CallAnswered(correlator=named.correlator, call=call, at=reading.at),)
    return ()


def _dialling(event: wire.Dial, reading: Reading) -> Told:
    """Early media (183) rings without a change of the channel's state."""
    named = _party(event.peer.id, reading)
    if named is None or event.dialstatus != "PROGRESS":
        return ()
    return _rings(event.peer.id, named, reading)


def _rings(channel: str, named: Named, reading: Reading) -> Told:
    seen = reading.memory.of(channel)
    if seen.rang:
        return ()
    seen.rang = True
    call = call_ref(channel)
    return (CallRinging(correlator=named.correlator, call=call, at=reading.at),)


def _came(event: wire.StasisStart, reading: Reading) -> Told:
    """A customer who is ours to join; why he came otherwise (`args`) is that feature's to read."""
    named = _party(event.channel.id, reading)
    if named is None or named.part is not Part.customer:
        return ()
    heard = amd.verdict(event.args, named.correlator, reading.at)
    if heard is not None:
        return (heard, *_held(event.channel.id, named, reading))
    if event.args != (Part.customer,):
        return ()
    return _held(event.channel.id, named, reading)


def _held(channel: str, named: Named, reading: Reading) -> Told:
    reading.memory.of(channel).held = True
    call = call_ref(channel)
    return (CallHeld(correlator=named.correlator, call=call, at=reading.at),)


def _entered(event: wire.ChannelEnteredBridge, reading: Reading) -> Told:
    own = reading.names.read(event.channel.id)
    if own is None or reading.names.read(event.bridge.id) is None:
        return ()
    inside = Company.of(event.bridge, reading.names)
    told: Told = ()
    seen = reading.memory.of(event.channel.id)
    if own.part is Part.agent and not seen.held:
        told = _held(event.channel.id, own, reading)
    if not inside.agents or own.part not in PARTIES:
        return told
    joined = [event.channel.id] if own.part is Part.customer else list(inside.customers)
    for agent in inside.agents:
        reading.memory.of(agent).joined = reading.memory.of(agent).joined or bool(joined)
    return told + tuple(
        CallJoined(
            correlator=named.correlator,
            call=call_ref(customer),
            at=reading.at,
            address=event.bridge.name,
        )
        for customer in joined
        if (named := reading.names.read(customer)) is not None
    )


def _left(event: wire.ChannelLeftBridge, reading: Reading) -> Told:
    """An agent who leaves a customer behind is the one who ended their talk."""
    own = reading.names.read(event.channel.id)
    if own is not None and own.part in (Part.agent, Part.diverted):
        for customer in Company.of(event.bridge, reading.names).customers:
            seen = reading.memory.of(customer)
            seen.ended_by = seen.ended_by or EndedBy.agent
    return ()


def _hangs_up(event: wire.ChannelHangupRequest, reading: Reading) -> Told:
    own = reading.names.read(event.channel.id)
    if own is not None and own.part in PARTIES:
        seen = reading.memory.of(event.channel.id)
        device = EndedBy.customer if own.part is Part.customer else EndedBy.agent
        seen.ended_by = seen.ended_by or (EndedBy.switch if event.soft else device)
    return ()


def _destroyed(event: wire.ChannelDestroyed, reading: Reading) -> Told:
    own = reading.names.read(event.channel.id)
    if own is None or own.part not in PARTIES:
        return ()
    seen = reading.memory.of(event.channel.id)
    reading.memory.forget(event.channel.id)
    if own.part is Part.diverted:
        return _not_diverted(event, own, seen)
    return (
        CallEnded(
            correlator=own.correlator,
            call=call_ref(event.channel.id),
            at=reading.at,
            outcome=_outcome(event, seen),
            by=seen.ended_by or EndedBy.unknown,
            cause=_cause(event),
        ),
    )


def _not_diverted(event: wire.ChannelDestroyed, own: Named, seen: Seen) -> Told:
    if seen.joined or event.channel.up or seen.ended_by is EndedBy.switch:
        return ()
    return (
        CommandFailed(
            correlator=own.correlator,
            action="divert",
            reason=f"the agent's device: {_cause(event)}",
            refused=True,
        ),
    )


def _outcome(event: wire.ChannelDestroyed, seen: Seen) -> Outcome | None:
    if event.channel.up:
        return Outcome.answered
    if seen.ended_by is EndedBy.switch:
        return None
    return wire_causes.outcome(
        event.cause,
        event.tech_cause,
        rang=seen.rang or event.channel.state == wire.ChannelState.ringing,
        timed_out=_timed_out(event, seen),
    )


def _timed_out(event: wire.ChannelDestroyed, seen: Seen) -> bool:
    created, ended = event.channel.creationtime, event.timestamp
    if seen.ring_timeout is None or created is None or ended is None:
        return False
    try:
        return ended - created >= seen.ring_timeout - _TIMER_SLACK
    except TypeError:  # one says its zone and the other doesn't
        return False


def _cause(event: wire.ChannelDestroyed) -> str:
    sip = f", SIP {event.tech_cause}" if event.tech_cause is not None else ""
    return f"{event.cause} {event.cause_txt}"[:_CAUSE_WORDS].strip() + sip


@dataclass(frozen=True, slots=True)
class Company:
    """Who of us is in a bridge."""

    customers: tuple[str, ...]
    agents: tuple[str, ...]

    @classmethod
    def of(cls, bridge: wire.Bridge, names: Names) -> Company:
        """Sort a bridge's channels."""
        found = [(channel, names.read(channel)) for channel in bridge.channels]
        return cls(
            customers=tuple(c for c, n in found if n is not None and n.part is Part.customer),
            agents=tuple(
                c for c, n in found if n is not None and n.part in (Part.agent, Part.diverted)
            ),
        )


READERS: Mapping[type[wire.Event], Callable[..., Told]] = {
    wire.ChannelCreated: _created,
    wire.ChannelStateChange: _changed,
    wire.Dial: _dialling,
    wire.StasisStart: _came,
    wire.ChannelEnteredBridge: _entered,
    wire.ChannelLeftBridge: _left,
    wire.ChannelHangupRequest: _hangs_up,
    wire.ChannelDestroyed: _destroyed,
}
