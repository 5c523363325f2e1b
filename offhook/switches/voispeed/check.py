"""Everything that must be right between offhook and a VOIspeed PBX, each with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.switching import SwitchError, SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.base import CheckResult
from offhook.switches.clock_check import check_date
from offhook.switches.delivery import EventPath
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.settings import VoispeedSettings

EVENT_SILENCE = timedelta(minutes=15)


async def check_link(
    client: VoispeedClient, settings: VoispeedSettings, event_path: EventPath | None
) -> Sequence[CheckResult]:
    """Every check that makes sense, in order; never raises for what the PBX does."""
    results = await _check_door(client)
    if all(result.ok for result in results if result.name != "clock"):
        results += [
            await _check_ivrs(client, settings),
            await _check_gateways(client),
            await _check_users(client),
            await _check_rights(client),
        ]
    results.append(await _check_events(event_path))
    return results


async def _check_door(client: VoispeedClient) -> list[CheckResult]:
    """Reachability, authentication and clock, from one reply."""
    try:
        reply = await client.probe()
    except (SwitchUnavailable, SwitchUnclear) as error:
        advice = "check base_url, DNS, the firewall and that the PBX runs"
        return [CheckResult(name="reachability", ok=False, detail=str(error), advice=advice)]
    results = [CheckResult(name="reachability", ok=True, detail=f"HTTP {reply.status}")]
    try:
        client.understand(reply)
    except SwitchRefused as error:
        advice = "check the token of the integration module, and that the module is enabled"
        results.append(
            CheckResult(name="authentication", ok=False, detail=str(error), advice=advice)
        )
    except SwitchError as error:
        advice = "base_url answers, but not as VOIspeed does; it should end in seri_endpoint.php"
        results.append(
            CheckResult(name="authentication", ok=False, detail=str(error), advice=advice)
        )
    else:
        results.append(CheckResult(name="authentication", ok=True, detail="the token is accepted"))
    results.append(check_date(reply.date))
    return results


async def _check_ivrs(client: VoispeedClient, settings: VoispeedSettings) -> CheckResult:
    wanted = {
        "reception": settings.reception_ivr,
        "hold": settings.hold_ivr,
        "message": settings.message_ivr,
    }
    try:
        known = {ivr.id for ivr in await client.ivrs()}
    except SwitchError as error:
        return CheckResult(
            name="ivrs", ok=False, detail=str(error), advice="give the module access to responders"
        )
    lacking = [f"{role} ({ivr})" for role, ivr in wanted.items() if ivr and ivr not in known]
    if lacking:
        detail = f"the PBX has no IVR {', '.join(lacking)}; it has {', '.join(sorted(known))}"
        advice = "make the responder on the PBX, or set its id with `offhook switch add`"
        return CheckResult(name="ivrs", ok=False, detail=detail[:300], advice=advice)
    if settings.message_ivr is None:
        return CheckResult(
            name="ivrs",
            ok=False,
            detail="no IVR for the safe-harbour message",
            advice="make one that ends the call after it, and set message_ivr; predictive "
            "campaigns need it",
        )
    return CheckResult(name="ivrs", ok=True, detail="reception, hold and message exist")


async def _check_gateways(client: VoispeedClient) -> CheckResult:
    try:
        gateways = await client.gateways()
    except SwitchError as error:
        return CheckResult(
            name="lines", ok=False, detail=str(error), advice="give the module access to gateways"
        )
    registered = wire.GatewayStatus.registered
    ready = [g for g in gateways if g.enabled is not False and g.link_status in (registered, None)]
    lines = sum(g.lines or 0 for g in ready)
    free = sum(max(0, (g.lines or 0) - (g.busy_lines or 0)) for g in ready)
    detail = f"{len(ready)} of {len(gateways)} gateways ready, {free} of {lines} lines free"
    advice = "" if lines else "enable a gateway and see that it registers with its carrier"
    return CheckResult(name="lines", ok=lines > 0, detail=detail, advice=advice)


async def _check_users(client: VoispeedClient) -> CheckResult:
    try:
        users = await client.users()
    except SwitchError as error:
        return CheckResult(
            name="users", ok=False, detail=str(error), advice="give the module access to users"
        )
    available = sum(user.av_status is wire.AvStatus.available for user in users)
    detail = f"{len(users)} users, {available} available now"
    advice = "" if users else "create users with an extension and a terminal on the PBX"
    return CheckResult(name="users", ok=bool(users), detail=detail, advice=advice)


async def _check_rights(client: VoispeedClient) -> CheckResult:
    try:
        calls = await client.current_calls()
    except SwitchError as error:
        advice = "enable extended commands and events (SSN) for the integration module"
        return CheckResult(name="rights", ok=False, detail=str(error), advice=advice)
    return CheckResult(
        name="rights", ok=True, detail=f"extended services answer; {len(calls)} calls in progress"
    )


async def _check_events(event_path: EventPath | None) -> CheckResult:
    if event_path is None:
        return CheckResult(
            name="events",
            ok=False,
            detail="the event receiver was not asked",
            advice="start `offhook links` and check again",
        )
    try:
        delivery = await event_path.last_delivery()
    except SwitchUnavailable as error:
        return CheckResult(
            name="events",
            ok=False,
            detail=str(error),
            advice="start `offhook up` or `offhook links`",
        )
    if delivery.last_at is None:
        detail = "no event was ever received from this PBX"
        advice = f"enter {delivery.hook_url} as notification URL of the module, and make a call"
        return CheckResult(name="events", ok=False, detail=detail, advice=advice)
    silence = datetime.now(UTC) - delivery.last_at
    detail = f"last event {silence.total_seconds():.0f} s ago"
    advice = "" if silence <= EVENT_SILENCE else "quiet for a while: make a test call if in doubt"
    return CheckResult(name="events", ok=True, detail=detail, advice=advice)
