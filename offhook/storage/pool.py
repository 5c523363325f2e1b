"""Plain asyncpg connections, for the few statements where each tenth of a millisecond counts.

Everything else goes through SQLAlchemy (`database.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeAlias

import asyncpg
from sqlalchemy.exc import DBAPIError

from activities.ports import StoreUnavailable
from offhook.storage.database import asyncpg_dsn

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
PoolOrConnection: TypeAlias = (
    "asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

CONNECT_TIMEOUT = timedelta(seconds=10)
STATEMENT_TIMEOUT = timedelta(seconds=30)

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a statement on a connection that breaks at that moment
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""Failures that say nothing about the statement: the server is gone, restarting, full, or chose
another transaction over ours."""


async def open_pool(url: str, *, size: int = 10, application: str = "offhook-live") -> Pool:
    """Open a pool of plain connections; raises `StoreUnavailable` if there is no server.

    Connections are made when first needed and live until the pool is closed.
    """
    with store_errors():
        return await asyncpg.create_pool(
            asyncpg_dsn(url),
            min_size=1,
            max_size=size,
            max_inactive_connection_lifetime=0,
            reset=_keep,
            timeout=CONNECT_TIMEOUT.total_seconds(),
            command_timeout=STATEMENT_TIMEOUT.total_seconds(),
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                "jit": "off",
            },
        )


async def _keep(_connection: Connection) -> None:
    """Skip the statement that would reset a returned connection; nothing here changes a session."""


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn every failure of the connection into `StoreUnavailable`; let errors of ours through."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    except DBAPIError as error:
        # SQLAlchemy wraps the driver's error twice and tells some of them by no class of its own.
        beneath = error.orig.__cause__ if error.orig is not None else None
        if error.connection_invalidated or isinstance(beneath, _AWAY):
            name = type(beneath or error).__name__
            raise StoreUnavailable(f"{name}: {beneath or error.orig}") from error
        raise
