"""The forms of a database URL that people write, and the ones that the two drivers want."""

import pytest

from offhook.errors import SettingsError
from offhook.storage.database import async_url, asyncpg_dsn


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d", "postgresql+psycopg://u:p@h/d"],
)
def test_database_url_gets_the_asynchronous_driver(url: str) -> None:
    assert async_url(url).render_as_string(hide_password=False) == "postgresql+asyncpg://u:p@h/d"
    assert asyncpg_dsn(url) == "postgresql://u:p@h/d"


@pytest.mark.parametrize("option", ["ssl", "sslmode"])
def test_database_url_keeps_encryption_under_each_drivers_name_for_it(option: str) -> None:
    url = f"postgresql://h/d?{option}=require"
    assert dict(async_url(url).query) == {"ssl": "require"}
    assert asyncpg_dsn(url).endswith("?sslmode=require")


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite:///x", "postgresql://h/d?colour=red"])
def test_database_url_is_refused_when_it_can_not_work(url: str) -> None:
    with pytest.raises(SettingsError):
        async_url(url)
