"""The API process: for now the pages that every process has."""

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from offhook.health import Health
from offhook.home import database_url
from offhook.settings import Settings
from offhook.storage.database import Database

log = structlog.get_logger()


def build_app(health: Health) -> FastAPI:
    """The application: health, readiness and metrics."""
    app = FastAPI(title="offhook", docs_url=None, redoc_url=None)
    app.router.routes.extend(health.routes())
    return app


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
                build_app(Health("api", {"database": reachable})),
                host=settings.api.host,
                port=settings.api.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
            )
        )
        log.info("api_serving", host=settings.api.host, port=settings.api.port)
        await server.serve()
