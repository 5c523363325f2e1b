"""A missing service skips its tests on a laptop and fails them in CI."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.conftest import _service


class _Missing(AbstractContextManager[str]):
    def __enter__(self) -> str:
        raise FileNotFoundError("no such program")

    def __exit__(self, *_details: object) -> None:
        """There is nothing to give back."""


@contextmanager
def _present() -> Iterator[str]:
    yield "here"


def test_missing_service_skips_when_not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no database here: no such program"):
        next(_service(_Missing(), "database"))


def test_missing_service_fails_when_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(FileNotFoundError):
        next(_service(_Missing(), "database"))


@pytest.mark.parametrize("ci", ["", "true"])
def test_present_service_is_given_out(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("CI", ci)
    assert next(_service(_present(), "database")) == "here"
