"""An offhook tree on a VOIspeed responder: what a node asks, and the orders that answer it.

One root node with the action "run script" walks any tree: each reply updates that node and has it
run again ("update and run", command 4), until one puts the call through or ends it. A node plays
one audio file and then gathers at most `input_length` keys, so a prompt of several pieces is
several runs of the node, and only the last of them gathers.

The reply's `tag` comes back with the node's next question. It is a number, as in the guide, and
holds the turn that the question answers, the piece that was played, whether the keys are a secret,
what ends them, and a check of 10 bits under the link's secret. What comes with a tag that was
changed on the way is not looked at: it may be a secret.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from activities.ivr_contracts import SessionReply
from ivr.machine_words import Collect, HangUp, Play, Transfer
from ivr.prompts import Piece, PlayFile
from ivr.tree_parts import Destination, Input, InputType
from offhook.switches.ivr_script import Question, UnreadableQuestion
from offhook.switches.voispeed import wire_ivr as wire
from offhook.switches.voispeed.wire_codec import Dialect, EntityRef, WireError
from offhook.switches.voispeed.wire_events import CallTerminated, parse_event
from offhook.switches.voispeed.wire_tables import EntityType, IvrNodeAction

_TURN_BITS, _PART_BITS, _ENDS_BITS, _CHECK_BITS = 12, 5, 2, 10
_ENDS = ("", "#", "*")
_NOT_ASKED = len(_ENDS)
_KEYS = re.compile(r"[0-9*#A-D]{1,32}")
ENTITIES = (EntityType.user, EntityType.group, EntityType.gateway, EntityType.ivr)
"""Kinds of destination that the switch lists."""
_NO_TAG = frozenset({"", "-1"})
"""What a node that no reply has updated yet sends."""
LOOK_AGAIN = timedelta(seconds=5)
"""How long a caller who waits hears the hold audio before the node asks again."""
_AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tag:
    """What a reply tells the next question."""

    turn: int
    part: int = 0
    secret: bool = False
    ends: str = ""
    """The key that ends the input and isn't part of it: `#`, `*`, or none."""
    asked: bool = True
    """Whether keys were asked for; what a caller presses otherwise may be the rest of a PIN."""

    def sealed(self, key: bytes, call_id: str) -> str:
        """The tag as a node carries it: a positive number of at most 30 bits."""
        body = self.turn % 2**_TURN_BITS
        body = body << _PART_BITS | self.part % 2**_PART_BITS
        ends = _ENDS.index(self.ends) if self.asked else _NOT_ASKED
        body = body << _ENDS_BITS | ends
        body = body << 1 | self.secret
        return str(body << _CHECK_BITS | _check(key, call_id, body))


def open_tag(text: str | None, key: bytes, call_id: str) -> Tag | None:
    """The tag that a question carries; None when it carries none, or one that isn't ours."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        return None
    body, check = divmod(int(text), 2**_CHECK_BITS)
    if check != _check(key, call_id, body):
        return None
    rest, secret = divmod(body, 2)
    rest, ends = divmod(rest, 2**_ENDS_BITS)
    turn, part = divmod(rest, 2**_PART_BITS)
    if turn >= 2**_TURN_BITS:
        return None
    asked = ends != _NOT_ASKED
    return Tag(turn, part, secret=bool(secret), ends=_ENDS[ends] if asked else "", asked=asked)


def _check(key: bytes, call_id: str, body: int) -> int:
    digest = hmac.new(key, f"{call_id}\0{body}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:4], "big") & ((1 << _CHECK_BITS) - 1)


@dataclass(frozen=True, slots=True)
class VoispeedScript:
    """The script of a VOIspeed node: `offhook.switches.ivr_script.IvrScript`."""

    dialect: Dialect

    def read(self, params: Mapping[str, str], key: bytes) -> Question:
        """What a node asks; `UnreadableQuestion` when that can't be told, without its contents."""
        try:
            call = wire.parse_script_call(params, self.dialect)
        except WireError as error:
            raise UnreadableQuestion(error.where) from None
        tag = open_tag(call.script_tag, key, call.call_id)
        return Question(
            call_id=call.call_id,
            ivr_id=call.ivr_id,
            calling=(call.calling or "").strip(),
            called=(call.called or "").strip(),
            first=(call.script_tag or "").strip() in _NO_TAG,
            turn=tag.turn if tag else None,
            part=tag.part if tag else 0,
            secret=tag is None or tag.secret,
            keys=_keys(call.input, tag.ends) if tag and tag.asked else "",
        )

    def render(self, reply: SessionReply, call_id: str, key: bytes) -> bytes:
        """The lines that have the node do what a session wants."""
        return wire.render_script_reply(_order(reply, key, call_id), self.dialect).encode()

    def end(self) -> bytes:
        """The lines that end the call: what the guide says a node does when nobody answers it."""
        return wire.render_script_reply(wire.EndCall(), self.dialect).encode()

    def ended_call(self, payload: Mapping[str, str]) -> str | None:
        """The call whose end an event tells of, if it does."""
        event = parse_event(payload, self.dialect)
        return event.call_id if isinstance(event, CallTerminated) else None


def _keys(typed: str | None, ends: str) -> str:
    """What was keyed, as far as it is keys."""
    keys = (typed or "").strip()
    if ends:
        keys = keys.partition(ends)[0]
    return keys if _KEYS.fullmatch(keys) else ""


def _order(reply: SessionReply, key: bytes, call_id: str) -> wire.ScriptReply:
    if reply.agent is not None:
        return wire.TransferToEntity(
            recipient=EntityRef(EntityType.user, reply.agent.address),
            recipient_number=reply.agent.number or None,
        )
    for action in reply.actions:
        if isinstance(action, Transfer):
            return _transfer(action.to)
        if isinstance(action, HangUp):
            return wire.EndCall()
    if reply.ended is not None:
        return wire.EndCall()
    return _node(reply, key, call_id)


def _transfer(to: Destination) -> wire.ScriptReply:
    if to.entity is None or to.id is None:
        return wire.TransferToNumber(recipient_number=to.number or "")
    return wire.TransferToEntity(
        recipient=EntityRef(EntityType[to.entity.value], to.id), recipient_number=to.number
    )


def _node(reply: SessionReply, key: bytes, call_id: str) -> wire.ScriptReply:
    play = next((one for one in reply.actions if isinstance(one, Play)), None)
    collect = next((one for one in reply.actions if isinstance(one, Collect)), None)
    pieces = play.pieces if play else ()
    last = reply.part + 1 >= len(pieces)
    gathers = collect if last else None
    queued = not pieces and reply.phase == "queued"
    tag = Tag(
        reply.turn,
        reply.part,
        secret=gathers is not None and gathers.secret,
        ends=_ends(gathers.input) if gathers else "",
        asked=gathers is not None,
    )
    return wire.UpdateNode(
        audio_message=audio_of(pieces[reply.part]) if pieces else (reply.hold_audio or None),
        audio_loop=bool(play and play.loop) or (queued and bool(reply.hold_audio)),
        # A node waits only while it gathers: in the queue there is a key to press, for nothing.
        input_length=gathers.input.length if gathers else int(queued),
        input_timeout=_wait(reply, gathers, silent=not pieces),
        node_action=IvrNodeAction.script,
        script_tag=tag.sealed(key, call_id),
    )


def _ends(entry: Input) -> str:
    terminated = entry.type is InputType.terminated
    return entry.terminator if terminated and entry.terminator in _ENDS else ""


def _wait(reply: SessionReply, gathers: Collect | None, *, silent: bool) -> timedelta:
    if reply.phase == "queued" and (silent or gathers):
        # Keys are taken for as long as the node plays, and it asks again soon.
        return LOOK_AGAIN
    if reply.phase == "deciding" and silent:
        return _AT_ONCE
    return gathers.input.wait if gathers else timedelta(0)


def audio_of(piece: Piece) -> str:
    """The PBX's name of a piece: a recording's own, or one made of the words that are said.

    `offhook ivr audio` lists them with their words, to be recorded and loaded into the PBX.
    """
    if isinstance(piece, PlayFile):
        return PurePosixPath(piece.file).name
    digest = hashlib.sha256(f"{piece.language}\0{piece.text}".encode()).hexdigest()
    return f"say-{piece.language}-{digest[:12]}.wav"
