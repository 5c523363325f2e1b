"""What `offhook links` runs: the hook, the watchers and the health pages on one port.

Only `/hooks/` and `/ivr/` are meant for the switches; a reverse proxy in front should pass nothing
else.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from offhook.api.guarded import GuardedProtocol
from offhook.api.hooks import PREFIX, Hooks, Receive, Scope, Send
from offhook.api.ivr_hook import IVR_PREFIX, IvrHook
from offhook.health import Health
from offhook.home import database_url
from offhook.inbound import caller_desk
from offhook.ivr.talks import TalkEnds
from offhook.link_watch import Links, route
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.agent_routing import RoutingStore
from offhook.storage.database import Database
from offhook.storage.inbox import InboxWriter, PostgresInbox
from offhook.storage.ivr_store import IvrStore
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.storage.recordings import Recordings
from offhook.storage.watch import WatchTeller
from offhook.temporal.client import connect
from offhook.temporal.ivr import IvrDesk
from offhook.temporal.ivr_services import secret_store

__all__ = [
    "STATUS_PATH",
    "Links",
    "LinksApp",
    "hook_url",
    "ivr_url",
    "make_app",
    "route",
    "run_links",
]

log = structlog.get_logger()

STATUS_PATH = "/links"


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LinksApp:
    """The process's ASGI application."""

    hooks: Hooks
    pages: Starlette
    ivr: IvrHook | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Events take the short way."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.hooks(scope, receive, send)
        elif self.ivr and scope["type"] == "http" and scope["path"].startswith(IVR_PREFIX):
            await self.ivr(scope, receive, send)
        else:
            await self.pages(dict(scope), receive, send)  # type: ignore[arg-type]  # mutable in Starlette's types only


def make_app(links: Links, health: Health) -> LinksApp:
    """The hooks, the status of the links, and the health pages."""

    async def status(_request: Request) -> JSONResponse:
        return JSONResponse({"links": [_shown(links, switch) for switch in sorted(links.status)]})

    pages = Starlette(routes=[Route(STATUS_PATH, status), *health.routes()])
    ivr = links.scripts if isinstance(links.scripts, IvrHook) else None
    return LinksApp(links.hooks, pages, ivr)


def _shown(links: Links, switch: str) -> dict[str, object]:
    found = next(status for name, status in links.status.items() if name == switch)
    delivered = next((s for name, s in links.hooks.status.items() if name == switch), None)
    shown: dict[str, object] = {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in asdict(found).items()
    }
    shown["events"] = dict(delivered.counts) if delivered else {}
    last = delivered.last_at if delivered else None
    shown["last_event_at"] = last.isoformat() if last else None
    return shown


@asynccontextmanager
async def opened_links(settings: Settings) -> AsyncIterator[tuple[Links, Health]]:
    """Links on the configured database, watching; and the health that tells of them."""
    url = database_url(settings)
    pool = await open_pool(url, size=4, application="offhook-links")
    try:
        async with Database.open(
            url, pool_size=4, application="offhook-links", seals=Seals.of(settings)
        ) as database:
            inbox = PostgresInbox(pool, url)
            client = await connect(settings, role="links", lazy=True)
            routing = RoutingStore(pool)
            desk, sealed = IvrDesk(client, talks=routing), secret_store(settings, pool)
            ivr = IvrHook(desk, sealed, call_over=TalkEnds(routing, utc_now).ended)
            links = Links(
                store=LinkStore(database),
                inbox=inbox,
                events=inbox,
                hooks=Hooks(InboxWriter(pool), heard=ivr.heard),
                scripts=ivr,
                desk=caller_desk(settings, desk, sealed, IvrStore(pool)),
                recordings=Recordings(pool),
                teller=WatchTeller(pool),
            )
            health = Health("links")

            async def database_answers() -> str | None:
                await pool.fetchval("SELECT 1")
                return None

            health.add("database", database_answers)
            async with links.watching():
                yield links, health
    finally:
        await asyncio.wait_for(pool.close(), 10)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install nothing: signals are the process's business."""
        yield


async def run_links(settings: Settings, *, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    async with opened_links(settings) as (links, health):
        server = _Server(
            uvicorn.Config(
                make_app(links, health),
                host=settings.links.host,
                port=settings.links.port,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                http=GuardedProtocol,
                timeout_graceful_shutdown=5,
            )
        )
        serving = asyncio.create_task(server.serve(), name="links server")
        stopping = asyncio.create_task(stop.wait())
        log.info("links_serving", host=settings.links.host, port=settings.links.port)
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            server.should_exit = True
            await serving


def hook_url(settings: Settings, family: str, secret: str) -> str:
    """The address to enter at the PBX."""
    base = settings.links.public_url or f"http://{settings.links.host}:{settings.links.port}"
    return f"{base.rstrip('/')}{PREFIX}{family}/{secret}"


def ivr_url(settings: Settings, family: str, secret: str) -> str:
    """The address to enter at a responder's root node."""
    return hook_url(settings, family, secret).replace(PREFIX, IVR_PREFIX, 1)
