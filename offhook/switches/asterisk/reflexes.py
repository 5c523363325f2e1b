"""What must follow an event at once, whether or not a campaign's engine is alive.

An agent who answered goes into his bridge; a customer who heard the message is let go; nobody is
left alone on a line. The process that reads the events does these itself, before anybody else
hears of them. What is decided here needs the event alone, so a process that was just started
decides alike; `repairs` finds from the PBX's lists what was missed while nobody listened.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offhook.switches.asterisk import amd, wire, wire_requests
from offhook.switches.asterisk.connecting import Connecting
from offhook.switches.asterisk.events import Company
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.supervised import Supervisors
from offhook.switches.asterisk.wire_requests import Request

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Reflex:
    """Requests to make one after the other, and what to do when one is refused."""

    requests: tuple[Request, ...]
    otherwise: Request | None = None


Wanted = tuple[Reflex, ...]


def each(requests: Iterable[Request]) -> Wanted:
    """Requests to make side by side, each whether or not another is refused."""
    return tuple(Reflex((request,)) for request in requests)


class Reflexes:
    """Decides; it only remembers which agents are being rung for whom."""

    def __init__(self, names: Names, *, parking_music: str | None = None) -> None:
        self._names = names
        self._music = parking_music
        self._rung: OrderedDict[str, set[str]] = OrderedDict()
        self._supervisors = Supervisors(names)
        self._connecting = Connecting(names)
        self._on: Mapping[type[wire.Event], Callable[[Any], Wanted]] = {
            wire.ChannelCreated: self._created,
            wire.StasisStart: self._came,
            wire.ChannelEnteredBridge: self._entered,
            wire.ChannelLeftBridge: self._left,
            wire.PlaybackFinished: self._played,
            wire.ChannelDestroyed: self._destroyed,
        }

    def after(self, event: wire.Event) -> Wanted:
        """What must be done now."""
        reflex = self._on.get(type(event))
        return () if reflex is None else reflex(event)

    def repairs(self, channels: Iterable[wire.Channel], bridges: Sequence[wire.Bridge]) -> Wanted:
        """What must be done for things as they are."""
        names, wanted = self._names, []
        present = {channel.id: channel for channel in channels}
        ours = [bridge for bridge in bridges if names.read(bridge.id) is not None]
        bridged = {channel for bridge in ours for channel in bridge.channels}
        for channel in present.values():
            named = names.read(channel.id)
            if named is None:
                continue
            waits = channel.up and channel.in_stasis and channel.id not in bridged
            if named.part is Part.agent and waits:
                wanted.append(self._park(channel.id, channel.dialplan.app_data))
            elif named.part is Part.diverted:
                if names.of(named.correlator) not in present:
                    wanted.append(Reflex((wire_requests.hang_up(channel.id),)))
                elif waits:
                    wanted.append(self._meet(channel.id))
                else:
                    self._ring(named.correlator, channel.id)
        wanted += each(self._supervisors.left_behind(present))
        for requests in self._connecting.repairs(
            present.values(), (channel for bridge in bridges for channel in bridge.channels)
        ):
            wanted.append(Reflex(requests))
        for bridge in ours:
            wanted += self._alone(bridge, present)
        return tuple(wanted)

    def _alone(self, bridge: wire.Bridge, present: Mapping[str, wire.Channel]) -> Wanted:
        named = self._names.read(bridge.id)
        inside = Company.of(bridge, self._names)
        if named is None or inside.agents:
            return ()
        if named.part is Part.agent and inside.customers:
            return tuple(Reflex((wire_requests.hang_up(c),)) for c in inside.customers)
        if not bridge.channels and bridge.id not in present:
            return (Reflex((wire_requests.destroy_bridge(bridge.id),)),)
        return ()

    def _created(self, event: wire.ChannelCreated) -> Wanted:
        """A customer's next agent is being rung: the one before need not answer any more."""
        self._supervisors.came(event.channel.id)
        self._connecting.created(event.channel.id)
        named = self._names.read(event.channel.id)
        if named is None or named.part is not Part.diverted:
            return ()
        before = self._give_up_others(named.correlator)
        self._ring(named.correlator, event.channel.id)
        return before

    def _came(self, event: wire.StasisStart) -> Wanted:
        named = self._names.read(event.channel.id)
        if named is None:
            requests = self._connecting.came(event)
            otherwise = self._connecting.otherwise(event.channel.id)
            return (Reflex(requests, otherwise=otherwise),) if requests else ()
        if named.part is Part.agent:
            return (self._park(event.channel.id, ",".join((self._names.app, *event.args))),)
        if named.part is Part.diverted:
            return (self._meet(event.channel.id),)
        if named.part is Part.customer:
            playback = self._names.message(named.correlator)
            wanted = amd.after_arrival(event.channel.id, event.args, playback=playback)
            return () if wanted is None else (Reflex((wanted,)),)
        return ()

    def _park(self, channel: str, app_data: str) -> Reflex:
        """Put an agent into the bridge that has his channel's id and his address for a name."""
        address = app_data.removeprefix(f"{self._names.app},{Part.agent},")
        requests = [
            wire_requests.make_bridge(channel, name=address),
            wire_requests.add_channel(channel, channel),
        ]
        if self._music is not None:
            requests.append(wire_requests.start_music(channel, music=self._music))
        return Reflex(tuple(requests), otherwise=wire_requests.hang_up(channel))

    def _meet(self, channel: str) -> Reflex:
        """Put a diverted agent to the customer who waits; if nobody does, let him go."""
        return Reflex(
            (wire_requests.add_channel(channel, channel),),
            otherwise=wire_requests.hang_up(channel),
        )

    def _entered(self, event: wire.ChannelEnteredBridge) -> Wanted:
        named = self._names.read(event.channel.id)
        bridge = self._names.read(event.bridge.id)
        if named is None or bridge is None or named.part is not Part.customer:
            return ()
        if bridge.part is not Part.agent:
            return ()
        music = () if self._music is None else (wire_requests.stop_music(event.bridge.id),)
        stopped = (Reflex(music),) if music else ()
        return (*stopped, *self._give_up_others(named.correlator))

    def _left(self, event: wire.ChannelLeftBridge) -> Wanted:
        bridge = self._names.read(event.bridge.id)
        named = self._names.read(event.channel.id)
        if bridge is None or named is None:
            return ()
        inside = Company.of(event.bridge, self._names)
        if named.part in (Part.agent, Part.diverted) and not inside.agents:
            gone = tuple(Reflex((wire_requests.hang_up(c),)) for c in inside.customers)
            return gone or self._empty(event.bridge)
        if named.part is Part.customer:
            unsupervised = each(self._supervisors.after_customer(named.correlator))
            return (*self._customer_left(event, bridge.part, inside), *unsupervised)
        return ()

    def _customer_left(self, event: wire.ChannelLeftBridge, kind: Part, inside: Company) -> Wanted:
        if kind is Part.diverted:  # where he waited for an agent
            gone = tuple(Reflex((wire_requests.hang_up(a),)) for a in inside.agents)
            return gone or self._empty(event.bridge)
        if self._music is not None and not inside.customers and inside.agents:
            return (Reflex((wire_requests.start_music(event.bridge.id, music=self._music),)),)
        return self._empty(event.bridge)

    def _empty(self, bridge: wire.Bridge) -> Wanted:
        if bridge.channels:
            return ()
        return (Reflex((wire_requests.destroy_bridge(bridge.id),)),)

    def _played(self, event: wire.PlaybackFinished) -> Wanted:
        named = self._names.read(event.playback.id)
        if named is None or named.part is not Part.message:
            return ()
        return (Reflex((wire_requests.hang_up(self._names.of(named.correlator)),)),)

    def _destroyed(self, event: wire.ChannelDestroyed) -> Wanted:
        named = self._names.read(event.channel.id)
        if named is None:
            return each(self._connecting.gone(event.channel.id))
        if named.part is Part.customer:
            return self._give_up_others(named.correlator)
        if named.part is Part.diverted:
            rung = self._rung.get(named.correlator, set())
            rung.discard(event.channel.id)
            if not rung:
                self._rung.pop(named.correlator, None)
        return ()

    def _ring(self, attempt: str, channel: str) -> None:
        self._rung.setdefault(attempt, set()).add(channel)
        if len(self._rung) > _REMEMBERED:
            self._rung.popitem(last=False)

    def _give_up_others(self, attempt: str) -> Wanted:
        rung = self._rung.pop(attempt, set())
        return tuple(Reflex((wire_requests.hang_up(channel),)) for channel in sorted(rung))
