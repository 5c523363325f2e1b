"""What crosses Temporal for callers in a menu.

No PIN comes here: what a caller typed at a PIN node is a `SecretRef`, stored before anything of
this is made. `StepSession.digits` is for keys that are no secret, and says nothing of itself in a
log.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from activities.contracts import Contract, Count, Id
from dialer.model import AgentId, SwitchId
from dialer.suitability import Needs
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    EndReason,
    Phase,
    PinAnswer,
    SecretRef,
    Session,
)
from ivr.tree_parts import Name, Scope

MAX_STEPS = 1_500
"""Words from the switch that one session takes; Temporal allows a workflow 2,000 updates."""
MAX_PATIENCE = timedelta(seconds=20)

Number = Annotated[str, Field(max_length=64)]
Ref = Annotated[SecretRef, Field(min_length=8, max_length=128)]


class FrontEnd(StrEnum):
    """Who keeps time and tells how a transfer went."""

    asked = "asked"
    """The switch asks us at the end of each node (VOIspeed): it times the caller's silence, and
    never tells how a transfer went.
    """
    told = "told"
    """We drive the call (Asterisk): the session times silence, and is told what came of things."""


class Heard(StrEnum):
    """What the front end has to say, beside what was typed."""

    nothing = "nothing"
    """It only wants to know what to do now: a first hook, a retry, a look at the queue."""
    returned = "returned"
    """The node has run to its end and nothing was typed."""
    typed = "typed"
    prompt_finished = "prompt_finished"
    carried = "carried"
    failed = "failed"


class StartSession(Contract):
    """A call has reached a tree."""

    switch_id: SwitchId
    call_id: Id
    front_end: FrontEnd = FrontEnd.asked
    ivr_id: Annotated[str, Field(max_length=64)] = ""
    calling: Number = ""
    called: Number = ""
    language: Annotated[str, Field(max_length=12)] | None = None
    tree: Name | None = None
    """The published tree; None is whatever the switch's routes say."""
    values: Annotated[dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=50)] = (
        Field(default_factory=dict)
    )


class StepSession(Contract):
    """What the front end knows, for one turn."""

    calling: Number | None = None
    """Who calls, with the first word about a call: a switch may give an id again, and nobody may
    get into another's session.
    """
    turn: Annotated[int, Field(ge=0)] | None = None
    """The turn that is answered; None is none."""
    part: Annotated[int, Field(ge=0, le=31)] = 0
    """Which piece of the turn's prompt has been played, where a node plays one at a time."""
    heard: Heard = Heard.nothing
    digits: Annotated[str, Field(max_length=32, repr=False)] = ""
    secret: Ref | None = None
    known: Count | None = None
    """The `serial` of the last reply, for who asks only what is new."""
    patience: Annotated[timedelta, Field(ge=timedelta(0), le=MAX_PATIENCE)] = timedelta(0)
    """How long the answer may be held back until there is something new to do."""


class CallerGone(Contract):
    """The switch says that the call is over."""

    at: AwareDatetime | None = None


class AgentFound(Contract):
    """The agent that the caller is to be connected with."""

    agent_id: AgentId
    address: Annotated[str, Field(max_length=100)]
    """The agent on the switch."""
    number: Annotated[str, Field(max_length=64)] = ""
    reasons: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=30)] = ()


class SessionReply(Contract):
    """What the front end is to do now."""

    session_id: Id
    serial: Count = 0
    """Grows whenever there is something new to do; a repetition has the same."""
    turn: Count
    part: Count = 0
    """The piece of the prompt to play next."""
    phase: Phase
    actions: tuple[AnyAction, ...] = ()
    agent: AgentFound | None = None
    """Connect the caller with this agent."""
    ended: EndReason | None = None
    hold_audio: Annotated[str, Field(max_length=200)] = ""
    """What is played to callers who wait, where the switch has it."""


class SessionSnapshot(Contract):
    """What a session's workflow says of itself."""

    session_id: Id
    tree: str
    version: Count
    session: Session | None
    lost: bool = False


class SessionResult(Contract):
    """How a session ended."""

    session_id: Id
    ended: EndReason | None
    """None when no tree answers the number."""
    lost: bool = False
    """The switch never came back."""
    steps: Count = 0


class BeginSession(Contract):
    """Find the tree, and write that a session begins."""

    session_id: Id
    start: StartSession
    at: AwareDatetime


class SessionBegun(Contract):
    """The tree that answers, pinned for the whole session; None when none does."""

    tree: str | None
    version: Count = 0
    session: Session | None = None
    hold_audio: Annotated[str, Field(max_length=200)] = ""
    callback_list: Annotated[str, Field(max_length=200)] = ""


class AdvanceSession(Contract):
    """Have the machine handle an event, and write what it led to."""

    session_id: Id
    seq: Count
    """Which event of the session this is: written once, whatever is repeated."""
    tree: str
    version: Count
    session: Session
    event: AnyEvent
    agent_id: Annotated[str, Field(max_length=150)] = ""
    lost: bool = False


class SessionAdvanced(Contract):
    """The session afterwards; its `last` are the actions."""

    session: Session
    ignored: str | None = None


class VerifyPin(Contract):
    """Redeem the reference and judge the PIN behind it."""

    reference: Ref
    policy: str
    customer: str | None = None
    session_id: Id
    call_id: Id
    """Failed tries of a call count under this."""
    calling: Number = ""
    turn: Count = 0


class PinVerdict(Contract):
    """What the machine is told."""

    answer: PinAnswer
    customer: Annotated[str, Field(max_length=64)] | None = None


class CallHook(Contract):
    """POST these values to a URL, signed with the named secret."""

    url: Annotated[str, Field(max_length=600)]
    secret: str | None = None
    timeout: timedelta
    values: dict[str, str]
    key: Id
    """Equal for two deliveries of the same question."""


class HookSaid(Contract):
    """The service's answer; no result is no answer."""

    result: Annotated[str, Field(max_length=64)] | None = None
    values: dict[str, str] = Field(default_factory=dict)


class SeekAgent(Contract):
    """Keep the caller in the queue, and reserve the most suitable agent when there is one."""

    session_id: Id
    switch_id: SwitchId
    turn: Count | None = None
    """The turn in which the caller waits: once the record shows another, there is nobody to look
    for.
    """
    needs: Needs
    since: AwareDatetime
    max_wait: timedelta
    calling: Number = ""
    customer: Annotated[str, Field(max_length=64)] | None = None
    refused: AgentId | None = None
    """The agent who was offered this caller and didn't take the call: the next one is wanted."""
    position: Annotated[int, Field(ge=1)] | None = None
    """The place that the caller knows."""
    wait: timedelta = timedelta(0)
    """How long to look before saying that nothing has changed."""


class AgentSearch(Contract):
    """What came of looking. `waiting` may tell a better place in the queue."""

    outcome: Literal["reserved", "waiting", "nobody", "timeout"]
    agent: AgentFound | None = None
    position: Annotated[int, Field(ge=1)] | None = None


class LeaveQueue(Contract):
    """Give back what was reserved, and the place; `connected` keeps the agent for the call."""

    session_id: Id
    connected: bool = False


class BookCallback(Contract):
    """Promise to call back, once for a key."""

    key: Id
    switch_id: SwitchId
    number: Number
    not_before: datetime
    group: str | None = None
    callback_list: Annotated[str, Field(max_length=200)] = ""


class OptOut(Contract):
    """Put a number on the do-not-call list."""

    session_id: Id
    switch_id: SwitchId
    call_id: Id
    number: Number
    scope: Scope


class SaveAnswers(Contract):
    """Keep the answers to a survey."""

    session_id: Id
    survey: str
    answers: dict[str, int]
    at: AwareDatetime


class Done(Contract):
    """Whether something was carried out."""

    ok: bool
