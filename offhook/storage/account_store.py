"""Users in the database."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from offhook.accounts.errors import AgentTaken, LastAdmin, LoginTaken, UserChanged, UserNotFound
from offhook.accounts.principal import EVERYTHING, Scope
from offhook.accounts.roles import Role
from offhook.storage.account_tables import user_links, user_sessions, users
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database


class UserView(BaseModel):
    """A user as it may be shown."""

    model_config = ConfigDict(frozen=True)

    id: str
    login: str
    name: str
    role: Role
    scope: Scope
    agent_id: str | None
    """The agent that they are at the desk."""
    has_password: bool
    version: int
    created_at: AwareDatetime
    last_login_at: AwareDatetime | None
    disabled_at: AwareDatetime | None


class UserChange(BaseModel):
    """What changes of a user; what is not set stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    role: Role | None = None
    scope: Scope | None = None
    agent_id: str | None = None
    """Empty: none any more."""
    disabled: bool | None = None


@dataclass(frozen=True)
class Users:
    """The users of one database."""

    database: Database

    async def create(
        self,
        login: str,
        role: Role,
        *,
        now: datetime,
        name: str = "",
        scope: Scope = EVERYTHING,
        agent_id: str | None = None,
    ) -> UserView:
        """Add one, who has no password yet; raises `LoginTaken` or `AgentTaken`."""
        row = {
            "id": f"usr-{secrets.token_hex(6)}",
            "login": login,
            "name": name,
            "role": role,
            "scope": scope.model_dump(mode="json", exclude_none=True),
            "agent_id": agent_id or None,
            "created_at": now,
        }
        try:
            async with store_session(self.database) as session:
                made = await session.execute(users.insert().values(**row).returning(*SHOWN))
                return view(made.one())
        except IntegrityError as error:
            raise _taken(error, login, agent_id or "") from None

    async def page(self, *, after: str = "", limit: int | None = None) -> list[UserView]:
        """Users by login, those behind that one; all unless so many are asked for."""
        wanted = select(*SHOWN).where(users.c.login > after).order_by(users.c.login).limit(limit)
        async with store_session(self.database) as session:
            return [view(row) for row in await session.execute(wanted)]

    async def find(self, key: str) -> UserView:
        """A user by id or login; raises `UserNotFound`."""
        async with store_session(self.database) as session:
            return view(await _row(session, key))

    async def change(
        self, key: str, change: UserChange, *, now: datetime, version: int | None = None
    ) -> tuple[UserView, UserView]:
        """Change a user, of that version if one is said; what it was, and what it is.

        Raises `UserChanged`, `AgentTaken`, and `LastAdmin` where nobody would be left who manages
        users. Whoever is disabled has no session and no link any more.
        """
        try:
            async with store_session(self.database) as session:
                return await _change(session, key, change, now, version)
        except IntegrityError as error:
            raise _taken(error, key, change.agent_id or "") from None

    async def password_of(self, login: str) -> tuple[UserView, str | None] | None:
        """A user who may log in, and the hash that is kept; None for anybody else."""
        wanted = select(*SHOWN, users.c.password).where(
            users.c.login == login, users.c.disabled_at.is_(None)
        )
        async with store_session(self.database) as session:
            row = (await session.execute(wanted)).one_or_none()
        return None if row is None else (view(row), row.password)

    async def set_password(
        self, user_id: str, kept: str, *, now: datetime, keep_session: str | None = None
    ) -> None:
        """Keep another hash; every other session ends, and a link that was given is void."""
        async with store_session(self.database) as session:
            await session.execute(
                update(users)
                .where(users.c.id == user_id)
                .values(password=kept, password_at=now, version=users.c.version + 1)
            )
            await _end_access(session, user_id, keep_session)

    async def note_login(self, user_id: str, *, now: datetime, kept: str | None) -> None:
        """Note when they came; keep a hash that was made again with today's parameters."""
        values: dict[str, object] = {"last_login_at": now}
        if kept is not None:
            values["password"] = kept
        async with store_session(self.database) as session:
            await session.execute(update(users).where(users.c.id == user_id).values(**values))

    async def waiting_admin(self, login: str, *, now: datetime) -> UserView | None:
        """The first administrator, made when there is no user at all; None once one has a password.

        However many processes start at once, one user is made.
        """
        async with store_session(self.database) as session:
            await session.execute(select(func.pg_advisory_xact_lock(_FIRST)))
            admins = list(
                await session.execute(
                    select(*SHOWN)
                    .where(users.c.role == Role.admin, users.c.disabled_at.is_(None))
                    .order_by(users.c.created_at)
                )
            )
            if any(row.has_password for row in admins):
                return None
            if admins:
                return view(admins[0])
            made = await session.execute(
                users.insert()
                .values(
                    id=f"usr-{secrets.token_hex(6)}", login=login, role=Role.admin, created_at=now
                )
                .returning(*SHOWN)
            )
            return view(made.one())


_FIRST = 0x6F66_6661
"""Key of the advisory lock under which the first administrator is made."""

SHOWN = (
    *(column for column in users.c if column.name not in {"password", "password_at"}),
    users.c.password.is_not(None).label("has_password"),
)


def view(row: Any) -> UserView:
    """A row of `SHOWN`."""
    return UserView.model_validate(dict(row._mapping))


async def _row(session: AsyncSession, key: str, *, lock: bool = False) -> Any:
    wanted = select(*SHOWN).where(or_(users.c.id == key, users.c.login == key))
    row = (await session.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None:
        raise UserNotFound(key)
    return row


async def _change(
    session: AsyncSession, key: str, change: UserChange, now: datetime, version: int | None
) -> tuple[UserView, UserView]:
    before = view(await _row(session, key, lock=True))
    if version is not None and before.version != version:
        raise UserChanged(before.login)
    values = _values(before, change, now)
    demoted = values.get("role", Role.admin) is not Role.admin
    if before.role is Role.admin and (demoted or values.get("disabled_at") is not None):
        await _require_other_admin(session, before)
    changed = await session.execute(
        update(users)
        .where(users.c.id == before.id)
        .values(**values, version=users.c.version + 1)
        .returning(*SHOWN)
    )
    if change.disabled:
        await _end_access(session, before.id, None)
    return before, view(changed.one())


def _values(before: UserView, change: UserChange, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {}
    if change.name is not None:
        values["name"] = change.name
    if change.role is not None:
        values["role"] = change.role
    if change.scope is not None:
        values["scope"] = change.scope.model_dump(mode="json", exclude_none=True)
    if change.agent_id is not None:
        values["agent_id"] = change.agent_id or None
    if change.disabled is not None:
        values["disabled_at"] = (before.disabled_at or now) if change.disabled else None
    return values


async def _require_other_admin(session: AsyncSession, leaving: UserView) -> None:
    # Two administrators who disable each other at once must not both succeed: each waits here.
    await session.execute(select(func.pg_advisory_xact_lock(_FIRST)))
    others = await session.scalar(
        select(func.count())
        .select_from(users)
        .where(users.c.role == Role.admin, users.c.disabled_at.is_(None), users.c.id != leaving.id)
    )
    if leaving.disabled_at is None and not others:
        raise LastAdmin(leaving.login)


async def _end_access(session: AsyncSession, user_id: str, keep: str | None) -> None:
    await session.execute(
        user_sessions.delete().where(
            user_sessions.c.user_id == user_id, user_sessions.c.id != (keep or "")
        )
    )
    await session.execute(user_links.delete().where(user_links.c.user_id == user_id))


def _taken(error: IntegrityError, login: str, agent: str) -> Exception:
    said = str(error.orig)
    if "users_login_key" in said:
        return LoginTaken(login)
    if "users_agent_id" in said:
        return AgentTaken(agent)
    return error
