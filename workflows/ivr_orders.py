"""What the switch is to do now, and what its words mean to the machine: pure, for the session."""

from datetime import datetime, timedelta

from activities.ivr_contracts import Heard, SessionReply, StepSession
from dialer.rejections import Rejected
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    Carried,
    Collect,
    Digits,
    EndReason,
    HangUp,
    Phase,
    Play,
    PromptFinished,
    SecretDigits,
    Session,
    Silence,
    Transfer,
)
from ivr.tree_parts import InputType


class CallIdTaken(Rejected):
    """The id is that of another caller's session, which has to end first."""

    code = "ivr_call_id_taken"

    def __init__(self) -> None:
        super().__init__("another caller has a session under this id; end it and begin again")


SHOWN = (Play, Collect, Transfer, HangUp)
"""Actions that the front end carries out; all others are ours."""
_ELSEWHERE = frozenset({EndReason.connected, EndReason.transferred})
_SAID = frozenset({Phase.queued, Phase.deciding})


def next_order(order: SessionReply, session: Session) -> SessionReply:
    """The order after a step. Within a turn, what is being gathered goes on being gathered."""
    shown = tuple(action for action in session.last if isinstance(action, SHOWN))
    changes: dict[str, object] = {
        "phase": session.phase,
        "turn": session.turn,
        "ended": session.ended,
        "part": 0,
        "serial": order.serial + 1,
    }
    if session.phase is Phase.ended and session.ended in _ELSEWHERE:
        # Where the call went on is the answer to every repetition.
        return order.model_copy(update={**changes, "turn": order.turn})
    if session.turn == order.turn:
        kept = tuple(one for one in order.actions if isinstance(one, Collect))
        shown = (*shown, *kept)
    return order.model_copy(update={**changes, "actions": shown, "agent": None})


def hang_up(order: SessionReply) -> SessionReply:
    """The order to end the call, whatever the session was doing."""
    action: AnyAction = HangUp(turn=order.turn, reason=EndReason.no_way_on)
    return order.model_copy(
        update={"phase": Phase.ended, "actions": (action,), "serial": order.serial + 1}
    )


def next_part(order: SessionReply, request: StepSession) -> SessionReply | None:
    """The order for a switch that has played one piece and wants the next; None if it has not."""
    if request.turn != order.turn or request.heard is not Heard.returned:
        return None
    pieces = sum(len(one.pieces) for one in order.actions if isinstance(one, Play))
    if request.part + 1 < pieces:
        return order.model_copy(update={"part": request.part + 1})
    if pieces and order.phase in _SAID:
        silent = tuple(one for one in order.actions if not isinstance(one, Play))
        return order.model_copy(update={"actions": silent, "part": 0})
    return None


def event_of(session: Session, request: StepSession, at: datetime) -> AnyEvent | None:
    """What the machine is told of a word of the switch; None when there is nothing to tell."""
    turn = session.turn
    if request.turn != turn:
        return None
    if request.secret is not None:
        return SecretDigits(at=at, turn=turn, reference=request.secret)
    if request.digits:
        return Digits(at=at, turn=turn, digits=request.digits)
    match request.heard:
        case Heard.prompt_finished:
            return PromptFinished(at=at, turn=turn)
        case Heard.carried | Heard.failed if session.phase is Phase.leaving:
            return Carried(at=at, turn=turn, ok=request.heard is Heard.carried)
        case Heard.returned if session.phase is Phase.saying:
            return PromptFinished(at=at, turn=turn)
        case Heard.returned if session.phase in {Phase.asking, Phase.listening}:
            return Silence(at=at, turn=turn)
        case _:
            return None


def typing(session: Session) -> timedelta:
    """How much longer than its wait an input takes when a caller keys it slowly: the front end
    begins its wait anew at each key, and only it knows of them.
    """
    asked = next((one for one in session.last if isinstance(one, Collect)), None)
    if asked is None or session.phase not in {Phase.asking, Phase.listening}:
        return timedelta(0)
    entry = asked.input
    between = entry.wait if entry.type is InputType.fixed else entry.digit_timeout
    return between * (entry.length - 1)


def settled(order: SessionReply) -> bool:
    """Whether there is something to tell the switch."""
    return order.phase is not Phase.new and (
        order.phase is not Phase.deciding or bool(order.actions)
    )
