"""One caller: what the session wants is done on his channel, and what he does is told to it.

The session is the memory. What is kept here can be lost at any moment: whoever comes next asks the
session what the caller is to hear, and says it again. So nothing here is written down, every word
to the session names its turn, and a word that can't be delivered is repeated for as long as the
caller is there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from activities.ivr import Secrets
from activities.ivr_contracts import AgentFound, Heard, SessionReply, StartSession, StepSession
from activities.ports import StoreUnavailable
from ivr.machine_words import AnyEvent, Digits, EndReason, Phase, PromptFinished
from ivr.tree_parts import Destination
from offhook.errors import OffhookError
from offhook.switches.asterisk.ivr_conversation import (
    Conversation,
    Hush,
    Keep,
    Music,
    Order,
    PutThrough,
    Release,
    Say,
    Tell,
    Wait,
)
from offhook.switches.asterisk.ivr_line import Line
from offhook.switches.base import Sessions

log = structlog.get_logger()

PATIENCE = timedelta(seconds=10)
"""How long a session is asked to hold back its answer until there is something new."""
FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=3)
GIVE_UP = timedelta(minutes=2)
"""How long a caller is left to wait for a session that can't be reached."""
_LAST = 31
"""All pieces of a prompt have been played."""
_OVER = "ivr_session_over"
"""The code of an error that trying again can't mend."""
STAYS = frozenset({EndReason.connected, EndReason.transferred})
"""Ends of a session after which the call goes on."""


@dataclass(frozen=True)
class Services:
    """What every caller's task uses."""

    sessions: Sessions
    secrets: Secrets
    address: Callable[[Destination], str | None]
    """How a destination is dialled; None when the switch has no way to it."""
    ring_for: timedelta


@dataclass
class Caller:
    """One call. `run` is its life in the trees; events come in by the methods below it."""

    line: Line
    start: StartSession
    services: Services
    joined: int | None = None
    """The telephone that took the call."""
    over: bool = False
    _talk: Conversation = field(default_factory=Conversation)
    _inbox: asyncio.Queue[Callable[[], list[Order]] | SessionReply] = field(
        default_factory=asyncio.Queue
    )
    _serial: int = -1
    _agent: AgentFound | None = None
    _hold: str = ""
    _ended: EndReason | None = None
    _legs: int = 0
    _ringing: asyncio.Future[bool] | None = None
    _ringing_leg: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _timer: asyncio.TimerHandle | None = None
    _poll: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Answer, and do what the session wants until it has ended or the caller is gone."""
        try:
            reply = await self._say(StepSession())
            if reply is None:
                await self._give_up()
                return
            await self.line.answer()
            await self._obey(reply)
            while self._ended is None and not self.over:
                await self._next()
            if self._ended in STAYS:
                await self._while_ringing()
        finally:
            for task in (*self._tasks, self._poll):
                if task is not None:
                    task.cancel()
            self._stop_timer()

    def pressed(self, key: str) -> None:
        """He pressed a key."""
        at = datetime.now(UTC)
        self._inbox.put_nowait(lambda: self._talk.pressed(key, at))

    def said(self, playback: int) -> None:
        """A playback of his has ended."""
        at = datetime.now(UTC)
        self._inbox.put_nowait(lambda: self._talk.said(playback, at))

    def leg_answered(self, leg: str) -> None:
        """A telephone that is rung for him was answered."""
        self._leg(leg, answered=True)

    def leg_gone(self, leg: str) -> bool:
        """A telephone's channel is gone; true if it was the one that he talks with."""
        self._leg(leg, answered=False)
        return self.joined is not None and leg == self.line.names.leg(self.joined)

    def hung_up(self) -> None:
        """He is gone."""
        self.over = True
        self._inbox.put_nowait(list)

    async def farewell(self) -> None:
        """What is left to do once he is gone: let a ringing telephone go, and tell the session."""
        if self._ringing_leg and self._ringing_leg != self.joined:
            await self.line.drop(self._ringing_leg)
        if self._serial >= 0:
            pause = FIRST_PAUSE
            while pause < GIVE_UP:
                try:
                    start = self.start
                    await self.services.sessions.caller_gone(start.switch_id, start.call_id)
                except Exception as error:
                    # Of whatever kind: its own timers end the session at the latest.
                    log.warning("ivr_end_not_told", error=type(error).__name__)
                    await asyncio.sleep(pause.total_seconds())
                    pause *= 2
                else:
                    return

    # What the session says

    async def _next(self) -> None:
        got = await self._inbox.get()
        if self.over:
            return
        if isinstance(got, SessionReply):
            await self._obey(got)
        else:
            await self._carry_out(got())

    async def _obey(self, reply: SessionReply) -> None:
        """Do what is new in a reply, and go on listening for the next."""
        if reply.serial > self._serial:
            self._serial = reply.serial
            self._ended = reply.ended
            self._hold = reply.hold_audio
            if reply.ended in STAYS:
                return
            agent, self._agent = self._agent, reply.agent
            await self._carry_out(self._talk.do(reply.turn, reply.phase, reply.actions))
            if reply.agent is not None and reply.agent != agent:
                self._spawn(self._offer(reply.agent, reply.turn))
            if reply.phase is Phase.ended:
                self.over = True
        if self._ended is None and not self.over:
            self._listen()

    def _listen(self) -> None:
        """Have the next thing that the session decides by itself put into the inbox."""
        if self._poll is not None:
            self._poll.cancel()
        self._poll = asyncio.create_task(self._news(), name="ivr news")

    async def _news(self) -> None:
        known = StepSession(known=max(0, self._serial), patience=PATIENCE)
        reply = await self._say(known)
        if reply is not None:
            self._inbox.put_nowait(reply)
        else:
            await self._give_up()

    async def _say(self, step: StepSession) -> SessionReply | None:
        """Tell the session, again and again if need be; None when that was in vain."""
        loop = asyncio.get_running_loop()
        pause, until = FIRST_PAUSE, loop.time() + GIVE_UP.total_seconds()
        sessions, start = self.services.sessions, self.start
        while not self.over:
            try:
                if self._serial < 0:
                    return await sessions.begin(start, step)
                return await sessions.step(start.switch_id, start.call_id, step)
            except (OffhookError, StoreUnavailable) as error:
                _raise_if_cancelled()
                log.warning("ivr_session_unreachable", call=self.line.call, error=str(error)[:200])
                if error.code == _OVER:
                    return None
            if loop.time() >= until:
                return None
            await asyncio.sleep(pause.total_seconds() * random.uniform(1.0, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)
        return None

    async def _tell(self, step: StepSession) -> None:
        reply = await self._say(step)
        if reply is not None:
            await self._obey(reply)
        else:
            await self._give_up()

    async def _give_up(self) -> None:
        """Nobody says what he is to hear."""
        if not self.over:
            log.error("ivr_caller_given_up", call=self.line.call)
            self.hung_up()
            await self.line.hang_up()

    # What is to be done

    async def _carry_out(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case Say():
                    if not await self.line.say(order.playback, order.pieces):
                        self.said(order.playback)
                case Hush():
                    await self.line.hush(order.playback)
                case Wait():
                    self._wait(order.after)
                case Music():
                    await self.line.music(self._hold if order.on else None)
                case Tell():
                    await self._tell(_step(order.event))
                case Keep():
                    await self._keep(order)
                case PutThrough():
                    self._spawn(self._put_through(order))
                case Release():
                    await self.line.hang_up()

    def _wait(self, after: timedelta | None) -> None:
        self._stop_timer()
        if after is None:
            return

        def ran_out() -> None:
            at = datetime.now(UTC)
            self._inbox.put_nowait(lambda: self._talk.ran_out(at))

        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(after.total_seconds(), ran_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def _keep(self, order: Keep) -> None:
        """Have the digits sealed, and tell the session what stands for them."""
        for _ in range(3):
            with suppress(StoreUnavailable):
                secret = await self.services.secrets.keep(order.keys, call=self.line.call)
                await self._tell(StepSession(turn=order.turn, heard=Heard.typed, secret=secret))
                return
            await asyncio.sleep(LONGEST_PAUSE.total_seconds() / 3)
        log.error("ivr_digits_not_kept", call=self.line.call)
        await self._tell(StepSession(turn=order.turn, heard=Heard.returned, part=_LAST))

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]  # a coroutine of ours
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Who takes the call

    async def _put_through(self, order: PutThrough) -> None:
        address = self.services.address(order.to)
        if address is None:
            log.error("ivr_destination_unknown", to=str(order.to))
        ok = address is not None and await self._connect(address)
        await self._answer_turn(order.turn, ok=ok)

    async def _offer(self, agent: AgentFound, turn: int) -> None:
        await self._answer_turn(turn, ok=await self._connect(agent.address))

    async def _answer_turn(self, turn: int, *, ok: bool) -> None:
        heard = Heard.carried if ok else Heard.failed
        reply = await self._say(StepSession(turn=turn, heard=heard))
        if reply is not None:
            self._inbox.put_nowait(reply)

    async def _connect(self, address: str) -> bool:
        """Ring a telephone, and have the two talk when it is answered."""
        self._legs += 1
        leg = self._ringing_leg = self._legs
        self._ringing = asyncio.get_running_loop().create_future()
        try:
            if not await self.line.ring(leg, address, timeout=self.services.ring_for):
                return False
            limit = self.services.ring_for.total_seconds() + 5
            answered = await asyncio.wait_for(self._ringing, limit)
        except TimeoutError:
            answered = False
        finally:
            self._ringing = None
        if answered and await self.line.join(leg):
            self.joined = leg
            return True
        await self.line.drop(leg)
        return False

    def _leg(self, leg: str, *, answered: bool) -> None:
        waits = self._ringing is not None and leg == self.line.names.leg(self._ringing_leg)
        if waits and self._ringing is not None and not self._ringing.done():
            self._ringing.set_result(answered)

    async def _while_ringing(self) -> None:
        """Let what is under way end: the session may end before our last word has come back."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def _step(event: AnyEvent) -> StepSession:
    match event:
        case Digits():
            return StepSession(turn=event.turn, heard=Heard.typed, digits=event.digits)
        case PromptFinished():
            return StepSession(turn=event.turn, heard=Heard.prompt_finished)
        case _:
            return StepSession(turn=getattr(event, "turn", None), heard=Heard.returned, part=_LAST)


def _raise_if_cancelled() -> None:
    """Temporal's client tells the cancellation of an update as a failure of it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
