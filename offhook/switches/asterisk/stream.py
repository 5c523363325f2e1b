"""The event WebSocket of one Asterisk, and the reflexes that need no campaign.

Asterisk forgets a subscription with its connection, so each connection subscribes, filters, looks
whether the application is really there (a reconnect that is too quick can be torn down with the
connection before) and puts right what was missed. It goes on looking, because a WebSocket whose
application was taken away stays open and says nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

import aiohttp
import structlog
from yarl import URL

from dialer.switching import SwitchError, SwitchRefused, SwitchUnavailable
from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.client import AriClient, authorization
from offhook.switches.asterisk.names import Names
from offhook.switches.asterisk.reflexes import Reflex, Reflexes
from offhook.switches.asterisk.switch import PAYLOAD, name_event
from offhook.switches.base import Arrived
from offhook.telemetry import counter

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=10)
FIRST_LOOK = timedelta(seconds=1)
"""After the connection: the end of the one before may have taken the application along by then."""
YIELDS_FOR = timedelta(minutes=5)
"""How long whoever took our application is left with it, while he is there. Not for ever: to a PBX
the connection of a machine that lost its power looks alive for minutes.
"""
_HEARTBEAT_S = 10.0
_ALL = "__AST_CHANNEL_ALL_TOPIC"
_WAITED_FOR = (wire.StasisStart, wire.ChannelDestroyed)
"""A customer who came, and whatever makes an agent free for one."""

_EVENTS = counter(
    "dialer_asterisk_events_total",
    "Events of Asterisk's WebSocket, by what was done with them.",
    labels=("result",),
)
_REFLEXES = counter(
    "dialer_asterisk_reflexes_total",
    "Things done at once after an event, by request and result.",
    labels=("request", "result"),
)


class ApplicationTaken(SwitchUnavailable):
    """Another process is connected with our application's name, and gets its events."""

    code = "asterisk_application_taken"

    def __init__(self, link: str, app: str) -> None:
        super().__init__(
            f"link {link}: another process is connected for the application {app}; stop the other "
            "`offhook links`, or give each installation a name of its own (`offhook switch add "
            f"asterisk --app NAME`, and Stasis(NAME) in the dialplan). Until {app} is free nothing "
            "is placed here"
        )


class Listener(Protocol):
    """Somebody who minds other channels than ours, such as callers."""

    def heard(self, event: wire.Event) -> None:
        """Something happened, to whatever channel."""
        ...

    def seen(self, channels: Sequence[wire.Channel], bridges: Sequence[wire.Bridge]) -> None:
        """All that there is: with each connection, and now and then."""
        ...


class AsteriskStream:
    """Implements `offhook.switches.base.EventStream`."""

    def __init__(self, client: AriClient, *, link: str, look_every: timedelta = LOOK_EVERY) -> None:
        self._client = client
        self._link = link
        self._look_every = look_every
        self._names = Names(client.settings.app)
        self._reflexes = Reflexes(self._names, parking_music=client.settings.parking_music)
        self._acting: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None
        self._yields_until: float | None = None

    def tell(self, listener: Listener) -> None:
        """Have somebody hear every event, too."""
        self._listener = listener

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Arrived]]:
        """A subscribed connection, until it breaks (`SwitchUnavailable`) or the block ends.

        Two processes that took the application from each other in turn would both be deaf: whoever
        lost it stands by (`ApplicationTaken`) until it is free.
        """
        await self._stand_by()
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._client.settings.connect_timeout.total_seconds()
        )
        async with aiohttp.ClientSession(
            timeout=timeout, headers=dict(authorization(self._client.settings))
        ) as session:
            socket = await self._open(session)
            looking = asyncio.create_task(self._look(socket), name=f"look after {self._link}")
            try:
                yield self._events(socket, looking)
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError, SwitchError):
                    await looking
                await socket.close()
                for task in self._acting:
                    task.cancel()

    async def _stand_by(self) -> None:
        until = self._yields_until
        if until is None:
            return
        if asyncio.get_running_loop().time() < until and await self._client.application():
            raise ApplicationTaken(self._link, self._client.settings.app)
        self._yields_until = None

    async def _open(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        app = self._client.settings.app
        url = URL(self._client.settings.base_url) / "events" % {"app": app}
        failure = ""
        try:
            async with asyncio.timeout(self._client.settings.total_timeout.total_seconds()):
                socket = await session.ws_connect(
                    url, heartbeat=_HEARTBEAT_S, max_msg_size=wire.MAX_EVENT
                )
        except aiohttp.WSServerHandshakeError as error:
            failure = f"HTTP {error.status}; check the user and password"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = f"{type(error).__name__}; check the address and that Asterisk runs"
        if failure:
            raise SwitchUnavailable(f"link {self._link}: no event socket: {failure}")
        try:
            await self._client.command(wire_requests.subscribe(app))
            await self._client.command(wire_requests.filter_events(app))
            await self._inspect()
        except BaseException:
            await socket.close()
            raise
        return socket

    async def _look(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """See now and then that the application is there and that nobody was left alone."""
        pause = min(FIRST_LOOK, self._look_every)
        try:
            while True:
                await asyncio.sleep(pause.total_seconds())
                await self._inspect()
                pause = self._look_every
        except SwitchError as error:
            log.warning("asterisk_stream_lost", link=self._link, error=str(error))
            await socket.close()
            raise

    async def _inspect(self) -> None:
        application = await self._client.application()
        if application is None or _ALL not in application.channel_ids:
            raise SwitchUnavailable(
                f"link {self._link}: Asterisk dropped the application or its subscription"
            )
        channels, bridges = await asyncio.gather(self._client.channels(), self._client.bridges())
        for reflex in self._reflexes.repairs(channels, bridges):
            self._act(reflex)
        if self._listener is not None:
            self._listener.seen(channels, bridges)

    async def _events(
        self, socket: aiohttp.ClientWebSocketResponse, looking: asyncio.Task[None]
    ) -> AsyncIterator[Arrived]:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            arrived = self._received(message.data)
            if arrived is not None:
                yield arrived
        if looking.done():
            looking.result()
        raise SwitchUnavailable(f"link {self._link}: the event socket closed")

    def _received(self, text: str) -> Arrived | None:
        """Act upon an event, and name it for the inbox if it is about us."""
        try:
            event = wire.parse_event(text, self._link)
        except wire.WireError as error:
            _EVENTS.labels("unreadable").inc()
            log.warning("asterisk_event_unreadable", link=self._link, error=str(error))
            return None
        if isinstance(event, wire.ApplicationReplaced):
            wait = YIELDS_FOR.total_seconds() * random.uniform(1.0, 2.0)
            self._yields_until = asyncio.get_running_loop().time() + wait
            raise ApplicationTaken(self._link, self._client.settings.app)
        for reflex in self._reflexes.after(event):
            self._act(reflex)
        if self._listener is not None:
            self._listener.heard(event)
        named = name_event(event, text, self._names)
        if not named.correlator and not isinstance(event, wire.StasisStart):
            _EVENTS.labels("foreign").inc()
            return None
        _EVENTS.labels("known" if event.type in wire.EVENTS else "unknown").inc()
        return Arrived(
            payload={PAYLOAD: text}, named=named, waited_for=isinstance(event, _WAITED_FOR)
        )

    def _act(self, reflex: Reflex) -> None:
        """Begin at once: the event's way into the inbox need not wait for it."""
        task = asyncio.create_task(self._carry_out(reflex), name="reflex")
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def _carry_out(self, reflex: Reflex) -> None:
        """Until one is refused; what fails otherwise is found again by the next inspection."""
        for request in reflex.requests:
            try:
                await self._client.command(request)
            except SwitchRefused:
                _REFLEXES.labels(request.what, "refused").inc()
                if request.may_be_done:
                    continue
                if reflex.otherwise is not None:  # whom it was about is gone
                    await self._carry_out(Reflex((reflex.otherwise,)))
                return
            except SwitchError as error:
                _REFLEXES.labels(request.what, error.code).inc()
                log.warning("asterisk_reflex_failed", link=self._link, error=str(error))
                return
            _REFLEXES.labels(request.what, "done").inc()
