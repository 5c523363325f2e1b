"""The API over a database and, where a test needs it, a Temporal; closed at the end of the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy import update
from temporalio.client import Client

from activities.options import TASK_QUEUE
from offhook.accounts.roles import Permission
from offhook.api.app import build_app
from offhook.api.backend import Backend, no_temporal
from offhook.api.services import Services
from offhook.health import Health
from offhook.settings import LinksSettings, Settings
from offhook.storage.database import Database
from offhook.storage.tables import switches
from offhook.temporal.callbacks import CallbackDesk
from tests.support.api import api_client, token_for

API = "/api/v1"


@dataclass(frozen=True)
class Served:
    """The application, and what it works with."""

    app: FastAPI
    backend: Backend
    database: Database

    @asynccontextmanager
    async def client(self, *permissions: Permission) -> AsyncIterator[httpx.AsyncClient]:
        """A program that may do these things; without any named, everything."""
        scopes = sorted(permissions or Permission)
        token = await token_for(self.database, scopes, name=" ".join(permissions) or "all")
        async with api_client(self.app, token) as client:
            client.base_url = httpx.URL(f"http://api{API}/")
            yield client


@asynccontextmanager
async def served(
    database: Database,
    *,
    client: Client | None = None,
    task_queue: str = TASK_QUEUE,
    home: Path | None = None,
) -> AsyncIterator[Served]:
    """The application; without a client, Temporal is away."""

    async def connected() -> Client:
        return client if client is not None else await no_temporal()

    async def desk() -> CallbackDesk:
        return CallbackDesk(await connected(), task_queue)

    links = LinksSettings(port=1)  # those of a stack that runs on this machine are none of ours
    settings = Settings(links=links) if home is None else Settings(links=links, home=home)
    async with Backend(database, settings, connect=connected, task_queue=task_queue) as backend:
        services = Services(database, desk, given=backend)
        yield Served(build_app(Health("api"), services), backend, database)


async def configure(database: Database, switch: str = "pbx") -> None:
    """Give a test's switch settings that can be opened, of a PBX that isn't there."""
    settings = {
        "base_url": "http://127.0.0.1:9/seri_endpoint.php",
        "reception_ivr": "1-1",
        "hold_ivr": "1-2",
    }
    async with database.transaction() as session:
        await session.execute(
            update(switches)
            .where(switches.c.id == switch)
            .values(settings=settings, secret="t", hook_secret="h" * 32)
        )
