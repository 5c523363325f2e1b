"""Logs: one JSON object a line, and never a whole phone number."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from offhook.logging import configure_logging, mask_event, mask_numbers
from offhook.settings import LogLevel, LogSettings


@given(
    digits=st.text("0123456789", min_size=8, max_size=15),
    before=st.sampled_from(["", "to ", "=", "sip:"]),
)
def test_mask_hides_every_international_number(digits: str, before: str) -> None:
    masked = mask_numbers(f"{before}+{digits}, then more")
    assert digits not in masked
    assert masked.startswith(f"{before}…{digits[-2:]},")


@pytest.mark.parametrize(
    "text",
    ["+371 20 000 000", "+1 (202) 555-0143", "37120000000", "tel=37120000000", "0037120000000."],
)
def test_mask_hides_numbers_however_they_are_grouped(text: str) -> None:
    assert sum(character.isdigit() for character in mask_numbers(text)) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T10:00:00.123456+00:00",
        "127.0.0.1:28331",
        "01JQ5W8K6T0000000000000000",
        "took 12.345678901 s",
        "port 65535 and 1000000 contacts",
    ],
)
def test_mask_leaves_what_is_no_number(text: str) -> None:
    assert mask_numbers(text) == text


def test_mask_reaches_into_nested_values() -> None:
    event = mask_event(
        None, "info", {"a": {"b": ["+37120000000"]}, "n": 3, "e": ValueError("+37120000000")}
    )
    assert "+371200" not in str(event)
    assert event["n"] == 3


@pytest.fixture
def configured() -> Iterator[None]:
    """Whatever a test configures is undone."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("configured")
def test_log_is_json_without_numbers_whoever_logs(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings(json=True, level=LogLevel.info), process="test")
    structlog.get_logger().info("call_placed", to="+37120000001", ratio=1.5)
    structlog.get_logger().debug("not_shown")
    logging.getLogger("library").warning("number %s refused", "+37120000002")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["call_placed", "number …02 refused"]
    assert (lines[0]["to"], lines[0]["process"], lines[0]["ratio"]) == ("…01", "test", 1.5)
    assert lines[0]["at"].endswith("Z")


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("json_lines", [True, False])
def test_trace_of_an_error_shows_no_values_of_variables(
    capsys: pytest.CaptureFixture[str], json_lines: bool
) -> None:
    configure_logging(LogSettings(level=LogLevel.info, json=json_lines))
    digits = str(4700 + 11)

    def read(keys: str) -> float:
        return len(keys) / 0

    try:
        read(digits)
    except ZeroDivisionError:
        structlog.get_logger().exception("keys_not_read")
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert digits not in said
