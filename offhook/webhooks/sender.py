"""Posts a message to an address that somebody typed, and can't be led elsewhere.

The address is looked up by us, every answer is looked at, and the connection goes to exactly what
was looked at: a name that means another host a moment later is no way in. Redirects are not
followed, proxies of the environment are not used, and of an answer only its beginning is kept.
"""

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from offhook.errors import OffhookError

MAX_ANSWER = 1_000
MAX_URL = 2_000
CONNECTIONS = 100


class AddressRefused(OffhookError):
    """Facts are not sent there."""

    code = "webhook_address_refused"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the address {why}",
            hint="give an https address on the internet; for one of your own network set "
            "OFFHOOK_WEBHOOKS__ALLOW_PRIVATE",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a try."""

    status: int | None = None
    """None when there was no answer."""
    error: str = ""
    answer: str = ""
    """Its beginning."""
    took: timedelta
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


def checked_url(text: str, *, allow_private: bool) -> str:
    """The address as it is kept; raises `AddressRefused` for what can be told without asking."""
    if len(text) > MAX_URL or not text.isprintable():
        raise AddressRefused("is too long, or has characters that none has")
    try:
        url = URL(text)
        _port = url.port
    except ValueError:
        raise AddressRefused("can't be read") from None
    if url.scheme not in ({"http", "https"} if allow_private else {"https"}):
        raise AddressRefused("is none of https")
    if not url.host or url.user is not None or url.password is not None:
        raise AddressRefused("has no host, or a password in it")
    literal = _literal(url.host)
    if literal is not None and not allow_private and not _public(literal):
        raise AddressRefused("is private")
    return str(url)


class _GuardedResolver(AbstractResolver):
    """Looks names up, and says nothing of addresses that may not be connected to."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        # One private answer among public ones is a trick, not a choice.
        if any(not _public(ipaddress.ip_address(one["host"].partition("%")[0])) for one in found):
            raise AddressRefused("leads to a private network")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Sender:
    """Posts messages; enter it, it keeps connections."""

    def __init__(self, *, allow_private: bool, timeout: timedelta) -> None:
        self._allow_private = allow_private
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        resolver: AbstractResolver = ThreadedResolver()
        if not self._allow_private:
            resolver = _GuardedResolver(resolver)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit=CONNECTIONS, ttl_dns_cache=10),
            timeout=self._timeout,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": "offhook-webhooks/1"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Sent:
        """Post it once; a failure is an answer too."""
        began = time.perf_counter()

        def sent(**told: Any) -> Sent:
            return Sent(took=timedelta(seconds=time.perf_counter() - began), **told)

        if self._session is None:
            raise RuntimeError("enter the sender first")
        try:
            checked_url(url, allow_private=self._allow_private)
            async with self._session.post(
                URL(url),
                data=body,
                headers={"content-type": "application/json", **headers},
                allow_redirects=False,
            ) as reply:
                told = await reply.content.read(MAX_ANSWER)
                reply.close()
                return sent(
                    status=reply.status,
                    answer=_text(told),
                    retry_after=_retry_after(reply.headers.get("retry-after", "")),
                )
        except AddressRefused as error:
            return sent(error=error.message)
        except TimeoutError:
            return sent(error="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, AddressRefused) else None
            return sent(error=cause.message if cause else type(error).__name__)


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    found = mapped or address
    return found.is_global and not found.is_multicast and not _translated(address)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _translated(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a gateway would make an IPv4 address of it that can't be looked at here."""
    return isinstance(address, ipaddress.IPv6Address) and address in _NAT64


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _text(answer: bytes) -> str:
    return "".join(one for one in answer.decode("utf-8", "replace") if one.isprintable())


def _retry_after(text: str) -> timedelta | None:
    return (
        timedelta(seconds=int(text))
        if text.isascii() and text.isdigit() and len(text) < 6
        else None
    )
