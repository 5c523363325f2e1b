"""What is counted of callbacks."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, func, select

from dialer.callbacks import CallbackPhase
from offhook.storage.callback_tables import callbacks


def _number_of(condition: Any) -> Any:
    return func.count().filter(condition)


def open_counts(now: datetime) -> Select[Any]:
    """How much of each list waits, is due, is held and is late."""
    c = callbacks.c
    return (
        select(
            c.list_id,
            _number_of(c.phase == CallbackPhase.waiting).label("waiting"),
            _number_of(c.phase == CallbackPhase.due).label("due"),
            _number_of(c.holder.is_not(None)).label("held"),
            _number_of(c.closes_at < now).label("late"),
        )
        .where(c.ended_at.is_(None))
        .group_by(c.list_id)
    )


def counts(now: datetime) -> Select[Any]:
    """How promises were kept; whoever asks says which."""
    c = callbacks.c
    is_open = c.ended_at.is_(None)
    kept = c.phase == CallbackPhase.closed
    return select(
        func.count().label("booked"),
        _number_of(kept).label("kept"),
        _number_of(c.kept_in_time).label("kept_in_time"),
        _number_of(c.phase == CallbackPhase.expired).label("expired"),
        _number_of(c.phase == CallbackPhase.cancelled).label("cancelled"),
        _number_of(is_open).label("open"),
        _number_of(is_open & (c.closes_at < now)).label("late"),
        func.avg(case((is_open, now - c.created_at))).label("average_age"),
        func.avg(case((kept, func.greatest(c.ended_at - c.opens_at, timedelta(0))))).label(
            "average_delay"
        ),
    )
