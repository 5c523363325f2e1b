"""The PBX families that offhook can drive, and how a stored switch becomes an adapter.

Only the composition root comes here. A family's modules are imported when a switch of it is opened.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from activities.call_check import CallReports
from activities.phonebook import Phonebook
from activities.ports import Switch
from dialer.model import SwitchId
from offhook.errors import OffhookError
from offhook.switches.base import (
    AnswersCallers,
    ConnectsAgents,
    EventStream,
    KeepsCallbacks,
    PlaysMedia,
    RecordsCalls,
    StoresRecordings,
    Supervises,
    SwitchAdapter,
)
from offhook.switches.delivery import EventPath
from offhook.switches.inventory import Inventory


class Family(StrEnum):
    """A kind of PBX that has an adapter."""

    voispeed = "voispeed"
    asterisk = "asterisk"
    xivo = "xivo"


FETCHED = frozenset({Family.asterisk, Family.xivo})
"""Families whose events we fetch: nothing is entered at the PBX."""


KEEPS_CALLBACKS = frozenset({Family.xivo})
"""Families that keep callback lists of their own."""


class UnknownFamily(OffhookError):
    """A switch is of a family that this version has no adapter for."""

    code = "unknown_switch_family"

    def __init__(self, family: str) -> None:
        super().__init__(
            f"there is no adapter for {family[:40]!r}", hint=f"use one of: {', '.join(Family)}"
        )


class BadSwitchSettings(OffhookError):
    """The settings of a switch are missing something or make no sense."""

    code = "bad_switch_settings"

    def __init__(self, name: str, problems: str) -> None:
        super().__init__(
            f"switch {name}: {problems}", hint="correct it with `offhook switch add --replace`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchConfig:
    """A switch as it is stored."""

    switch_id: SwitchId
    family: str
    name: str
    settings: Mapping[str, object]
    secret: str = field(repr=False)
    """What the PBX asks of us: a token or password."""
    hook_secret: str = field(repr=False)
    """What we ask of the PBX: the secret segment of its event URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRules:
    """What the event receiver must know of a switch."""

    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSwitch:
    """A switch ready to be used."""

    config: SwitchConfig
    adapter: SwitchAdapter
    hook: HookRules
    inventory: Callable[[], Awaitable[Inventory]]
    """Read what can be imported; raises `SwitchError`."""
    phonebook: Phonebook | None = None
    """The PBX's directory, in families that have one; closed with the adapter."""
    reports: CallReports | None = None
    """The PBX's own call report, in families that have one; closed with the adapter."""
    recorder: RecordsCalls | None = None
    """Recording on and off, in families that do it; closed with the adapter."""
    stream: EventStream | None = None
    """Where events are fetched, in families that don't deliver them to the hook."""
    recordings: StoresRecordings | None = None
    """Files of recordings, in families that hand them out; closed with the adapter."""
    supervisor: Supervises | None = None
    """Listening to talks, in families that let somebody; closed with the adapter."""
    media: PlaysMedia | None = None
    """Prompts and keys, in families that have them; closed with the adapter."""
    connector: ConnectsAgents | None = None
    """Calls for an agent at his telephone, in families that make them; closed with the adapter."""
    callbacks: KeepsCallbacks | None = None
    """Callback lists of the PBX's own, in families that have them; closed with the adapter."""
    callers: AnswersCallers | None = None
    """Incoming calls, in families whose calls we drive; closed before the adapter."""
    names_are_ours: bool = False
    """Calls carry the name of this installation: one that nobody here minds may be ended."""


Found = TypeVar("Found", bound=BaseModel)


def open_switch(config: SwitchConfig, *, event_path: EventPath | None = None) -> OpenSwitch:
    """The adapter of a stored switch; nothing is sent before it is used."""
    return _OPENERS[_family(config.family)](config, event_path)


class SwitchOpener:
    """Finds the adapter of a configured switch: `activities.ports.SwitchDirectory`."""

    def __init__(self, load: Callable[[SwitchId], Awaitable[SwitchConfig]]) -> None:
        self._load = load

    async def open(self, switch: SwitchId) -> Switch:
        """A new adapter, which the caller closes."""
        config = await self._load(switch)
        # The first of a family imports its libraries for half a second: not while others' customers
        # wait for the event loop.
        return (await asyncio.to_thread(open_switch, config)).adapter


def _family(name: str) -> Family:
    try:
        return Family(name)
    except ValueError:
        raise UnknownFamily(name) from None


def _open_voispeed(config: SwitchConfig, event_path: EventPath | None) -> OpenSwitch:
    from offhook.switches.voispeed import wire
    from offhook.switches.voispeed.client import VoispeedClient
    from offhook.switches.voispeed.connector import VoispeedConnector
    from offhook.switches.voispeed.phonebook import VoispeedPhonebook
    from offhook.switches.voispeed.reports import VoispeedReports
    from offhook.switches.voispeed.settings import VoispeedSettings
    from offhook.switches.voispeed.switch import VoispeedSwitch

    settings = _parsed(VoispeedSettings, config, {"token": config.secret})
    client = VoispeedClient(settings, config.name)
    adapter = VoispeedSwitch(settings, link=config.name, client=client, event_path=event_path)
    token_names = settings.dialect(config.name).names(wire.Fact.token)
    return OpenSwitch(
        config=config,
        adapter=adapter,
        hook=HookRules(allow=settings.allow, dropped=frozenset(token_names)),
        inventory=adapter.inventory,
        phonebook=VoispeedPhonebook(client),
        reports=VoispeedReports(client, config.name),
        recorder=adapter,
        connector=VoispeedConnector(settings, client, config.name),
    )


def _open_asterisk(config: SwitchConfig, event_path: EventPath | None) -> OpenSwitch:
    from offhook.switches.asterisk.client import AriClient
    from offhook.switches.asterisk.connector import AsteriskConnector
    from offhook.switches.asterisk.ivr import AsteriskIvr
    from offhook.switches.asterisk.media import AsteriskMedia
    from offhook.switches.asterisk.recordings import AsteriskRecordings
    from offhook.switches.asterisk.settings import AsteriskSettings
    from offhook.switches.asterisk.stream import AsteriskStream
    from offhook.switches.asterisk.supervision import AsteriskSupervision
    from offhook.switches.asterisk.switch import AsteriskSwitch

    settings = _parsed(AsteriskSettings, config, {"password": config.secret})
    client = AriClient(settings, config.name)
    adapter = AsteriskSwitch(settings, link=config.name, client=client, event_path=event_path)
    stream = AsteriskStream(client, link=config.name)
    return OpenSwitch(
        config=config,
        adapter=adapter,
        hook=HookRules(),
        inventory=adapter.inventory,
        stream=stream,
        callers=AsteriskIvr(client, stream, config.switch_id),
        recordings=AsteriskRecordings(client, link=config.name),
        supervisor=AsteriskSupervision(client, link=config.name),
        media=AsteriskMedia(client, link=config.name),
        connector=AsteriskConnector(client, link=config.name),
        names_are_ours=True,
    )


def _open_xivo(config: SwitchConfig, event_path: EventPath | None) -> OpenSwitch:
    from offhook.switches.xivo.callback_book import CallbackNews, XivoCallbacks
    from offhook.switches.xivo.client import XivoClient
    from offhook.switches.xivo.connector import XivoConnector
    from offhook.switches.xivo.settings import XivoSettings
    from offhook.switches.xivo.stream import XivoStream
    from offhook.switches.xivo.switch import XivoSwitch

    settings = _parsed(XivoSettings, config, {"password": config.secret})
    heard = CallbackNews()
    client = XivoClient(settings, config.name, on_event=heard.tell, on_open=heard.opened)
    connector = XivoConnector(settings, client)
    adapter = XivoSwitch(settings, link=config.name, client=client, event_path=event_path)
    return OpenSwitch(
        config=config,
        adapter=adapter,
        hook=HookRules(),
        inventory=adapter.inventory,
        stream=XivoStream(settings, link=config.name),
        connector=connector,
        callbacks=XivoCallbacks(settings, connector, heard),
    )


def _parsed(model: type[Found], config: SwitchConfig, secrets: Mapping[str, str]) -> Found:
    try:
        return model.model_validate({**config.settings, **secrets})
    except ValidationError as error:
        # By name and reason only: an input may be the secret itself.
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'settings'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
    raise BadSwitchSettings(config.name, problems)


_OPENERS: Mapping[Family, Callable[[SwitchConfig, EventPath | None], OpenSwitch]] = {
    Family.voispeed: _open_voispeed,
    Family.asterisk: _open_asterisk,
    Family.xivo: _open_xivo,
}
