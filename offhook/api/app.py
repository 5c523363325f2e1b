"""The API process: health pages, and the routes under `/api/v1`."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from offhook.api import problems
from offhook.api.backend import Backend
from offhook.api.description import completed, operation_id
from offhook.api.frame import Frame
from offhook.api.guarded import GuardedProtocol
from offhook.api.pages import page_routes
from offhook.api.routes import ROUTERS
from offhook.api.services import Services
from offhook.api.welcome import welcome
from offhook.health import Health
from offhook.home import database_url
from offhook.loop import keep_what_is_loaded
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import connect

log = structlog.get_logger()

PREFIX = "/api/v1"


class _App(FastAPI):
    """Describes itself with what no route says by itself."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def build_app(health: Health, services: Services) -> FastAPI:
    """The application: health, readiness and metrics, and the API."""
    app = _App(
        title="offhook",
        version="1",
        summary="Durable dialer, IVR and callback engine.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        generate_unique_id_function=operation_id,
    )
    app.state.services = services
    app.add_middleware(Frame, services=services)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.router.routes.extend(page_routes(health, open_metrics=services.access.open_metrics))
    return app


async def run_api(settings: Settings) -> None:
    """Serve until the process is asked to end."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database.open(
                database_url(settings),
                pool_size=settings.database.pool_size,
                application="offhook-api",
                seals=Seals.of(settings),
            )
        )
        backend = await stack.enter_async_context(
            Backend(database, settings, connect=partial(connect, settings, role="api"))
        )

        async def desk() -> CallbackDesk:
            return CallbackDesk(await backend.client())

        async def reachable() -> str | None:
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
            return None

        services = Services(
            database,
            desk,
            access=settings.access,
            public_url=settings.api.public_url or "",
            given=backend,
        )
        app = build_app(Health("api", {"database": reachable}), services)
        if settings.api.console:
            # Imported here: the toolkit is large, and few of those who build the API serve pages.
            from offhook.console.mount import mount_console

            mount_console(app, services)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                host=settings.api.host,
                port=settings.api.port,
                log_config=None,
                access_log=False,
                # Its words about sockets name the pages they belong to, which is their key.
                log_level="warning",
                server_header=False,
                proxy_headers=bool(settings.api.trusted_proxies),
                forwarded_allow_ips=settings.api.trusted_proxies,
                timeout_graceful_shutdown=5,
            )
        )
        base = services.public_url or f"http://{settings.api.host}:{settings.api.port}"
        await welcome(services.accounts, base=base, now=services.clock())
        keep_what_is_loaded()
        log.info("api_serving", host=settings.api.host, port=settings.api.port)
        await server.serve()
