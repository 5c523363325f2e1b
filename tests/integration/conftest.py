"""What commands that are tried on real services need."""

import pytest

from tests.support.stack import TemporalDev


@pytest.fixture
def services_env(
    database_url: str, temporal_dev: TemporalDev, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings by which a command finds the test's database and Temporal."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    monkeypatch.setenv("OFFHOOK_TEMPORAL__ADDRESS", temporal_dev.address)
    monkeypatch.setenv("OFFHOOK_TEMPORAL__NAMESPACE", temporal_dev.namespace)
