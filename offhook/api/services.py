"""What routes work with; made by the process, or by a test."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated

import structlog
from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.types import Scope

from offhook.accounts.audit import Draft, audited
from offhook.accounts.principal import Principal
from offhook.accounts.service import Accounts
from offhook.api.backend import Backend
from offhook.callbacks import CallbackOffice
from offhook.errors import TemporalUnreachable
from offhook.settings_access import AccessSettings
from offhook.storage.account_audit import AuditLog
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
    access: AccessSettings = field(default_factory=AccessSettings)
    public_url: str = ""
    """Under which people open this; empty: what their browser asked for."""
    given: Backend | None = None
    """What routes reach beyond the database; without, Temporal is away."""

    @cached_property
    def backend(self) -> Backend:
        """Connections, campaigns and the live feed."""
        return self.given or Backend(self.database, clock=self.clock)

    @cached_property
    def accounts(self) -> Accounts:
        """Users, their sessions and links."""
        return Accounts(self.database, self.access)

    @property
    def audit(self) -> AuditLog:
        """Who did what."""
        return AuditLog(self.database)

    def audited(
        self, who: Principal, action: str, subject: str = "", *, request_id: str = ""
    ) -> AbstractAsyncContextManager[Draft]:
        """Record the command that the block carries out; for whoever is no route of the API."""
        return audited(self.audit, who, action, subject, clock=self.clock, request_id=request_id)

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


def services_of(connection: HTTPConnection) -> Services:
    """The services that a request is answered with, in the API and in what is mounted in it."""
    return services_of_scope(connection.scope)


def services_of_scope(scope: Scope) -> Services:
    """The same, where there is no request yet."""
    services: Services = scope["services"]
    return services


def _services(request: Request) -> Services:
    return services_of(request)


Svc = Annotated[Services, Depends(_services)]


def _backend(request: Request) -> Backend:
    return services_of(request).backend


Back = Annotated[Backend, Depends(_backend)]
