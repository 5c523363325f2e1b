"""Telephone systems: how each is, what it has, and what is wrong with it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from pydantic import AwareDatetime, BaseModel, ConfigDict

from dialer.model import Agent, SwitchId, Trunk
from offhook.home import Home, Stack
from offhook.links import STATUS_PATH, hook_url
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.watch import watched_now
from offhook.switches.base import CheckResult
from offhook.switches.delivery import Delivery
from offhook.switches.registry import FETCHED, SwitchConfig, open_switch

_LINKS_S = 2.0
UNKNOWN = "unknown"


class SwitchHealth(BaseModel):
    """A switch, and what the process that holds its link says of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    switch_id: str
    name: str
    family: str
    state: str = UNKNOWN
    detail: str = ""
    stream: str = ""
    """How the stream of events is, in families that have one: connecting, up or down."""
    stream_detail: str = ""
    lines: int | None = None
    busy_lines: int | None = None
    agents_reachable: int | None = None
    last_event_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class SwitchShown:
    """A switch with all that is stored of it; its secrets are left out."""

    config: SwitchConfig
    hook_url: str | None
    """The address to enter at the PBX; None where its events are fetched."""
    trunks: Sequence[Trunk]
    agents: Sequence[Agent]


@dataclass(frozen=True, slots=True)
class _StoredEvents:
    """The event path as the inbox knows it."""

    store: LinkStore
    switch: SwitchId
    url: str

    async def last_delivery(self) -> Delivery:
        at: datetime | None = await self.store.last_event_at(self.switch)
        return Delivery(last_at=at, hook_url=self.url)


@dataclass(frozen=True)
class SwitchOffice:
    """Looks at switches by name; an unknown one raises `SwitchNotFound`."""

    database: Database
    settings: Settings

    async def all(self) -> list[SwitchHealth]:
        """Every switch, by name, and how its link is."""
        configs = await LinkStore(self.database).switches()
        told = {link.get("switch_id"): link for link in await link_status(self.settings)}
        return [
            SwitchHealth.model_validate(
                {
                    **told.get(config.switch_id, {}),
                    "switch_id": config.switch_id,
                    "name": config.name,
                    "family": config.family,
                }
            )
            for config in configs
        ]

    async def show(self, name: str) -> SwitchShown:
        """All that is stored of one."""
        store = LinkStore(self.database)
        config = await store.find(name)
        return SwitchShown(
            config,
            hook_address(self.settings, config),
            await store.trunks(config.switch_id),
            await store.agents(config.switch_id),
        )

    async def check(self, name: str) -> list[CheckResult]:
        """Try everything that a campaign needs of it; takes seconds."""
        store = LinkStore(self.database)
        config = await store.find(name)
        events = _StoredEvents(store, config.switch_id, hook_address(self.settings, config) or "")
        opened = open_switch(config, event_path=events)
        try:
            results, watched = await asyncio.gather(
                opened.adapter.check(), watched_now(self.database.url, {config.switch_id})
            )
        finally:
            await opened.adapter.aclose()
        return [*results, _watch(config.switch_id in watched)]


def _watch(watched: bool) -> CheckResult:
    """Whether campaigns hear that somebody watches the switch's events: else they wait."""
    if watched:
        return CheckResult(name="watch", ok=True, detail="`offhook links` watches its events")
    advice = "start `offhook up` or `offhook links`, or read its log"
    detail = "nobody watches its events, and campaigns wait for somebody"
    return CheckResult(name="watch", ok=False, detail=detail, advice=advice)


def hook_address(settings: Settings, config: SwitchConfig) -> str | None:
    """Where the PBX sends its events; None where we fetch them ourselves."""
    if config.family in FETCHED:
        return None
    return hook_url(where_links_listen(settings), config.family, config.hook_secret)


def where_links_listen(settings: Settings) -> Settings:
    """The settings, with the address that the links of a running stack really listen on."""
    stack = Stack.last(Home(settings.home))
    if stack is None or stack.links_url is None or settings.links.public_url is not None:
        return settings
    links = settings.links.model_copy(update={"public_url": stack.links_url})
    return settings.model_copy(update={"links": links})


async def link_status(settings: Settings) -> Sequence[dict[str, object]]:
    """What the process of the links says; nothing when it does not run."""
    stack = Stack.last(Home(settings.home))
    base = stack.links_url if stack else None
    base = base or f"http://{settings.links.host}:{settings.links.port}"
    timeout = aiohttp.ClientTimeout(total=_LINKS_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{base}{STATUS_PATH}") as reply,
        ):
            found = (await reply.json())["links"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return []
    return found if isinstance(found, list) else []
