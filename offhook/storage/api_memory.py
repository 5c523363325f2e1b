"""What the API has answered to requests that were named, so that repeating one does nothing twice.

A name is taken before anything is done, and has its answer once it is done. Whoever takes it may
die; after `LEASE` the name may be taken anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from offhook.storage.campaign_records import store_session
from offhook.storage.columns import instant
from offhook.storage.database import Database
from offhook.storage.tables import metadata

KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=2)
"""After which a request without an answer counts as given up by a process that died."""

api_requests = Table(
    "api_requests",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    instant("begun_at", required=True),
    Column("status", Integer),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    CheckConstraint("octet_length(digest) = 32", name="digest"),
    CheckConstraint("(status IS NULL) = (body IS NULL)", name="answer"),
    Index("api_requests_begun_at_idx", "begun_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request: who named it, how, and what it asks, as a digest of 32 bytes."""

    principal: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of a name that is taken; `status` is None while it has no answer."""

    digest: bytes
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""


@dataclass(frozen=True)
class ApiMemory:
    """The requests of the last day that were named."""

    database: Database

    async def begin(self, request: Named, *, now: datetime) -> Remembered | None:
        """Take the name; what is known of it where it is taken already."""
        c = api_requests.c
        mine = (c.principal == request.principal) & (c.key == request.key)
        async with store_session(self.database) as session:
            await session.execute(delete(api_requests).where(c.begun_at <= now - KEPT))
            await session.execute(
                delete(api_requests).where(
                    mine,
                    c.status.is_(None),
                    c.begun_at <= now - LEASE,
                    c.digest == request.digest,
                )
            )
            taken = await session.scalar(
                insert(api_requests)
                .values(
                    principal=request.principal,
                    key=request.key,
                    digest=request.digest,
                    begun_at=now,
                )
                .on_conflict_do_nothing()
                .returning(c.key)
            )
            if taken is not None:
                return None
            row = (
                await session.execute(select(c.digest, c.status, c.headers, c.body).where(mine))
            ).one_or_none()
        if row is None:  # given back in between: as if it had come a moment earlier
            return Remembered(digest=request.digest)
        return Remembered(
            digest=row.digest, status=row.status, headers=row.headers, body=row.body or b""
        )

    async def answered(
        self, request: Named, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Keep what was answered."""
        async with store_session(self.database) as session:
            await session.execute(
                update(api_requests)
                .where(
                    api_requests.c.principal == request.principal,
                    api_requests.c.key == request.key,
                )
                .values(status=status, headers=dict(headers), body=body)
            )

    async def give_back(self, request: Named) -> None:
        """Nothing was done: the name is free again."""
        async with store_session(self.database) as session:
            await session.execute(
                delete(api_requests).where(
                    api_requests.c.principal == request.principal,
                    api_requests.c.key == request.key,
                    api_requests.c.status.is_(None),
                )
            )
