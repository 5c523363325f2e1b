"""What routes and pages reach beyond the database: connections of one process, made when needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Self

from temporalio.client import Client

from activities.options import TASK_QUEUE
from offhook.errors import TemporalUnreachable
from offhook.feed.live import LiveFeed
from offhook.feed.reader import FactReader
from offhook.offices.campaigns import CampaignOffice
from offhook.offices.forecasts import ForecastOffice
from offhook.offices.schedules import ScheduleOffice
from offhook.offices.webhooks import WebhookOffice
from offhook.offices.why import WhyOffice
from offhook.pins.enrolment import PinOffice
from offhook.pins.keys import PinKeys
from offhook.pins.stretching import Stretcher
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.pool import Pool, open_pool
from offhook.temporal.campaigns import CampaignDesk
from offhook.temporal.codec import KeyRing
from offhook.temporal.schedule_desk import ScheduleDesk
from offhook.webhooks.signing import SecretBox

Connect = Callable[[], Awaitable[Client]]


async def no_temporal() -> Client:
    """Where nobody said how Temporal is reached."""
    raise TemporalUnreachable("Temporal does not answer", hint="run `offhook doctor`")


def _now() -> datetime:
    return datetime.now(UTC)


class Backend:
    """Pool, client and live feed; each is made by whoever needs it first, and kept."""

    def __init__(
        self,
        database: Database,
        settings: Settings | None = None,
        *,
        connect: Connect = no_temporal,
        task_queue: str = TASK_QUEUE,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.database = database
        self.settings = settings or Settings()
        self.clock = clock
        self._connect = connect
        self._task_queue = task_queue
        self._making = asyncio.Lock()
        self._client: Client | None = None
        self._pool: Pool | None = None
        self._feed: LiveFeed | None = None
        self._box: SecretBox | None = None
        database.on_close(self.aclose)

    async def client(self) -> Client:
        """Temporal; raises `TemporalUnreachable`."""
        async with self._making:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def pool(self) -> Pool:
        """Plain connections; raises `StoreUnavailable`."""
        async with self._making:
            if self._pool is None:
                size = self.settings.database.pool_size
                self._pool = await open_pool(
                    self.database.url, size=size, application="offhook-api"
                )
            return self._pool

    async def feed(self) -> LiveFeed:
        """What happens, as it happens; one reader for everybody in this process."""
        pool = await self.pool()
        if self._feed is None:
            self._feed = LiveFeed(FactReader(pool), clock=self.clock)
        return self._feed

    @cached_property
    def campaigns(self) -> CampaignOffice:
        """What can be done with campaigns."""

        async def desk() -> CampaignDesk:
            return CampaignDesk(await self.client(), self._task_queue)

        return CampaignOffice(self.database, desk, self.clock)

    @cached_property
    def forecasts(self) -> ForecastOffice:
        """Where campaigns are looked ahead on."""
        return ForecastOffice(self.database, self.clock)

    async def schedule_desk(self) -> ScheduleDesk:
        """Schedules of people; raises `TemporalUnreachable`."""
        return ScheduleDesk(await self.client(), self._task_queue)

    @cached_property
    def schedules(self) -> ScheduleOffice:
        """Where schedules are made."""
        return ScheduleOffice(self.database, self.schedule_desk)

    @asynccontextmanager
    async def pins(self) -> AsyncIterator[PinOffice]:
        """Where PINs are given out, for the length of the block."""
        keys = PinKeys.of(await asyncio.to_thread(KeyRing.load, self.settings))
        stretcher = Stretcher()
        try:
            yield PinOffice(await self.pool(), keys, stretcher, self.clock)
        finally:
            stretcher.close()

    async def webhooks(self) -> WebhookOffice:
        """Who is told of what; raises `KeyRingError` where there are no keys."""
        if self._box is None:
            self._box = SecretBox.of(await asyncio.to_thread(KeyRing.load, self.settings))
        return WebhookOffice(await self.pool(), self.database, self._box, self.settings.webhooks)

    @property
    def why(self) -> WhyOffice:
        """Why it is dialing, or not."""
        return WhyOffice(self.database)

    @property
    def uploads(self) -> Path:
        """Where files wait for the worker, which must see the same folder."""
        return self.settings.home / "uploads"

    async def aclose(self) -> None:
        """Give back what was made."""
        if self._feed is not None:
            await self._feed.aclose()
        if self._pool is not None:
            await self._pool.close()
        self._feed, self._pool = None, None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
