"""Connections to PostgreSQL: an engine with sessions, and a listener that survives restarts."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

import asyncpg
import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from offhook.errors import SettingsError

log = structlog.get_logger()

_CONNECT_TIMEOUT = timedelta(seconds=10)
_FIRST_PAUSE = timedelta(milliseconds=50)
_LONGEST_PAUSE = timedelta(seconds=5)
_PROBE_INTERVAL = timedelta(seconds=30)
_URL_OPTIONS = frozenset({"host", "port", "ssl", "sslmode"})
_QUEUE_LIMIT = 10_000


def async_url(url: str) -> URL:
    """`url` with the asynchronous driver, whichever PostgreSQL form it was written in."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError(
            f"the database URL names {parsed.get_backend_name()}, and offhook needs PostgreSQL",
            hint="set OFFHOOK_DATABASE__URL to postgresql://user:password@host/name",
        )
    if unknown := parsed.query.keys() - _URL_OPTIONS:
        raise SettingsError(
            f"the database URL has options that are not supported: {', '.join(sorted(unknown))}",
            hint=f"use {', '.join(sorted(_URL_OPTIONS))}, or the PG… variables of libpq",
        )
    # What libpq calls `sslmode`, SQLAlchemy's driver calls `ssl`; people write the former.
    query = {("ssl" if name == "sslmode" else name): value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def asyncpg_dsn(url: str) -> str:
    """`url` as asyncpg itself wants it."""
    parsed = async_url(url)
    query = {("sslmode" if name == "ssl" else name): value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


class Sealing(Protocol):
    """What seals secrets before they are written, and opens them."""

    def seal(self, secret: str, *, owner: str) -> str:
        """The secret, sealed for its owner."""
        ...

    def open(self, kept: str, *, owner: str) -> str:
        """The secret as it was."""
        ...


class Unsealed:
    """For who needs no secrets: what is written stays plain, what is sealed stays sealed."""

    def seal(self, secret: str, *, owner: str) -> str:
        """The secret as it is."""
        return secret

    def open(self, kept: str, *, owner: str) -> str:
        """What is kept, as it is."""
        return kept


@dataclass(frozen=True)
class Database:
    """An engine and its sessions; one per process, closed when it ends."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession] = field(repr=False)
    url: str = field(repr=False)
    seals: Sealing = field(default_factory=Unsealed, repr=False)
    _closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list, repr=False)

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have something closed with it, and before it."""
        self._closers.append(closer)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool_size: int = 10,
        application: str = "offhook",
        seals: Sealing | None = None,
    ) -> "Database":
        """Make the engine; no connection is opened before the first statement."""
        engine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            # A connection that died with a restarted server is replaced instead of failing a
            # statement.
            pool_pre_ping=True,
            connect_args={
                "timeout": _CONNECT_TIMEOUT.total_seconds(),
                "server_settings": {"application_name": application, "timezone": "UTC"},
            },
        )
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        return cls(engine, sessions, url, seals or Unsealed())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One session in one transaction: committed at the end, rolled back on an exception."""
        async with self.sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close every connection."""
        while self._closers:
            await self._closers.pop()()
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()


@dataclass(frozen=True)
class Notification:
    """Something was notified on a channel; with `gap`, something may have been and was missed."""

    channel: str
    payload: str = ""
    gap: bool = False


class Listener:
    """Notifications of some channels, over a connection of its own that comes back by itself.

    PostgreSQL keeps no notifications for those who aren't connected. So every (re)connection
    yields one notification with `gap=True` per channel: whoever listens must look at the table
    then, and may rely on notifications only to wake up sooner.

        async with Listener(url, "inbox") as notifications:
            async for notification in notifications: ...
    """

    def __init__(self, url: str, *channels: str) -> None:
        self._dsn = asyncpg_dsn(url)
        self._channels = channels
        self._queue: asyncio.Queue[Notification] = asyncio.Queue(_QUEUE_LIMIT)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"listen {','.join(self._channels)}")
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[Notification]:
        return self

    async def __anext__(self) -> Notification:
        """The next notification; waits as long as it takes."""
        return await self._queue.get()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._session()
                pause = _FIRST_PAUSE
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("listener_disconnected", channels=self._channels, error=str(error))
            await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _session(self) -> None:
        """Listen on one connection until it ends."""
        connection = await asyncpg.connect(
            self._dsn, timeout=_CONNECT_TIMEOUT.total_seconds(), command_timeout=10
        )
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: ended.set())
            for channel in self._channels:
                await connection.add_listener(channel, self._received)
            for channel in self._channels:
                self._put(Notification(channel, gap=True))
            while not ended.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _PROBE_INTERVAL.total_seconds())
                    return
                # A network that vanished without a word would otherwise look like silence for ever.
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _received(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._put(Notification(channel, str(payload)))

    def _put(self, notification: Notification) -> None:
        """Queue it; a full queue already holds reason enough to look at the table."""
        if not self._queue.full():
            self._queue.put_nowait(notification)
