"""HTTP as switches need it: every failure says whether the request may have been carried out.

A command that dials must never be sent twice by accident, and its URL often holds a secret. So this
link never repeats a request by itself, never follows a redirect, and its errors are made of our own
words and the type of what went wrong: never of the URL, and without a chained exception that holds
it.

aiohttp rather than httpx: a request costs 0.15-0.25 ms of CPU instead of 1.3-2.1 ms (measured over
loopback with keep-alive, 1 to 16 in parallel), and a call takes two to four requests.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from dialer.switching import SwitchError, SwitchUnavailable, SwitchUnclear

MAX_BODY = 16 * 1024 * 1024
_JSON = {"Content-Type": "application/json"}
_KEEP_ALIVE_S = 4.0
"""Below the five seconds after which common web servers close an idle connection: a request that
crosses with the close is one whose fate nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTimeouts:
    """How long a switch may take, by stage; `total` bounds a reply that trickles."""

    connect: timedelta = timedelta(seconds=3)
    read: timedelta = timedelta(seconds=5)
    total: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply."""

    status: int
    body: bytes
    date: datetime | None
    """The server's clock, where it said it."""


class HttpLink:
    """One server's connections; create and close it in the same event loop."""

    def __init__(
        self,
        link: str,
        base_url: str,
        *,
        timeouts: HttpTimeouts,
        connections: int = 64,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._link = link
        self._base = base_url
        self._timeouts = timeouts
        self._connections = connections
        self._headers = {"User-Agent": "offhook", "Accept": "*/*", **(headers or {})}
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def get(self, query: str, *, what: str) -> HttpReply:
        """The reply to a GET with an encoded query string; `what` names the request in errors."""
        return await self._send("GET", f"?{query}", None, what)

    async def post(self, query: str, form: aiohttp.FormData, *, what: str) -> HttpReply:
        """The reply to a POST of a form."""
        return await self._send("POST", f"?{query}", form, what)

    async def send(
        self, method: str, path: str, *, document: bytes | None = None, what: str
    ) -> HttpReply:
        """The reply to a request for an encoded `path` below the base, with a JSON document."""
        return await self._send(method, path, document, what)

    async def aclose(self) -> None:
        """Close every connection for good: what is asked afterwards is not sent."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            times = self._timeouts
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections, keepalive_timeout=_KEEP_ALIVE_S
                ),
                timeout=aiohttp.ClientTimeout(
                    total=times.total.total_seconds(),
                    sock_connect=times.connect.total_seconds(),
                    sock_read=times.read.total_seconds(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
            )
            # aiohttp repeats a GET whose kept-alive connection broke. A GET that dials must not be;
            # there is no public switch for it, so a contract test watches that this one works.
            self._session._retry_connection = False
        return self._session

    async def _send(
        self, method: str, path: str, data: aiohttp.FormData | bytes | None, what: str
    ) -> HttpReply:
        failure: SwitchError
        if self._closed:
            raise SwitchUnavailable(f"link {self._link}: {what} was not sent: the link was closed")
        try:
            async with self._opened().request(
                method,
                URL(f"{self._base}{path}", encoded=True),
                data=data,
                headers=_JSON if isinstance(data, bytes) else None,
                allow_redirects=False,
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise aiohttp.ClientPayloadError
                return HttpReply(response.status, bytes(body), _date(response.headers.get("Date")))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            failure = SwitchUnavailable(
                f"link {self._link}: {what} was not sent: {_say(error)}; "
                "check the address, the network and that the switch runs"
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = SwitchUnclear(
                f"link {self._link}: {what} was sent and no whole reply came: {_say(error)}; "
                "look at the switch's calls before asking again"
            )
        # Raised out of the handlers, so that the library's exception (it knows the URL) isn't kept.
        raise failure


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _say(error: BaseException) -> str:
    """What went wrong in words that can't hold a URL."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name is unknown"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(error, TimeoutError):
        return "no reply in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__
