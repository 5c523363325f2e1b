"""What is going on on an Asterisk, from its lists of channels, bridges and endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from dialer.switching import AgentView, CallPhase, CallView, TrunkView
from offhook.switches.asterisk import wire
from offhook.switches.asterisk.events import Company, call_ref
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.settings import AsteriskSettings

_OFFLINE = "offline"


def call_views(
    channels: Iterable[wire.Channel],
    bridges: Iterable[wire.Bridge],
    names: Names,
    *,
    hearing: Collection[str] = (),
) -> tuple[CallView, ...]:
    """Our customers' and parked agents' calls; `hearing` are attempts that hear the message."""
    where = {channel: bridge for bridge in bridges for channel in bridge.channels}
    views = []
    for channel in channels:
        named = names.read(channel.id)
        if named is None or named.part not in (Part.customer, Part.agent):
            continue
        phase, address = _phase(channel, named.part, where.get(channel.id), names)
        if phase is CallPhase.held and named.correlator in hearing:
            phase = CallPhase.message
        views.append(
            CallView(
                correlator=named.correlator,
                call=call_ref(channel.id),
                phase=phase,
                address=address,
            )
        )
    return tuple(views)


def waiting(
    channels: Iterable[wire.Channel], bridges: Iterable[wire.Bridge], names: Names
) -> list[str]:
    """The attempts whose customers are with nobody: each may be hearing the message."""
    return [
        view.correlator
        for view in call_views(channels, bridges, names)
        if view.phase is CallPhase.held
        and (named := names.read(view.call.call_id)) is not None
        and named.part is Part.customer
    ]


def _phase(
    channel: wire.Channel, part: Part, bridge: wire.Bridge | None, names: Names
) -> tuple[CallPhase, str]:
    if not channel.up:
        return CallPhase.calling, ""
    inside = Company.of(bridge, names) if bridge is not None else Company((), ())
    address = bridge.name if bridge is not None else ""
    if part is Part.customer:
        if inside.agents:
            return CallPhase.joined, address
        # Elsewhere in the dialplan (machine detection) nobody can be joined with it yet.
        return (CallPhase.held if channel.in_stasis else CallPhase.listening), ""
    if bridge is None:
        return CallPhase.calling, ""
    return (CallPhase.joined if inside.customers else CallPhase.held), address


def trunk_views(
    settings: AsteriskSettings,
    endpoints: Sequence[wire.Endpoint],
    channels: Sequence[wire.Channel],
) -> tuple[TrunkView, ...]:
    """The trunks that the settings name, with whether their endpoints can be used."""
    states = {endpoint.address: endpoint.state for endpoint in endpoints}
    busy = Counter(channel.endpoint for channel in channels)
    views = []
    for trunk in settings.trunks:
        endpoint = trunk.endpoint
        up = endpoint is None or states.get(endpoint, _OFFLINE) != _OFFLINE
        views.append(
            TrunkView(
                address=trunk.address,
                name=trunk.name or (endpoint or trunk.address).partition("/")[2],
                lines=trunk.lines,
                busy_lines=busy[endpoint] if endpoint else 0,
                enabled=up,
            )
        )
    return tuple(views)


def agent_views(
    settings: AsteriskSettings,
    endpoints: Sequence[wire.Endpoint],
    channels: Sequence[wire.Channel],
) -> tuple[AgentView, ...]:
    """The agents' devices: those that the settings name, else every endpoint that is no trunk."""
    states = {endpoint.address: endpoint.state for endpoint in endpoints}
    busy = {channel.endpoint for channel in channels}
    return tuple(
        AgentView(
            address=address,
            reachable=states.get(device := device_of(address), _OFFLINE) != _OFFLINE,
            busy=device in busy,
        )
        for address in settings.agents or _all_devices(settings, endpoints)
    )


def device_of(address: str) -> str:
    """The endpoint in a dialled address: `PJSIP/7@pool` and `PJSIP/pool/sip:...` name `pool`."""
    technology, _, rest = address.partition("/")
    user, at, endpoint = rest.rpartition("@")
    if at and "/" not in user:
        return f"{technology}/{endpoint}"
    return f"{technology}/{rest.partition('/')[0]}"


def _all_devices(settings: AsteriskSettings, endpoints: Iterable[wire.Endpoint]) -> tuple[str, ...]:
    trunks = {trunk.endpoint for trunk in settings.trunks}
    return tuple(
        endpoint.address
        for endpoint in endpoints
        if endpoint.technology == "PJSIP" and endpoint.address not in trunks
    )
