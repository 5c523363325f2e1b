"""What crosses Temporal for callbacks: one promise, the orders about it and their answers."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from activities.contracts import Contract, Count, Id, Key, Reason
from dialer.appointments import Period
from dialer.callback_mirror import Seen
from dialer.callbacks import (
    CallbackId,
    CallbackPhase,
    Move,
    Promise,
    TicketId,
    TicketStatus,
)
from dialer.model import AgentId, SwitchId

MAX_ANSWERS = 50
"""Orders of one callback whose answers are kept, so that repeating one gives the answer it had."""
MAX_ORDERS_PER_RUN = 500


class CallbackOrder(Contract):
    """An order about one callback; `request_id` is what makes repeating it safe."""

    request_id: Key
    agent_id: AgentId | None = None
    """Who asks; None is a supervisor."""


class TakeCallback(CallbackOrder):
    """Have it, so that nobody else may."""


class StartCallback(CallbackOrder):
    """Call it now, at one of its numbers."""

    number: Annotated[str, Field(max_length=20)] = ""
    """E.164; empty is the first."""


class TicketCallback(CallbackOrder):
    """What came of it. `callback` puts it off, to the next day unless one is named."""

    status: TicketStatus
    comment: Annotated[str, Field(max_length=2_000)] = ""
    due_on: date | None = None
    period: Period | None = None
    owner: AgentId | None = None


class ReleaseCallback(CallbackOrder):
    """Give it back."""


class RescheduleCallback(CallbackOrder):
    """Another day, period or owner."""

    due_on: date | None = None
    period: Period | None = None
    owner: AgentId | None = None


class CancelCallback(CallbackOrder):
    """Nobody is to be called back."""

    reason: Reason = ""


class MirrorCallback(CallbackOrder):
    """What the PBX that keeps its list says of it."""

    version: Count
    """The record's when the PBX was asked; if a move was made since, this is old news."""
    seen: Seen


class AgentLeft(Contract):
    """The agent who may have it has logged off, or is gone."""

    agent_id: AgentId


class ListDeleted(Contract):
    """The callback's list is deleted, and with it the callback."""


class CallbackAnswer(Contract):
    """What came of an order; the same for every repetition of it."""

    request_id: Key
    callback_id: CallbackId
    phase: CallbackPhase
    version: Count
    at: datetime
    ticket_id: TicketId | None = None
    call_failed: Reason = ""
    """Started, but the switch did not place the call: why. The agent may dial by hand."""


class CallbackState(Contract):
    """All that a callback's workflow remembers; carried whole into its next run."""

    promise: Promise | None = None
    """None until it was read from the record, and when the record has none."""
    answers: Annotated[tuple[CallbackAnswer, ...], Field(max_length=MAX_ANSWERS)] = ()
    orders_seen: Count = 0
    """In this run of the workflow."""
    runs: Count = 0
    list_deleted: bool = False


class CallbackInput(Contract):
    """Keep this promise. What it is about is read from the record."""

    callback_id: CallbackId
    resume: CallbackState | None = None


class CallbackResult(Contract):
    """Why the workflow ended."""

    phase: CallbackPhase | None
    """None when there is no such callback."""
    asleep: bool = False
    """It is due so much later that its row waits alone, until its day or an order comes."""
    reason: Reason = ""
    """`list_deleted`, where that is why nobody is to be called."""


class CallbackSnapshot(Contract):
    """What a callback's workflow says of itself."""

    callback_id: CallbackId
    promise: Promise | None
    wakes_at: datetime | None
    runs: Count


class BeginCallback(Contract):
    """Read a promise from the record."""

    callback_id: CallbackId


class PromiseRead(Contract):
    """The promise as recorded; None when there is none."""

    promise: Promise | None


class RecordMove(Contract):
    """Write a move and the promise as it is afterwards."""

    request_id: Key
    """Of the order, or made of the version for a move by time: repeated, it is written once."""
    move: Move
    promise: Promise
    """Afterwards; its version is one more than the record's."""
    at: datetime
    agent_id: AgentId | None = None
    ticket_id: TicketId | None = None
    """Opened by `start`, closed by `ticket` and `call_again`; abandoned by `lose`."""
    status: TicketStatus | None = None
    comment: Annotated[str, Field(max_length=2_000)] = ""
    number: Annotated[str, Field(max_length=20)] = ""


class DriveCallback(Contract):
    """Have the PBX that keeps the list make this move; asked again, it is made once."""

    promise: Promise
    """Before the move."""
    move: Move
    agent_id: AgentId | None = None
    status: TicketStatus | None = None
    comment: Annotated[str, Field(max_length=2_000)] = ""
    due_on: date | None = None
    period: Period | None = None


class MirrorLists(Contract):
    """Follow the callback lists that a switch keeps itself."""

    switch: SwitchId


class PermitCall(Contract):
    """May this number be called now?"""

    promise: Promise
    number: Annotated[str, Field(min_length=1, max_length=20)]


class CallCallback(Contract):
    """Connect the agent with the number; the ticket's id is the call's correlator."""

    promise: Promise
    agent_id: AgentId
    number: Annotated[str, Field(min_length=1, max_length=20)]
    ticket_id: TicketId


class CallbackCalled(Contract):
    """What the switch said."""

    failed: Reason = ""
    """Empty when the call was placed."""


class WakeInput(Contract):
    """Start the workflows of callbacks that are due soon."""

    before: datetime | None = None
    """Due before this moment; None is the usual time ahead."""


class WakeResult(Contract):
    """How many workflows were started."""

    woken: Count = 0
    running: Count = 0
    last: Id | None = None
