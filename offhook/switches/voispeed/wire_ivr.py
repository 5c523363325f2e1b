"""The script hook of a VOIspeed IVR: what a node asks our URL, and the orders we may answer with.

The reply is lines of `key=value`, first of all `command`. A node ends the call when it gets nothing
it understands, so a rendered reply is checked here rather than there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar

from offhook.switches.voispeed import wire_codec as codec
from offhook.switches.voispeed.wire_codec import (
    DEFAULT_DIALECT,
    Dialect,
    EntityRef,
    Named,
    Skip,
    WireError,
)
from offhook.switches.voispeed.wire_tables import IvrNodeAction, ScriptAction


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptCall:
    """A node ran its script: who calls, where in the tree, and the digits keyed (never logged)."""

    license_id: str | None = None
    domain: str | None = None
    ivr_id: Annotated[str, Named("ivrid")]
    node_id: Annotated[str, Named("nodeid")]
    call_id: Annotated[str, Named("callid", ("call_id",))]
    calling: str | None = None
    called: str | None = None
    input: Annotated[str | None, Named("input")] = field(default=None, repr=False)
    script_tag: Annotated[str | None, Named("tag")] = None
    extra: Annotated[Mapping[str, str], Skip()] = field(default_factory=dict)

    def to_params(self, dialect: Dialect = DEFAULT_DIALECT) -> dict[str, str]:
        """The query parameters a node sends."""
        params = codec.dump(self, dialect, scope="ivr")
        for name, value in self.extra.items():
            params.setdefault(name, value)
        return params


def parse_script_call(params: Mapping[str, str], dialect: Dialect = DEFAULT_DIALECT) -> ScriptCall:
    """The question of a node; what we don't know of it stays in `extra`."""
    used: set[str] = set()
    call = codec.load(ScriptCall, params, dialect, scope="ivr", used=used)
    for name, value in params.items():
        if name not in used:
            call.extra[name] = value  # type: ignore[index]  # ours alone until returned
    return call


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptReply:
    """An order to the node that asked."""

    command: ClassVar[ScriptAction]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall(ScriptReply):
    """End the call."""

    command = ScriptAction.end_call


@dataclass(frozen=True, slots=True, kw_only=True)
class NextNode(ScriptReply):
    """Go to the child with this selection key; without such a child the caller stays."""

    command = ScriptAction.next_node

    node_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToNumber(ScriptReply):
    """Send the caller wherever the PBX's routing rules send this number."""

    command = ScriptAction.transfer_to_number

    recipient_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToEntity(ScriptReply):
    """Send the caller to an entity, showing it this number."""

    command = ScriptAction.transfer_to_entity

    recipient_number: str | None = None
    recipient: EntityRef


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateNode(ScriptReply):
    """Change the node and run it again."""

    command = ScriptAction.update_node

    audio_message: str | None = None
    audio_loop: bool | None = None
    input_length: int | None = None
    input_timeout: timedelta | None = None
    node_action: IvrNodeAction | None = None
    script_url: str | None = None
    script_tag: Annotated[str | None, Named("tag")] = None


_REPLIES: Mapping[ScriptAction, type[ScriptReply]] = {
    cls.command: cls for cls in (EndCall, NextNode, TransferToNumber, TransferToEntity, UpdateNode)
}


def render_script_reply(reply: ScriptReply, dialect: Dialect = DEFAULT_DIALECT) -> str:
    """The body that tells the node what to do."""
    lines = {"command": str(int(reply.command)), **codec.dump(reply, dialect, scope="ivr reply")}
    for name, value in lines.items():
        if "\r" in value or "\n" in value:
            raise WireError(
                "a line break in a value", where=f"ivr reply, {name}", link=dialect.link
            )
    return "\r\n".join(f"{name}={value}" for name, value in lines.items())


def parse_script_reply(body: str, dialect: Dialect = DEFAULT_DIALECT) -> ScriptReply:
    """The order in a reply, as the node reads it."""
    params: dict[str, str] = {}
    for line in body.replace("\r", "\n").split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            params[name.strip()] = value.strip().strip("'")
    try:
        action = ScriptAction(int(params.get("command", "")))
    except ValueError as error:
        raise WireError("no command", where="ivr reply", link=dialect.link) from error
    if action not in _REPLIES:
        raise WireError(f"no command {int(action)}", where="ivr reply", link=dialect.link)
    return codec.load(_REPLIES[action], params, dialect, scope="ivr reply")
