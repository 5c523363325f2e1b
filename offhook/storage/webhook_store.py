"""Webhooks on PostgreSQL: who is told, what is sent, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from offhook.errors import OffhookError
from offhook.storage import webhook_sql as sql
from offhook.storage.errors import NotFound
from offhook.storage.fact_log import CHANNEL
from offhook.storage.pool import Connection, Pool, store_errors
from offhook.storage.webhook_tables import DeliveryState

SLACK = timedelta(minutes=1)
"""By how much workers' clocks may be apart: a campaign that is new is told from its first step."""


class WebhookNotFound(NotFound):
    """There is no such webhook."""

    code = "webhook_not_found"
    noun = "webhook"
    listed_by = "`offhook webhook list` names them all"


class DeliveryNotFound(NotFound):
    """There is no such delivery to the webhook."""

    code = "delivery_not_found"
    noun = "delivery"
    listed_by = "`offhook webhook deliveries WEBHOOK` names those that are kept"


class WebhookExists(OffhookError):
    """There is a webhook of that name."""

    code = "webhook_exists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a webhook {name}", hint="take another name, or remove that one first"
        )


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class WebhookView(_View):
    """A webhook as it may be shown: never its secrets."""

    id: str
    name: str
    url: str
    kinds: tuple[str, ...]
    """Whole kinds, or what they begin with; none are all."""
    campaigns: tuple[str, ...]
    """Ids; none are all."""
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    disabled_reason: str
    failing_since: AwareDatetime | None
    failures: int
    """Since the last success."""
    paused_until: AwareDatetime | None
    """Failing so often that it is tried but seldom."""


class DeliveryView(_View):
    """One fact on its way to one webhook."""

    id: int
    endpoint_id: str
    event_id: str
    """What the receiver gets as `webhook-id`; the same however often it is sent."""
    kind: str
    at: AwareDatetime
    campaign_id: str | None
    replay: str
    state: DeliveryState
    tries: int
    created_at: AwareDatetime
    due_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    last_status: int | None
    last_error: str
    last_answer: str
    last_took_ms: int | None


class TryView(_View):
    """One request."""

    number: int
    at: AwareDatetime
    status: int | None
    error: str
    answer: str
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact that is to be sent."""

    id: str
    kind: str
    at: datetime
    campaign_id: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this process is to try now."""

    id: int
    endpoint_id: str
    number: int
    """Of the try."""
    created_at: datetime
    event: Event
    url: str
    failures: int
    key_id: str
    secrets: bytes


@dataclass(frozen=True)
class WebhookStore:
    """Every method is one transaction; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def add(self, view: WebhookView, *, key_id: str, secrets: bytes) -> None:
        """Keep a webhook, which is told of what happens from now on."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                made = await connection.fetchval(
                    sql.ADD, view.id, view.name, view.url, key_id, secrets, list(view.kinds),
                    list(view.campaigns), view.created_at,
                )  # fmt: skip
                if made is None:
                    raise WebhookExists(view.name)
                if await connection.fetchval(sql.BEGIN, view.created_at - SLACK, CHANNEL):
                    await connection.execute("DELETE FROM webhook_journals")
                    await connection.execute(sql.BEGIN_JOURNALS)

    async def all(self) -> list[WebhookView]:
        """The webhooks, by name."""
        with store_errors():
            return [WebhookView(**dict(row)) for row in await self.pool.fetch(sql.ALL)]

    async def find(self, key: str) -> WebhookView:
        """The webhook of this id, else of this name."""
        with store_errors():
            row = await self.pool.fetchrow(sql.FIND, key)
        if row is None:
            raise WebhookNotFound(key)
        return WebhookView(**dict(row))

    async def remove(self, endpoint: str) -> None:
        """Forget a webhook and its deliveries."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute("DELETE FROM webhook_endpoints WHERE id = $1", endpoint)
                await connection.execute(sql.END)

    async def enable(self, endpoint: str) -> None:
        """Send to it again."""
        with store_errors():
            await self.pool.execute(sql.ENABLE, endpoint)

    async def secrets(self, endpoint: str) -> tuple[str, bytes]:
        """The id of the key that sealed its secrets, and these."""
        with store_errors():
            row = await self.pool.fetchrow(sql.SECRETS, endpoint)
        if row is None:
            raise WebhookNotFound(endpoint)
        return row["key_id"], row["secrets"]

    async def replace_secrets(self, endpoint: str, key_id: str, secrets: bytes) -> None:
        """Keep other secrets."""
        with store_errors():
            await self.pool.execute(sql.SEAL, endpoint, key_id, secrets)

    # What is sent

    async def queue(
        self, endpoint: str, event: Event, *, now: datetime, due_at: datetime
    ) -> int | None:
        """Have one event sent to one webhook; the delivery's id, None when it is there already."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await _keep(connection, event)
                found: int | None = await connection.fetchval(
                    sql.QUEUE, endpoint, event.id, now, due_at
                )
        return found

    async def replay(
        self,
        view: WebhookView,
        *,
        order: str,
        since: datetime,
        until: datetime,
        event: str | None,
        now: datetime,
    ) -> int:
        """Have what happened in a time, or one event, sent again; once for the order. How many."""
        with store_errors():
            done = await self.pool.execute(
                sql.REPLAY, view.id, order, now, since, until, event, list(view.kinds),
                list(view.campaigns),
            )  # fmt: skip
        return int(str(done).split()[-1])

    async def open_endpoints(self, *, now: datetime) -> list[tuple[str, int]]:
        """Webhooks that something is due to, and how often each failed since its last success."""
        with store_errors():
            return [(row["id"], row["failures"]) for row in await self.pool.fetch(sql.OPEN, now)]

    async def claim(
        self, endpoint: str, *, limit: int, now: datetime, lease: timedelta
    ) -> list[Claimed]:
        """Take deliveries that are due, the longest due first; nobody else has them meanwhile."""
        with store_errors():
            rows = await self.pool.fetch(sql.CLAIM, endpoint, now, limit, now + lease)
        return [_claimed(row) for row in rows]

    async def claim_event(
        self, endpoint: str, event: str, *, now: datetime, lease: timedelta
    ) -> Claimed | None:
        """Take the delivery of one event, due by `now`, unless somebody has it."""
        with store_errors():
            rows = await self.pool.fetch(sql.CLAIM_EVENT, endpoint, now, 1, now + lease, event)
        return _claimed(rows[0]) if rows else None

    async def noted(
        self,
        claimed: Claimed,
        *,
        at: datetime,
        status: int | None,
        error: str,
        answer: str,
        took: timedelta,
        state: DeliveryState,
        due_at: datetime | None,
        paused_until: datetime | None,
    ) -> datetime | None:
        """Note what came of a try; since when the webhook fails, if it does."""
        ended_at = None if state is DeliveryState.pending else at
        milliseconds = round(took.total_seconds() * 1_000)
        tried = (claimed.id, claimed.number, at, status, error, answer, milliseconds)
        settled = (state, ended_at, due_at, claimed.endpoint_id)
        with store_errors():
            if state is DeliveryState.delivered:
                await self.pool.execute(sql.TAKEN, *tried, *settled)
                return None
            since: datetime | None = await self.pool.fetchval(
                sql.NOT_TAKEN, *tried, *settled, paused_until
            )
        return since

    async def disable(self, endpoint: str, *, reason: str, now: datetime) -> str | None:
        """Send nothing to it any more; its name, or None when that was so before."""
        with store_errors():
            name: str | None = await self.pool.fetchval(sql.DISABLE, endpoint, now, reason)
        return name

    async def prune(self, *, before: datetime) -> int:
        """Forget events of before with their deliveries, some of them."""
        with store_errors():
            return int(str(await self.pool.execute(sql.PRUNE, before)).split()[-1])

    # What became of it

    async def deliveries(
        self,
        endpoint: str,
        *,
        before: int | None = None,
        limit: int = 50,
        state: DeliveryState | None = None,
        kind: str | None = None,
    ) -> list[DeliveryView]:
        """Deliveries, the newest first, behind one of them."""
        last = before if before is not None else 2**63 - 1
        with store_errors():
            rows = await self.pool.fetch(sql.DELIVERIES, endpoint, last, state, kind, limit)
        return [DeliveryView(**dict(row)) for row in rows]

    async def delivery(self, endpoint: str, event: str) -> DeliveryView:
        """The newest delivery of an event to a webhook."""
        with store_errors():
            row = await self.pool.fetchrow(sql.OF_EVENT, endpoint, event)
        if row is None:
            raise DeliveryNotFound(event)
        return DeliveryView(**dict(row))

    async def knows(self, event: str) -> bool:
        """Whether an event is kept."""
        with store_errors():
            return await self.pool.fetchval(sql.KNOWN, event) is not None

    async def tries(self, endpoint: str, delivery: int) -> list[TryView]:
        """The requests of a delivery."""
        with store_errors():
            if not await self.pool.fetchval(sql.DELIVERY, delivery, endpoint):
                raise DeliveryNotFound(delivery)
            return [TryView(**dict(row)) for row in await self.pool.fetch(sql.TRIES, delivery)]


async def _keep(connection: Connection, event: Event) -> None:
    data = orjson.dumps(event.data).decode()
    await connection.execute(sql.EVENT, event.id, event.kind, event.at, event.campaign_id, data)


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        id=row["id"],
        endpoint_id=row["endpoint_id"],
        number=row["tries"],
        created_at=row["created_at"],
        event=Event(
            id=row["event_id"],
            kind=row["kind"],
            at=row["at"],
            campaign_id=row["campaign_id"],
            data=orjson.loads(row["data"]),
        ),
        url=row["url"],
        failures=row["failures"],
        key_id=row["key_id"],
        secrets=row["secrets"],
    )
