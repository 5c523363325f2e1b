"""What commands about accounts share: the accounts, who runs the command, links."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from offhook.accounts.audit import Draft, audited
from offhook.accounts.operator import operator
from offhook.accounts.service import Accounts, OneTimeLink
from offhook.cli.output import prepare
from offhook.home import Home, Stack, database_url
from offhook.settings import Settings
from offhook.storage.account_audit import AuditLog
from offhook.storage.database import Database
from offhook.storage.token_store import Tokens
from offhook.supervisor.parts import process_address


@dataclass(frozen=True)
class AccountOffice:
    """The accounts of the installation that the settings name."""

    settings: Settings
    database: Database

    @property
    def accounts(self) -> Accounts:
        """Users."""
        return Accounts(self.database, self.settings.access)

    @property
    def tokens(self) -> Tokens:
        """Tokens."""
        return Tokens(self.database)

    @property
    def log(self) -> AuditLog:
        """Who did what."""
        return AuditLog(self.database)

    def audited(self, action: str, subject: str = "") -> AbstractAsyncContextManager[Draft]:
        """Record what the block does, by whoever runs the command."""
        return audited(self.log, operator(), action, subject, clock=now)

    def url_of(self, link: OneTimeLink) -> str:
        """Where a link is opened."""
        return link.url(base_url(self.settings))


def now() -> datetime:
    """The instant."""
    return datetime.now(UTC)


def base_url(settings: Settings) -> str:
    """Where people open the console: the setting, else the running stack, else host and port."""
    if settings.api.public_url:
        return settings.api.public_url
    stack = Stack.last(Home(settings.home))
    if stack is not None and stack.api_url:
        return stack.api_url
    return "http://{}:{}".format(*process_address("api", settings))


async def first_link(database: Database, settings: Settings, *, base: str | None) -> str | None:
    """Where the first administrator, made if need be, chooses a password; None once one has."""
    made = await Accounts(database, settings.access).first_link(now=now())
    if made is None:
        return None
    return made.url(settings.api.public_url or base or base_url(settings))


@asynccontextmanager
async def open_accounts() -> AsyncIterator[AccountOffice]:
    """The office for the length of the block."""
    settings = prepare()
    async with Database.open(
        database_url(settings), pool_size=2, application="offhook-cli"
    ) as database:
        yield AccountOffice(settings, database)
