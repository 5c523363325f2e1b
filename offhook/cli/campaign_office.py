"""What the commands of `offhook campaign` share: their argument, and the office they work in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from offhook.cli.output import prepare
from offhook.home import database_url
from offhook.offices.campaigns import CampaignOffice
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.temporal.campaigns import CampaignDesk
from offhook.temporal.client import connect

Key = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Id or name of the campaign.")]


@dataclass(frozen=True)
class Office:
    """Settings, database and views; the desk that orders go to is connected when asked for."""

    settings: Settings
    database: Database
    views: CampaignViews

    async def desk(self) -> CampaignDesk:
        """Where orders go."""
        return CampaignDesk(await connect(self.settings))

    @property
    def campaigns(self) -> CampaignOffice:
        """What can be done with campaigns."""
        return CampaignOffice(self.database, self.desk)


@asynccontextmanager
async def open_office() -> AsyncIterator[Office]:
    """The office for the length of the block."""
    settings = prepare()
    async with Database.open(
        database_url(settings), pool_size=2, seals=Seals.of(settings)
    ) as database:
        yield Office(settings, database, CampaignViews(database))
