"""Callers of one Asterisk, from `Stasis(app,inbound,EXTEN)` to the end of their calls.

The event stream tells every event and, with each connection and now and then, everything that
there is (`seen`): what was missed while nobody listened is found there. A channel that we did not
originate and whose dialplan sent it to us as inbound is a caller; a number that no route knows is
busy. What is done here never touches a campaign's channel: names keep them apart (`ivr_names`).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from activities.ivr_contracts import FrontEnd, StartSession
from activities.ports import StoreUnavailable
from dialer.model import SwitchId
from dialer.switching import SwitchError
from ivr.tree_parts import Destination, EntityKind
from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.ivr_caller import Caller, Services
from offhook.switches.asterisk.ivr_line import Line, Sounds
from offhook.switches.asterisk.ivr_names import INBOUND, LEG, CallNames, bridge_of, is_bridge
from offhook.switches.asterisk.names import is_check
from offhook.switches.asterisk.settings import NUMBER, AsteriskSettings
from offhook.switches.asterisk.stream import AsteriskStream
from offhook.switches.asterisk.wire_requests import Request
from offhook.switches.base import CallerDesk, InboundRoutes
from offhook.telemetry import counter

log = structlog.get_logger()

_REMEMBERED = 2_000
_SETTLED_S = 5.0
"""A caller this old is on every list of channels, unless he is gone."""
_PLAIN = re.compile(r"[A-Za-z0-9+_.-]{1,40}")
_TRIES, _PAUSE_S = 4, 0.5
_CALLS = counter(
    "dialer_inbound_calls_total", "Calls that came in, by what was done.", labels=("result",)
)


class AsteriskIvr:
    """Implements `offhook.switches.base.AnswersCallers`, and listens to the event stream."""

    def __init__(self, client: AriClient, stream: AsteriskStream, switch: SwitchId) -> None:
        self._client = client
        self._stream = stream
        self._switch = switch
        self._app = client.settings.app
        self._desk: CallerDesk | None = None
        self._callers: dict[str, Caller] = {}
        self._by_bridge: dict[str, Caller] = {}
        self._since: dict[str, float] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._on: Mapping[type[wire.Event], Callable[[Any], None]] = {
            wire.StasisStart: self._came,
            wire.ChannelDtmfReceived: self._pressed,
            wire.PlaybackFinished: self._played,
            wire.ChannelLeftBridge: self._left,
            wire.StasisEnd: self._ended,
            wire.ChannelDestroyed: self._ended,
        }

    def serve(self, desk: CallerDesk) -> None:
        """Answer callers from now on."""
        self._desk = desk
        self._stream.tell(self)

    def heard(self, event: wire.Event) -> None:
        """Something happened on the PBX."""
        reader = self._on.get(type(event))
        if reader is not None:
            reader(event)

    def seen(self, channels: Sequence[wire.Channel], bridges: Sequence[wire.Bridge]) -> None:
        """What there is: find callers whom nobody minds, and those who are gone."""
        present = {channel.id for channel in channels}
        old = asyncio.get_running_loop().time() - _SETTLED_S
        for call in [c for c in self._callers if c not in present and self._since[c] < old]:
            self._forget(call)
        bridged = {channel for bridge in bridges for channel in bridge.channels}
        for channel in channels:
            called = self._called(channel)
            known = channel.id in self._callers or channel.id in self._gone
            if called is not None and not known and channel.id not in bridged:
                self._serve(channel, called)
        for bridge in bridges:
            if is_bridge(self._app, bridge.id) and bridge.id not in self._by_bridge:
                self._tidy(bridge.id, bridge.channels)

    async def aclose(self) -> None:
        """Let go: callers stay where they are, for whoever comes next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Events

    def _came(self, event: wire.StasisStart) -> None:
        if event.args[:1] == (LEG,):
            bridge = bridge_of(self._app, event.channel.id)
            caller = self._by_bridge.get(bridge) if bridge else None
            if caller is None:
                self._order(wire_requests.hang_up(event.channel.id))
            else:
                caller.leg_answered(event.channel.id)
            return
        known = event.channel.id in self._callers or not self._foreign(event.channel.id)
        if event.args[:1] == (INBOUND,) and not known:
            self._serve(event.channel, event.args[1] if len(event.args) > 1 else "")

    def _pressed(self, event: wire.ChannelDtmfReceived) -> None:
        caller = self._callers.get(event.channel.id)
        if caller is not None:
            caller.pressed(event.digit)

    def _played(self, event: wire.PlaybackFinished) -> None:
        bridge = bridge_of(self._app, event.playback.id)
        caller = self._by_bridge.get(bridge) if bridge else None
        number = caller.line.names.playback_number(event.playback.id) if caller else None
        if caller is not None and number is not None:
            caller.said(number)

    def _left(self, event: wire.ChannelLeftBridge) -> None:
        """Either of two who talked has left: nobody stays alone."""
        if is_bridge(self._app, event.bridge.id):
            self._tidy(event.bridge.id, event.bridge.channels)

    def _ended(self, event: wire.ChannelEvent) -> None:
        channel = event.channel.id
        if channel in self._callers:
            self._forget(channel)
            return
        bridge = bridge_of(self._app, channel)
        caller = self._by_bridge.get(bridge) if bridge else None
        if caller is not None and caller.leg_gone(channel):
            self._order(wire_requests.hang_up(caller.line.call))

    # Callers

    def _serve(self, channel: wire.Channel, called: str) -> None:
        desk = self._desk
        if desk is None:
            return
        names, calling = CallNames(self._app, channel.id), channel.caller.number
        settings = self._client.settings
        sounds = Sounds(desk.voice, desk.audio, desk.home, settings.prompts_path)
        start = StartSession(
            switch_id=self._switch,
            call_id=channel.id,
            front_end=FrontEnd.told,
            calling=calling[:64],
            called=called[:64],
        )
        services = Services(
            sessions=desk.sessions,
            secrets=desk.secrets,
            address=partial(address_of, settings),
            ring_for=settings.divert_timeout,
        )
        caller = Caller(Line(self._client, names, sounds, calling=calling), start, services)
        self._callers[channel.id] = self._by_bridge[names.bridge] = caller
        self._since[channel.id] = asyncio.get_running_loop().time()
        self._spawn(self._life(caller, desk.routes))

    async def _life(self, caller: Caller, routes: InboundRoutes) -> None:
        try:
            if not await self._wanted(caller.start, routes):
                _CALLS.labels("refused").inc()
                log.info("inbound_call_refused", switch=self._switch)
                await caller.line.refuse()
                return
            _CALLS.labels("served").inc()
            await caller.run()
        except Exception:
            _CALLS.labels("failed").inc()
            log.exception("inbound_call_failed", switch=self._switch)
            await caller.line.hang_up()

    async def _wanted(self, start: StartSession, routes: InboundRoutes) -> bool:
        for _ in range(_TRIES):
            try:
                return await routes.route(start) is not None
            except StoreUnavailable as error:
                log.warning("inbound_routes_unreadable", error=str(error))
            await asyncio.sleep(_PAUSE_S)
        return False

    def _forget(self, call: str) -> None:
        """A caller is gone: his telephone is let go, and his session hears of it."""
        caller = self._callers.pop(call)
        del self._since[call]
        self._by_bridge.pop(caller.line.names.bridge, None)
        self._gone[call] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
        caller.hung_up()
        self._spawn(caller.farewell())

    # What is done

    def _tidy(self, bridge: str, inside: Iterable[str]) -> None:
        """Nobody stays alone in a bridge, and no bridge stays without anybody."""
        left = tuple(inside)
        if len(left) == 1:
            self._order(wire_requests.hang_up(left[0]))
        elif not left:
            self._order(wire_requests.destroy_bridge(bridge))

    def _called(self, channel: wire.Channel) -> str | None:
        """The number that a caller who waits for us called; None if he is no caller of ours."""
        app, comma, rest = channel.dialplan.app_data.partition(",")
        kind, _, called = rest.partition(",")
        waits = channel.in_stasis and comma and self._foreign(channel.id)
        return called if waits and (app, kind) == (self._app, INBOUND) else None

    def _foreign(self, channel: str) -> bool:
        return not channel.startswith(f"{self._app}.") and not is_check(channel)

    def _order(self, request: Request) -> None:
        async def do() -> None:
            try:
                await self._client.command(request)
            except SwitchError as error:
                log.debug("inbound_request_failed", request=request.what, error=str(error))

        self._spawn(do())

    def _spawn(self, work: Any) -> None:  # any coroutine
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def address_of(settings: AsteriskSettings, to: Destination) -> str | None:
    """How a destination is dialled: as the settings say, else as an endpoint of that name."""
    if to.entity is not None:
        named = settings.destinations.get(f"{to.entity}:{to.id}")
        return named or (endpoint(settings, to.id or "") if to.entity is EntityKind.user else None)
    number = to.number or ""
    return settings.destinations.get(number) or endpoint(settings, number)


def endpoint(settings: AsteriskSettings, number: str) -> str | None:
    """The address of somebody inside."""
    return settings.inside.replace(NUMBER, number) if _PLAIN.fullmatch(number) else None
