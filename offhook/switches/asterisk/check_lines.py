"""Whether the lines that an Asterisk's own files need do what they are for, as far as ARI tells.

What it can't tell is said as `UNPROVEN`, with the one command that a person types to see it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
from collections.abc import Collection, Mapping
from datetime import timedelta
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter

from dialer.switching import SwitchError
from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.client import AriClient, authorization
from offhook.switches.asterisk.ivr_names import INBOUND
from offhook.switches.asterisk.names import check_channel, checked_channel
from offhook.switches.asterisk.settings import AsteriskSettings
from offhook.switches.asterisk.wire_requests import Originate
from offhook.switches.base import CheckResult
from offhook.switches.http import HttpLink, HttpTimeouts

UNPROVEN = "not provable from here"
TEST_NUMBER = "+0000000000"
"""Called inside the PBX only: no telephone has it, as no country's code begins with 0."""
_PATIENCE = timedelta(seconds=2)
_LOOK_EVERY_S = 0.02
_SHOWN = 200
_AT_A_TIME = 8
_HEADERS = "res_pjsip_header_funcs"
_HOW_TO = "docs/how-to/asterisk.md has the lines"
_WANTED = {"send_connected_line": "no", "direct_media": "no"}
"""Of a trunk's endpoint: else Asterisk invites customers again in the middle of their calls."""


class _Attribute(BaseModel):
    model_config = ConfigDict(frozen=True)

    attribute: str
    value: str = ""


_ATTRIBUTES = TypeAdapter(list[_Attribute])
_Endpoint = Mapping[str, str]


async def check_lines(client: AriClient, running: Collection[str]) -> list[CheckResult]:
    """The trunks' endpoints, where their calls lead, the connections, and agents' headers."""
    endpoints = await _trunk_endpoints(client)
    return [
        _endpoint_lines(endpoints),
        await _inbound(client, endpoints),
        await _connections(client),
        _auto_answer(client.settings, running),
    ]


async def _trunk_endpoints(client: AriClient) -> dict[str, _Endpoint]:
    """How the trunks' PJSIP endpoints are set, by name; those that Asterisk doesn't tell of aren't
    there.
    """
    names = {(trunk.endpoint or "").removeprefix("PJSIP/") for trunk in client.settings.trunks}
    found: dict[str, _Endpoint] = {}
    for name in sorted(name for name in names if name and "/" not in name):
        path = f"/asterisk/config/dynamic/res_pjsip/endpoint/{quote(name, safe='')}"
        try:
            told = await client.ask(path, "endpoint's settings", _ATTRIBUTES)
        except SwitchError:
            continue
        found[name] = {one.attribute: one.value for one in told}
    return found


def _endpoint_lines(endpoints: Mapping[str, _Endpoint]) -> CheckResult:
    name = "endpoint_lines"
    if not endpoints:
        detail = f"{UNPROVEN}: Asterisk doesn't tell how the trunks' endpoints are set"
        advice = "see with `asterisk -rx 'pjsip show endpoint TRUNK'`"
        return CheckResult(name=name, ok=True, detail=detail, advice=advice)
    other = [
        f"{key} = {wanted} for {endpoint}"
        for endpoint, settings in endpoints.items()
        for key, wanted in _WANTED.items()
        if settings.get(key, wanted) not in (wanted, "false")
    ]
    if other:
        detail = "customers may be invited again when an agent joins"
        advice = f"in pjsip.conf: {', '.join(other)[:_SHOWN]}"
        return CheckResult(name=name, ok=True, detail=detail, advice=advice)
    detail = f"{len(endpoints)} trunks' endpoints leave customers' calls as they are"
    return CheckResult(name=name, ok=True, detail=detail)


# Inbound calls


async def _inbound(client: AriClient, endpoints: Mapping[str, _Endpoint]) -> CheckResult:
    """Where calls that come in by the trunks lead: tried with a call that stays in the PBX."""
    contexts = sorted({one["context"] for one in endpoints.values() if one.get("context")})
    if not contexts:
        return _unproven("Asterisk doesn't tell the trunks' contexts", "dialplan show")
    if await _nobody_connected(client):
        return _unproven("no application is connected", f"dialplan show {contexts[0]}")
    proven = []
    for context in contexts:
        try:
            led = await _led_to(client, context)
        except SwitchError as error:
            return _unproven(str(error), f"dialplan show {context}")
        if led is None:
            why = f"{context} ended a call to {TEST_NUMBER}, the number it is tried with, at once"
            return _unproven(why, f"dialplan show {context}")
        if not _is_ours(client.settings.app, led):
            advice = f"if they should: {_HOW_TO} for {context}; then `dialplan reload`"
            detail = f"calls that come in don't come to offhook: {context} leads to {_shown(led)}"
            return CheckResult(name=INBOUND, ok=True, detail=detail, advice=advice)
        proven.append(context)
    detail = f"a test call by {', '.join(proven)[:_SHOWN]} came to {client.settings.app}"
    return CheckResult(name=INBOUND, ok=True, detail=detail)


def _unproven(why: str, command: str) -> CheckResult:
    return CheckResult(
        name=INBOUND,
        ok=True,
        detail=f"{UNPROVEN} whether calls that come in come to offhook: {why}",
        advice=f"see with `asterisk -rx '{command}'` whether the numbers lead to Stasis",
    )


async def _nobody_connected(client: AriClient) -> bool:
    try:
        return await client.application() is None
    except SwitchError:
        return True


async def _led_to(client: AriClient, context: str) -> wire.Dialplan | None:
    """Where a call to the test number ends up; None where it is over before the first look.

    The call is one of the PBX with itself: no line is used, and it ends with the look at it, or
    after seconds by itself. Our links leave it alone (`names.checked_channel`).
    """
    channel = check_channel(client.settings.app, secrets.token_hex(4))
    caller = checked_channel(channel)
    await client.originate(
        Originate(
            channel_id=channel,
            other_channel_id=caller,
            endpoint=f"Local/{TEST_NUMBER}@{context}/n",
            app=client.settings.app,
            args="check",
            timeout=_PATIENCE,
            caller_id="offhook check <0>",
        )
    )
    led: wire.Dialplan | None = None
    try:
        for _ in range(round(_PATIENCE.total_seconds() / _LOOK_EVERY_S)):
            found = await client.channel(caller)
            if found is None:
                break
            led = found.dialplan if found.dialplan.app_name else led
            if found.in_stasis:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        await asyncio.shield(_end(client, channel))
    return led


async def _end(client: AriClient, channel: str) -> None:
    if await client.channel(channel) is not None:
        await client.command(wire_requests.hang_up(channel))


def _is_ours(app: str, led: wire.Dialplan) -> bool:
    return led.app_name == "Stasis" and led.app_data.split(",")[:2] == [app, INBOUND]


def _shown(led: wire.Dialplan) -> str:
    return f"{led.app_name}({led.app_data})"[:_SHOWN]


# Connections


async def _connections(client: AriClient) -> CheckResult:
    """Whether as many connections may be open at once as a process that dials keeps."""
    name, wanted = "connections", client.settings.connections
    see = "see `sessionlimit` with `grep sessionlimit /etc/asterisk/http.conf`: 100 if it isn't set"
    try:
        busy = await _has_calls(client)
    except SwitchError as error:
        detail = f"{UNPROVEN}: {error}"
        return CheckResult(name=name, ok=True, detail=detail, advice=see)
    if busy:  # who is refused a connection then may be a customer's join
        detail = f"{UNPROVEN} while calls are on whether {wanted} connections may be open at once"
        return CheckResult(name=name, ok=True, detail=detail, advice=see)
    opened = await _opened(client, wanted)
    if opened < wanted:
        detail = f"only {opened} of {wanted} connections were open at once, then one was refused"
        advice = "set sessionlimit = 500 in http.conf, and `module reload http`"
        return CheckResult(name=name, ok=False, detail=detail, advice=advice)
    detail = f"{wanted} more connections may be open at once"
    return CheckResult(name=name, ok=True, detail=detail)


async def _has_calls(client: AriClient) -> bool:
    prefix = f"{client.settings.app}."
    return any(channel.id.startswith(prefix) for channel in await client.channels())


async def _opened(client: AriClient, wanted: int) -> int:
    """How many connections are answered at once, up to so many; all are closed again."""
    settings = client.settings
    # A few at a time: Asterisk lets ten wait to be accepted, and others come a second late.
    steps = [min(_AT_A_TIME, wanted - begun) for begun in range(0, wanted, _AT_A_TIME)]
    links: list[HttpLink] = []
    opened = 0
    try:
        for step in steps:
            link = HttpLink(
                client.link,
                settings.base_url,
                timeouts=HttpTimeouts(),
                connections=step,
                headers=authorization(settings),
            )
            links.append(link)
            answered = (await asyncio.gather(*(_answers(link) for _ in range(step)))).count(True)
            opened += answered
            if answered < step:
                break
    finally:
        await asyncio.gather(*(link.aclose() for link in links))
    return opened


async def _answers(link: HttpLink) -> bool:
    try:
        await link.send("GET", "/asterisk/ping", what="ping")
    except SwitchError:
        return False
    return True


# Agents' telephones


def _auto_answer(settings: AsteriskSettings, running: Collection[str]) -> CheckResult:
    """Whether agents' telephones can be asked to answer; whether they do, only they know."""
    name = "auto_answer"
    if not settings.parks_agents or not settings.auto_answer_headers:
        detail = "agents' telephones are not asked to answer by themselves"
        return CheckResult(name=name, ok=True, detail=detail)
    if _HEADERS not in running:
        detail = f"agents' telephones can't be asked to answer: {_HEADERS} is not running"
        advice = f"load it in modules.conf: {_HEADERS}.so"
        return CheckResult(name=name, ok=False, detail=detail, advice=advice)
    agent = settings.agents[0] if settings.agents else "PJSIP/AGENT"
    return CheckResult(
        name=name,
        ok=True,
        detail=f"{', '.join(settings.auto_answer_headers)[:_SHOWN]} can be sent; "
        f"{UNPROVEN} whether the agents' telephones answer by them",
        advice=f"ring one, which should answer by itself: `{ring_by_hand(settings, agent)}`",
    )


def ring_by_hand(settings: AsteriskSettings, agent: str) -> str:
    """What a person types to ring a telephone as a park does; curl asks him for the password."""
    document = {
        "endpoint": agent,
        "app": settings.app,
        "appArgs": "check",
        "timeout": 10,
        "variables": wire_requests.headers(settings.auto_answer_headers),
    }
    return shlex.join(
        (
            "curl",
            "-u",
            settings.username,
            "-H",
            "Content-Type: application/json",
            "-d",
            json.dumps(document),
            f"{settings.base_url}/channels",
        )
    )
