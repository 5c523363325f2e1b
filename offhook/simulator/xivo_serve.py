"""A simulated xuc server on a real socket: logins by HTTP and WebSockets on one port.

async with running_xivo(XivoConfig()) as sim:
    ...  # sim.url takes logins and WebSockets, sim.control_url scripts people and faults
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from hmac import compare_digest

import orjson
import structlog
from aiohttp import WSMsgType, web

from offhook.simulator.clock import LoopClock
from offhook.simulator.control import PREFIX, ControlPlane
from offhook.simulator.cutting import cut_off
from offhook.simulator.door import Door
from offhook.simulator.faults import SERVICE_FAULTS, Fault, FaultBook, FaultKind
from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo import Connection, XivoFace
from offhook.simulator.xivo_commands import carry_out
from offhook.simulator.xivo_config import XivoConfig
from offhook.simulator.xivo_members import member_controls
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo.events import CORRELATOR

_HANG_S = 300.0
_SWALLOWED = 10_000
_LAST_WORDS_S = 0.05
"""How long a connection lives on to say its last words, where it is to be cut."""
_HTML = "<html><body>Bad gateway</body></html>"
_FAIL_COMMAND = frozenset({FaultKind.fail_command})
_WEB_FAULTS = SERVICE_FAULTS | _FAIL_COMMAND
_NOTHING_DONE = frozenset(
    {FaultKind.hang, FaultKind.html, FaultKind.refuse, FaultKind.fail_command}
)
"""Faults after which a command was not carried out."""

log = structlog.get_logger()


class _Peer:
    """The server's end of one WebSocket."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.BaseRequest,
        lost: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._request = request
        self._lost = lost
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self.deaf = False
        """Pings are not echoed any more."""

    def send(self, text: str) -> None:
        self._queue.put_nowait(text)

    def cut(self) -> None:
        """Drop the connection without a word."""
        cut_off(self._request.transport, self._lost)

    async def deliver(self) -> None:
        """Send what there is to send, in order."""
        with suppress(ConnectionError):
            while True:
                await self._socket.send_str(await self._queue.get())


class XivoSimulator:
    """One simulated XiVO; start and stop it with `running_xivo`."""

    def __init__(self, config: XivoConfig, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.config = config
        self.clock = LoopClock(config.speed)
        self.faults = FaultBook(config.seed)
        self.face = XivoFace(config, self.clock, self.faults)
        self.tokens: dict[str, tuple[str, float]] = {}
        """Token -> login, and when it expires."""
        self.swallowed: deque[str] = deque(maxlen=_SWALLOWED)
        """Messages that were on their way when their connection was broken, and never read."""
        self._peers: set[_Peer] = set()
        self._control = ControlPlane(self, member_controls(lambda: self.face))
        self._door = Door(self._handle, host, port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._door.port

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._door.url

    @property
    def control_url(self) -> str:
        """Where the simulator itself takes orders."""
        return f"{self.url}{PREFIX.rstrip('/')}"

    async def start(self) -> None:
        """Listen."""
        await self._door.open()

    async def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        self.face.restart()
        await self._door.close()

    def restart(self, down_s: float) -> None:
        """Lose calls and tokens without a word, and be unreachable for `down_s` real seconds."""
        self.face.restart()
        self.tokens.clear()
        self._door.go_away(down_s)

    def cut(self) -> None:
        """Break every connection; calls go on."""
        # First the WebSockets, by themselves: what they swallow is on record then.
        for peer in list(self._peers):
            peer.cut()
        self._door.cut()

    def deafen(self) -> None:
        """Answer nothing more on the connections that are open, and leave them open."""
        for peer in self._peers:
            peer.deaf = True

    async def reset(self) -> None:
        """A new PBX: no calls, no record, no faults, no tokens."""
        self.restart_calls()
        self.faults.clear()
        self.faults.struck.clear()
        self.swallowed.clear()
        self.tokens.clear()
        self.face = XivoFace(self.config, self.clock, self.faults)

    def restart_calls(self) -> None:
        """Lose every call and connection."""
        self.face.restart()
        self.clock.call_later(_LAST_WORDS_S, self.cut)

    async def set_events_urls(self, urls: Sequence[str]) -> None:
        """Refused: xuc tells its events on the WebSockets."""
        raise CannotDo("xuc tells events on its WebSockets; there is no address to set")

    def counters(self) -> dict[str, object]:
        """What was asked, told and broken so far."""
        return {
            **self.face.pbx.recorder.summary(),
            "current_calls": len(self.face.pbx.calls),
            "connections": len(self.face.connections),
            "swallowed": len(self.swallowed),
            "services": dict(self.face.services),
            "events": dict(self.face.events),
            "faults": dict(self.faults.struck),
        }

    # -- HTTP ----------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await self._control.handle(request)
        match (request.method, request.path):
            case ("POST", wire.LOGIN_PATH):
                return await self._login(request)
            case ("GET", wire.CHECK_PATH):
                return self._check(request)
            case ("GET", wire.SOCKET_PATH):
                return await self._talk(request)
            case _:
                return web.Response(status=404, text=f"logins are at {wire.LOGIN_PATH}\n")

    async def _login(self, request: web.BaseRequest) -> web.StreamResponse:
        fault = self.faults.strike(SERVICE_FAULTS, name="login", extid=None)
        if fault is not None:
            return await self._bad_login(request, fault)
        try:
            asked = wire.LoginRequest.model_validate_json(await request.read())
        except ValueError:
            return _json({"error": "Undefined", "message": "login and password expected"}, 400)
        good = compare_digest(asked.password.encode(), self.config.token.encode())
        if asked.login not in self.face.users or not good:
            return _json({"error": "InvalidCredentials", "message": "wrong name or password"}, 401)
        return _json({"login": asked.login, "token": self._token(asked.login)})

    async def _bad_login(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case FaultKind.reset:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=499)
            case FaultKind.html:
                return web.Response(text=_HTML, content_type="text/html")
            case FaultKind.hang | FaultKind.act_then_timeout:
                await asyncio.sleep(_HANG_S)
                return web.Response(status=504)
            case FaultKind.refuse:
                return _json({"error": "InvalidCredentials", "message": "on demand"}, 401)
            case _:
                return web.Response(status=500, text="Internal Server Error")

    def _check(self, request: web.BaseRequest) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return _json({"error": "BearerNotFound", "message": "no token"}, 400)
        login = self._who(token)
        if login is None:
            known = token in self.tokens
            return _json({"error": "TokenExpired" if known else "InvalidToken", "message": ""}, 403)
        del self.tokens[token]
        return _json({"login": login, "token": self._token(login)})

    def _token(self, login: str) -> str:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = (login, self.clock.monotonic() + self.config.token_life_s)
        return token

    def _who(self, token: str) -> str | None:
        login, until = self.tokens.get(token, ("", 0.0))
        return login if login and until > self.clock.monotonic() else None

    # -- WebSocket -----------------------------------------------------------------------------

    async def _talk(self, request: web.BaseRequest) -> web.StreamResponse:
        login = self._who(request.query.get("token", ""))
        if login is None:
            return _json({"error": "TokenExpired", "message": "log in again"}, 403)
        socket = web.WebSocketResponse(max_msg_size=wire.LARGEST)
        await socket.prepare(request)
        peer = _Peer(socket, request, self.swallowed.append)
        connection = Connection(self.face.users[login], peer.send)
        self._peers.add(peer)
        delivering = asyncio.create_task(peer.deliver())
        self.face.opened(connection)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, peer, message.data)
        finally:
            self._peers.discard(peer)
            self.face.closed(connection)
            delivering.cancel()
        return socket

    def _receive(self, connection: Connection, peer: _Peer, text: str) -> None:
        try:
            command = wire.parse_command(text)
        except wire.WireError as error:
            self.face.refuse(connection, error.why)
            return
        if isinstance(command, wire.Ping):
            if not peer.deaf:
                peer.send(wire.PING)
            return
        if isinstance(command, wire.UnknownCommand):
            self.face.services["unknown"] += 1
            self.face.refuse(connection, "NotSupported")
            return
        correlator = None
        if isinstance(command, cmd.DialFromQueue | cmd.Dial):
            correlator = command.variables.get(CORRELATOR)
        fault = self.faults.strike(_WEB_FAULTS, name=command.name, extid=correlator)
        if fault is not None and fault.kind in (FaultKind.reset, FaultKind.status_500):
            peer.cut()
            return
        if fault is None or fault.kind not in (FaultKind.html, FaultKind.hang):
            self.face.services[command.name] += 1
        self.face.requests.append({"user": connection.user.login, "message": text})
        if fault is None:
            carry_out(self.face, connection, command)
        else:
            self._badly(connection, peer, command, fault)

    def _badly(
        self, connection: Connection, peer: _Peer, command: wire.Command, fault: Fault
    ) -> None:
        """Answer as badly as `fault` says; only some kinds do what was asked."""
        if fault.kind not in _NOTHING_DONE:
            carry_out(self.face, connection, command)
        match fault.kind:
            case FaultKind.refuse:
                self.face.refuse(connection, "refused on demand")
            case FaultKind.html:
                peer.deaf = True
                peer.send(_HTML)
            case FaultKind.half_reply:
                peer.deaf = True
                peer.send('{"msgType":"PhoneEv')
                self.clock.call_later(_LAST_WORDS_S, peer.cut)
            case FaultKind.hang | FaultKind.act_then_timeout:
                peer.deaf = True
            case FaultKind.latency:
                peer.deaf = True
                self.clock.call_later(fault.delay_s, lambda: _hear_again(peer))
            case _:
                pass


def _hear_again(peer: _Peer) -> None:
    peer.deaf = False
    peer.send(wire.PING)


def _json(content: dict[str, str], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


@asynccontextmanager
async def running_xivo(
    config: XivoConfig | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[XivoSimulator]:
    """A simulator that listens while the block runs; port 0 takes a free one."""
    simulator = XivoSimulator(config or XivoConfig(), host=host, port=port)
    await simulator.start()
    log.info("simulator_started", family="xivo", port=simulator.port)
    try:
        yield simulator
    finally:
        await simulator.stop()
