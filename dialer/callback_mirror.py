"""Promises on a list that the PBX keeps itself: what it says of them is taken over as it is.

Between offhook and the PBX there is one winner, the PBX: our moves are asked of it first, and
written here once it has agreed; what changes there is written here without being asked (ADR 8).
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from dialer.appointments import Period
from dialer.callbacks import HELD, OVER, CallbackPhase, CallbackRules, Move, Promise
from dialer.model import AgentId, Frozen

DRIVEN = frozenset({Move.take, Move.release, Move.lose, Move.ticket, Move.call_again})
"""Moves that a PBX is asked for before they are written."""
NOT_DRIVEN = frozenset({Move.reschedule, Move.cancel})
"""Moves that no command of a PBX asks for."""
MIRRORED = CallbackRules(lease=timedelta(hours=12), escalate_after=None, expire_after=None)
"""What a mirrored list asks: whatever isn't the PBX's own doing is left undone."""


class Seen(Frozen):
    """A request as the PBX shows it."""

    external_id: Annotated[str, Field(min_length=1, max_length=200)]
    list_id: Annotated[str, Field(max_length=200)] = ""
    """The PBX's name of the list."""
    open: bool = True
    """False when the PBX has it no longer."""
    holder: AgentId | None = None
    """Who has taken it."""
    numbers: Annotated[tuple[str, ...], Field(max_length=5)] = ()
    """E.164 where they can be read so, else as the PBX writes them."""
    first_name: Annotated[str, Field(max_length=200)] = ""
    last_name: Annotated[str, Field(max_length=200)] = ""
    company: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    due_on: date | None = None
    period: Period | None = None


def reflect(promise: Promise, seen: Seen, now: datetime) -> Promise:
    """The promise as the PBX has it; the very same where they agree already."""
    if promise.phase in OVER:
        return promise
    free = {"holder": None, "held_since": None, "held_until": None, "ticket_id": None}
    changes: dict[str, object] = {}
    if not seen.open:
        changes = {"phase": CallbackPhase.closed, **free}
    else:
        due_on, period = seen.due_on or promise.request.due_on, seen.period
        period = period or promise.request.period
        if (due_on, period) != (promise.request.due_on, promise.request.period):
            put_off = {"due_on": due_on, "period": period}
            changes = {"request": promise.request.model_copy(update=put_off), "fell_due_at": None}
            if promise.phase is CallbackPhase.due:
                changes["phase"] = CallbackPhase.waiting
        if seen.holder is None and promise.phase in HELD:
            changes |= {"phase": CallbackPhase.waiting, **free}
        elif seen.holder is not None and seen.holder != promise.holder:
            changes |= {
                **free,
                "phase": CallbackPhase.taken,
                "holder": seen.holder,
                "held_since": now,
                "held_until": now + promise.rules.lease,
                "fell_due_at": promise.fell_due_at or now,
            }
    if not changes:
        return promise
    return promise.model_copy(update={**changes, "version": promise.version + 1})
