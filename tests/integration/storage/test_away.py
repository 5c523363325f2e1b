"""A database that is away is told as that, by whichever library it was asked."""

import pytest
from sqlalchemy import text

from activities.ports import StoreUnavailable
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.pool import store_errors
from tests.support.stack import PostgresServer


async def test_sessions_that_are_cut_off_are_told_as_a_store_that_is_away(
    postgres: PostgresServer, database_url: str
) -> None:
    async with Database.open(database_url) as database:
        views = CampaignViews(database)
        assert await views.all() == []
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            await postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'"
            )
            with pytest.raises(StoreUnavailable), store_errors():
                await session.execute(text("SELECT 1"))
            await session.rollback()


async def test_a_server_that_is_not_there_is_told_as_a_store_that_is_away() -> None:
    async with Database.open("postgresql://nobody@/none?host=/nowhere") as database:
        with pytest.raises(StoreUnavailable):
            await CampaignViews(database).all()
