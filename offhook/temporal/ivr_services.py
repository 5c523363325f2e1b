"""What sessions in a menu see of the world, made once for a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from temporalio.client import Client

from activities.ivr import IvrActivities
from offhook.callbacks import CallbackOffice
from offhook.ivr.agents import PostgresAgentFinder
from offhook.ivr.promises import MenuCallbacks, MenuOptOuts
from offhook.ivr.queue_order import queue_policy
from offhook.ivr.services import HttpHooks
from offhook.pins.keys import PinKeys
from offhook.pins.secrets import PostgresSecrets
from offhook.pins.stretching import Stretcher
from offhook.pins.verifier import PinVerifier
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pool import Pool
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.codec import KeyRing

HOOK_CONNECTIONS = 100


def _now() -> datetime:
    return datetime.now(UTC)


def secret_store(settings: Settings, pool: Pool) -> PostgresSecrets:
    """Where what callers type at PIN nodes is kept, sealed, until it is judged."""
    return PostgresSecrets(pool, PinKeys.of(KeyRing.load(settings)), _now)


@asynccontextmanager
async def ivr_activities(
    settings: Settings, client: Client, database: Database, pool: Pool, *, task_queue: str
) -> AsyncIterator[IvrActivities]:
    """The activities of sessions on PostgreSQL and this Temporal."""
    secrets = secret_store(settings, pool)
    region, stretcher, store = settings.ivr.region, Stretcher(), IvrStore(pool)
    limits = httpx.Limits(max_connections=HOOK_CONNECTIONS)
    try:
        async with httpx.AsyncClient(limits=limits, follow_redirects=False) as http:
            yield IvrActivities(
                trees=store,
                records=store,
                pins=PinVerifier(pool, secrets.keys, secrets, stretcher, _now, region),
                agents=PostgresAgentFinder(pool, _now, queue_policy(settings)),
                callbacks=MenuCallbacks(
                    CallbackOffice(database, CallbackDesk(client, task_queue)), _now, region
                ),
                opt_outs=MenuOptOuts(pool, _now, region),
                hooks=HttpHooks(http, settings.ivr.hook_secrets, _now),
                clock=_now,
            )
    finally:
        stretcher.close()
