"""What recording, supervision and listening for machines need of an Asterisk."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter

from dialer.switching import SwitchError
from offhook.switches.asterisk import wire_media, wire_requests
from offhook.switches.asterisk.amd import EXTENSIONS
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.names import Part, check_channel
from offhook.switches.base import CheckResult

_RECORDING = ("res_stasis_recording", "res_ari_recordings", "res_stasis_snoop", "format_wav")
_SUPERVISION = ("res_stasis_snoop", "bridge_simple", "bridge_softmix")
_DETECTION = ("app_amd", "app_waitforsilence")
_BLOCKS = "res_stasis_device_state"
_HOLD_HOW_TO = "docs/how-to/asterisk.md has its lines; then `dialplan reload`"
_HOW_TO = "docs/how-to/answering-machines.md has its lines; then `dialplan reload`"


class _Variable(BaseModel):
    model_config = ConfigDict(frozen=True)

    value: str = ""


_VARIABLE = TypeAdapter(_Variable)
_STORED = TypeAdapter(list[dict[str, str]])


def loaded(name: str, wanted: Sequence[str], running: Collection[str]) -> CheckResult:
    """Whether modules run."""
    missing = [module for module in wanted if module not in running]
    if missing:
        advice = f"load them in modules.conf: {', '.join(f'{module}.so' for module in missing)}"
        detail = f"{len(missing)} of {len(wanted)} are not running"
        return CheckResult(name=name, ok=False, detail=detail, advice=advice)
    return CheckResult(name=name, ok=True, detail=f"{len(wanted)} modules are running")


async def check_media(client: AriClient, running: Collection[str]) -> list[CheckResult]:
    """Recording, supervision, detection, and a module that is better away."""
    return [
        await _recording(client, running),
        loaded("supervision", _SUPERVISION, running),
        await _detection(client, running),
        await _hold(client, running),
        _device_state(running),
    ]


async def _recording(client: AriClient, running: Collection[str]) -> CheckResult:
    modules = loaded("recording", _RECORDING, running)
    if not modules.ok:
        return modules
    try:
        stored = await client.ask("/recordings/stored", "recordings", _STORED)
    except SwitchError as error:
        advice = "Asterisk must be able to read and write `recording` in its spool folder"
        return CheckResult(name="recording", ok=False, detail=str(error), advice=advice)
    detail = f"{modules.detail}, {len(stored)} files are stored"
    return CheckResult(name="recording", ok=True, detail=detail)


async def _detection(client: AriClient, running: Collection[str]) -> CheckResult:
    """Whether the context that listens for machines is there, with what it runs."""
    context = client.settings.amd_context
    if context is None:
        detail = "machines are not listened for: the link has no amd_context"
        return CheckResult(name="detection", ok=True, detail=detail)
    modules = loaded("detection", _DETECTION, running)
    if not modules.ok:
        return modules
    asked = _Dialplan("detection", context, EXTENSIONS, _HOW_TO)
    return await _in_dialplan(client, asked, running)


async def _hold(client: AriClient, running: Collection[str]) -> CheckResult:
    """Whether the context in which every call begins is there: without it all would be dropped."""
    context = client.settings.hold_context
    if context is None:
        detail = "who answers while offhook is away is dropped: the link has no hold_context"
        return CheckResult(name="hold", ok=True, detail=detail)
    asked = _Dialplan("hold", context, (Part.customer, Part.agent), _HOLD_HOW_TO)
    return await _in_dialplan(client, asked, running)


@dataclass(frozen=True, slots=True)
class _Dialplan:
    """What should be in the dialplan, and where its lines are found."""

    check: str
    context: str
    extensions: Sequence[str]
    how_to: str


async def _in_dialplan(
    client: AriClient, asked: _Dialplan, running: Collection[str]
) -> CheckResult:
    name, context = asked.check, asked.context
    try:
        missing = await _missing(client, asked, running)
    except SwitchError as error:
        advice = "look at Asterisk's own log"
        return CheckResult(name=name, ok=False, detail=str(error), advice=advice)
    if missing is None:
        advice = "load func_dialplan.so and start `offhook up` or `offhook links`, then check again"
        detail = f"Asterisk doesn't tell whether there is a context {context}"
        return CheckResult(name=name, ok=True, detail=detail, advice=advice)
    if missing:
        detail = f"the dialplan has no {', '.join(f'{context},{one},1' for one in missing)}"
        advice = f"put {context} into extensions.conf: {asked.how_to}"
        return CheckResult(name=name, ok=False, detail=detail, advice=advice)
    return CheckResult(name=name, ok=True, detail=f"{context} is in the dialplan")


async def _missing(
    client: AriClient, asked: _Dialplan, running: Collection[str]
) -> Sequence[str] | None:
    """Extensions that the context should have and hasn't; None when Asterisk can't say.

    The dialplan can be asked about only from a channel, so one is made that calls nobody; without
    a connected application it would be gone at once.
    """
    if "func_dialplan" not in running or await client.application() is None:
        return None
    channel = check_channel(client.settings.app, secrets.token_hex(4))
    context = asked.context
    nobody = f"Local/{asked.extensions[0]}@{context}"
    await client.command(wire_media.create(channel, endpoint=nobody, app=client.settings.app))
    try:
        there = [await _exists(client, channel, context, name) for name in asked.extensions]
        return [name for name, found in zip(asked.extensions, there, strict=True) if not found]
    finally:
        await asyncio.shield(client.command(wire_requests.hang_up(channel)))


async def _exists(client: AriClient, channel: str, context: str, extension: str) -> bool:
    path = wire_media.variable_path(channel, f"DIALPLAN_EXISTS({context},{extension},1)")
    return (await client.ask(path, "dialplan", _VARIABLE)).value == "1"


def _device_state(running: Collection[str]) -> CheckResult:
    if _BLOCKS not in running:
        return CheckResult(name="device_state", ok=True, detail=f"{_BLOCKS} is not loaded")
    return CheckResult(
        name="device_state",
        ok=True,
        detail=f"{_BLOCKS} is loaded, and offhook doesn't need it",
        advice=f"noload = {_BLOCKS}.so, if nothing else needs it: with it the application can "
        "block for ever when an event socket closes (asterisk/asterisk#2170)",
    )
