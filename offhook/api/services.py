"""What routes work with; made by the process, or by a test."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import Depends, Request

from offhook.callbacks import CallbackOffice
from offhook.errors import TemporalUnreachable
from offhook.storage.callback_lists import CallbackLists
from offhook.storage.callback_store import PostgresCallbacks
from offhook.storage.database import Database
from offhook.storage.token_store import Tokens
from offhook.temporal.callbacks import CallbackDesk

log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """Stores and desks of one process."""

    database: Database
    desk: Callable[[], Awaitable[CallbackDesk]]
    """Where orders about callbacks go; raises `TemporalUnreachable`."""
    clock: Callable[[], datetime] = field(default=_now)

    @property
    def tokens(self) -> Tokens:
        """Who may do what."""
        return Tokens(self.database)

    @property
    def lists(self) -> CallbackLists:
        """Callback lists as people see them."""
        return CallbackLists(self.database)

    @property
    def callbacks(self) -> PostgresCallbacks:
        """The record of callbacks."""
        return PostgresCallbacks(self.database)

    async def office(self) -> CallbackOffice:
        """Where callbacks are booked; without Temporal, the hourly waking starts them."""
        try:
            return CallbackOffice(self.database, await self.desk())
        except TemporalUnreachable as error:
            log.warning("callback_start_left_to_waking", reason=error.message)
            return CallbackOffice(self.database)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Svc = Annotated[Services, Depends(_services)]
