"""What the commands about switches read: the stored switches, and where their events go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook.home import database_url
from offhook.links import ivr_url
from offhook.offices.switches import SwitchOffice, hook_address, where_links_listen
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.switches.ivr_script import script_route
from offhook.switches.registry import SwitchConfig

shown_hook_url = hook_address
"""The address to enter at the PBX; None where we fetch its events ourselves."""


@asynccontextmanager
async def switch_store(settings: Settings) -> AsyncIterator[LinkStore]:
    """The stored switches."""
    async with Database.open(
        database_url(settings), pool_size=2, seals=Seals.of(settings)
    ) as database:
        yield LinkStore(database)


@asynccontextmanager
async def switch_office(settings: Settings) -> AsyncIterator[SwitchOffice]:
    """Where switches are looked at."""
    async with Database.open(
        database_url(settings), pool_size=2, seals=Seals.of(settings)
    ) as database:
        yield SwitchOffice(database, settings)


def shown_ivr_url(settings: Settings, config: SwitchConfig) -> str | None:
    """The address to enter at a responder's root node; None where none asks us."""
    if script_route(config) is None:
        return None
    return ivr_url(where_links_listen(settings), config.family, config.hook_secret)
