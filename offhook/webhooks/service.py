"""Webhooks of one worker: relay, deliverer and clean-up, side by side for as long as it lives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog

from activities.ports import StoreUnavailable
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from offhook.storage.webhook_store import WebhookStore
from offhook.temporal.codec import KeyRing
from offhook.webhooks.deliverer import Deliverer
from offhook.webhooks.relay import Relay
from offhook.webhooks.sender import Sender
from offhook.webhooks.signing import SecretBox

log = structlog.get_logger()

POOL_SIZE = 4
OFTEN = timedelta(milliseconds=250)
GATHERING = timedelta(milliseconds=5)
"""For which tries that end, and what is queued, are gathered before it is looked at."""
IDLE = timedelta(seconds=3)
"""Between looks while nobody is told, or another worker is the relay."""
AWAY = timedelta(seconds=5)
PRUNE_EVERY = timedelta(minutes=10)


def _now() -> datetime:
    return datetime.now(UTC)


def sender_for(settings: Settings) -> Sender:
    """What posts, by the settings."""
    webhooks = settings.webhooks
    return Sender(
        allow_private=webhooks.allow_private, timeout=timedelta(seconds=webhooks.timeout_s)
    )


@asynccontextmanager
async def sending_webhooks(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime] = _now,
    often: timedelta = OFTEN,
) -> AsyncIterator[None]:
    """Hand facts on and send them for the length of the block, over connections of their own:
    whoever dials never waits for one of these.
    """
    box = SecretBox.of(KeyRing.load(settings))
    async with AsyncExitStack() as stack:
        pool = await open_pool(database.url, size=POOL_SIZE, application="offhook-webhooks")
        stack.push_async_callback(pool.close)
        sender = await stack.enter_async_context(sender_for(settings))
        store = WebhookStore(pool)
        deliverer = Deliverer(store, database, sender, box, settings.webhooks, clock)
        keep = timedelta(days=settings.webhooks.keep_days)
        tasks = [
            asyncio.create_task(
                _relaying(Relay(pool, clock), often, deliverer.woken), name="webhook relay"
            ),
            asyncio.create_task(_delivering(deliverer, often), name="webhook deliverer"),
            asyncio.create_task(_pruning(store, keep, clock), name="webhook clean-up"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


async def _relaying(relay: Relay, often: timedelta, woken: asyncio.Event) -> None:
    async def step() -> timedelta:
        more = await relay.step()
        if more is None:
            return IDLE
        woken.set()
        return timedelta(0) if more else often

    await _for_ever(step)


async def _delivering(deliverer: Deliverer, often: timedelta) -> None:
    async with asyncio.TaskGroup() as group:

        async def step() -> timedelta:
            deliverer.woken.clear()
            await deliverer.step(group)
            with suppress(TimeoutError):
                async with asyncio.timeout(often.total_seconds()):
                    await deliverer.woken.wait()
            return GATHERING

        await _for_ever(step)


async def _pruning(store: WebhookStore, keep: timedelta, clock: Callable[[], datetime]) -> None:
    async def step() -> timedelta:
        more = await store.prune(before=clock() - keep)
        return timedelta(0) if more else PRUNE_EVERY

    await _for_ever(step)


async def _for_ever(step: Callable[[], Awaitable[timedelta]]) -> None:
    """Step on and on, each as long after the one before as that says; whatever happens."""
    while True:
        try:
            wait = await step()
        except StoreUnavailable as error:
            log.warning("webhooks_wait", error=str(error)[:200])
            wait = AWAY
        except Exception:
            log.exception("webhooks_broke")
            wait = AWAY
        await asyncio.sleep(wait.total_seconds())
