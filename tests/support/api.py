"""The API for tests: the real application on a database, with tokens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI

from offhook.api.app import build_app
from offhook.api.services import Services
from offhook.errors import TemporalUnreachable
from offhook.health import Health
from offhook.settings_access import AccessSettings
from offhook.storage.database import Database
from offhook.storage.token_store import Scope, Tokens
from offhook.temporal.callbacks import CallbackDesk

LISTS = "/api/v1/callback-lists"
MORNING = {"period_id": "am", "name": "morning", "start": "09:00", "end": "12:00"}
EVENING = {"period_id": "pm", "name": "evening", "start": "17:00", "end": "20:00"}


QUICK = AccessSettings(argon2_memory_kib=8, argon2_passes=1, argon2_lanes=1)
"""Settings of accounts with which looking at a password takes no time."""


async def no_temporal() -> CallbackDesk:
    """Where Temporal is away."""
    raise TemporalUnreachable("Temporal does not answer", hint="run `offhook doctor`")


def make_app(database: Database, desk: CallbackDesk | None = None) -> FastAPI:
    """The application; without a desk, Temporal is away."""

    async def given() -> CallbackDesk:
        return desk if desk is not None else await no_temporal()

    return build_app(Health("api"), Services(database, given, access=QUICK))


async def token_for(database: Database, scopes: Sequence[Scope], name: str = "test") -> str:
    """A token that counts until it is revoked."""
    made = await Tokens(database).create(name, scopes, now=datetime.now(UTC), lasts=None)
    return made.token


@asynccontextmanager
async def api_client(app: FastAPI, token: str | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token, or with none."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://api", headers=headers
    ) as client:
        yield client
