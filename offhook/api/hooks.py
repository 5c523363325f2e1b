"""Where switches deliver their events: committed first, acknowledged after.

`GET /hooks/<family>/<secret>?...` is a bare ASGI application: a campaign at full speed makes
hundreds of events a second, and a web framework would cost more than the work itself. Nothing signs
an event, so a link has a secret path segment and may have a list of addresses. The secret is looked
up by its digest, which makes guessing it byte by byte from the time of an answer pointless.

An event is never understood here, only named (`SwitchAdapter.file`): what a switch says is kept
whole, and means something to the dial loop. The query is never logged: it names people.
"""

import asyncio
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Protocol
from urllib.parse import parse_qsl

import structlog

from activities.ports import StoreUnavailable, switch_channel
from dialer.model import SwitchId
from offhook.storage.inbox import RawItem
from offhook.switches.base import Correlated
from offhook.telemetry import counter

log = structlog.get_logger()

Scope = Mapping[str, Any]  # the shapes of ASGI messages are the specification's
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

PREFIX = "/hooks/"
MAX_QUERY = 8 * 1024
MAX_FIELDS = 200
MAX_WAITING = 5_000
"""Events that may wait for their commit; a PBX that is told 503 tells us that we are too slow."""
WARN_EVERY = timedelta(seconds=30)
COMMIT_WITHIN = timedelta(seconds=5)
"""After which the switch is told to come back; if the commit comes yet, the repeat is dropped."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_EVENTS = counter(
    "dialer_hook_events_total",
    "Events that switches delivered, by family and what was done with them.",
    labels=("family", "result"),
)


class EventSink(Protocol):
    """Commits events; returns when this one is safe, duplicates included (`InboxWriter`)."""

    async def add(self, channel: str, item: RawItem) -> None:
        """Raise `StoreUnavailable` when the event could not be committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRoute:
    """How events of one switch come in."""

    switch_id: SwitchId
    family: str
    secret: str = field(repr=False)
    file: Callable[[dict[str, str]], Correlated]
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Empty means any address."""
    dropped: frozenset[str] = frozenset()
    """Parameters that are never stored: a token that the switch repeats to us."""


@dataclass(slots=True)
class HookStatus:
    """What one switch delivered since this process started."""

    counts: Counter[str] = field(default_factory=Counter)
    last_at: datetime | None = None


class Hooks:
    """The ASGI application that receives events."""

    def __init__(
        self,
        sink: EventSink,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_waiting: int = MAX_WAITING,
        commit_within: timedelta = COMMIT_WITHIN,
        heard: Callable[[SwitchId, Mapping[str, str]], None] | None = None,
    ) -> None:
        self._sink = sink
        self._heard = heard
        self._clock = clock
        self._max_waiting = max_waiting
        self._commit_within = commit_within.total_seconds()
        self._waiting = 0
        self._routes: dict[tuple[str, bytes], HookRoute] = {}
        self._warned: dict[tuple[str, str], datetime] = {}
        self.status: dict[SwitchId, HookStatus] = {}

    def serve(self, routes: Iterable[HookRoute]) -> None:
        """Receive for exactly these switches from now on."""
        self._routes = {(route.family, _digest(route.secret)): route for route in routes}
        for route in self._routes.values():
            self.status.setdefault(route.switch_id, HookStatus())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        code, text = await self._answer(scope)
        await send({"type": "http.response.start", "status": code, "headers": _HEADERS[text]})
        await send({"type": "http.response.body", "body": text})

    async def _answer(self, scope: Scope) -> tuple[int, bytes]:
        if scope["method"] != "GET":
            return 405, _METHOD
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        family, _, secret = path.removeprefix(PREFIX).partition("/")
        route = self._routes.get((family, _digest(secret)))
        if route is None or not hmac.compare_digest(route.secret.encode(), secret.encode()):
            _EVENTS.labels("unknown", "not_found").inc()
            return 404, _NOT_FOUND
        result, code, text = await self._receive(route, scope)
        _EVENTS.labels(route.family, result).inc()
        self.status[route.switch_id].counts[result] += 1
        if code != 200:
            self._warn(route, result)
        return code, text

    async def _receive(self, route: HookRoute, scope: Scope) -> tuple[str, int, bytes]:
        now = self._clock()
        if route.allow and not allowed(route.allow, scope.get("client")):
            return "forbidden", 403, _FORBIDDEN
        query: bytes = scope["query_string"]
        if len(query) > MAX_QUERY:
            return "too_long", 414, _TOO_LONG
        payload = read_query(query)
        if not payload:
            return "unreadable", 400, _UNREADABLE
        if self._waiting >= self._max_waiting:
            return "overloaded", 503, _BUSY
        for name in route.dropped:
            payload.pop(name, None)
        named = route.file(payload)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._commit_within):
                await self._sink.add(
                    switch_channel(route.switch_id),
                    RawItem(
                        key=named.dedup_key,
                        correlator=named.correlator,
                        payload=payload,
                        received_at=now,
                    ),
                )
        except (StoreUnavailable, TimeoutError):
            return "not_stored", 503, _BUSY
        finally:
            self._waiting -= 1
        self.status[route.switch_id].last_at = now
        if self._heard is not None:
            self._heard(route.switch_id, payload)
        return "stored", 200, _OK

    def _warn(self, route: HookRoute, result: str) -> None:
        """Say it once in a while: a flood of refusals must not become a flood of lines."""
        now = self._clock()
        last = self._warned.get((route.switch_id, result))
        if last is None or now - last >= WARN_EVERY:
            self._warned[route.switch_id, result] = now
            count = self.status[route.switch_id].counts[result]
            log.warning("hook_refused", switch=route.switch_id, reason=result, count=count)


def read_query(query: bytes) -> dict[str, str]:
    """The parameters of a query string, the last of a name; empty when it can't be read.

    Bytes that are not UTF-8 are read as Latin-1, and control characters become blanks: neither
    may cost us an event.
    """
    text = query.decode("latin-1")
    try:
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS,
                              errors="strict")  # fmt: skip
        except UnicodeDecodeError:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS,
                              encoding="latin-1")  # fmt: skip
    except ValueError:
        return {}
    return {_CONTROL.sub(" ", name): _CONTROL.sub(" ", value) for name, value in pairs if name}


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def allowed(allow: tuple[IPv4Network | IPv6Network, ...], client: tuple[str, int] | None) -> bool:
    """Whether a client's address is in one of these networks."""
    if client is None:
        return False
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in allow)


_OK, _NOT_FOUND, _METHOD = b"ok\n", b"not found\n", b"only GET\n"
_FORBIDDEN, _TOO_LONG, _UNREADABLE = b"forbidden\n", b"too long\n", b"unreadable\n"
_BUSY = b"busy, try again\n"
_HEADERS = {
    text: [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        *([(b"retry-after", b"1")] if text == _BUSY else []),
        *([(b"allow", b"GET")] if text == _METHOD else []),
    ]
    for text in (_OK, _NOT_FOUND, _METHOD, _FORBIDDEN, _TOO_LONG, _UNREADABLE, _BUSY)
}
