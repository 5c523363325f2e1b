"""What the commands about switches read: the stored switches, and where their events go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook.home import Home, Stack, database_url
from offhook.links import hook_url, ivr_url
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.switches.ivr_script import script_route
from offhook.switches.registry import FETCHED, SwitchConfig


@asynccontextmanager
async def switch_store(settings: Settings) -> AsyncIterator[LinkStore]:
    """The stored switches."""
    async with Database.open(database_url(settings), pool_size=2) as database:
        yield LinkStore(database)


def shown_hook_url(settings: Settings, config: SwitchConfig) -> str | None:
    """The address to enter at the PBX; None where we fetch its events ourselves."""
    if config.family in FETCHED:
        return None
    return hook_url(_running(settings), config.family, config.hook_secret)


def shown_ivr_url(settings: Settings, config: SwitchConfig) -> str | None:
    """The address to enter at a responder's root node; None where none asks us."""
    if script_route(config) is None:
        return None
    return ivr_url(_running(settings), config.family, config.hook_secret)


def _running(settings: Settings) -> Settings:
    """The settings, with the address that the links of a running stack really listen on."""
    stack = Stack.last(Home(settings.home))
    if stack is None or stack.links_url is None or settings.links.public_url is not None:
        return settings
    links = settings.links.model_copy(update={"public_url": stack.links_url})
    return settings.model_copy(update={"links": links})
