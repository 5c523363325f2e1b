"""The filter of a list as a mark on its contacts: set when either changes, so that no claim looks
for the few whom it takes among the many whom it leaves out.
"""

from collections.abc import Sequence
from itertools import pairwise

from dialer.lists.filter_text import parse_filter
from offhook.storage import list_sql
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.pool import Connection, Pool

ORDER_LIMIT = 600.0
"""Seconds that changing every contact of a list may take."""
PART = 2_000
"""Contacts that one transaction marks, where it needn't be all at once."""


async def release(connection: Connection, list_id: int, text: str) -> None:
    """Let those into the queue whom the old filter kept out and the new one takes."""
    parameters = Parameters(list_id)
    fits = condition(parse_filter(text), parameters)
    statement = list_sql.RELEASE.format(fits=fits)
    await connection.execute(statement, *parameters.values, timeout=ORDER_LIMIT)


async def leave_out(pool: Pool, list_id: int, text: str) -> None:
    """Mark those whom a filter that is committed leaves out, some at a time.

    Claims ask the filter of everybody they meet, so this only spares them the many whom it leaves
    out: it may be interrupted anywhere. In one transaction, claims would pass over all of its rows
    until the commit, and over as many dead entries of their index behind it.
    """
    if not text.strip():
        return
    parameters = Parameters(list_id, PART)
    fits = condition(parse_filter(text), parameters)
    statement = list_sql.LEFT_OUT.format(fits=fits)
    cuts, last = await pool.fetchrow(statement, *parameters.values, timeout=ORDER_LIMIT)
    parameters = Parameters(list_id, 0, 0)
    statement = list_sql.LEAVE_OUT.format(fits=condition(parse_filter(text), parameters))
    for begin, end in pairwise([0, *(cuts or ()), last or 0]):
        values = [list_id, begin, end, *parameters.values[3:]]
        await pool.execute(statement, *values, timeout=ORDER_LIMIT)


async def sift_new(connection: Connection, list_id: int, contacts: Sequence[int]) -> None:
    """Mark contacts that have come into a list, if it has a filter."""
    text = await connection.fetchval(list_sql.FILTER, list_id)
    if text is None or not contacts:
        return
    parameters = Parameters(list(contacts))
    fits = condition(parse_filter(text), parameters)
    await connection.execute(list_sql.SIFT_NEW.format(fits=fits), *parameters.values)
