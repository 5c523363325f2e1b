"""Tiers by folder, deterministic property tests, and the services that tests run against.

A service that can't be started skips its tests on a laptop and fails them where CI is set.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from offhook.storage.database import Database
from offhook.temporal.client import data_converter
from tests.support.asterisk import asterisk_installed as asterisk_installed
from tests.support.asterisk import asterisk_pbx as asterisk_pbx
from tests.support.asterisk import asterisk_people as asterisk_people
from tests.support.order import dealt
from tests.support.stack import (
    TEMPLATE,
    PostgresServer,
    TemporalDev,
    in_ci,
    make_template,
    postgres_server,
    temporal_server,
    time_skipping_server,
)

TIERS = frozenset(
    {
        "unit",
        "contract",
        "workflow",
        "replay",
        "integration",
        "api",
        "console",
        "e2e",
        "bench",
        "docs",
    }
)
_ROOT = Path(__file__).parent
_Service = TypeVar("_Service")

_PLAIN = [HealthCheck.too_slow]  # other people share this machine's two cores
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_PLAIN)
settings.register_profile("dev", deadline=None, suppress_health_check=_PLAIN)
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, suppress_health_check=_PLAIN
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its tier, which is its folder, and deal them over the workers."""
    for item in items:
        item.add_marker(_tier(item))
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = dealt(
        [item for item in slow if _tier(item) == "e2e"],
        [item for item in slow if _tier(item) != "e2e"],
        [item for item in items if not item.get_closest_marker("slow")],
        int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
    )


def _tier(item: pytest.Item) -> str:
    tier = item.path.relative_to(_ROOT).parts[0] if item.path.is_relative_to(_ROOT) else ""
    if tier not in TIERS:
        raise pytest.UsageError(
            f"{item.nodeid} is in no tier: put it into a folder of {', '.join(sorted(TIERS))}"
        )
    return tier


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings, or touches the home, of whoever runs it."""
    for name in [name for name in os.environ if name.upper().startswith("OFFHOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OFFHOOK_HOME", str(tmp_path / "home"))


def _service(context: AbstractContextManager[_Service], name: str) -> Iterator[_Service]:
    try:
        service = context.__enter__()
    except Exception as error:
        if in_ci():
            raise
        pytest.skip(f"no {name} here: {error}")
    try:
        yield service
    finally:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the session."""
    yield from _service(postgres_server(), "PostgreSQL")


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """Name of a database with the newest schema, to copy from."""
    make_template(postgres)
    return TEMPLATE


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """URL of an empty database of the test's own."""
    url = await postgres.create()
    yield url
    await postgres.drop(url)


@pytest.fixture
async def database_url(postgres: PostgresServer, postgres_template: str) -> AsyncIterator[str]:
    """URL of a database of the test's own with the newest schema."""
    url = await postgres.create(template=postgres_template)
    yield url
    await postgres.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of the test's own with the newest schema, opened."""
    async with Database.open(database_url, pool_size=20) as opened:
        yield opened


@pytest.fixture(scope="session")
def temporal_dev() -> Iterator[TemporalDev]:
    """One Temporal development server for the session."""
    yield from _service(temporal_server(), "Temporal server")


@pytest.fixture
async def temporal_client(temporal_dev: TemporalDev) -> Client:
    """A client of the session's server; use a task queue of the test's own."""
    return await Client.connect(
        temporal_dev.address, namespace=temporal_dev.namespace, data_converter=data_converter(None)
    )


@pytest.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own that skips over timers."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
    ) as environment:
        yield environment
