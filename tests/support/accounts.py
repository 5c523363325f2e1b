"""People who log in, for tests of the API and the console."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI

from offhook.accounts.principal import EVERYTHING, Scope
from offhook.accounts.roles import Role
from offhook.accounts.service import Accounts
from offhook.storage.account_store import UserView
from offhook.storage.database import Database
from tests.support.api import QUICK, api_client

PASSWORD = "four words nobody expects"
SESSION = "/api/v1/session"


async def add_user(
    database: Database,
    login: str,
    role: Role,
    *,
    scope: Scope = EVERYTHING,
    agent_id: str | None = None,
) -> UserView:
    """A user with `PASSWORD`."""
    accounts, now = Accounts(database, QUICK), datetime.now(UTC)
    await accounts.add_user(login, role, now=now, scope=scope, agent_id=agent_id)
    return await accounts.set_password(login, PASSWORD, now=now)


async def log_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> httpx.Response:
    """Log in, and send the session's token with whatever this client sends from then on."""
    answer = await client.post(SESSION, json={"login": login, "password": password})
    if answer.status_code == httpx.codes.OK:
        client.headers["x-csrf-token"] = answer.json()["csrf_token"]
    return answer


@asynccontextmanager
async def browser_of(app: FastAPI, login: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which that user, who has `PASSWORD`, is logged in."""
    async with api_client(app, None) as client:
        (await log_in(client, login)).raise_for_status()
        yield client
