"""Tickets as CSV, such that no spreadsheet runs what a customer was called."""

import csv
import io
from collections.abc import AsyncIterator

from dialer.contacts_csv.export import escape
from offhook.storage.callback_lists import TicketRow

TICKET_COLUMNS = (
    "ticket_id",
    "callback_id",
    "list_name",
    "agent_id",
    "number",
    "opened_at",
    "closed_at",
    "status",
    "comment",
)


async def ticket_lines(tickets: AsyncIterator[TicketRow]) -> AsyncIterator[str]:
    """The header, then a line for each ticket."""
    yield _line(list(TICKET_COLUMNS))
    async for ticket in tickets:
        row = ticket.model_dump(mode="json")
        yield _line([escape(str(row[name] or "")) for name in TICKET_COLUMNS])


def _line(cells: list[str]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(cells)
    return stream.getvalue()
