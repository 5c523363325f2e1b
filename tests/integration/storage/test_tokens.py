"""Tokens of the API: kept as hashes, good until they end."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from offhook.storage.account_tables import api_tokens
from offhook.storage.database import Database
from offhook.storage.token_store import Scope, TokenExists, TokenNotFound, Tokens, digest_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
READ = [Scope.callbacks_read]


async def test_a_token_is_known_by_its_text_of_which_only_the_hash_is_kept(
    database: Database,
) -> None:
    tokens = Tokens(database)
    made = await tokens.create("crm", READ, now=NOW, lasts=None)

    found = await tokens.known(made.token, now=NOW)

    assert found is not None
    assert (found.id, found.scopes) == (made.view.id, ("callbacks:read",))
    assert await tokens.known(made.token + "x", now=NOW) is None
    async with database.transaction() as session:
        row = (await session.execute(select(api_tokens))).one()
    assert row.digest == digest_of(made.token)
    assert made.token not in repr(row)
    assert made.token.startswith(row.prefix)


async def test_a_token_counts_no_more_when_it_has_expired_or_was_revoked(
    database: Database,
) -> None:
    tokens = Tokens(database)
    short = await tokens.create("short", READ, now=NOW, lasts=timedelta(days=1))
    long = await tokens.create("long", READ, now=NOW, lasts=None)

    await tokens.revoke("long", now=NOW)

    assert await tokens.known(short.token, now=NOW + timedelta(hours=23)) is not None
    assert await tokens.known(short.token, now=NOW + timedelta(days=1)) is None
    assert await tokens.known(long.token, now=NOW) is None
    with pytest.raises(TokenNotFound):
        await tokens.revoke("long", now=NOW)


async def test_a_name_is_free_again_once_its_token_is_revoked(database: Database) -> None:
    tokens = Tokens(database)
    first = await tokens.create("crm", READ, now=NOW, lasts=None)
    with pytest.raises(TokenExists):
        await tokens.create("crm", READ, now=NOW, lasts=None)

    await tokens.revoke(first.view.id, now=NOW)
    again = await tokens.create("crm", READ, now=NOW + timedelta(hours=1), lasts=None)

    assert [view.id for view in await tokens.all()] == [again.view.id, first.view.id]


async def test_the_last_use_of_a_token_is_noted_once_a_minute(database: Database) -> None:
    tokens = Tokens(database)
    made = await tokens.create("crm", READ, now=NOW, lasts=None)

    for seconds in (0, 59, 61):
        await tokens.known(made.token, now=NOW + timedelta(seconds=seconds))
        if seconds == 59:
            assert (await tokens.all())[0].last_used_at == NOW

    assert (await tokens.all())[0].last_used_at == NOW + timedelta(seconds=61)
