"""Sends what is due, and decides what becomes of what was not taken.

A delivery is leased while it is tried, so whoever dies with it leaves it to the next; a receiver
may therefore get a message twice, with the same id. Messages keep no order: one that waits for its
next try doesn't hold up those behind it.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import structlog

from offhook.settings_webhooks import WebhookSettings
from offhook.storage.database import Database
from offhook.storage.fact_log import Noted, note
from offhook.storage.webhook_store import Claimed, WebhookStore
from offhook.storage.webhook_tables import DeliveryState
from offhook.telemetry import counter
from offhook.webhooks.sender import Sender, Sent
from offhook.webhooks.signing import SecretBox, SecretsUnreadable, signed

log = structlog.get_logger()

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200)
)
"""Before each next try; the last one again until it is given up."""
JITTER = 0.2
AT_ONCE = 32
"""Requests to one receiver at a time: one that takes a tenth of a second is told of 300 facts a
second."""
FAILING = 5
"""Failures in a row after which a receiver is tried but seldom, with one message."""
LONGEST_PAUSE = timedelta(minutes=10)
MARGIN = timedelta(seconds=30)
"""Longer than a try may take, before somebody else may try it."""
GONE = 410

_SENT = counter(
    "dialer_webhook_deliveries_total",
    "Messages to other programs, by what came of the try.",
    labels=("result",),
)
_DISABLED = counter(
    "dialer_webhooks_disabled_total", "Receivers that failed for so long that nothing is sent."
)


@dataclass
class Deliverer:
    """Sends from one process; several share the work."""

    store: WebhookStore
    database: Database
    sender: Sender
    box: SecretBox
    settings: WebhookSettings
    clock: Callable[[], datetime]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be more to send: a try has ended, or something was queued."""
    _flying: dict[str, int] = field(default_factory=dict)

    async def step(self, group: asyncio.TaskGroup) -> int:
        """Begin to send what is due, in `group`; how many."""
        begun = 0
        for endpoint, failures in await self.store.open_endpoints(now=self.clock()):
            most = 1 if failures >= FAILING else AT_ONCE
            free = most - self._flying.get(endpoint, 0)
            if free <= 0:
                continue
            lease = timedelta(seconds=self.settings.timeout_s) + MARGIN
            for one in await self.store.claim(endpoint, limit=free, now=self.clock(), lease=lease):
                self._flying[endpoint] = self._flying.get(endpoint, 0) + 1
                group.create_task(self._flight(one))
                begun += 1
        return begun

    async def _flight(self, claimed: Claimed) -> None:
        try:
            await self.deliver(claimed)
        except Exception:
            # It stays leased, and is tried again when that is over.
            log.exception("webhook_try_broke", delivery=claimed.id)
        finally:
            self._flying[claimed.endpoint_id] -= 1
            self.woken.set()

    async def deliver(self, claimed: Claimed) -> Sent:
        """Try it once, and note what came of it."""
        try:
            secrets = self.box.open(claimed.key_id, claimed.secrets, owner=claimed.endpoint_id)
        except SecretsUnreadable as error:
            sent = Sent(error=error.message, took=timedelta(0))
        else:
            event = claimed.event
            body = orjson.dumps(
                {
                    "type": event.kind,
                    "timestamp": event.at,
                    "campaign_id": event.campaign_id,
                    "data": event.data,
                }
            )
            headers = signed(event.id, body, with_secrets=secrets, at=self.clock())
            sent = await self.sender.post(claimed.url, body, headers)
        await self._note(claimed, sent)
        return sent

    async def _note(self, claimed: Claimed, sent: Sent) -> None:
        now = self.clock()
        state, due_at = self._verdict(claimed, sent, now)
        paused = None
        if not sent.taken and claimed.failures + 1 >= FAILING:
            paused = now + pause_after(claimed.failures + 1)
        since = await self.store.noted(
            claimed,
            at=now,
            status=sent.status,
            error=sent.error,
            answer=sent.answer,
            took=sent.took,
            state=state,
            due_at=due_at,
            paused_until=paused,
        )
        _SENT.labels("delivered" if sent.taken else "given_up" if due_at is None else "retry").inc()
        if sent.status == GONE:
            await self._disable(claimed, "the receiver says that it is gone (410)", now)
        elif since is not None:
            hours = self.settings.disable_after_hours
            if now - since >= timedelta(hours=hours):
                await self._disable(claimed, f"no success for {hours:g} hours", now)

    def _verdict(
        self, claimed: Claimed, sent: Sent, now: datetime
    ) -> tuple[DeliveryState, datetime | None]:
        if sent.taken:
            return DeliveryState.delivered, None
        due_at = now + wait_after(claimed.number, random.uniform(1 - JITTER, 1 + JITTER))
        if sent.retry_after is not None:
            due_at = max(due_at, now + sent.retry_after)
        if due_at - claimed.created_at > timedelta(hours=self.settings.give_up_hours):
            return DeliveryState.failed, None
        return DeliveryState.pending, due_at

    async def _disable(self, claimed: Claimed, reason: str, now: datetime) -> None:
        name = await self.store.disable(claimed.endpoint_id, reason=reason, now=now)
        if name is None:
            return
        _DISABLED.inc()
        log.error("webhook_disabled", webhook=claimed.endpoint_id, reason=reason)
        fact = Noted(
            key=f"webhook {claimed.endpoint_id} disabled {now.isoformat()}",
            kind="webhook.disabled",
            data={"webhook_id": claimed.endpoint_id, "name": name, "reason": reason},
        )
        async with self.database.transaction() as session:
            await note(session, [fact], now=now)


def wait_after(tries: int, jitter: float = 1.0) -> timedelta:
    """How long to wait before the next try."""
    return WAITS[min(tries, len(WAITS)) - 1] * jitter


def pause_after(failures: int) -> timedelta:
    """How long to leave a receiver alone that failed so often in a row."""
    doubled = timedelta(seconds=10 * 2.0 ** min(failures - FAILING, 10))
    return min(doubled, LONGEST_PAUSE)
