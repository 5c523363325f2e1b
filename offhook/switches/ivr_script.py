"""Switches whose responders ask our URL what to do: VOIspeed's script hook, so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from pydantic import ValidationError

from activities.ivr_contracts import SessionReply
from dialer.model import SwitchId
from offhook.errors import OffhookError
from offhook.switches.registry import BadSwitchSettings, Family, SwitchConfig


class UnreadableQuestion(OffhookError):
    """A switch asked something that makes no sense; the message holds nothing of it."""

    code = "ivr_question_unreadable"

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: the question can't be read",
            hint="compare the parameters that the switch sends with the link's parameter names",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a responder asks, for one call."""

    call_id: str
    ivr_id: str
    calling: str
    called: str
    first: bool
    """It has had no answer of ours yet."""
    turn: int | None
    """The turn that it answers; None when it doesn't say, or can't be believed."""
    part: int = 0
    secret: bool = True
    """The keys may be a PIN: store them before anything else sees them."""
    keys: str = field(default="", repr=False)


class IvrScript(Protocol):
    """How a family asks, and how it is answered. `key` is the link's own secret."""

    def read(self, params: Mapping[str, str], key: bytes) -> Question:
        """What is asked; `UnreadableQuestion` when that can't be told, without its contents."""
        ...

    def render(self, reply: SessionReply, call_id: str, key: bytes) -> bytes:
        """The body that has the responder do what a session wants."""
        ...

    def end(self) -> bytes:
        """The body that ends the call."""
        ...

    def ended_call(self, payload: Mapping[str, str]) -> str | None:
        """The call whose end an event tells of, if it does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRoute:
    """How the questions of one switch come in."""

    switch_id: SwitchId
    family: str
    secret: str = field(repr=False)
    script: IvrScript
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Empty means any address."""


def script_route(config: SwitchConfig) -> ScriptRoute | None:
    """How a switch asks; None for families that don't."""
    if config.family != Family.voispeed:
        return None
    from offhook.switches.voispeed.ivr import VoispeedScript
    from offhook.switches.voispeed.settings import VoispeedSettings

    try:
        settings = VoispeedSettings.model_validate({**config.settings, "token": config.secret})
    except ValidationError as error:
        problems = [problem["type"] for problem in error.errors(include_input=False)]
        raise BadSwitchSettings(config.name, "; ".join(problems)) from None
    return ScriptRoute(
        switch_id=config.switch_id,
        family=config.family,
        secret=config.hook_secret,
        script=VoispeedScript(settings.dialect(config.name)),
        allow=settings.allow,
    )


async def destinations(config: SwitchConfig) -> frozenset[str] | None:
    """What a switch can put a call through to, as `group:5`; None for families that can't tell."""
    if config.family != Family.voispeed:
        return None
    from offhook.switches.voispeed.client import VoispeedClient
    from offhook.switches.voispeed.ivr import ENTITIES
    from offhook.switches.voispeed.settings import VoispeedSettings

    settings = VoispeedSettings.model_validate({**config.settings, "token": config.secret})
    client = VoispeedClient(settings, config.name)
    try:
        found = [
            f"{kind.name}:{one.id}" for kind in ENTITIES for one in await client.entities(kind)
        ]
    finally:
        await client.aclose()
    return frozenset(found)
