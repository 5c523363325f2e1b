"""Structured events on standard error, with phone numbers masked whatever logged them.

The mask is the last processor before rendering, so that a careless call or a library's message
can't put a person's number in a log file. Masking keeps the last two digits: enough to match two
lines by eye.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from offhook.settings import LogSettings

# A plus and seven digits or more, however grouped; or ten and more digits that stand alone. Every
# dialable international number is caught, while ports, counts, identifiers with letters and ISO
# instants are not.
_NUMBER = re.compile(
    r"\+\d(?:[ ()/-]{0,2}\d){6,14}(?!\d)|(?<![A-Za-z0-9.])\d{10,15}(?![A-Za-z0-9])(?!\.\d)"
)
_KEPT_DIGITS = 2


def mask_numbers(text: str) -> str:
    """`text` with every phone number in it reduced to its last two digits."""
    return _NUMBER.sub(lambda found: f"…{found.group()[-_KEPT_DIGITS:]}", text)


def mask_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Structlog processor: mask phone numbers in every value, however deep."""
    for key, value in event.items():
        event[key] = _masked(value)
    return event


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask_numbers(value)
    if isinstance(value, Mapping):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    return mask_numbers(str(value))


def configure_logging(settings: LogSettings, *, process: str | None = None) -> None:
    """Send structlog and standard logging to standard error, masked and in one format."""
    as_json = settings.json_lines if settings.json_lines is not None else not sys.stderr.isatty()
    level = logging.getLevelNamesMapping()[settings.level.value.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    final: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_event,
        structlog.processors.JSONRenderer(sort_keys=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "asyncio", "uvicorn.access", "temporalio", "alembic"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    if process is not None:
        structlog.contextvars.bind_contextvars(process=process)
