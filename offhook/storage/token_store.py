"""Tokens of the API: made, found by their hash, revoked."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from offhook.accounts.roles import Permission
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage.account_tables import api_tokens
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import NotFound

MARK = "offhook_"
"""How every token begins, so that scanners of leaked secrets know one when they see it."""
SECRET_BYTES = 32
SHOWN = len(MARK) + 6
USED_EVERY = timedelta(minutes=1)
"""`last_used_at` is written no more often than this."""


Scope = Permission
"""What a token may do; a route names the one that it asks for."""


class TokenExists(OffhookError):
    """A token of that name is in use."""

    code = "token_exists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a token {name} already",
            hint=f"choose another name, or revoke it first: `offhook token revoke {name}`",
        )


class TokenNotFound(NotFound):
    """There is no such token, or it was revoked before."""

    code = "token_not_found"
    noun = "token"
    listed_by = "`offhook token list` names them all"


class TokenView(BaseModel):
    """A token as it may be shown."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_by: str = ""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None
    revoked_at: AwareDatetime | None

    def counts(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class NewToken(BaseModel):
    """A token that was just made: the one time that its secret is seen."""

    model_config = ConfigDict(frozen=True)

    token: str
    view: TokenView


@dataclass(frozen=True)
class Tokens:
    """The tokens of one database."""

    database: Database

    async def create(
        self,
        name: str,
        scopes: Sequence[Permission],
        *,
        now: datetime,
        lasts: timedelta | None,
        created_by: str = "",
    ) -> NewToken:
        """Make one; without `lasts` it counts until it is revoked."""
        token = MARK + secrets.token_urlsafe(SECRET_BYTES)
        made = {
            "id": f"tok-{secrets.token_hex(6)}",
            "name": name,
            "prefix": token[:SHOWN],
            "scopes": sorted(set(scopes)),
            "created_at": now,
            "created_by": created_by,
            "expires_at": None if lasts is None else now + lasts,
        }
        statement = (
            upsert(api_tokens)
            .values(**made, digest=digest_of(token))
            .on_conflict_do_nothing(
                index_elements=["name"], index_where=api_tokens.c.revoked_at.is_(None)
            )
            .returning(*_SHOWN)
        )
        async with store_session(self.database) as session:
            row = (await session.execute(statement)).one_or_none()
        if row is None:
            raise TokenExists(name)
        return NewToken(token=token, view=_view(row))

    async def all(self) -> list[TokenView]:
        """Every token that was ever made, the newest first."""
        wanted = select(*_SHOWN).order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
        async with store_session(self.database) as session:
            return [_view(row) for row in await session.execute(wanted)]

    async def revoke(self, key: str, *, now: datetime) -> TokenView:
        """End a token, by id or name, from its next request on."""
        statement = (
            update(api_tokens)
            .where(or_(api_tokens.c.id == key, api_tokens.c.name == key))
            .where(api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(*_SHOWN)
        )
        async with store_session(self.database) as session:
            row = (await session.execute(statement)).one_or_none()
        if row is None:
            raise TokenNotFound(key)
        view = _view(row)
        note_change(f"token/{view.id}", {"revoked_at": None}, {"revoked_at": view.revoked_at})
        return view

    async def known(self, token: str, *, now: datetime) -> TokenView | None:
        """Whose token it is, if it counts; notes that it was used."""
        found = select(*_SHOWN).where(api_tokens.c.digest == digest_of(token))
        async with store_session(self.database) as session:
            row = (await session.execute(found)).one_or_none()
            view = None if row is None else _view(row)
            if view is None or not view.counts(now):
                return None
            if view.last_used_at is None or now - view.last_used_at >= USED_EVERY:
                await session.execute(
                    update(api_tokens).where(api_tokens.c.id == view.id).values(last_used_at=now)
                )
        return view


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


_SHOWN = tuple(column for column in api_tokens.c if column.name != "digest")


def _view(row: Any) -> TokenView:
    return TokenView.model_validate(dict(row._mapping))
