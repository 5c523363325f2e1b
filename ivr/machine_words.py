"""What the machine is told, what it asks for, and what it remembers.

Every event names the `turn` that it answers; the machine's turn grows with everything that it does.
So an event that comes twice, or late, answers a turn that is over and changes nothing. VOIspeed's
`tag` parameter carries the turn; on other switches the session keeps it.

Nothing here can hold the digits of a PIN: a PIN node is answered by `SecretDigits`, which carries a
one-time reference to digits that are kept elsewhere.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NewType

from pydantic import AwareDatetime, Field

from dialer.suitability import Needs
from ivr.prompts import Piece
from ivr.tree_parts import Destination, Input, Name, Part, Scope

SecretRef = NewType("SecretRef", str)
"""A claim check: opaque, used once, means nothing to whoever reads it in a log."""

Turn = Annotated[int, Field(ge=0)]
Values = Annotated[dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=50)]


class Phase(StrEnum):
    """What a session is doing, which is what it waits for."""

    new = "new"
    saying = "saying"
    asking = "asking"
    listening = "listening"
    deciding = "deciding"
    queued = "queued"
    leaving = "leaving"
    ended = "ended"


class EndReason(StrEnum):
    """Why a session is over."""

    hung_up = "hung_up"
    completed = "completed"
    connected = "connected"
    transferred = "transferred"
    no_way_on = "no_way_on"
    too_many_steps = "too_many_steps"


class Event(Part):
    """Something that happened at an instant."""

    at: AwareDatetime


class Started(Event):
    """A call has reached the tree."""

    event: Literal["started"] = "started"
    calling: Annotated[str, Field(max_length=64)] = ""
    called: Annotated[str, Field(max_length=64)] = ""
    language: str | None = None
    values: Values = Field(default_factory=dict)


class Answering(Event):
    """An event that answers a turn."""

    turn: Turn


class Digits(Answering):
    """The caller's whole input, without its terminator."""

    event: Literal["digits"] = "digits"
    digits: Annotated[str, Field(pattern=r"^[0-9*#A-D]{1,32}$")]


class SecretDigits(Answering):
    """The caller's whole input to a PIN node, by reference."""

    event: Literal["secret_digits"] = "secret_digits"
    reference: Annotated[SecretRef, Field(min_length=8, max_length=128)]


class Silence(Answering):
    """The turn's timer has run out."""

    event: Literal["silence"] = "silence"


class PromptFinished(Answering):
    """What the turn says has been said."""

    event: Literal["prompt_finished"] = "prompt_finished"


class PinAnswer(StrEnum):
    """What came of checking a PIN."""

    ok = "ok"
    wrong = "wrong"
    locked = "locked"
    expired = "expired"
    unavailable = "unavailable"


class PinChecked(Answering):
    """A PIN was checked."""

    event: Literal["pin_checked"] = "pin_checked"
    answer: PinAnswer
    customer: Annotated[str, Field(max_length=64)] | None = None
    """Whose PIN it is, if it is right."""


class HookAnswered(Answering):
    """Somebody's service answered, or didn't (no `result`)."""

    event: Literal["hook_answered"] = "hook_answered"
    result: Annotated[str, Field(max_length=64)] | None = None
    values: Values = Field(default_factory=dict)


class Routed(Answering):
    """The search for an agent is over."""

    event: Literal["routed"] = "routed"
    outcome: Literal["connected", "nobody", "timeout"]


class QueuePosition(Answering):
    """The caller has moved up in the queue."""

    event: Literal["queue_position"] = "queue_position"
    position: Annotated[int, Field(ge=1)]


class Carried(Answering):
    """What the turn asked for was carried out, or failed."""

    event: Literal["carried"] = "carried"
    ok: bool


class HungUp(Event):
    """The call is over, whoever ended it."""

    event: Literal["hung_up"] = "hung_up"


AnyEvent = Annotated[
    Started
    | Digits
    | SecretDigits
    | Silence
    | PromptFinished
    | PinChecked
    | HookAnswered
    | Routed
    | QueuePosition
    | Carried
    | HungUp,
    Field(discriminator="event"),
]


class Action(Part):
    """Something to do, for a turn; events that come of it name the turn."""

    turn: Turn


class Play(Action):
    """Say these pieces in order; a key stops them if `barge_in`."""

    do: Literal["play"] = "play"
    pieces: tuple[Piece, ...]
    barge_in: bool = False
    loop: bool = False


class Collect(Action):
    """Gather keys; `secret` ones are stored, and answered by reference."""

    do: Literal["collect"] = "collect"
    input: Input
    secret: bool = False


class SetTimer(Action):
    """Tell `Silence` after this long; replaces the timer before."""

    do: Literal["set_timer"] = "set_timer"
    after: timedelta


class VerifyPin(Action):
    """Check the PIN behind the reference."""

    do: Literal["verify_pin"] = "verify_pin"
    reference: SecretRef
    policy: str
    customer: str | None = None


class CallHook(Action):
    """Ask a URL."""

    do: Literal["call_hook"] = "call_hook"
    url: str
    secret: str | None = None
    timeout: timedelta
    values: dict[str, str]


class FindAgent(Action):
    """Find the most suitable agent, and put the caller in the queue until then."""

    do: Literal["find_agent"] = "find_agent"
    needs: Needs
    max_wait: timedelta


class LeaveQueue(Action):
    """The caller doesn't wait any more: give back what was reserved."""

    do: Literal["leave_queue"] = "leave_queue"


class BookCallback(Action):
    """Promise to call this number back."""

    do: Literal["book_callback"] = "book_callback"
    number: str
    not_before: datetime
    group: str | None = None


class RecordOptOut(Action):
    """Put this number on the do-not-call list."""

    do: Literal["record_opt_out"] = "record_opt_out"
    number: str
    scope: Scope


class SaveAnswers(Action):
    """Keep the answers to a survey; nothing waits for it."""

    do: Literal["save_answers"] = "save_answers"
    survey: str
    answers: dict[str, int]


class Transfer(Action):
    """Put the call through."""

    do: Literal["transfer"] = "transfer"
    to: Destination


class HangUp(Action):
    """End the call."""

    do: Literal["hang_up"] = "hang_up"
    reason: EndReason


AnyAction = Annotated[
    Play
    | Collect
    | SetTimer
    | VerifyPin
    | CallHook
    | FindAgent
    | LeaveQueue
    | BookCallback
    | RecordOptOut
    | SaveAnswers
    | Transfer
    | HangUp,
    Field(discriminator="do"),
]


class Session(Part):
    """Everything that a call in a tree is; carried by its workflow."""

    entry: Name
    """The tree that the call began in; its limits hold."""
    tree: Name
    node: str = ""
    phase: Phase = Phase.new
    turn: Turn = 0
    steps: int = 0
    tries: int = 0
    """How often the present node has asked in vain."""
    question: int = 0
    """Which question of a survey is asked."""
    position: int | None = None
    language: str = ""
    calling: str = ""
    called: str = ""
    customer: str | None = None
    """Who the caller is, proven by a PIN."""
    values: dict[str, str] = Field(default_factory=dict)
    answers: dict[str, int] = Field(default_factory=dict)
    ended: EndReason | None = None
    last: tuple[AnyAction, ...] = ()
    """What the last event led to: the answer to a retry of it."""


class Visit(Part):
    """A way that was taken: out of a node (none at the start), by a branch, into a node."""

    tree: str
    node: str
    branch: str
    to_tree: str | None = None
    to_node: str | None = None


class Step(Part):
    """What an event led to."""

    session: Session
    actions: tuple[AnyAction, ...] = ()
    ways: tuple[Visit, ...] = ()
    ignored: str | None = None
    """Why the event changed nothing, if so."""
