"""One user's session on xuc: a token by HTTP, a WebSocket kept alive, commands with an answer.

xuc answers no command, but it carries them out in order. So every command is followed by a ping,
and the echo says that the command was taken; an error told before the echo is the command's. What
was on its way when the connection broke may have been carried out, and is not sent again by itself;
questions are, and commands of which no byte had left this machine.

A session connects when it is first needed and keeps connected until closed: a broken connection is
made again after a pause that grows and has jitter, with a new token where the old one is refused.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import structlog

from dialer.switching import SwitchError, SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.xivo import wire
from offhook.switches.xivo.auth import Authority, LoginRefused
from offhook.switches.xivo.sending import NeverLeft, send_at_once
from offhook.switches.xivo.settings import Account, XivoSettings
from offhook.switches.xivo.wire_events import AgentError, Error, RightProfile, UserConfigUpdate
from offhook.telemetry import counter

log = structlog.get_logger()

BACK_WITHIN = 3.0
"""Seconds that a connection which was there is waited for, however many attempts fail."""
SENDS = 5
"""Connections that a command is tried on whose end came before it."""
SILENT_PINGS = 3
"""Signs of life without any message back, after which a connection is taken for dead."""
REFUSED_PAUSE = 30.0
"""Seconds before a refused login is tried again, lest the account be locked."""

_MESSAGES = counter(
    "dialer_xivo_messages_total",
    "Messages from xuc by how they were taken: known, unknown, malformed.",
    labels=("result",),
)

E = TypeVar("E", bound=wire.Event)


@dataclass(slots=True)
class _Question:
    kind: type[wire.Event]
    matches: Callable[[wire.Event], bool]
    reply: asyncio.Future[wire.Event]


@dataclass(slots=True)
class _Link:
    """A connection, and what waits for its answer."""

    socket: aiohttp.ClientWebSocketResponse
    heard_at: float
    echoes: deque[asyncio.Future[None] | None] = field(default_factory=deque)
    """One for every ping sent; None where nobody waits."""
    questions: list[_Question] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Session:
    """One user's session; create and close it in the same event loop."""

    def __init__(
        self,
        account: Account,
        settings: XivoSettings,
        authority: Authority,
        *,
        link: str,
        on_event: Callable[[Session, wire.Event], None] | None = None,
        on_open: Callable[[Session], Awaitable[None]] | None = None,
    ) -> None:
        self.account = account
        self.user: UserConfigUpdate | None = None
        """What xuc last said of the user."""
        self.profile = ""
        self.unknown: Counter[str] = Counter()
        """Messages that this version does not know, by name."""
        self.malformed = 0
        self.connections = 0
        self._settings = settings
        self._authority = authority
        self._name = f"link {link}, user {account.login}"
        self._on_event = on_event
        self._on_open = on_open
        self._exchange = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._hurry = asyncio.Event()
        self._attempts = 0
        self._lost_at = -math.inf
        self._failure: SwitchError | None = None
        self._link: _Link | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def refused(self) -> bool:
        """xuc does not take the user's login."""
        return self._link is None and isinstance(self._failure, LoginRefused)

    @property
    def open(self) -> bool:
        """Whether there is a connection."""
        return self._link is not None

    def start(self) -> None:
        """Connect, and stay connected."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"xuc {self.account.login}")

    async def aclose(self) -> None:
        """Log off."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._link = self._failure = None

    async def ready(self) -> None:
        """Be connected, and know what xuc says first of the user."""
        async with self._exchange:
            link = await self._connected()
            await self._echoed(link)

    async def tell(self, command: wire.Command) -> None:
        """Have a command carried out once; returns when xuc has taken it."""
        async with self._exchange:
            for _ in range(SENDS):
                link = await self._connected()
                link.errors.clear()
                with suppress(NeverLeft):
                    await self._echoed(link, command)
                    break
            else:
                raise SwitchUnavailable(
                    f"{self._name}: {command.name} could not be sent, {SENDS} connections ended "
                    "before it; look at the network"
                )
            if link.errors:
                raise SwitchRefused(
                    f"{self._name}: {command.name} was refused: {'; '.join(link.errors)[:200]}"
                )

    async def ask(
        self,
        question: wire.Command,
        kind: type[E],
        *,
        matches: Callable[[E], bool] = lambda _: True,
    ) -> E:
        """The event that answers a question; asked again where none comes."""
        failure: SwitchError
        for _ in range(self._settings.read_retries + 1):
            async with self._exchange:
                try:
                    found = await self._ask_once(question, kind, matches)
                except SwitchUnclear as error:
                    failure = error
                    continue
            if isinstance(found, kind):
                return found
        raise failure

    async def _echoed(self, link: _Link, command: wire.Command | None = None) -> None:
        """Send a command, if any, and a ping; returns with its echo."""
        echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._settings.reply_timeout.total_seconds()):
                if command is not None:
                    await send_at_once(link.socket, wire.render_command(command))
                link.echoes.append(echo)
                await link.socket.send_str(wire.PING)
                await echo
        except NeverLeft:
            await self._drop(link)
            raise
        except (TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            # What comes later could not be told from the answer to something else.
            await self._drop(link)
            if link.errors:
                return
            what = command.name if command is not None else "a ping"
            raise SwitchUnclear(
                f"{self._name}: {what} was sent and not confirmed ({type(error).__name__}); "
                "look at the switch's calls before asking again"
            ) from None

    async def _ask_once(
        self, question: wire.Command, kind: type[E], matches: Callable[[E], bool]
    ) -> wire.Event:
        link = await self._connected()
        reply: asyncio.Future[wire.Event] = asyncio.get_running_loop().create_future()

        def answers(event: wire.Event) -> bool:
            return isinstance(event, kind) and matches(event)

        asked = _Question(kind, answers, reply)
        link.questions.append(asked)
        try:
            async with asyncio.timeout(self._settings.reply_timeout.total_seconds()):
                await link.socket.send_str(wire.render_command(question))
                return await reply
        except (TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            raise SwitchUnclear(
                f"{self._name}: {question.name} got no answer ({type(error).__name__}); "
                "look whether the server is well"
            ) from None
        finally:
            link.questions.remove(asked)

    # -- the connection ------------------------------------------------------------------------

    async def _connected(self) -> _Link:
        """The connection; the failure of an attempt made from now on, where there is none.

        One that was there a moment ago is waited for: what broke it may break the next attempt too.
        """
        self.start()
        wait = 2 * self._settings.connect_timeout.total_seconds()
        begun, loop = self._attempts, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(wait), self._changed:
                while self._link is None:
                    gone_for = loop.time() - self._lost_at
                    failed = self._attempts > begun and gone_for > BACK_WITHIN
                    if failed and self._failure is not None:
                        raise self._failure
                    if self.refused and self._failure is not None:
                        raise self._failure
                    self._hurry.set()
                    await self._changed.wait()
                return self._link
        except TimeoutError:
            raise SwitchUnavailable(
                f"{self._name}: no connection in {wait:.0f} s; look whether the server is well"
            ) from None

    async def _drop(self, link: _Link) -> None:
        """Give a connection up: what it owes is never told apart from what comes later."""
        if self._link is link:
            self._link = None
        await link.socket.close()

    async def _run(self) -> None:
        pause = first = self._settings.reconnect_first.total_seconds()
        longest = self._settings.reconnect_longest.total_seconds()
        while True:
            self._hurry.clear()
            connections = self.connections
            try:
                await self._live()
                failure: SwitchError = SwitchUnavailable(f"{self._name}: the connection was lost")
            except SwitchError as error:
                failure = error
            made = self.connections > connections
            async with self._changed:
                # One that was made and lost says nothing against making another.
                self._link, self._failure = None, None if made else failure
                self._attempts += not made
                self._changed.notify_all()
            if made:
                pause, self._lost_at = first, asyncio.get_running_loop().time()
            log.info("xivo_connection_lost", user=self.account.login, why=str(failure)[:200])
            refused = isinstance(failure, LoginRefused)
            wait = REFUSED_PAUSE if refused else pause * random.uniform(0.5, 1.5)
            pause = min(pause * 2, longest)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await (asyncio.Event() if refused else self._hurry).wait()

    async def _live(self) -> None:
        """Log in, connect and receive until the connection ends."""
        socket = await self._authority.connect(self.account)
        loop = asyncio.get_running_loop()
        link = _Link(socket, loop.time())
        keeping = asyncio.create_task(self._keep_alive(link))
        opening: asyncio.Task[None] | None = None
        async with self._changed:
            self._link, self._failure = link, None
            self.connections += 1
            self._changed.notify_all()
        try:
            if self._on_open is not None:
                opening = asyncio.create_task(self._opened(self._on_open))
            async for message in socket:
                link.heard_at = loop.time()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._receive(link, message.data)
        finally:
            self._link = None
            for task in (keeping, opening):
                if task is not None:
                    task.cancel()
            await socket.close()
            self._abandon(link)

    async def _opened(self, told: Callable[[Session], Awaitable[None]]) -> None:
        try:
            await told(self)
        except SwitchError as error:
            # Half subscribed is worse than not at all: begin again.
            log.warning("xivo_resync_failed", user=self.account.login, why=str(error)[:200])
            if self._link is not None:
                await self._drop(self._link)

    @staticmethod
    def _abandon(link: _Link) -> None:
        for echo in link.echoes:
            if echo is not None and not echo.done():
                echo.set_exception(ConnectionResetError())
        for question in link.questions:
            if not question.reply.done():
                question.reply.set_exception(ConnectionResetError())

    async def _keep_alive(self, link: _Link) -> None:
        every = self._settings.ping_every.total_seconds()
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        with suppress(ConnectionError, aiohttp.ClientError):
            while True:
                await asyncio.sleep(every)
                if loop.time() - link.heard_at > SILENT_PINGS * every:
                    log.warning("xivo_silent", user=self.account.login)
                    await link.socket.close()
                    return
                link.echoes.append(None)
                await link.socket.send_str(wire.PING)
                if loop.time() - renewed > self._settings.token_check_every.total_seconds():
                    renewed = loop.time()
                    with suppress(SwitchError):
                        await self._authority.renew(self.account)

    # -- what comes ----------------------------------------------------------------------------

    def _receive(self, link: _Link, text: str) -> None:
        try:
            message = wire.parse_message(text)
        except wire.WireError as error:
            self.malformed += 1
            _MESSAGES.labels("malformed").inc()
            log.warning("xivo_malformed", user=self.account.login, why=str(error))
            return
        if isinstance(message, wire.UnknownEvent):
            self.unknown[message.msg_type[:60]] += 1
            _MESSAGES.labels("unknown").inc()
            return
        _MESSAGES.labels("known").inc()
        if isinstance(message, wire.Ping):
            echo = link.echoes.popleft() if link.echoes else None
            if echo is not None and not echo.done():
                echo.set_result(None)
            return
        self._take(link, message)

    def _take(self, link: _Link, event: wire.Event) -> None:
        match event:
            case UserConfigUpdate():
                self.user = event
            case RightProfile():
                self.profile = event.profile
            case Error() | AgentError():
                link.errors.append(event.error or "no reason given")
            case _:
                pass
        for question in link.questions:
            if not question.reply.done() and question.matches(event):
                question.reply.set_result(event)
        if self._on_event is not None:
            self._on_event(self, event)
