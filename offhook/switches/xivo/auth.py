"""Tokens of xuc, and the WebSocket that one opens.

A token serves for many connections until it expires; it is checked now and then, and one that is
refused is replaced by logging in again. Neither password nor token is ever part of an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from dialer.switching import SwitchRefused, SwitchUnavailable
from offhook.switches.xivo import wire
from offhook.switches.xivo.settings import Account, XivoSettings

_LARGEST = 64 * 1024
_TOKEN_REFUSED = frozenset({400, 401, 403})


class LoginRefused(SwitchRefused):
    """xuc does not take a user's name and password."""

    code = "xivo_login_refused"


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes


class Authority:
    """Logs users in; shared by the sessions of a link, and closed after them."""

    def __init__(self, settings: XivoSettings, link: str) -> None:
        self._settings = settings
        self._link = link
        self._tokens: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self.clock_skew: float | None = None
        """Seconds that the server's clock is before this machine's, where it said."""
        self.logins = 0

    async def connect(self, account: Account) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket of the user's, with the token at hand or a new one."""
        token = self._tokens.get(account.login)
        if token is not None:
            socket = await self._open(account, token)
            if socket is not None:
                return socket
        socket = await self._open(account, await self.login(account))
        if socket is None:
            raise LoginRefused(
                f"link {self._link}: xuc gave user {account.login} a token and then refused it; "
                "look at its log"
            )
        return socket

    async def login(self, account: Account) -> str:
        """A new token; `LoginRefused` when the name or password is wrong."""
        body = wire.LoginRequest(login=account.login, password=account.password)
        reply = await self._http(
            "POST", wire.LOGIN_PATH, document=body.model_dump_json().encode(), headers=_JSON
        )
        self.logins += 1
        if reply.status != 200:
            raise self._refused(account, reply)
        try:
            token = wire.LoginReply.model_validate_json(reply.body).token
        except ValueError:
            raise SwitchUnavailable(
                f"link {self._link}: {wire.LOGIN_PATH} answers, but not as xuc does; check base_url"
            ) from None
        self._tokens[account.login] = token
        return token

    async def renew(self, account: Account) -> None:
        """Keep the user's token alive, or get another where it has expired."""
        token = self._tokens.get(account.login)
        if token is None:
            return
        reply = await self._http(
            "GET", wire.CHECK_PATH, headers={"Authorization": f"Bearer {token}"}
        )
        if reply.status in _TOKEN_REFUSED:
            self._tokens.pop(account.login, None)
            await self.login(account)
        elif reply.status == 200:
            try:
                renewed = wire.LoginReply.model_validate_json(reply.body).token
            except ValueError:
                return  # it says that the token is good, and gives no other
            self._tokens[account.login] = renewed

    def forget(self, account: Account) -> None:
        """Log in anew the next time."""
        self._tokens.pop(account.login, None)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _open(self, account: Account, token: str) -> aiohttp.ClientWebSocketResponse | None:
        """The WebSocket, or None when the token is refused."""
        url = URL(f"{self._settings.base_url}{wire.SOCKET_PATH}").with_query(token=token)
        why: str
        try:
            return await self._opened().ws_connect(url, max_msg_size=wire.LARGEST)
        except aiohttp.WSServerHandshakeError as error:
            if error.status in _TOKEN_REFUSED:
                self.forget(account)
                return None
            why = f"HTTP {error.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = say(error)
        raise SwitchUnavailable(
            f"link {self._link}: no WebSocket for user {account.login}: {why}; "
            "check the address, the network and that xuc runs"
        )

    def _refused(self, account: Account, reply: _Reply) -> Exception:
        try:
            why = wire.AuthError.model_validate_json(reply.body).error
        except ValueError:
            why = f"HTTP {reply.status}"
        if reply.status in _TOKEN_REFUSED:
            return LoginRefused(
                f"link {self._link}: xuc does not let user {account.login} in: {why[:80]}; "
                "check the name and the password"
            )
        return SwitchUnavailable(
            f"link {self._link}: the login of user {account.login} failed: {why[:80]}; "
            "check base_url and that xuc runs"
        )

    async def _http(
        self, method: str, path: str, *, headers: dict[str, str], document: bytes | None = None
    ) -> _Reply:
        try:
            async with self._opened().request(
                method,
                f"{self._settings.base_url}{path}",
                data=document,
                headers=headers,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(_LARGEST)
                self._read_clock(response.headers.get("Date", ""))
                return _Reply(response.status, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = say(error)
        raise SwitchUnavailable(
            f"link {self._link}: {path} can't be asked: {why}; "
            "check the address, the network and that xuc runs"
        )

    def _read_clock(self, said: str) -> None:
        try:
            moment = parsedate_to_datetime(said)
        except ValueError:
            return
        if moment.tzinfo is not None:
            self.clock_skew = (moment - datetime.now(UTC)).total_seconds()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            seconds = self._settings.connect_timeout.total_seconds()
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "offhook"},
            )
        return self._session


_JSON = {"Content-Type": "application/json"}


def say(error: BaseException) -> str:
    """What went wrong in words that can't hold a token."""
    if isinstance(error, TimeoutError):
        return "no reply in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__
