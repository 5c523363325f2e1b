"""Everything that must be right between offhook and an Asterisk, each with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.switching import SwitchError, SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.asterisk import wire
from offhook.switches.asterisk.check_lines import check_lines
from offhook.switches.asterisk.check_media import check_media, loaded
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.snapshot import agent_views, trunk_views
from offhook.switches.base import CheckResult
from offhook.switches.clock_check import check_date
from offhook.switches.delivery import EventPath

EVENT_SILENCE = timedelta(minutes=15)

_CALLS = ("res_stasis", "res_ari_channels", "res_ari_bridges", "res_ari_events",
          "res_ari_applications", "res_ari_endpoints", "res_stasis_answer",
          "app_stasis")  # fmt: skip
_MEDIA = ("res_stasis_playback", "res_ari_playbacks", "chan_bridge_media")


async def check_link(client: AriClient, event_path: EventPath | None) -> Sequence[CheckResult]:
    """Every check that makes sense, in order; never raises for what the PBX does."""
    results = await _check_door(client)
    if all(result.ok for result in results if result.name != "clock"):
        results += [
            await _check_rights(client),
            *await _check_modules(client),
            *await _check_endpoints(client),
            await _check_message(client),
            await _check_application(client),
        ]
    results.append(await _check_events(event_path))
    return results


async def _check_door(client: AriClient) -> list[CheckResult]:
    """Reachability, authentication and clock, from one reply."""
    try:
        reply = await client.probe()
    except (SwitchUnavailable, SwitchUnclear) as error:
        advice = "check base_url, the firewall, `enabled` and `bindaddr` in http.conf, and that " \
                 "Asterisk runs"  # fmt: skip
        return [CheckResult(name="reachability", ok=False, detail=str(error), advice=advice)]
    results = [CheckResult(name="reachability", ok=True, detail=f"HTTP {reply.status}")]
    try:
        info = client.understand(reply)
    except SwitchRefused as error:
        advice = "check the user of ari.conf and his password, and that `enabled = yes` there"
        results.append(_bad("authentication", error, advice))
    except SwitchError as error:
        advice = "base_url answers, but not as ARI does; it should end in /ari"
        results.append(_bad("authentication", error, advice))
    else:
        detail = f"Asterisk {info.system.version or 'of unknown version'}"
        results.append(CheckResult(name="authentication", ok=True, detail=detail))
    results.append(check_date(reply.date))
    return results


def _bad(name: str, error: SwitchError, advice: str) -> CheckResult:
    return CheckResult(name=name, ok=False, detail=str(error), advice=advice)


async def _check_rights(client: AriClient) -> CheckResult:
    try:
        may = await client.may_write()
    except SwitchError as error:
        return _bad("rights", error, "look at Asterisk's own log")
    detail = "the user may change things" if may else "the user may only read"
    advice = "" if may else "set read_only = no for him in ari.conf"
    return CheckResult(name="rights", ok=may, detail=detail, advice=advice)


async def _check_modules(client: AriClient) -> list[CheckResult]:
    try:
        modules = await client.modules()
    except SwitchError as error:
        return [_bad("modules", error, "load res_ari_asterisk.so")]
    running = {m.name.removesuffix(".so") for m in modules if m.status.lower() == "running"}
    return [
        loaded("modules", _CALLS, running),
        loaded("media", _MEDIA, running),
        *await check_media(client, running),
        *await check_lines(client, running),
    ]


async def _check_endpoints(client: AriClient) -> list[CheckResult]:
    try:
        endpoints = await client.endpoints()
    except SwitchError as error:
        return [_bad("trunks", error, "load res_ari_endpoints.so")]
    return [
        _trunks(client, endpoints),
        _agents(client, endpoints),
    ]


def _trunks(client: AriClient, endpoints: tuple[wire.Endpoint, ...]) -> CheckResult:
    trunks = trunk_views(client.settings, endpoints, ())
    if not trunks:
        advice = "name one with `offhook switch add asterisk ... --trunk ENDPOINT:LINES`"
        return CheckResult(name="trunks", ok=False, detail="no trunk is set", advice=advice)
    known = {endpoint.address for endpoint in endpoints}
    down = [trunk.name for trunk in trunks if not trunk.enabled]
    unknown = [t.endpoint for t in client.settings.trunks if t.endpoint and t.endpoint not in known]
    if unknown:
        detail = f"there is no endpoint {', '.join(unknown)[:200]}"
        advice = "define it in pjsip.conf, or correct the trunk"
        return CheckResult(name="trunks", ok=False, detail=detail, advice=advice)
    lines = sum(trunk.lines for trunk in trunks if trunk.enabled)
    detail = f"{len(trunks) - len(down)} of {len(trunks)} trunks can be used, {lines} lines"
    advice = f"see why {', '.join(down)[:200]} is offline: `pjsip show contacts`" if down else ""
    return CheckResult(name="trunks", ok=lines > 0, detail=detail, advice=advice)


def _agents(client: AriClient, endpoints: tuple[wire.Endpoint, ...]) -> CheckResult:
    agents = agent_views(client.settings, endpoints, ())
    online = sum(agent.reachable for agent in agents)
    detail = f"{len(agents)} agents' devices, {online} reachable now"
    advice = "" if agents else "define the agents' endpoints in pjsip.conf"
    return CheckResult(name="agents", ok=bool(agents), detail=detail, advice=advice)


async def _check_message(client: AriClient) -> CheckResult:
    media = client.settings.message_media
    if media is None:
        advice = "set message_media (--message sound:NAME); predictive campaigns need it"
        detail = "no safe-harbour message"
        return CheckResult(name="message", ok=False, detail=detail, advice=advice)
    kind, _, sound = media.partition(":")
    if kind != "sound":
        return CheckResult(name="message", ok=True, detail=f"{media} can't be looked up")
    try:
        there = await client.has_sound(sound)
    except SwitchError as error:
        return _bad("message", error, "load res_ari_sounds.so")
    detail = f"the PBX has the sound {sound}" if there else f"the PBX has no sound {sound}"
    advice = "" if there else "put it into Asterisk's sounds folder and reload the sounds"
    return CheckResult(name="message", ok=there, detail=detail, advice=advice)


async def _check_application(client: AriClient) -> CheckResult:
    """Whether somebody listens for our application now."""
    try:
        application = await client.application()
    except SwitchError as error:
        return _bad("application", error, "load res_ari_applications.so")
    app = client.settings.app
    if application is None:
        advice = "start `offhook up` or `offhook links`: they connect to it"
        detail = f"nobody is connected for the application {app}"
        return CheckResult(name="application", ok=False, detail=detail, advice=advice)
    return CheckResult(name="application", ok=True, detail=f"{app} is connected")


async def _check_events(event_path: EventPath | None) -> CheckResult:
    advice = "start `offhook up` or `offhook links`, and make a call"
    if event_path is None:
        detail = "the event receiver was not asked"
        return CheckResult(name="events", ok=False, detail=detail, advice=advice)
    try:
        delivery = await event_path.last_delivery()
    except SwitchUnavailable as error:
        return _bad("events", error, advice)
    if delivery.last_at is None:
        detail = "no event was ever received from this PBX"
        return CheckResult(name="events", ok=False, detail=detail, advice=advice)
    silence = datetime.now(UTC) - delivery.last_at
    detail = f"last event {silence.total_seconds():.0f} s ago"
    advice = "" if silence <= EVENT_SILENCE else "quiet for a while: make a test call if in doubt"
    return CheckResult(name="events", ok=True, detail=detail, advice=advice)
