"""The filter of a list as a mark on its contacts: set when either changes, so that no claim looks
for the few whom it takes among the many whom it leaves out.
"""

from collections.abc import Sequence

from dialer.lists.filter_text import parse_filter
from offhook.storage import list_sql
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.pool import Connection

ORDER_LIMIT = 600.0
"""Seconds that changing every contact of a list may take."""


async def sift(connection: Connection, list_id: int, text: str) -> None:
    """Mark the contacts of a list whose filter has changed."""
    parameters = Parameters(list_id)
    fits = condition(parse_filter(text), parameters)
    statement = list_sql.SIFT.format(fits=fits)
    await connection.execute(statement, *parameters.values, timeout=ORDER_LIMIT)


async def sift_new(connection: Connection, list_id: int, contacts: Sequence[int]) -> None:
    """Mark contacts that have come into a list, if it has a filter."""
    text = await connection.fetchval(list_sql.FILTER, list_id)
    if text is None or not contacts:
        return
    parameters = Parameters(list(contacts))
    fits = condition(parse_filter(text), parameters)
    await connection.execute(list_sql.SIFT_NEW.format(fits=fits), *parameters.values)
