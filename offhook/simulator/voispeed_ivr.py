"""Responders of the simulated VOIspeed: a root node that runs a script, and the people in it.

A call is walked through one node, as a PBX does it: play, gather at most so many keys, ask the
script's URL, obey the lines that come back. What isn't understood ends the call. Callers are
scripted: what they key each time they are asked, or that they say nothing, or hang up. Faults are
those of a line between a PBX and a script: a question asked twice, an answer that got lost, a
changed tag, a PBX that forgets the call.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from itertools import count
from typing import Annotated

import aiohttp
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

from offhook.switches.voispeed import wire_ivr as wire
from offhook.switches.voispeed.wire_codec import Dialect, WireError
from offhook.switches.voispeed.wire_tables import IvrNodeAction

KEPT = 10_000
HANG_UP = "!"
_LICENSE = "SIM0000000000"


class IvrFault(StrEnum):
    """What goes wrong between the PBX and the script, at one question of a call."""

    repeat = "repeat"
    """The question comes twice at once."""
    lose_answer = "lose_answer"
    """The answer gets lost, and the question comes again."""
    change_tag = "change_tag"
    forget = "forget"
    """The PBX forgets the call without a word."""


class CallerScript(BaseModel):
    """Somebody who calls a responder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    script_url: Annotated[str, Field(max_length=1000, pattern=r"^https?://")]
    """The address entered at the root node."""
    ivr_id: str = "9"
    calling: str = "+390230210082"
    called: str = "800"
    keys: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """What is keyed each time it is asked for: keys, nothing, or `!` to hang up. Afterwards
    nothing.
    """
    think_s: Annotated[float, Field(ge=0, le=600)] = 0.2
    """How long somebody takes to key."""
    message_s: Annotated[float, Field(ge=0, le=600)] = 0.1
    """How long an audio file plays."""
    talk_s: Annotated[float, Field(ge=0, le=36_000)] | None = None
    """How long they talk once they were put through; without it nobody hangs up."""
    faults: dict[int, IvrFault] = Field(default_factory=dict)
    """By the number of the question, from 0."""
    at_most: Annotated[int, Field(ge=1, le=2000)] = 300
    """Questions after which they hang up."""


class CallerRecord(BaseModel):
    """What became of a caller. It holds no keys."""

    call_id: str
    end: str = ""
    """`ended` or `transferred` by the script, `hung_up`, `forgotten` or `unanswered`; empty while
    they are in the tree.
    """
    to: str = ""
    """The number, or `type:id` of the entity, that the call was put through to."""
    heard: list[str] = Field(default_factory=list)
    reply_ms: list[float] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Node:
    audio: str = ""
    loop: bool = False
    length: int = 0
    wait: timedelta = timedelta(0)
    url: str = ""
    tag: str = "-1"

    def updated(self, order: wire.UpdateNode) -> _Node:
        return replace(
            self,
            audio=self.audio if order.audio_message is None else order.audio_message,
            loop=self.loop if order.audio_loop is None else order.audio_loop,
            length=self.length if order.input_length is None else order.input_length,
            wait=self.wait if order.input_timeout is None else order.input_timeout,
            url=order.script_url or self.url,
            tag=self.tag if order.script_tag is None else order.script_tag,
        )


class Responders:
    """Everybody who is in a tree, and what became of those who were."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        speed: float = 1.0,
        domain: str = "simulator.test",
        ended: Callable[[str], None] = lambda _call: None,
        timeout_s: float = 30.0,
    ) -> None:
        self._dialect = dialect
        self._speed = speed
        self._domain = domain
        self._ended = ended
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._ids = count(10_001)
        self._calls: set[asyncio.Task[None]] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self.records: deque[CallerRecord] = deque(maxlen=KEPT)

    def call(self, script: CallerScript) -> CallerRecord:
        """Somebody calls; the record fills as they go on."""
        record = CallerRecord(call_id=str(next(self._ids)))
        self.records.append(record)
        task = asyncio.create_task(self._walk(script, record), name=f"caller {record.call_id}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return record

    async def idle(self) -> None:
        """Nobody is in a tree any more."""
        while self._calls:
            await asyncio.gather(*self._calls)

    async def close(self) -> None:
        """Everybody hangs up."""
        going_on = self._calls | self._talks
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def summary(self) -> dict[str, int]:
        """How many calls ended how; those that go on under `talking`."""
        return dict(Counter(record.end or "talking" for record in self.records))

    async def _walk(self, script: CallerScript, record: CallerRecord) -> None:
        node, keys = _Node(url=script.script_url), deque(script.keys)
        for question in range(script.at_most):
            typed = await self._run(node, keys, script, record)
            if typed == HANG_UP:
                break
            fault = script.faults.get(question)
            if fault is IvrFault.forget:
                record.end = "forgotten"
                return
            order = await self._ask(script, record, node, typed, fault)
            if not isinstance(order, wire.UpdateNode) or order.node_action not in (
                None,
                IvrNodeAction.script,
            ):
                self._finish(script, record, order)
                return
            node = node.updated(order)
        record.end = "hung_up"
        self._ended(record.call_id)

    async def _run(
        self, node: _Node, keys: deque[str], script: CallerScript, record: CallerRecord
    ) -> str:
        """Play and gather; what was keyed."""
        if node.audio:
            record.heard.append(node.audio)
        wait = node.wait.total_seconds()
        if not node.length:
            await self._pass(script.message_s if node.audio and not node.loop else wait)
            return ""
        typed = keys.popleft() if keys else ""
        if typed:
            await self._pass(script.think_s)
            return typed if typed == HANG_UP else typed[: node.length]
        await self._pass((script.message_s if node.audio and not node.loop else 0) + wait)
        return ""

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    async def _ask(
        self,
        script: CallerScript,
        record: CallerRecord,
        node: _Node,
        typed: str,
        fault: IvrFault | None,
    ) -> wire.ScriptReply | None:
        tag = f"{node.tag}7" if fault is IvrFault.change_tag else node.tag
        call = wire.ScriptCall(
            license_id=_LICENSE,
            domain=self._domain,
            ivr_id=script.ivr_id,
            node_id="0",
            call_id=record.call_id,
            calling=script.calling,
            called=script.called,
            input=typed,
            script_tag=tag,
        )
        url = URL(node.url).update_query(call.to_params(self._dialect))
        if fault is IvrFault.lose_answer:
            await self._get(url)
        began = time.perf_counter()
        if fault is IvrFault.repeat:
            body, twin = await asyncio.gather(self._get(url), self._get(url))
            if body != twin:
                record.heard.append("(two answers)")
        else:
            body = await self._get(url)
        record.reply_ms.append((time.perf_counter() - began) * 1000)
        if body is None:
            return None
        try:
            return wire.parse_script_reply(body, self._dialect)
        except WireError:
            return wire.EndCall()

    async def _get(self, url: URL) -> str | None:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=500)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        try:
            async with self._session.get(url) as reply:
                return await reply.text() if reply.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _finish(
        self, script: CallerScript, record: CallerRecord, order: wire.ScriptReply | None
    ) -> None:
        match order:
            case None:
                record.end = "unanswered"
            case wire.TransferToNumber():
                record.end, record.to = "transferred", order.recipient_number
            case wire.TransferToEntity():
                record.end = "transferred"
                record.to = f"{int(order.recipient.type)}:{order.recipient.id}"
            case _:
                record.end = "ended"
        if record.end != "transferred":
            self._ended(record.call_id)
        elif script.talk_s is not None:
            talk = asyncio.create_task(self._talk(script.talk_s, record))
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)

    async def _talk(self, seconds: float, record: CallerRecord) -> None:
        await self._pass(seconds)
        self._ended(record.call_id)
