"""Pages of lists: so many at a time, and a cursor to go on behind the last."""

import base64
import json
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from offhook.api.problems import BadCursor

T = TypeVar("T")
MOST = 200


class Page(BaseModel, Generic[T]):
    """Some of a list, in its order."""

    items: list[T]
    next_cursor: str | None = None
    """Send it as `cursor` to go on; null after the last."""


Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]


def write_cursor(*place: str) -> str:
    """A cursor for what stands at that place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, parts: int) -> list[str] | None:
    """The place of a cursor, of that many parts; raises `BadCursor`."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(place, list) or len(place) != parts:
        raise BadCursor
    if not all(isinstance(part, str) and part.isprintable() for part in place):
        raise BadCursor
    return place


def read_moment_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The place of a cursor that is an instant and an id; raises `BadCursor`."""
    place = read_cursor(cursor, 2)
    if place is None:
        return None
    try:
        at = datetime.fromisoformat(place[0])
    except ValueError:
        raise BadCursor from None
    if at.tzinfo is None or not 2000 <= at.year < 2200:
        raise BadCursor
    return at, place[1]
