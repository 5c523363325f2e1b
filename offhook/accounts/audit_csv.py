"""The audit log as CSV, such that no spreadsheet runs what somebody was called."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence

from dialer.contacts_csv.export import escape
from offhook.storage.account_audit import AuditRow

COLUMNS = (
    "id",
    "at",
    "kind",
    "actor",
    "actor_name",
    "address",
    "request_id",
    "action",
    "subject",
    "result",
    "code",
    "before",
    "after",
)


async def audit_lines(rows: AsyncIterator[AuditRow]) -> AsyncIterator[str]:
    """The header, then a line for each entry; `before` and `after` are JSON."""
    yield _line(COLUMNS)
    async for row in rows:
        told = row.model_dump(mode="json")
        yield _line([escape(_cell(told[name])) for name in COLUMNS])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(cells: Sequence[str]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(cells)
    return stream.getvalue()
