"""The API process: health pages, and the routes under `/api/v1`."""

import asyncio
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from offhook.api import problems
from offhook.api.frame import Frame
from offhook.api.problems import Problem
from offhook.api.routes import ROUTERS
from offhook.api.services import Services
from offhook.health import Health
from offhook.home import database_url
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.client import connect

log = structlog.get_logger()

PREFIX = "/api/v1"


class _App(FastAPI):
    """Describes itself with the schema of problems, which no route returns by itself."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            described = super().openapi()
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            parts = schema.pop("$defs", {})
            described["components"]["schemas"].update(parts, Problem=schema)
            _either_way(described)
        return super().openapi()


def _either_way(described: dict[str, Any]) -> None:
    """Have each operation say that a token is enough, or a session; not that both are needed."""
    for item in described["paths"].values():
        for operation in item.values():
            ways = [way for needed in operation.get("security", ()) for way in needed]
            if ways:
                operation["security"] = [{way: []} for way in dict.fromkeys(ways)]


def build_app(health: Health, services: Services) -> FastAPI:
    """The application: health, readiness and metrics, and the API."""
    app = _App(
        title="offhook",
        version="1",
        summary="Durable dialer, IVR and callback engine.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
    )
    app.state.services = services
    app.add_middleware(Frame, services=services)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.router.routes.extend(health.routes())
    return app


class _Desk:
    """The desk of this process; connected when the first order comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._desk: CallbackDesk | None = None

    async def __call__(self) -> CallbackDesk:
        """The desk; raises `TemporalUnreachable`."""
        async with self._connecting:
            if self._desk is None:
                self._desk = CallbackDesk(await connect(self._settings, role="api"))
            return self._desk


async def run_api(settings: Settings) -> None:
    """Serve until the process is asked to end."""
    async with Database.open(
        database_url(settings), pool_size=settings.database.pool_size, application="offhook-api"
    ) as database:

        async def reachable() -> str | None:
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
            return None

        server = uvicorn.Server(
            uvicorn.Config(
                build_app(
                    Health("api", {"database": reachable}), Services(database, _Desk(settings))
                ),
                host=settings.api.host,
                port=settings.api.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
            )
        )
        log.info("api_serving", host=settings.api.host, port=settings.api.port)
        await server.serve()
