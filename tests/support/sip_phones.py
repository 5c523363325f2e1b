"""Telephones over real SIP (UDP), for tests that need to decide what each of them does.

Enough of RFC 3261's user agent server for a PBX to call: provisional and final answers, CANCEL,
BYE from either side, re-INVITE and repeats. A telephone that has a tone says it and keeps what it
hears; the others have no sound: their session description offers a port that nobody reads. Whom a
call is for is the user part of the request's address.
"""

import asyncio
import contextlib
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.support.sip_sound import Sound, sound_of

_REASONS = {
    180: "Ringing", 183: "Session Progress", 200: "OK", 404: "Not Found",
    408: "Request Timeout", 480: "Temporarily Unavailable", 486: "Busy Here",
    487: "Request Terminated", 503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """What one telephone does when it is called."""

    ring_s: float | None = 0.02
    """None: it says nothing of ringing before its answer."""
    answer: int | None = 200
    """The final answer after ringing; None rings until the caller gives up."""
    hang_up_after_s: float | None = None
    tone: int | None = None
    """What it says, in hertz."""


@dataclass(slots=True)
class _Message:
    start: str
    headers: list[tuple[str, str]]
    body: str = ""

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(slots=True)
class SipCall:
    """A call that a telephone got."""

    user: str
    invite: _Message
    peer: tuple[str, int]
    tag: str
    up: bool = False
    over: bool = False
    answered: bool = False
    """A final answer was given."""
    cseq: int = 100
    task: "asyncio.Task[None] | None" = None
    sound: Sound | None = None

    def header(self, name: str) -> str:
        """A header of the request that called, or nothing."""
        return self.invite.get(name.lower())


@dataclass(slots=True)
class SipPhones(asyncio.DatagramProtocol):
    """Any number of telephones behind one port."""

    scripts: dict[str, Phone] = field(default_factory=dict)
    default: Phone = field(default_factory=Phone)
    calls: list[SipCall] = field(default_factory=list)
    rung: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _by_id: dict[str, SipCall] = field(default_factory=dict)
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = _parse(data.decode("utf-8", "replace"))
        method = message.start.partition(" ")[0]
        if method == "SIP/2.0":
            return
        call = self._by_id.get(message.get("call-id"))
        if method == "INVITE" and call is None:
            self._called(message, addr)
        elif method == "INVITE" and call is not None and call.up:
            self._reply(message, addr, 200, call.tag, sdp=_sdp(call))
        elif method == "CANCEL" and call is not None:
            self._reply(message, addr, 200, call.tag)
            self._finish(call, 487)
        elif method == "BYE":
            self._reply(message, addr, 200, call.tag if call else "gone")
            if call is not None:
                self._end(call)
        elif method in ("OPTIONS", "INFO", "UPDATE"):
            self._reply(message, addr, 200, call.tag if call else "none")

    def live(self, user: str) -> list[SipCall]:
        """The calls of a telephone that are not over."""
        return [call for call in self.calls if call.user == user and not call.over]

    def hang_up(self, user: str) -> None:
        """Put the receiver down: BYE."""
        for call in self.live(user):
            if call.up:
                self._bye(call)

    def close(self) -> None:
        """Let go of everything."""
        for call in self.calls:
            if call.task is not None:
                call.task.cancel()
            if call.sound is not None:
                call.sound.end()
        if self._transport is not None:
            self._transport.close()

    def _called(self, message: _Message, addr: tuple[str, int]) -> None:
        found = re.match(r"INVITE sip:([^@;>\s]*)", message.start)
        user = found[1] if found else ""
        call = SipCall(user=user, invite=message, peer=addr, tag=f"t{len(self.calls)}")
        self.calls.append(call)
        self._by_id[message.get("call-id")] = call
        self.rung[user] += 1
        self._reply(message, addr, 100, "")
        script = self.scripts.get(user, self.default)
        call.task = asyncio.get_running_loop().create_task(self._play(call, script))

    async def _play(self, call: SipCall, script: Phone) -> None:
        if script.ring_s is not None:
            self._reply(call.invite, call.peer, 180, call.tag)
            await asyncio.sleep(script.ring_s)
        if script.answer is None:
            return
        if script.tone is not None:
            call.sound = await sound_of(script.tone)
            call.sound.begin(call.invite.body)
        self._finish(call, script.answer)
        if script.answer == 200 and script.hang_up_after_s is not None:
            await asyncio.sleep(script.hang_up_after_s)
            self._bye(call)

    def _finish(self, call: SipCall, code: int) -> None:
        if call.answered:
            return
        call.answered = True
        call.up = code == 200
        self._reply(call.invite, call.peer, code, call.tag, sdp=_sdp(call) if call.up else "")
        if not call.up:
            self._end(call)

    def _end(self, call: SipCall) -> None:
        call.up, call.over = False, True
        if call.task is not None and call.task is not asyncio.current_task():
            call.task.cancel()
        if call.sound is not None:
            call.sound.end()

    def _bye(self, call: SipCall) -> None:
        call.cseq += 1
        target = re.search(r"sip:[^>]*", call.invite.get("contact"))
        lines = [
            f"BYE {target[0] if target else ''} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: {call.invite.get('to')};tag={call.tag}",
            f"To: {call.invite.get('from')}",
            f"Call-ID: {call.invite.get('call-id')}",
            f"CSeq: {call.cseq} BYE",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        self._send(lines, "", call.peer)
        self._end(call)

    def _reply(
        self, message: _Message, addr: tuple[str, int], code: int, tag: str, *, sdp: str = ""
    ) -> None:
        to = message.get("to")
        if tag and "tag=" not in to:
            to = f"{to};tag={tag}"
        lines = [f"SIP/2.0 {code} {_REASONS.get(code, 'Trying')}"]
        lines += [f"Via: {via}" for via in message.all("via")]
        lines += [f"Record-Route: {route}" for route in message.all("record-route")]
        lines += [f"From: {message.get('from')}", f"To: {to}"]
        lines += [f"Call-ID: {message.get('call-id')}", f"CSeq: {message.get('cseq')}"]
        lines.append(f"Contact: <sip:127.0.0.1:{self.port}>")
        if sdp:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(sdp)}")
        self._send(lines, sdp, addr)

    def _send(self, lines: list[str], body: str, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), addr)


def _sdp(call: SipCall) -> str:
    port = call.sound.port if call.sound else 9
    lines = ["v=0", "o=phone 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
             f"m=audio {port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv"]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


def _parse(text: str) -> _Message:
    head, _, body = text.partition("\r\n\r\n")
    start, *rest = head.split("\r\n")
    headers = []
    for line in rest:
        name, _, value = line.partition(":")
        headers.append((name.strip(), value.strip()))
    return _Message(start, headers, body)


@asynccontextmanager
async def sip_phones(port: int = 0) -> AsyncIterator[SipPhones]:
    """Telephones on a port of the loopback, a free one unless said."""
    loop = asyncio.get_running_loop()
    _, phones = await loop.create_datagram_endpoint(SipPhones, local_addr=("127.0.0.1", port))
    try:
        yield phones
    finally:
        with contextlib.suppress(RuntimeError):
            phones.close()
