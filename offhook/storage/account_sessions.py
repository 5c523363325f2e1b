"""Sessions, one-time links and failed logins in the database."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from offhook.accounts.throttle import Failures, reserve
from offhook.storage.account_store import SHOWN, UserView, view
from offhook.storage.account_tables import login_failures, user_links, user_sessions, users
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

SECRET_BYTES = 32
SEEN_EVERY = timedelta(seconds=30)
"""`seen_at` is written no more often than this."""
LONGEST_BROWSER = 200


class SessionView(BaseModel):
    """A session as it may be shown."""

    model_config = ConfigDict(frozen=True)

    id: str
    user_id: str
    address: str
    browser: str
    created_at: AwareDatetime
    seen_at: AwareDatetime
    ends_at: AwareDatetime


@dataclass(frozen=True)
class Sessions:
    """The sessions of one database."""

    database: Database

    async def open(
        self,
        user_id: str,
        *,
        now: datetime,
        lasts: timedelta,
        address: str,
        browser: str,
        instead_of: str | None = None,
    ) -> tuple[str, SessionView]:
        """Begin one under a secret of its own; the secret that the browser had is void."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {
            "id": f"ses-{secrets.token_hex(6)}",
            "user_id": user_id,
            "address": address,
            "browser": browser[:LONGEST_BROWSER],
            "created_at": now,
            "seen_at": now,
            "ends_at": now + lasts,
        }
        async with store_session(self.database) as session:
            if instead_of is not None:
                await session.execute(_of_secret(instead_of))
            await session.execute(delete(user_sessions).where(user_sessions.c.ends_at < now))
            made = await session.execute(
                user_sessions.insert().values(**row, digest=digest_of(secret)).returning(*_SESSION)
            )
            return secret, _session(made.one())

    async def known(
        self, secret: str, *, now: datetime, idle: timedelta, prolong: bool = True
    ) -> tuple[SessionView, UserView] | None:
        """Whose session it is, if it counts; notes that it was used, where that prolongs it."""
        wanted = (
            select(*(column.label(f"s_{column.name}") for column in _SESSION), *SHOWN)
            .join(users, users.c.id == user_sessions.c.user_id)
            .where(
                user_sessions.c.digest == digest_of(secret),
                user_sessions.c.ends_at > now,
                user_sessions.c.seen_at > now - idle,
                users.c.disabled_at.is_(None),
            )
        )
        async with store_session(self.database) as session:
            row = (await session.execute(wanted)).one_or_none()
            if row is None:
                return None
            found = SessionView.model_validate(
                {name[2:]: value for name, value in row._mapping.items() if name[:2] == "s_"}
            )
            if prolong and now - found.seen_at >= SEEN_EVERY:
                await session.execute(
                    update(user_sessions).where(user_sessions.c.id == found.id).values(seen_at=now)
                )
        return found, view(row)

    async def of(self, user_id: str, *, now: datetime, idle: timedelta) -> list[SessionView]:
        """A user's sessions that count, the newest first."""
        wanted = (
            select(*_SESSION)
            .where(
                user_sessions.c.user_id == user_id,
                user_sessions.c.ends_at > now,
                user_sessions.c.seen_at > now - idle,
            )
            .order_by(user_sessions.c.created_at.desc(), user_sessions.c.id)
        )
        async with store_session(self.database) as session:
            return [_session(row) for row in await session.execute(wanted)]

    async def end(self, user_id: str, session_id: str | None = None) -> int:
        """End one session of a user, or all; how many there were."""
        gone = delete(user_sessions).where(user_sessions.c.user_id == user_id)
        if session_id is not None:
            gone = gone.where(user_sessions.c.id == session_id)
        async with store_session(self.database) as session:
            return len(list(await session.execute(gone.returning(user_sessions.c.id))))


@dataclass(frozen=True)
class Links:
    """The one-time links of one database."""

    database: Database

    async def make(self, user_id: str, *, now: datetime, lasts: timedelta) -> str:
        """The secret of a new link; the one before is void."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {"digest": digest_of(secret), "created_at": now, "ends_at": now + lasts}
        async with store_session(self.database) as session:
            await session.execute(
                upsert(user_links)
                .values(user_id=user_id, **row)
                .on_conflict_do_update(index_elements=["user_id"], set_=row)
            )
        return secret

    async def whose(self, secret: str, *, now: datetime) -> UserView | None:
        """Who may set a password with it; it counts on."""
        wanted = (
            select(*SHOWN)
            .join(user_links, user_links.c.user_id == users.c.id)
            .where(
                user_links.c.digest == digest_of(secret),
                user_links.c.ends_at > now,
                users.c.disabled_at.is_(None),
            )
        )
        async with store_session(self.database) as session:
            row = (await session.execute(wanted)).one_or_none()
        return None if row is None else view(row)

    async def use(self, secret: str) -> bool:
        """Void it; whether this was the first to do so."""
        gone = (
            delete(user_links)
            .where(user_links.c.digest == digest_of(secret))
            .returning(user_links.c.user_id)
        )
        async with store_session(self.database) as session:
            return (await session.execute(gone)).one_or_none() is not None


@dataclass(frozen=True)
class FailedLogins:
    """How often logins failed, by login and by address."""

    database: Database

    async def reserve(self, limits: Mapping[str, int], *, now: datetime) -> None:
        """Count one more failure for each key before it is known whether it is one.

        Counted first, so that a thousand tries at once are a thousand. `limits` says how many are
        free of waiting, by key; raises `LoginThrottled`, having counted nothing.
        """
        keys = sorted(limits)
        async with store_session(self.database) as session:
            await session.execute(
                upsert(login_failures)
                .values([{"key": key, "failed_at": now, "blocked_until": now} for key in keys])
                .on_conflict_do_nothing()
            )
            rows = await session.execute(
                select(login_failures)
                .where(login_failures.c.key.in_(keys))
                .order_by(login_failures.c.key)
                .with_for_update()
            )
            known = {
                row.key: Failures(row.failures, row.failed_at, row.blocked_until) for row in rows
            }
            for key, failures in reserve(known, limits, now=now).items():
                await session.execute(
                    update(login_failures)
                    .where(login_failures.c.key == key)
                    .values(failures._asdict())
                )

    async def forgive(self, who: str, address: str = "", *, now: datetime, old: timedelta) -> None:
        """It was no failure: login or device starts afresh, the address is as it was."""
        async with store_session(self.database) as session:
            await session.execute(
                delete(login_failures).where(
                    (login_failures.c.key == who) | (login_failures.c.failed_at < now - old)
                )
            )
            await session.execute(
                update(login_failures)
                .where(login_failures.c.key == address)
                .values(failures=func.greatest(login_failures.c.failures - 1, 0), blocked_until=now)
            )


_SESSION = tuple(column for column in user_sessions.c if column.name != "digest")


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _of_secret(secret: str) -> Any:
    return delete(user_sessions).where(user_sessions.c.digest == digest_of(secret))


def _session(row: Any) -> SessionView:
    return SessionView.model_validate(dict(row._mapping))
