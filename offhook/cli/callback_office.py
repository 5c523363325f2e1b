"""What the commands of `offhook callback` share: their arguments, and the office they work in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import typer

from dialer.appointments import Period
from offhook.callbacks import CallbackOffice
from offhook.cli.output import prepare
from offhook.home import database_url
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.callback_lists import CallbackLists
from offhook.storage.database import Database
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import connect

ListKey = Annotated[str, typer.Argument(metavar="LIST", help="Id or name of the callback list.")]
CallbackKey = Annotated[str, typer.Argument(metavar="CALLBACK", help="Id of the callback.")]
DAY_FORMAT = "%Y-%m-%d"
Day = Annotated[
    datetime | None, typer.Option("--due", formats=[DAY_FORMAT], help="Day, as 2026-03-29.")
]


@dataclass(frozen=True)
class Office:
    """Settings, database and lists; the desk that orders go to is connected when asked for."""

    settings: Settings
    database: Database
    lists: CallbackLists

    async def desk(self) -> CallbackDesk:
        """Where orders go."""
        return CallbackDesk(await connect(self.settings))

    async def booking(self) -> CallbackOffice:
        """Where promises are booked."""
        return CallbackOffice(self.database, await self.desk())


@asynccontextmanager
async def open_office() -> AsyncIterator[Office]:
    """The office for the length of the block."""
    settings = prepare()
    async with Database.open(
        database_url(settings), pool_size=2, seals=Seals.of(settings)
    ) as database:
        yield Office(settings, database, CallbackLists(database))


def day_of(given: datetime | None) -> date | None:
    """The day of an option."""
    return None if given is None else given.date()


def parse_period(text: str) -> Period:
    """A period as `name=09:00-12:00`, with a star behind the default one."""
    name, equals, span = text.rstrip("*").partition("=")
    start, dash, end = span.partition("-")
    if not (name and equals and dash):
        raise typer.BadParameter(f"{text!r}: write a period as morning=09:00-12:00")
    try:
        return Period.model_validate(
            {
                "period_id": name.strip().casefold(),
                "name": name.strip(),
                "start": start,
                "end": end,
                "default": text.endswith("*"),
            }
        )
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: write a period as morning=09:00-12:00") from error
